"""The doorbell: a message reaches its queue; a broker that is away is said to be, at once."""

from __future__ import annotations

import json
from pathlib import Path

import kombu
import pytest
import redis as redis_client

from app import broker
from tests.conftest import forget_settings


@pytest.fixture
def configured(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COSIA_REDIS_URL", redis_url)
    forget_settings()
    return redis_url


def test_ringing_puts_the_job_s_name_in_its_queue(configured: str) -> None:
    assert broker.ring(broker.PREDICT, "job-1", 12.5, "gpu", 0)
    assert broker.ring(broker.FINALIZE, "job-1", 12.5, "cpu", 0)

    with redis_client.Redis.from_url(configured) as client:
        (message,) = client.lrange("gpu", 0, -1)
        assert client.llen("cpu") == 1
    assert json.loads(message)["headers"]["task"] == "cosia.predict_blocks"
    assert json.loads(message)["headers"]["argsrepr"] == "['job-1', 12.5, 'gpu', 0]"


def test_messages_of_every_priority_wait_in_a_queue_and_the_most_urgent_is_taken_first(configured: str) -> None:
    for priority in (2, 1, 0, 1):
        broker.ring(broker.PREDICT, f"job-{priority}", 1.0, "gpu", priority)
    assert broker.waiting("gpu") == 4

    taken = []
    with broker.celery().connection_for_read() as connection, connection.SimpleQueue("gpu") as queue:
        for _ in range(4):
            message = queue.get(timeout=5)
            taken.append(message.payload[0][0])
            message.ack()

    assert taken == ["job-0", "job-1", "job-1", "job-2"]
    assert broker.waiting("gpu") == 0


def test_queues_of_the_same_priority_take_turns(configured: str) -> None:
    for _ in range(2):
        broker.ring(broker.PREDICT, "large", 1.0, "gpu", 1)
        broker.ring(broker.FINALIZE, "small", 1.0, "cpu", 1)

    taken: list[str] = []
    queues = [kombu.Queue(name, kombu.Exchange(name), name) for name in ("gpu", "cpu")]
    with broker.celery().connection_for_read() as connection, connection.channel() as channel:
        consumer = kombu.Consumer(channel, queues, accept=["json"], prefetch_count=1)
        consumer.register_callback(lambda body, message: (taken.append(body[0][0]), message.ack()))
        with consumer:
            while len(taken) < 4:
                connection.drain_events(timeout=5)

    assert taken in (["large", "small"] * 2, ["small", "large"] * 2)


def test_a_broker_that_is_away_costs_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_REDIS_URL", "redis://127.0.0.1:1/0")
    forget_settings()

    assert not broker.ring(broker.PREDICT, "job-1", 1.0, "gpu", 1)
    assert broker.waiting("gpu") is None
    assert not broker.is_reachable()


def test_a_broker_that_did_not_answer_is_not_waited_for_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_REDIS_URL", "redis://127.0.0.1:1/1")
    forget_settings()
    broker.ring(broker.PREDICT, "job-1", 1.0, "gpu", 1)

    def send(*_: object, **__: object) -> None:
        raise AssertionError("tried although it is away")

    monkeypatch.setattr(broker.celery(), "send_task", send)
    assert not broker.ring(broker.PREDICT, "job-2", 1.0, "gpu", 1)


def test_a_broker_that_answers_is_reachable(configured: str) -> None:
    assert broker.is_reachable()


def test_the_embedded_socket_fits_a_socket_s_path_however_deep_the_data_lie() -> None:
    deep = Path("/" + "/".join(["folder"] * 40))

    assert len(str(broker.embedded_socket(deep))) < 100
    assert broker.embedded_socket(deep) != broker.embedded_socket(deep / "other")
