"""Whether this worker can predict: its device computes what it should, and the weights of its models are here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import torch
from torch.nn import functional

from app import broker, models
from app.database import Sessions
from app.errors import CosiaError
from app.settings import settings
from app.storage import Storage
from worker.devices import select_device, select_precision
from worker.weights import file_sha256

_TEST_WITHIN_S = 120


def device_fault(asked: str) -> str | None:
    """Why the device, or the precision that is set, cannot be used.

    None where a small convolution on the device gives what it gives on the CPU.
    """
    try:
        device = select_device(asked)
        select_precision(settings().precision, device)
        generator = torch.Generator().manual_seed(1)
        pixels = torch.rand(1, 4, 64, 64, generator=generator)
        kernel = torch.rand(8, 4, 3, 3, generator=generator)
        expected = functional.conv2d(pixels, kernel)
        found = functional.conv2d(pixels.to(device), kernel.to(device)).cpu()
    except CosiaError as error:
        return error.message
    except RuntimeError as error:  # what torch raises for whatever a driver says
        return f"the device does not work: {str(error).splitlines()[0]}"
    if not torch.allclose(found, expected, rtol=1e-2, atol=1e-2):
        return f"the device {device} computes wrong numbers"
    return None


def device_fault_in_a_fresh_process(asked: str) -> str | None:
    """As `device_fault`, for a process whose own connection to the driver may be broken for good."""
    try:
        tried = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "worker.fitness", asked], capture_output=True, text=True, timeout=_TEST_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        return f"the device did not answer within {_TEST_WITHIN_S} s"
    return None if tried.returncode == 0 else (tried.stdout.strip() or "the device does not work")


def weights_fault(sessions: Sessions, storage: Storage, queues: Sequence[str]) -> str | None:
    """Why the models of these queues cannot be used; None where all their weights are here and whole.

    Raises Unavailable while the database is away.
    """
    with sessions.read() as session:
        trained = models.trained_models(session, storage)
    ours = [each for each in trained.values() if broker.queue_of(each.card.id) in queues]
    if not ours:
        return f"no model has weights here and is predicted in {', '.join(queues)}"
    for model in ours:
        try:
            with model.weights() as file:
                if file_sha256(file) != model.sha256:
                    return f"the weights of model {model.card.id} are not what they were (their sha256 differs)"
        except CosiaError as error:
            return f"the weights of model {model.card.id} are not here: {error.message}"
    return None


if __name__ == "__main__":
    fault = device_fault(sys.argv[1] if len(sys.argv) > 1 else settings().device)
    if fault is not None:
        sys.stdout.write(fault + "\n")
        sys.exit(1)
