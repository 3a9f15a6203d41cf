"""Which device computes, and in which precision."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from click.testing import CliRunner

from app.cli import main
from app.errors import Misconfigured
from worker.devices import lacks_memory, select_device, select_precision, threads_beside

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_asking_for_a_gpu_where_there_is_none_is_a_misconfiguration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert select_device("auto") == CPU
    with pytest.raises(Misconfigured, match="set it to auto or cpu"):
        select_device("cuda")


def test_a_processor_computes_in_float32_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})

    assert select_precision("auto", CPU) == torch.float32
    assert select_precision("bf16", CPU) == torch.bfloat16


def test_one_gpu_of_several_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert select_device("auto") == select_device("cuda") == GPU
    assert select_device("cuda:1") == torch.device("cuda", 1)
    assert select_device("cpu") == CPU
    with pytest.raises(Misconfigured, match="COSIA_DEVICE is cuda:2, and the last of 2 CUDA devices is cuda:1"):
        select_device("cuda:2")


@pytest.mark.parametrize(("there", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_gpu_computes_in_bfloat16_if_it_can(
    monkeypatch: pytest.MonkeyPatch, there: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "device", nullcontext)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: there)

    assert select_precision("auto", GPU) == expected
    assert select_precision("fp32", GPU) == torch.float32


def test_bfloat16_is_refused_where_it_would_be_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False})

    with pytest.raises(Misconfigured, match="this cpu does not compute it: set it to auto"):
        select_precision("bf16", CPU)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
    ],
)
def test_want_of_memory_is_known_in_whatever_words_it_comes(error: RuntimeError) -> None:
    assert lacks_memory(error)


def test_other_faults_of_a_gpu_are_no_want_of_memory() -> None:
    assert not lacks_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not lacks_memory(RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"))


def test_a_processor_keeps_its_cores_for_the_networks_and_a_gpu_leaves_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(10)))

    assert threads_beside(CPU) == 1
    assert threads_beside(GPU) == 5


def test_a_worker_is_not_started_on_what_is_no_device() -> None:
    refused = CliRunner().invoke(main, ["worker", "--device", "tpu"])

    assert refused.exit_code == 2
    assert "'tpu' is none; expected auto, cpu, cuda, or cuda:1 for the second GPU" in refused.output
