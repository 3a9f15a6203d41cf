"""The pipeline on plain arrays, with networks whose scores are chosen by hand or drawn at random."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from app.definitions import ModelCard
from app.errors import BandMismatch, Misconfigured, WeightsMismatch
from worker import weights
from worker.architectures import build
from worker.architectures.network import Network
from worker.pipeline import Prediction, Predictor, classify, normalise, predict, predictor, select_device

CPU = torch.device("cpu")

# No pixel of the tiny U-Net sees farther: 97 px down to 1/32 (7x7 and pooling 5, then two 3x3 per stage at 4, 8,
# 16, 32 px with a stride in the first: 8 + 12 + 24 + 48), 63 px up (3x3 twice at 16, 8, 4, 2, 1 px and the head)
# and 31 px for the pixel of 32 that a coarse one stands for.
RECEPTIVE_RADIUS_PX = 97 + 63 + 31


class Scripted(Network):
    """A network whose scores are the same at every pixel, or its input's first bands."""

    stride_px = 4

    def __init__(self, scores: list[float] | None = None) -> None:
        super().__init__()
        self.scores = scores
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.clone())
        if self.scores is None:
            return x.clone()
        return torch.tensor(self.scores).view(1, -1, 1, 1).expand(1, -1, *x.shape[2:]).clone()


def imagery_of(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, height, width), dtype=np.uint8)


def test_channels_become_the_values_of_the_card(card: ModelCard) -> None:
    card = card.model_copy(update={"values": (7, 16, 3)})

    prediction = predict(imagery_of(8, 8), None, Scripted([0.0, 2.0, 1.0]), card, CPU)

    assert (prediction.classes == 16).all()
    # softmax of the winner: e² / (e⁰ + e² + e¹) = 7.389 / 11.107 = 0.6652, of 255: 169.6
    assert (prediction.confidence == 170).all()


def test_channel_never_trained_cannot_win_and_takes_no_confidence(card: ModelCard) -> None:
    card = card.model_copy(update={"values": (1, 0, 3)})

    prediction = predict(imagery_of(8, 8), None, Scripted([0.0, 50.0, 1.0]), card, CPU)

    assert (prediction.classes == 3).all()
    # e¹ / (e⁰ + e¹) = 0.7311, of 255: 186.4
    assert (prediction.confidence == 186).all()


def test_classify_finds_the_winner_of_each_pixel() -> None:
    scores = torch.tensor([[[5.0, 0.0]], [[0.0, 5.0]]])

    classes, confidence = classify(scores, (4, 9))

    assert classes.tolist() == [[4, 9]]
    assert confidence.tolist() == [[253, 253]]  # 1 / (1 + e⁻⁵) = 0.9933


def test_imagery_is_normalised_per_band(card: ModelCard) -> None:
    card = card.model_copy(update={"mean": (10.0, 20.0, 30.0), "std": (1.0, 2.0, 4.0)})
    imagery = np.full((3, 2, 2), 50, np.uint8)

    normalised = normalise(imagery, None, card, CPU)

    assert normalised[0, :, 0, 0].tolist() == [40.0, 15.0, 5.0]
    assert normalised.is_contiguous(memory_format=torch.channels_last)


def test_nodata_stays_nodata_and_the_network_sees_zero_there(card: ModelCard) -> None:
    card = card.model_copy(update={"margin_px": 2, "mean": (10.0, 10.0, 10.0)})
    valid = np.ones((12, 12), bool)
    valid[:, :5] = False
    network = Scripted([1.0, 0.0, 0.0])

    prediction = predict(imagery_of(12, 12), valid, network, card, CPU)

    assert (prediction.classes[:, :3] == 0).all()
    assert (prediction.confidence[:, :3] == 0).all()
    assert (prediction.classes[:, 3:] == 1).all()
    assert (network.seen[0][..., :5] == 0).all()
    assert (network.seen[0][..., 5:] != 0).any()


def test_only_the_surroundings_of_imagery_pass_through_the_network(card: ModelCard) -> None:
    card = card.model_copy(update={"margin_px": 8})
    valid = np.zeros((144, 144), bool)
    valid[8 + 40 : 8 + 50, 8 + 70 : 8 + 75] = True
    network = Scripted([1.0, 0.0, 0.0])

    prediction = predict(imagery_of(144, 144), valid, network, card, CPU)

    # The box begins at (40, 68), multiples of the stride 4; 10 x 7 px and a margin of 8, padded to the stride.
    assert [tuple(seen.shape[2:]) for seen in network.seen] == [(28, 24)]
    assert np.array_equal(prediction.classes == 1, valid[8:-8, 8:-8])


def test_no_imagery_at_all_needs_no_network(card: ModelCard) -> None:
    network = Scripted([1.0, 0.0, 0.0])

    prediction = predict(imagery_of(16, 16), np.zeros((16, 16), bool), network, card, CPU)

    assert network.seen == []
    assert not prediction.classes.any()


def test_result_has_the_size_without_margin_whatever_the_stride(card: ModelCard) -> None:
    card = card.model_copy(update={"margin_px": 3, "window_px": 16})

    prediction = predict(imagery_of(26, 36), None, Scripted([1.0, 0.0, 0.0]), card, CPU)

    assert prediction.classes.shape == prediction.confidence.shape == (20, 30)
    assert (prediction.classes == 1).all()


def test_kept_pixels_are_those_of_the_imagery_inside_the_margin(card: ModelCard) -> None:
    """A network that hands its bands through must name the brightest band of each pixel, in place."""
    card = card.model_copy(update={"margin_px": 3, "window_px": 8})
    imagery = imagery_of(26, 36)

    prediction = predict(imagery, None, Scripted(), card, CPU)

    assert np.array_equal(prediction.classes, imagery[:, 3:-3, 3:-3].argmax(axis=0) + 1)


def test_surroundings_beyond_the_margin_change_nothing(card: ModelCard) -> None:
    margin_px = 224
    card = card.model_copy(update={"margin_px": margin_px})
    network = varied_network(card)
    here = imagery_of(64 + 2 * margin_px, 64 + 2 * margin_px)
    elsewhere = 255 - here
    far = margin_px - RECEPTIVE_RADIUS_PX
    elsewhere[:, far:-far, far:-far] = here[:, far:-far, far:-far]

    one = predict(here, None, network, card, CPU)
    other = predict(elsewhere, None, network, card, CPU)

    assert_equal(one, other)


def test_windows_give_what_the_whole_gives(card: ModelCard) -> None:
    card = card.model_copy(update={"margin_px": 192})
    assert card.margin_px >= RECEPTIVE_RADIUS_PX
    network = varied_network(card)
    imagery = imagery_of(128 + 2 * 192, 96 + 2 * 192)

    whole = predict(imagery, None, network, card, CPU)
    windowed = predict(imagery, None, network, card.model_copy(update={"window_px": 64}), CPU)

    assert np.array_equal(whole.classes, windowed.classes)
    assert np.abs(whole.confidence.astype(int) - windowed.confidence).max() <= 1


def test_equal_input_gives_equal_bytes(card: ModelCard) -> None:
    ready = Predictor(card, varied_network(card), CPU)
    imagery = imagery_of(64, 64)

    assert_equal(ready.predict(imagery), ready.predict(imagery.copy()))


@pytest.mark.parametrize("imagery", [np.zeros((4, 8, 8), np.uint8), np.zeros((3, 8, 8), np.uint16)])
def test_other_bands_or_types_are_refused(card: ModelCard, imagery: np.ndarray) -> None:
    with pytest.raises(BandMismatch, match="takes 3 bands of bytes"):
        predict(imagery, None, Scripted([1.0, 0.0, 0.0]), card, CPU)


def test_network_with_other_channels_than_the_card_is_refused(card: ModelCard) -> None:
    with pytest.raises(WeightsMismatch, match="maps 3 channels, the network has 2"):
        predict(imagery_of(8, 8), None, Scripted([1.0, 0.0]), card, CPU)


def test_network_is_loaded_once_per_process(card: ModelCard, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(weights.half_precision(build(card).state_dict()))
    complete = card.model_copy(update={"weights": path.name, "sha256": weights.file_sha256(path)})

    opened = partial(nullcontext, path)
    assert predictor(complete, opened) is predictor(complete, opened)


def test_asking_for_a_gpu_where_there_is_none_is_a_misconfiguration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert select_device("auto") == torch.device("cpu")
    with pytest.raises(Misconfigured, match="set it to auto or cpu"):
        select_device("cuda")


class FullGpu(Scripted):
    """A network that does not fit the stand-in for a GPU."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            raise torch.OutOfMemoryError("no room")
        return super().forward(x)


def test_window_too_large_for_the_gpu_is_predicted_on_the_cpu(card: ModelCard) -> None:
    full = Predictor(card, FullGpu([0.0, 1.0, 0.0]), torch.device("meta"))

    assert (full.predict(imagery_of(8, 8)).classes == 2).all()


def varied_network(card: ModelCard) -> Network:
    """A random network whose norms have seen random imagery, so that its classes vary from pixel to pixel."""
    torch.manual_seed(3)
    network = build(card)
    for _ in range(20):
        network.train()(normalise(imagery_of(96, 96), None, card, CPU))
    predicted = predict(imagery_of(64, 64), None, network.eval(), card.model_copy(update={"margin_px": 0}), CPU)
    assert len(np.unique(predicted.classes)) > 1
    return network


def assert_equal(one: Prediction, other: Prediction) -> None:
    assert np.array_equal(one.classes, other.classes)
    assert np.array_equal(one.confidence, other.confidence)
