"""The front door, against a running web process and through nginx as production has it (Q01, Q04, Q05, Q06, Q07).

Keys stand where FAULTS.md has tokens: what is signed, or says who it is, is no key and lets nobody in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import redis as redis_client
from sqlalchemy import select

from app import access
from app.database import JobRow
from app.storage import FolderStorage
from tests import published
from tests.components import require
from tests.faults.conftest import Settled, stack_on_sqlite
from tests.faults.failing import Fault
from tests.faults.observations import require_logged, require_refusal, require_silent
from tests.faults.raw import answer_to, get
from tests.faults.routes import filled, read_routes
from tests.faults.server import Answer, WebProcess
from tests.faults.slow import Kind, slow_clients
from tests.faults.stack import EXECUTION, Stack
from tests.faults.territory import GOOD_TILE, Area
from tests.servers import free_port, nginx_server

ACTIVE_JOBS = 3
ESTIMATE = EXECUTION.replace("/execution", "/estimate")
BODY = json.dumps({"inputs": {"aoi": Area().geometry(), "source": "ortho", "model": "tiny"}}).encode()
JSON = {"Content_Type": "application/json"}
NOISE_PX = 2048


@pytest.fixture(scope="module")
def front(settled_sqlite: Settled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everybody may ask for three jobs; nobody computes. Layer `noise` is megabytes to download."""
    with stack_on_sqlite(settled_sqlite, tmp_path_factory.mktemp("front")) as stack:
        noise = np.random.default_rng(1).integers(1, 17, (NOISE_PX, NOISE_PX), dtype=np.uint8)
        grid = replace(published.GRID, width=NOISE_PX, height=NOISE_PX)
        raster = published.write_classes(stack.folder / "noise.tif", noise, grid)
        published.publish_layer(stack.sessions, FolderStorage(stack.data), raster, layer_id="noise", title="Noise")
        stack.start_web(COSIA_ACTIVE_JOBS=str(ACTIVE_JOBS), COSIA_TRUSTED_PROXIES="127.0.0.1/32")
        yield stack


@pytest.fixture(scope="module")
def web(front: Stack) -> WebProcess:
    """Asked without nginx. Nobody is a trusted proxy here, least of all this host."""
    return front.start_web(COSIA_ACTIVE_JOBS=str(ACTIVE_JOBS))


@pytest.fixture(scope="module")
def guarded(front: Stack) -> WebProcess:
    """A process that wants a key of whoever asks for jobs."""
    return front.start_web(COSIA_API_KEYS="required")


@pytest.fixture(scope="module")
def door(front: Stack) -> Iterator[WebProcess]:
    """nginx in front of a process that believes it."""
    behind = front.webs[0]
    with nginx_server(require("nginx"), behind.port) as port:
        yield replace(behind, port=port)


def of_nginx(answer: Answer) -> Answer:
    """What came through nginx, without the one header that it adds: its name, and no version."""
    headers = dict(answer.headers)
    assert headers.pop("server") == "nginx"
    return replace(answer, headers=headers)


# --- Q01: keys.


class Keys(NamedTuple):
    valid: str
    revoked: str
    expired: str


@pytest.fixture(scope="module")
def keys(front: Stack) -> Keys:
    with front.sessions.write() as session:
        made = Keys(
            access.add(session, "town").text,
            access.add(session, "gone").text,
            access.add(session, "old", expires_days=-1.0).text,
        )
        access.revoke(session, made.revoked.split("_")[1])
    return made


def token(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    """A JSON Web Token (RFC 7519), signed by HMAC-SHA256 or not at all."""

    def coded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    text = f"{coded(json.dumps(header).encode())}.{coded(json.dumps(claims).encode())}"
    return f"{text}.{coded(hmac.digest(secret, text.encode(), hashlib.sha256)) if secret else ''}"


def credentials(keys: Keys, secret: Path) -> dict[str, dict[str, str]]:
    """Header fields that let nobody in."""
    claims = {"sub": "key:town", "aud": "cosia", "exp": 4_102_444_800}
    hs256 = {"typ": "JWT", "alg": "HS256"}
    bearers = {
        "wrong secret": keys.valid[:-1] + ("0" if keys.valid[-1] != "0" else "1"),
        "unknown": "cosia_0123456789ab_" + "0" * 64,
        "revoked": keys.revoked,
        "expired": keys.expired,
        "alg none": token({"typ": "JWT", "alg": "none"}, claims, None),
        "wrong audience": token(hs256, {**claims, "aud": "another"}, b"secret"),
        "kid that is a path": token({**hs256, "kid": f"../../../..{secret}"}, claims, secret.read_bytes()),
        "kid that is SQL": token({**hs256, "kid": "x' UNION SELECT 'secret' --"}, claims, b"secret"),
        "key that is a path": f"cosia_../../..{secret}_00",
        "key that is SQL": "cosia_' OR 1=1 --_" + "0" * 64,
        "nothing": "",
        "10 kB": "x" * 10_000,
    }
    return {
        "none": {},
        **{name: {"Authorization": f"Bearer {bearer}"} for name, bearer in bearers.items()},
        "another header": {"X_API_Key": bearers["unknown"]},
        "another scheme": {"Authorization": f"Basic {base64.b64encode(f'town:{keys.valid}'.encode()).decode()}"},
        "no scheme": {"Authorization": keys.valid},
        "two at a time": {"Authorization": f"Bearer {keys.valid}", "X_API_Key": keys.valid},
        "a cookie": {"Cookie": f"key={keys.valid}; Authorization=Bearer {keys.valid}"},
    }


def test_whoever_has_no_valid_key_is_refused_in_the_same_words(front: Stack, guarded: WebProcess, keys: Keys) -> None:
    """Q01"""
    asked = (("GET", "/api/jobs", None), ("POST", EXECUTION, BODY), ("POST", ESTIMATE, BODY))
    seen: set[str] = set()
    answers = []
    for method, target, body in asked:
        for headers in credentials(keys, guarded.secret).values():
            answer = guarded.ask(target, method, body, **JSON, **headers)
            require_refusal(answer, guarded, 401)
            assert answer.headers["www-authenticate"] == 'Bearer realm="CoSIA Map"'
            told = {**answer.headers, **answer.document, "request_id": "", "x-request-id": "", "date": ""}
            seen.add(json.dumps(told, sort_keys=True))
            answers.append(answer)
    for name in ("key", "api_key", "X-API-Key", "access_token", "token"):
        answers.append(guarded.ask(f"/api/jobs?{name}={keys.valid}"))
        require_refusal(answers[-1], guarded, 400, 401)
    require_refusal(guarded.ask(f"/api/jobs/{'0' * 32}", Authorization=f"Bearer {keys.revoked}"), guarded, 401)

    assert len(seen) == 1, "the refusals can be told apart"
    for key in ({"Authorization": f"Bearer {keys.valid}"}, {"X_API_Key": keys.valid}):
        assert guarded.ask("/api/jobs", **key).status == 200
    require_logged(guarded, answers)
    log = guarded.log.read_text()
    for key in keys:
        assert key.rpartition("_")[2] not in log
        assert all(key.rpartition("_")[2].encode() not in answer.body for answer in answers)


@pytest.mark.thorough
def test_a_key_that_is_revoked_while_in_use_is_refused_within_seconds(front: Stack, guarded: WebProcess) -> None:
    """Q01"""
    with front.sessions.write() as session:
        key = access.add(session, "leaver")
    front.wait_until(lambda: guarded.ask("/api/jobs", X_API_Key=key.text).status == 200, "the key is known", 6)

    with front.sessions.write() as session:
        access.revoke(session, key.id)

    front.wait_until(lambda: guarded.ask("/api/jobs", X_API_Key=key.text).status == 401, "the key is refused", 6)


# --- Q04: limits hold for an address, not for what somebody writes into a header.


def ask_as_many(server: WebProcess, count: int) -> list[Answer]:
    """Asks for a job again and again, each time as somebody else."""
    answers = []
    for n in range(count):
        address = f"203.0.{113 + n // 250}.{1 + n % 250}"
        names = {"X_Forwarded_For": f"{address}, 198.51.100.{n % 250}", "X_Real_IP": address, "Client_IP": address}
        answers.append(server.ask(EXECUTION, "POST", BODY, **JSON, **names, Forwarded=f"for={address};proto=https"))
    return answers


def require_limited(answers: list[Answer], front: Stack, server: WebProcess) -> None:
    """Three jobs of this host were accepted in all, whoever let them in; all else was told when to come back."""
    for answer in answers:
        if answer.status != 201:
            require_refusal(answer, server, 429)
            assert int(answer.headers["retry-after"]) > 0
            assert '"active-jobs";r=0' in answer.headers["ratelimit"]
    with front.sessions.read() as session:
        owners = Counter(session.scalars(select(JobRow.owner)))
    assert owners == {"address:127.0.0.1": ACTIVE_JOBS}


@pytest.mark.parametrize("count", [50, pytest.param(500, marks=pytest.mark.thorough)])
def test_a_caller_cannot_pass_for_many(front: Stack, web: WebProcess, count: int) -> None:
    """Q04"""
    require_limited(ask_as_many(web, count), front, web)


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("count", [50, pytest.param(500, marks=pytest.mark.thorough)])
def test_a_caller_cannot_pass_for_many_through_nginx(front: Stack, door: WebProcess, count: int) -> None:
    """Q04"""
    require_limited([of_nginx(answer) for answer in ask_as_many(door, count)], front, door)


# --- Q05: slow clients.


@contextmanager
def healthy(*servers: WebProcess) -> Iterator[None]:
    """While the block runs, others ask each server for a tile and /healthz: 99 of 100 are answered, and well."""
    stop, statuses = threading.Event(), Counter[object]()

    def ask(server: WebProcess) -> None:
        while not stop.wait(0.05):
            for target in (GOOD_TILE, "/healthz"):
                try:
                    statuses[server.ask(target).status] += 1
                except OSError as error:
                    statuses[repr(error)] += 1

    askers = [threading.Thread(target=ask, args=(server,)) for server in servers]
    for asker in askers:
        asker.start()
    try:
        yield
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert statuses[200] >= 0.99 * statuses.total(), statuses


@pytest.mark.thorough
@pytest.mark.needs("nginx")
def test_slow_clients_are_let_go_and_keep_nobody_from_an_answer(
    front: Stack, web: WebProcess, door: WebProcess
) -> None:
    """Q05, at the process and at nginx, which has a limit of 100 connections an address for requests in full."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    [item] = web.ask("/api/stac/noise/items").document["features"]
    [large] = [each["href"] for each in item["assets"].values() if each["href"].endswith(f"{item['id']}.tif")]
    target = large.removeprefix(web.address)
    assert len(web.ask(target).body) > 1_500_000
    few = {Kind.HEADERS: 200, Kind.BODY: 25, Kind.STALLED: 25, Kind.READING: 25}

    with (
        healthy(web, door),
        slow_clients(web.port, {**few, Kind.IDLE: 2000}, target) as at_process,
        slow_clients(door.port, {**few, Kind.IDLE: 1000}, target) as at_nginx,
    ):
        time.sleep(18)

    assert at_process.closed == {**few, Kind.IDLE: 2000}
    assert at_nginx.closed == {**few, Kind.IDLE: 1000}
    assert max([*at_process.last_s.values(), *at_nginx.last_s.values()]) < 15
    for process in (web, door):
        assert "unexpected_error" not in process.log.read_text()


# --- Q06: what a request says about hosts, and what every answer says about itself.

EVIL = "evil.example"
LINKED = ("/api", "/api/collections", "/api/stac", "/tiles/town/tilejson.json", "/wmts", "/api/qgis-connections.xml")


@pytest.mark.parametrize(
    "headers",
    [
        [f"Host: {EVIL}"],
        [f"Host: {EVIL}:443", f"X-Forwarded-Host: {EVIL}", "X-Forwarded-Proto: gopher", "X-Forwarded-Prefix: /evil"],
        ["Host: localhost", f"Forwarded: host={EVIL};proto=https", f"X-Original-URL: http://{EVIL}/"],
        ["Host: localhost", f"Origin: https://{EVIL}", f"Referer: https://{EVIL}/"],
        ["Host: localhost", "Origin: null"],
    ],
    ids=["Host", "X-Forwarded", "Forwarded", "Origin", "Origin null"],
)
def test_links_are_the_same_whatever_a_request_says_about_hosts(web: WebProcess, headers: list[str]) -> None:
    """Q06"""
    for target in LINKED:
        plain = web.ask(target)
        for asked in (target, f"http://{EVIL}{target}"):
            answer = answer_to(web.port, get(asked, *headers))
            assert (answer.status, answer.body) == (200, plain.body), asked
            require_no_credentials(answer)


def require_no_credentials(answer: Answer) -> None:
    """No page elsewhere may read what its visitor alone may see: no origin is echoed, none may send credentials."""
    assert answer.headers.get("access-control-allow-origin", "*") == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert EVIL not in str(answer.headers)


STRANGE = (
    f"@{EVIL}/api",
    f"//{EVIL}/api",
    f"/\\{EVIL}/api",
    f"/%2f{EVIL}",
    f"http:{EVIL}",
    "*",
    "api",
    "/a b",
    "/\x00",
)


@pytest.mark.parametrize("target", STRANGE)
def test_a_strange_target_is_a_problem_and_leads_nowhere(web: WebProcess, target: str) -> None:
    """Q06"""
    answer = answer_to(web.port, get(target))

    require_refusal(answer, web, 400, 404)
    assert "location" not in answer.headers
    require_logged(web, [answer])


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("target", STRANGE)
def test_a_strange_target_is_a_problem_at_nginx_too(door: WebProcess, target: str) -> None:
    """Q06"""
    answer = of_nginx(answer_to(door.port, get(target)))

    require_refusal(answer, door, 400, 404)
    assert "location" not in answer.headers


def require_guarding_headers(answer: Answer) -> None:
    """Q06: on whatever kind of answer."""
    headers = answer.headers
    assert "frame-ancestors" in headers["content-security-policy"]
    assert "default-src" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["x-request-id"]
    assert not {"server", "x-powered-by", "via"} & headers.keys()
    require_no_credentials(answer)


ORIGIN = {"Origin": f"https://{EVIL}"}


def announced(server: WebProcess, length: int) -> Answer:
    """To the head of a request whose body would be so long: who sends it all may find the connection closed."""
    lines = (
        f"POST {EXECUTION} HTTP/1.1",
        "Host: localhost",
        f"Origin: {ORIGIN['Origin']}",
        f"Content-Length: {length}",
    )
    return answer_to(server.port, "\r\n".join([*lines, "", ""]).encode())


def of_every_kind(server: WebProcess) -> dict[str, tuple[int, Answer]]:
    """What is asked for, the status that it must have, and the answer: of every medium and refusal."""
    etag = server.ask(GOOD_TILE).headers["etag"]
    return {
        "the page": (200, server.ask("/", **ORIGIN)),
        "the documentation": (200, server.ask("/api/docs", **ORIGIN)),
        "JSON": (200, server.ask("/api", **ORIGIN)),
        "XML": (200, server.ask("/wmts", **ORIGIN)),
        "PNG": (200, server.ask(GOOD_TILE, **ORIGIN)),
        "PNG, head": (200, server.ask(GOOD_TILE, "HEAD", **ORIGIN)),
        "PNG, known": (304, server.ask(GOOD_TILE, If_None_Match=etag, **ORIGIN)),
        "no PNG": (204, server.ask("/tiles/town/17/66722/47885.png", **ORIGIN)),
        "health": (200, server.ask("/healthz", **ORIGIN)),
        "a tile that is none": (404, server.ask("/tiles/none/17/66722/47880.png", **ORIGIN)),
        "nothing": (404, server.ask("/nothing", **ORIGIN)),
        "no asset": (404, server.ask("/assets/nothing.js", **ORIGIN)),
        "a parameter that is none": (400, server.ask(f"{GOOD_TILE}?a=b", **ORIGIN)),
        "a report of WMTS": (400, server.ask("/wmts?REQUEST=GetTile&SERVICE=WMTS", **ORIGIN)),
        "a key that is none": (401, server.ask("/api/jobs", X_API_Key="x", **ORIGIN)),
        "a method that is none": (405, server.ask(GOOD_TILE, "DELETE", **ORIGIN)),
        "a body that is too large": (413, announced(server, 2_000_001)),
        "a medium that is none": (415, server.ask(EXECUTION, "POST", b"", Content_Type="text/xml", **ORIGIN)),
        "preflight": (405, server.ask("/api/jobs", "OPTIONS", Access_Control_Request_Method="POST", **ORIGIN)),
    }


def test_every_kind_of_answer_guards_itself(web: WebProcess) -> None:
    """Q06"""
    for asked, (status, answer) in of_every_kind(web).items():
        assert answer.status == status, (asked, answer)
        require_guarding_headers(answer)


@pytest.mark.needs("nginx")
def test_every_kind_of_answer_guards_itself_through_nginx(door: WebProcess) -> None:
    """Q06: what nginx answers by itself too."""
    own = {
        "what is for operators": (404, door.ask("/metrics")),
        "a method that nginx has not": (405, door.ask("/", "TRACE")),
        "no request": (400, answer_to(door.port, b"nonsense\r\n\r\n")),
        "no host": (400, answer_to(door.port, b"GET / HTTP/1.1\r\n\r\n")),
        "a target of 70 kB": (414, door.ask("/" + "x" * 70_000)),
        "a header of 70 kB": (431, door.ask("/", X_Large="x" * 70_000)),
    }
    for asked, (status, answer) in own.items():
        assert answer.status == status, (asked, answer)
        require_refusal(of_nginx(answer), door, status)
    for asked, (status, answer) in (of_every_kind(door) | own).items():
        assert answer.status == status, (asked, answer)
        require_guarding_headers(of_nginx(answer))


def test_a_fault_of_ours_tells_nothing_and_guards_itself(front: Stack) -> None:
    """Q06: 500, provoked where a job is written down."""
    faulty = front.start_web(Fault("before-commit", "raise:5", always=True))

    answer = faulty.ask(EXECUTION, "POST", BODY, **JSON, **ORIGIN)

    require_refusal(answer, faulty, 500)
    require_guarding_headers(answer)
    assert "unexpected_error" in faulty.log.read_text()


# --- Q07: secrets.

DATABASE_PASSWORD, BROKER_PASSWORD = "planted-in-database-url-7f3a", "planted-in-redis-url-9c1e"
BUCKET_SECRET, CACHE_PASSWORD = "planted-in-aws-secret-4d2b", "planted-in-cache-url-8e5f"
PLANTED = (DATABASE_PASSWORD, BROKER_PASSWORD, BUCKET_SECRET, CACHE_PASSWORD)


@pytest.fixture
def planted(postgis_stack: Stack) -> Stack:
    """A web process whose every secret is one that can be recognised."""
    stack = postgis_stack
    with redis_client.Redis(port=stack.redis.port) as broker:
        broker.config_set("requirepass", BROKER_PASSWORD)
    stack.start_web(
        COSIA_DATABASE_URL=stack.database_url.replace("cosia@", f"cosia:{DATABASE_PASSWORD}@"),
        COSIA_REDIS_URL=f"redis://:{BROKER_PASSWORD}@127.0.0.1:{stack.redis.port}/0",
        COSIA_TILE_CACHE_REDIS_URL=f"redis://:{CACHE_PASSWORD}@127.0.0.1:{stack.redis.port}/1",
        AWS_ACCESS_KEY_ID="planted",
        AWS_SECRET_ACCESS_KEY=BUCKET_SECRET,
        COSIA_LOG_LEVEL="DEBUG",
    )
    return stack


def everything(web: WebProcess) -> list[Answer]:
    """Every address that is read, what is not described, and some that are refused."""
    plain = [web.ask(filled(path)) for path in read_routes(web)]
    others = ("/", "/metrics", "/readyz", "/healthz", "/api/openapi.json", "/nothing", "/tiles/%00/1/1/1.png")
    return [
        *plain,
        *(web.ask(target) for target in others),
        web.ask(EXECUTION, "POST", BODY, **JSON),
        web.ask(EXECUTION, "POST", b"{", **JSON),
        web.ask("/api/jobs", X_API_Key="cosia_0123456789ab_" + "0" * 64),
    ]


@pytest.mark.needs("postgis")
def test_no_secret_is_told_by_an_answer_a_log_or_a_file(planted: Stack) -> None:
    """Q07: not while all is well, nor while broker, cache and database are away or refuse what they are sent."""
    web = planted.web
    answers = everything(web)
    planted.redis.program.end()
    answers += everything(web)
    address = f"postgresql+psycopg://cosia:{DATABASE_PASSWORD}@127.0.0.1:{free_port()}/cosia"
    alone = planted.start_web(ready=False, COSIA_DATABASE_URL=address)
    answers += [alone.ask(target) for target in ("/readyz", "/api/jobs", "/metrics", GOOD_TILE)]

    assert {answer.status for answer in answers} >= {200, 201, 400, 401, 404, 503}
    told = [f"{answer.headers} {answer.body.decode('latin-1')}" for answer in answers]
    told += [path.read_bytes().decode("latin-1") for path in planted.folder.rglob("*") if path.is_file()]
    for process in (web, alone):
        told.append(Path(f"/proc/{process.process.pid}/cmdline").read_bytes().decode())  # type: ignore[attr-defined]
    for secret in PLANTED:
        assert not any(secret in each for each in told), secret
    for answer in answers:
        if answer.headers.get("content-type", "").startswith("application/problem+json"):
            require_silent(answer, web)


@pytest.mark.parametrize("command", ["web", "worker", "check"])
@pytest.mark.parametrize("sent", ["", ":another-secret@"], ids=["no password", "a wrong password"])
def test_a_broker_that_refuses_its_password_is_refused_at_the_start(
    sqlite_stack: Stack, command: str, sent: str
) -> None:
    """Q07"""
    with redis_client.Redis(port=sqlite_stack.redis.port) as broker:
        broker.config_set("requirepass", BROKER_PASSWORD)

    child = sqlite_stack.start(command, COSIA_REDIS_URL=f"redis://{sent}127.0.0.1:{sqlite_stack.redis.port}/0")

    assert child.wait(30) == 1
    assert "COSIA_REDIS_URL" in child.log()
    assert "password" in child.log()
    for told in ("another-secret", BROKER_PASSWORD, "Traceback"):
        assert told not in child.log()


def test_a_password_that_changes_later_is_told_by_readiness(sqlite_stack: Stack) -> None:
    """Q07"""
    web = sqlite_stack.start_web()
    with redis_client.Redis(port=sqlite_stack.redis.port) as broker:
        broker.config_set("requirepass", BROKER_PASSWORD)

    readiness = web.ask("/readyz")

    assert (readiness.status, readiness.document["status"]) == (200, "degraded")
    assert "COSIA_REDIS_URL refuses the password" in readiness.document["components"]["broker"]


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("target", ["/metrics", "/readyz", "//metrics", "/./metrics", "/api/../metrics", "/%6detrics"])
def test_figures_are_not_on_the_public_port(door: WebProcess, target: str) -> None:
    """Q07"""
    require_refusal(of_nginx(door.ask(target)), door, 404)
