"""Networks that hang, and weights that are not what they should be (K09, K10): a job waits or goes on, none is lost."""

from __future__ import annotations

import hashlib
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.canary import canaries
from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.stack import Stack
from tests.faults.territory import Area

STALL_S = "5"


@pytest.mark.thorough
@pytest.mark.parametrize("stage", ["predicting", "reading"])
def test_a_worker_that_hangs_is_seen_by_its_lack_of_progress(
    postgis_stack: Stack, undisturbed: Undisturbed, stage: str
) -> None:
    """It ends, so that its device is free, and is started again by whoever watches it; the block is done elsewhere."""
    postgis_stack.start_web()
    hang = Fault(stage, "hang", at=2)
    with (
        canaries(postgis_stack),
        postgis_stack.a_worker_that_is_restarted(at_first=[hang], COSIA_STALL_S=STALL_S) as lived,
    ):
        job = postgis_stack.ask(Area(columns=2))
        postgis_stack.wait_until(lambda: any(child.has_reached(stage) for child in lived), "it hangs")

        assert postgis_stack.wait(job) == ["successful"]
        postgis_stack.wait_until(lambda: lived[0].poll() is not None, "the one that hung is gone", 30)
    require_conserved(postgis_stack, undisturbed, kills=1)


def remove(weights: Path) -> None:
    weights.unlink()


def truncate(weights: Path) -> None:
    os.truncate(weights, weights.stat().st_size // 2)


def exchange(weights: Path) -> None:
    """Weights of the same size with another sha256."""
    content = bytearray(weights.read_bytes())
    content[-1] ^= 0xFF
    weights.write_bytes(content)


class Payload:
    """What a malicious pickle holds: a command that runs when it is read."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self._canary}",)


def poison(weights: Path) -> None:
    weights.write_bytes(pickle.dumps({"stem": Payload(weights.with_name("pwn"))}))


@pytest.mark.thorough
@pytest.mark.parametrize("harm", [remove, truncate, exchange, poison])
def test_weights_that_cannot_be_used_leave_jobs_in_the_queue(
    postgis_stack: Stack, undisturbed: Undisturbed, harm: Callable[[Path], None]
) -> None:
    postgis_stack.start_web()
    weights = next((postgis_stack.data / "models").glob("*.safetensors"))
    good = weights.read_bytes()
    harm(weights)
    worker = postgis_stack.start_worker()
    with canaries(postgis_stack):
        job = postgis_stack.ask(Area(columns=2))
        postgis_stack.wait_until(lambda: "worker_out_of_service" in worker.log(), "the worker says why", 30)
        time.sleep(5)  # for more attempts than a block has
        assert postgis_stack.status(job)["status"] == "accepted" or postgis_stack.status(job)["status"] == "running"
        assert worker.poll() is None, "it ends and would be started again and again"
        assert not weights.with_name("pwn").exists()
        assert postgis_stack.blocks_computed() == 0

        weights.write_bytes(good)
        assert hashlib.sha256(good).hexdigest() == weights.stem
        postgis_stack.start_worker()

        assert postgis_stack.wait(job) == ["successful"]
    require_conserved(postgis_stack, undisturbed)


@pytest.mark.thorough
def test_a_worker_without_the_gpu_it_is_told_to_use_says_so(postgis_stack: Stack, undisturbed: Undisturbed) -> None:
    """And one that may use what is there computes on the processor."""
    postgis_stack.start_web()
    lacking = postgis_stack.start_worker(COSIA_DEVICE="cuda", CUDA_VISIBLE_DEVICES="")
    job = postgis_stack.ask(Area(columns=2))
    postgis_stack.wait_until(lambda: "no CUDA device" in lacking.log(), "it says so", 30)
    assert postgis_stack.status(job)["status"] == "accepted"

    postgis_stack.start_worker(COSIA_DEVICE="auto", CUDA_VISIBLE_DEVICES="")

    assert postgis_stack.wait(job) == ["successful"]
    require_conserved(postgis_stack, undisturbed)
