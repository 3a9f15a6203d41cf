"""A network's forward pass, in the form in which its device computes it fastest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import torch
from torch import Tensor
from torch.backends import cudnn

from worker.architectures.doubling import spare_doubling
from worker.architectures.folding import fold_batch_norms
from worker.architectures.network import ExtraInputs, Network
from worker.architectures.unet import Decoder

log = structlog.get_logger(__name__)

_WARM_UP_PASSES = 3  # what libraries allocate and choose in their first passes must not be recorded
_one_at_a_time = threading.Lock()
"""Of recordings: torch allows one in a process."""


class Forward:
    """(patches, bands, height, width) float32, channels last -> (patches, logits, height, width) float32 without the
    margin, which is `margin_px` less at each edge.

    The network is copied: its batch norms folded, its weights channels last (a quarter less time on a processor, the
    same bytes), out of a U-Net's decoder what only the margin needs, and on a processor its doublings.
    Under bfloat16 convolutions and products compute in it, and sums that need more stay float32.
    """

    def __init__(
        self, network: Network, device: torch.device, precision: torch.dtype = torch.float32, margin_px: int = 0
    ) -> None:
        self.stride_px = network.stride_px
        self.depends_on_patch = network.depends_on_patch
        self.device = device
        self._precision = precision
        self._margin_px = margin_px
        self._network = fold_batch_norms(network).to(device)
        if device.type == "cpu":  # on a GPU it was not measured
            spare_doubling(self._network)
        for part in self._network.modules():
            if isinstance(part, Decoder):
                part.unseen_px = margin_px
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch forgot it there
        self._recordings: dict[torch.Size, _Recording] = {}
        self.records = device.type == "cuda"
        """Whether passes of shapes that come often are recorded; it ends with the first that cannot be."""

    def __call__(self, x: Tensor, extra: ExtraInputs | None = None, *, often: bool = False) -> Tensor:
        """extra: what the network takes beside x, on the device. often: input of this shape comes again and again,
        which is worth a recording on a GPU; with extra inputs, of many lengths, there is none.

        What a recording gives lives until its next replay. Raises RuntimeError for whatever the device says.
        """
        with _on(self.device):
            if often and self.records and not extra:
                recording = self._recordings.get(x.shape) or self._record(x)
                if recording is not None:
                    return recording.replay(x)
            return self._eager(x, extra)

    def forget(self) -> None:
        """Gives the memory of the recordings back; what comes often is recorded anew, unless `records` has ended."""
        self._recordings.clear()
        torch.cuda.empty_cache()

    def _eager(self, x: Tensor, extra: ExtraInputs | None = None) -> Tensor:
        given = extra or ExtraInputs()
        if self._precision == torch.float32:
            return self._kept(self._network(x, **given), x)
        # Without the cache of cast weights: a recording must hold their casting.
        with torch.autocast(self.device.type, self._precision, cache_enabled=False):
            return self._kept(self._network(x, **given), x).float()

    def _kept(self, scores: Tensor, x: Tensor) -> Tensor:
        """Without what the network left of the margin."""
        edge = (scores.shape[-2] - x.shape[-2]) // 2 + self._margin_px
        return scores[..., edge : scores.shape[-2] - edge, edge : scores.shape[-1] - edge]

    def _record(self, x: Tensor) -> _Recording | None:
        try:
            with _one_at_a_time:
                recording = _Recording(self._eager, x)
        except RuntimeError as error:  # no memory for it, or an operation that cannot be recorded
            self.records = False
            self.forget()
            log.warning("forward_pass_not_recorded", reason=str(error).splitlines()[0])
            return None
        self._recordings[x.shape] = recording
        return recording


class _Recording:
    """A forward pass of one shape as a CUDA graph: hundreds of kernels are launched at once, none waits for Python."""

    def __init__(self, forward: Callable[[Tensor], Tensor], x: Tensor) -> None:
        self._input = x.clone(memory_format=torch.preserve_format)
        # One stream for all of it: handles of libraries are made for each stream, and must not be while it is recorded.
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        # torch leaves the stream of a recording that failed as the current one; the outer `with` does not.
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_PASSES):
                forward(self._input)
            self._graph = torch.cuda.CUDAGraph()
            _forget_workspaces()
            # What other threads ask of the driver meanwhile is none of this recording's business.
            with torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"):
                self._output = forward(self._input)
            _forget_workspaces()
        torch.cuda.current_stream().wait_stream(stream)

    def replay(self, x: Tensor) -> Tensor:
        """The output lives until the next replay."""
        self._input.copy_(x)
        self._graph.replay()
        return self._output


def _forget_workspaces() -> None:
    """Lets cuBLAS take its workspaces anew: one that a recording uses is then in its own memory, and nobody else's.

    Kept for a stream, it would be freed with another recording, or be written by two (torch's own recorder of compiled
    graphs does the same, for the same reason: `clear_cublas_cache` in torch/_inductor/cudagraph_trees.py).
    """
    torch._C._cuda_clearCublasWorkspaces()


@contextmanager
def _on(device: torch.device) -> Iterator[None]:
    """Where a pass runs: streams and recordings are the current GPU's, whatever tensors they are for.

    float32 is float32 (torch allows convolutions the 10 bits of TF32), and cuDNN takes the algorithm that its rules
    name for a shape and not the one that was fastest once: equal input gives equal bytes in every process.
    """
    if device.type != "cuda":
        yield
        return
    with torch.cuda.device(device), cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield
