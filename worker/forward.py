"""A network's forward pass, in the form in which its device computes it fastest."""

from __future__ import annotations

from collections.abc import Callable

import structlog
import torch
from torch import Tensor

from worker.architectures.folding import fold_batch_norms
from worker.architectures.network import Network

log = structlog.get_logger(__name__)

_WARM_UP_PASSES = 3  # what libraries allocate and choose in their first passes must not be recorded


class Forward:
    """(patches, bands, height, width) float32, channels last -> (patches, logits, height, width) float32.

    The network is copied: its batch norms folded, its weights channels last (a quarter less time on a processor, the
    same bytes). Under bfloat16 convolutions and products compute in it, and sums that need more stay float32.
    """

    def __init__(self, network: Network, device: torch.device, precision: torch.dtype = torch.float32) -> None:
        self.stride_px = network.stride_px
        self.depends_on_patch = network.depends_on_patch
        self.device = device
        self._precision = precision
        self._network = fold_batch_norms(network).to(device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch forgot it there
        self._recordings: dict[torch.Size, _Recording] = {}
        self.records = device.type == "cuda"
        """Whether passes of shapes that come often are recorded; it ends with the first that cannot be."""

    def __call__(self, x: Tensor, *, often: bool = False) -> Tensor:
        """often: input of this shape comes again and again, which is worth a recording on a GPU."""
        if often and self.records:
            recording = self._recordings.get(x.shape) or self._record(x)
            if recording is not None:
                return recording.replay(x)
        return self._eager(x)

    def _eager(self, x: Tensor) -> Tensor:
        if self._precision == torch.float32:
            return self._network(x)
        # Without the cache of cast weights: a recording must hold their casting.
        with torch.autocast(self.device.type, self._precision, cache_enabled=False):
            return self._network(x).float()

    def _record(self, x: Tensor) -> _Recording | None:
        try:
            recording = _Recording(self._eager, x)
        except RuntimeError as error:  # no memory for it, or an operation that cannot be recorded
            self.records = False
            self._recordings.clear()
            torch.cuda.empty_cache()
            log.warning("forward_pass_not_recorded", reason=str(error).splitlines()[0])
            return None
        self._recordings[x.shape] = recording
        return recording


class _Recording:
    """A forward pass of one shape as a CUDA graph: hundreds of kernels are launched at once, none waits for Python."""

    def __init__(self, forward: Callable[[Tensor], Tensor], x: Tensor) -> None:
        self._input = x.clone(memory_format=torch.preserve_format)
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP_PASSES):
                forward(self._input)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = forward(self._input)

    def replay(self, x: Tensor) -> Tensor:
        """The output lives until the next replay."""
        self._input.copy_(x)
        self._graph.replay()
        return self._output
