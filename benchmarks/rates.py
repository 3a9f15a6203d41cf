"""Operations a second that a forward pass cannot exceed, as measured where it runs; a multiply-add is two."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

_COUNTED_SHARE = 0.01
"""Of a pass: smaller convolutions are more waiting than work, and the clock is coarse beside them."""
_PASSES = 3


class Convolution(NamedTuple):
    """One of a pass: its operations and how long it took."""

    operations: int
    seconds: float


def peak_rate(forward: Callable[[Tensor], Tensor], x: Tensor, precision: torch.dtype) -> float:
    """Of a GPU its rate of products of matrices. Of a processor the best that is seen: there products and convolutions
    are computed by different libraries, and the one of convolutions may be the faster by half.

    No pass exceeds its own fastest convolution; it is all but made of them.
    """
    products = matrix_rate(x.device, precision)
    return products if x.device.type == "cuda" else max(products, convolution_rate(forward, x))


def matrix_rate(device: torch.device, precision: torch.dtype) -> float:
    """Of a large product of matrices."""
    side = 8192 if device.type == "cuda" else 2048
    left, right = (torch.rand((side, side), device=device, dtype=precision) for _ in range(2))
    left @ right
    times = 10
    _wait(device)
    began = time.perf_counter()
    for _ in range(times):
        left @ right
    _wait(device)
    return times * 2 * side**3 / (time.perf_counter() - began)


def convolution_rate(forward: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """Of the fastest convolution of several passes on a processor, as the network has it."""
    found = [each for _ in range(_PASSES) for each in convolutions(forward, x)]
    least = _COUNTED_SHARE * sum(each.operations for each in found) / _PASSES
    return max(each.operations / each.seconds for each in found if each.operations >= least)


def convolutions(
    forward: Callable[[Tensor], Tensor], x: Tensor, clock: Callable[[], float] = time.perf_counter
) -> list[Convolution]:
    """Those of one pass on a processor, in their order."""
    found: list[Convolution] = []
    began = 0.0

    def before(module: nn.Module, _given: object) -> None:
        nonlocal began
        if isinstance(module, nn.Conv2d):
            began = clock()

    def after(module: nn.Module, _given: object, output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            found.append(Convolution(operations_of(module, output), clock() - began))

    hooks = register_module_forward_pre_hook(before), register_module_forward_hook(after)
    try:
        with torch.inference_mode():
            forward(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def operations_of(convolution: nn.Conv2d, output: Tensor) -> int:
    height, width = convolution.kernel_size
    return 2 * output.numel() * convolution.in_channels // convolution.groups * height * width


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
