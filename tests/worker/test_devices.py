"""Which device computes, and in which precision."""

from __future__ import annotations

import pytest
import torch

from app.errors import Misconfigured
from worker.devices import select_device, select_precision

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


@pytest.mark.parametrize(("there", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_gpu_computes_in_bfloat16_if_it_can(
    monkeypatch: pytest.MonkeyPatch, there: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: there)

    assert select_precision("auto", GPU) == expected
    assert select_precision("fp32", GPU) == torch.float32


def test_bfloat16_is_refused_where_it_would_be_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False})

    with pytest.raises(Misconfigured, match="this cpu does not compute it: set it to auto"):
        select_precision("bf16", CPU)
