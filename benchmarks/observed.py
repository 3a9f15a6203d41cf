"""A private PostGIS and Redis that tell what they were made to do: CPU, statements, commits, bytes, waits."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

from app.database import Sessions, connect
from app.database.migrate import migrate
from benchmarks.cpu import cpu_s, family_cpu_s
from tests.components import COMPONENTS
from tests.servers import PostgisServer, RedisServer, postgis_server, redis_server

_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "256MB",
    "max_connections": "300",
    "max_wal_size": "4GB",
}
_SAMPLE_S = 0.05


class ComponentMissing(Exception):
    """A server that is not installed; the message says which package has it."""


@dataclass
class Cost:
    """What servers did in some seconds.

    statements: without those that begin and end transactions. waits: what connections that worked waited for, samples.
    connections: the most there were.
    """

    seconds: float
    postgres_cpu_s: float
    statements: int
    transactions: int
    wal_bytes: int
    redis_cpu_s: float
    redis_commands: int
    redis_bytes: int
    slowest: list[tuple[str, int, float]]
    """Statements that took the most time: their beginnings, how often, milliseconds each."""
    waits: Counter[str] = field(default_factory=Counter)
    connections: int = 0


class Servers:
    """Both servers, with one migrated database. Workers and web processes are given `settings`."""

    def __init__(self, postgis: PostgisServer, broker: RedisServer) -> None:
        self._redis = redis.Redis(port=broker.port)
        self._postgis_pid, self._redis_pid = (server.program.process.pid for server in (postgis, broker))
        self.database_url = postgis.create_database()
        self.redis_url = broker.new_url()
        self.sessions = Sessions(connect(self.database_url))
        migrate(self.sessions.engine)
        self._connection = psycopg.connect(self.database_url.replace("+psycopg", ""), autocommit=True)
        self._connection.execute("CREATE EXTENSION pg_stat_statements")

    @property
    def settings(self) -> dict[str, str]:
        return {"COSIA_DATABASE_URL": self.database_url, "COSIA_REDIS_URL": self.redis_url}

    @contextmanager
    def observed(self) -> Iterator[Cost]:
        """The cost of what happens inside, filled in at the end."""
        cost = Cost(0.0, 0.0, 0, 0, 0, 0.0, 0, 0, [])
        self._one("SELECT pg_stat_statements_reset()")
        stop = threading.Event()
        sampler = threading.Thread(target=self._sample, args=(cost, stop), daemon=True)
        before, began = self._counters(), time.perf_counter()
        sampler.start()
        yield cost
        cost.seconds = time.perf_counter() - began
        stop.set()
        sampler.join()
        after = self._counters()
        for name in ("postgres_cpu_s", "wal_bytes", "redis_cpu_s", "redis_commands", "redis_bytes"):
            setattr(cost, name, after[name] - before[name])
        ours = "WHERE query NOT LIKE '%pg_stat%' AND query !~ '^(BEGIN|COMMIT|ROLLBACK)'"
        calls = "SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements"
        cost.statements = self._one(f"{calls} {ours}")
        cost.transactions = self._one(f"{calls} WHERE query ~ '^(COMMIT|ROLLBACK)'")
        cost.slowest = [
            (" ".join(query.split()), calls, ms)
            for query, calls, ms in self._connection.execute(
                "SELECT left(query, 1000), calls, mean_exec_time FROM pg_stat_statements"
                f" {ours} ORDER BY total_exec_time DESC LIMIT 8"  # type: ignore[arg-type]
            )
        ]

    def _counters(self) -> dict[str, Any]:
        told = self._redis.info()
        return {
            "postgres_cpu_s": family_cpu_s(self._postgis_pid),
            "wal_bytes": int(self._one("SELECT pg_current_wal_insert_lsn() - '0/0'")),
            "redis_cpu_s": cpu_s([self._redis_pid]),
            "redis_commands": told["total_commands_processed"],
            "redis_bytes": told["total_net_input_bytes"] + told["total_net_output_bytes"],
        }

    def _sample(self, cost: Cost, stop: threading.Event) -> None:
        query = (
            "SELECT state, coalesce(wait_event_type || ' ' || wait_event, 'computing') FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with psycopg.connect(self.database_url.replace("+psycopg", ""), autocommit=True) as connection:
            while not stop.wait(_SAMPLE_S):
                rows = connection.execute(query).fetchall()
                cost.connections = max(cost.connections, len(rows))
                cost.waits.update(wait for state, wait in rows if state == "active")

    def _one(self, query: str) -> Any:
        row = self._connection.execute(query).fetchone()  # type: ignore[arg-type]
        return row[0] if row else None

    def close(self) -> None:
        self._connection.close()
        self._redis.close()
        self.sessions.engine.dispose()


@contextmanager
def servers() -> Iterator[Servers]:
    """A PostgreSQL that syncs its commits to disk as one in production does, and a Redis.

    Raises ComponentMissing where one is not installed.
    """
    programs, broker = (_found(name) for name in ("postgis", "redis"))
    with postgis_server(programs, **_DURABLE, **_SETTINGS) as postgis, redis_server(broker) as running:
        both = Servers(postgis, running)
        try:
            yield both
        finally:
            both.close()


def _found(name: str) -> Any:
    component = COMPONENTS[name]
    found = component.find()
    if found is None:
        raise ComponentMissing(f"{component.title} is not installed: {component.enable}")
    return found
