"""One client for all servers: wrk with four connections over a list of paths, and the CPU time the servers spend."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.cpu import cpu_s
from benchmarks.servers import Server

_CONNECTIONS = 4
_SCRIPT = Path(__file__).with_name("paths.lua")


class Load(NamedTuple):
    """rate: answers a second. cpu_ms: of all the server's processes, per answer. p99_ms: latency of the slowest 1 %."""

    rate: float
    cpu_ms: float
    p99_ms: float


def ask(server: Server, paths: Sequence[str], seconds: int, offset: int = 0) -> Load:
    """Asks for the paths in their order, from `offset` on. Raises RuntimeError if an answer is an error."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(paths))
        listed.flush()
        options = ["-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "-s", str(_SCRIPT)]
        before = cpu_s(server.pids)
        command = ["wrk", *options, server.address, "--", listed.name, str(offset)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
        spent_s = cpu_s(server.pids) - before
    told = json.loads(output.splitlines()[-1])
    if told["refused"] or told["broken"]:
        raise RuntimeError(f"{server.name}: {told}")
    answers = told["requests"]
    return Load(answers / (told["duration_us"] / 1e6), 1000 * spent_s / answers, told["p99_us"] / 1000)
