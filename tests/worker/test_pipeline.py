"""The pipeline on plain arrays, with networks whose scores are chosen by hand or drawn at random."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from app.definitions import Augmentation, Band, ExtraInput, ModelCard
from app.errors import BandMismatch, Invalid, ParameterInvalid, WeightsMismatch
from worker import weights
from worker.architectures import build
from worker.architectures.folding import fold_batch_norms
from worker.architectures.network import Network
from worker.devices import DeviceBroken
from worker.member import Imagery, normalise
from worker.pipeline import Prediction, Predictor, predictor

CPU = torch.device("cpu")

# No pixel of the tiny U-Net sees farther: 97 px down to 1/32 (7x7 and pooling 5, then two 3x3 per stage at 4, 8,
# 16, 32 px with a stride in the first: 8 + 12 + 24 + 48), 63 px up (3x3 twice at 16, 8, 4, 2, 1 px and the head)
# and 31 px for the pixel of 32 that a coarse one stands for.
RECEPTIVE_RADIUS_PX = 97 + 63 + 31


class Scripted(Network):
    """A network whose scores are the same at every pixel, or its input's first bands."""

    stride_px = 4
    depends_on_patch = False

    def __init__(self, scores: list[float] | None = None) -> None:
        super().__init__()
        self.scores = scores
        self.seen: list[Tensor] = []

    def __deepcopy__(self, memo: object) -> Scripted:
        return self  # the predictor's copy notes here what it has seen

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.clone())
        if self.scores is None:
            return x.clone()
        return torch.tensor(self.scores).view(1, -1, 1, 1).expand(len(x), -1, *x.shape[2:]).clone()


def imagery_of(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, height, width), dtype=np.uint8)


def predict(imagery: np.ndarray, valid: np.ndarray | None, network: Network, card: ModelCard) -> Prediction:
    """Of one network that looks once."""
    return Predictor([(card, network)], Augmentation.NONE, CPU).predict(imagery, valid)


def normalised_of(imagery: np.ndarray, card: ModelCard) -> Tensor:
    return normalise(Imagery(torch.from_numpy(imagery), None), card)


def test_channels_become_the_values_of_the_card(card: ModelCard) -> None:
    card = card.model_copy(update={"values": (7, 16, 3)})

    prediction = predict(imagery_of(8, 8), None, Scripted([0.0, 2.0, 1.0]), card)

    assert (prediction.classes == 16).all()
    # softmax of the winner: e² / (e⁰ + e² + e¹) = 7.389 / 11.107 = 0.6652, of 255: 169.6
    assert (prediction.confidence == 170).all()


def test_channel_never_trained_cannot_win_and_takes_no_confidence(card: ModelCard) -> None:
    card = card.model_copy(update={"values": (1, 0, 3)})

    prediction = predict(imagery_of(8, 8), None, Scripted([0.0, 50.0, 1.0]), card)

    assert (prediction.classes == 3).all()
    # e¹ / (e⁰ + e¹) = 0.7311, of 255: 186.4
    assert (prediction.confidence == 186).all()


def test_imagery_is_normalised_per_band(card: ModelCard) -> None:
    card = card.model_copy(update={"mean": (10.0, 20.0, 30.0), "std": (1.0, 2.0, 4.0)})
    imagery = np.full((3, 2, 2), 50, np.uint8)

    normalised = normalised_of(imagery, card)

    assert normalised[0, :, 0, 0].tolist() == [40.0, 15.0, 5.0]
    assert normalised.is_contiguous(memory_format=torch.channels_last)


def test_each_pixel_is_normalised_alone_whatever_the_shape(card: ModelCard) -> None:
    card = card.model_copy(update={"mean": (10.0, 20.0, 30.0), "std": (1.0, 2.0, 4.0)})
    imagery, seen = imagery_of(37, 5), np.random.default_rng(1).random((37, 5)) < 0.7

    normalised = normalise(Imagery(torch.from_numpy(imagery), torch.from_numpy(seen)), card)

    by_hand = (imagery - np.array(card.mean)[:, None, None]) / np.array(card.std)[:, None, None] * seen
    assert np.allclose(normalised[0].numpy(), by_hand)


def test_nodata_stays_nodata_and_the_network_sees_zero_there(card: ModelCard) -> None:
    card = card.model_copy(update={"margin_px": 2, "mean": (10.0, 10.0, 10.0)})
    valid = np.ones((12, 12), bool)
    valid[:, :5] = False
    network = Scripted([1.0, 0.0, 0.0])

    prediction = predict(imagery_of(12, 12), valid, network, card)

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

    prediction = predict(imagery_of(144, 144), valid, network, card)

    # The box begins at (40, 68), multiples of the stride 4; 10 x 7 px and a margin of 8, padded to the stride.
    assert [tuple(seen.shape[2:]) for seen in network.seen] == [(28, 24)]
    assert np.array_equal(prediction.classes == 1, valid[8:-8, 8:-8])


def test_network_that_depends_on_its_patch_sees_patches_of_one_size_on_one_grid(card: ModelCard) -> None:
    class Bound(Scripted):
        depends_on_patch = True

    card = card.model_copy(update={"margin_px": 8, "window_px": 32})
    valid = np.zeros((144, 144), bool)
    valid[8 + 40 : 8 + 50, 8 + 60 : 8 + 75] = True
    network = Bound([1.0, 0.0, 0.0])
    imagery = imagery_of(144, 144)

    prediction = predict(imagery, valid, network, card)

    # Columns 60 to 75 lie in the second and third patch of 32 px, rows 40 to 50 in the second.
    assert [tuple(seen.shape[2:]) for seen in network.seen] == [(48, 48), (48, 48)]
    assert np.array_equal(prediction.classes == 1, valid[8:-8, 8:-8])


def test_no_imagery_at_all_needs_no_network(card: ModelCard) -> None:
    network = Scripted([1.0, 0.0, 0.0])

    prediction = predict(imagery_of(16, 16), np.zeros((16, 16), bool), network, card)

    assert network.seen == []
    assert not prediction.classes.any()


def test_result_has_the_size_without_margin_whatever_the_stride(card: ModelCard) -> None:
    card = card.model_copy(update={"margin_px": 3, "window_px": 16})

    prediction = predict(imagery_of(26, 36), None, Scripted([1.0, 0.0, 0.0]), card)

    assert prediction.classes.shape == prediction.confidence.shape == (20, 30)
    assert (prediction.classes == 1).all()


def test_kept_pixels_are_those_of_the_imagery_inside_the_margin(card: ModelCard) -> None:
    """A network that hands its bands through must name the brightest band of each pixel, in place."""
    card = card.model_copy(update={"margin_px": 3, "window_px": 8})
    imagery = imagery_of(26, 36)

    prediction = predict(imagery, None, Scripted(), card)

    assert np.array_equal(prediction.classes, imagery[:, 3:-3, 3:-3].argmax(axis=0) + 1)


def test_surroundings_beyond_the_margin_change_nothing(card: ModelCard) -> None:
    margin_px = 224
    card = card.model_copy(update={"margin_px": margin_px})
    network = varied_network(card)
    here = imagery_of(64 + 2 * margin_px, 64 + 2 * margin_px)
    elsewhere = 255 - here
    far = margin_px - RECEPTIVE_RADIUS_PX
    elsewhere[:, far:-far, far:-far] = here[:, far:-far, far:-far]

    one = predict(here, None, network, card)
    other = predict(elsewhere, None, network, card)

    assert_equal(one, other)


def test_windows_give_what_the_whole_gives(card: ModelCard) -> None:
    card = card.model_copy(update={"margin_px": 192})
    assert card.margin_px >= RECEPTIVE_RADIUS_PX
    network = varied_network(card)
    imagery = imagery_of(128 + 2 * 192, 96 + 2 * 192)

    whole = predict(imagery, None, network, card)
    windowed = predict(imagery, None, network, card.model_copy(update={"window_px": 64}))

    assert np.array_equal(whole.classes, windowed.classes)
    assert np.abs(whole.confidence.astype(int) - windowed.confidence).max() <= 1


def test_equal_input_gives_equal_bytes(card: ModelCard) -> None:
    ready = Predictor([(card, varied_network(card))], Augmentation.NONE, CPU)
    imagery = imagery_of(64, 64)

    assert_equal(ready.predict(imagery), ready.predict(imagery.copy()))


@pytest.mark.parametrize("imagery", [np.zeros((4, 8, 8), np.uint8), np.zeros((3, 8, 8), np.uint16)])
def test_other_bands_or_types_are_refused(card: ModelCard, imagery: np.ndarray) -> None:
    with pytest.raises(BandMismatch, match="takes 3 bands of bytes"):
        predict(imagery, None, Scripted([1.0, 0.0, 0.0]), card)


def test_network_with_other_channels_than_the_card_is_refused(card: ModelCard) -> None:
    with pytest.raises(WeightsMismatch, match="maps 3 channels, the network has 2"):
        predict(imagery_of(8, 8), None, Scripted([1.0, 0.0]), card)


def test_network_is_loaded_once_per_process(card: ModelCard, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(weights.half_precision(build(card).state_dict()))
    complete = card.model_copy(update={"weights": path.name, "sha256": weights.file_sha256(path)})

    def opened() -> nullcontext[Path]:
        return nullcontext(path)

    assert predictor([(complete, opened)]) is predictor([(complete, opened)])


class FullGpu(Scripted):
    """A network that does not fit the stand-in for a GPU."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            raise torch.OutOfMemoryError("no room")
        return super().forward(x)


def test_window_too_large_for_the_gpu_is_predicted_on_the_cpu(card: ModelCard) -> None:
    full = Predictor([(card, FullGpu([0.0, 1.0, 0.0]))], Augmentation.NONE, torch.device("meta"))

    assert (full.predict(imagery_of(8, 8)).classes == 2).all()


class Crowded(Network):
    """A network whose device has room for two patches."""

    stride_px = 4

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 2:
            raise torch.OutOfMemoryError("no room")
        return x.clone()


def test_patches_that_do_not_fit_together_are_halved_until_they_do(
    card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.member.Member.fill", 8)
    imagery = imagery_of(64, 64)
    crowded = Predictor([(card.model_copy(update={"window_px": 16}), Crowded())], Augmentation.NONE, CPU)

    assert np.array_equal(crowded.predict(imagery).classes, imagery.argmax(axis=0) + 1)


class Recorded(Network):
    """A network whose device has room for one patch, and for that only without a recording."""

    stride_px = 4

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


def test_a_gpu_gives_its_recordings_up_before_the_cpu_takes_over(
    card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.member.Member.fill", 4)
    ready = Predictor([(card.model_copy(update={"window_px": 16}), Recorded())], Augmentation.NONE, CPU)
    (forward,) = ready._forwards
    forward.records = True
    tries: list[tuple[int, bool]] = []

    class Replayed:
        def __init__(self, forward: object, x: Tensor) -> None:
            pass

        def replay(self, x: Tensor) -> Tensor:
            tries.append((len(x), True))
            raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr("worker.forward._Recording", Replayed)
    monkeypatch.setattr(ready, "device", torch.device("cuda"))
    monkeypatch.setattr(ready, "_upload", torch.from_numpy)
    monkeypatch.setattr(torch, "zeros", lambda *shape, dtype, device: torch.from_numpy(np.zeros(*shape, np.uint8)))
    imagery = imagery_of(64, 64)

    assert np.array_equal(ready.predict(imagery).classes, imagery.argmax(axis=0) + 1)
    assert tries == [(4, True), (2, True), (1, True)]


@pytest.mark.parametrize(
    "words", ["CUDA error: an illegal memory access", "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"]
)
def test_a_gpu_that_fails_otherwise_is_broken(card: ModelCard, words: str) -> None:
    class Broken(Scripted):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError(words)

    broken = Predictor([(card, Broken())], Augmentation.NONE, torch.device("meta"))

    with pytest.raises(DeviceBroken, match="the GPU failed: "):
        broken.predict(imagery_of(8, 8))


def test_memory_that_lacks_for_one_patch_on_a_cpu_is_an_error(card: ModelCard) -> None:
    class Full(Crowded):
        def forward(self, x: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError):
        predict(imagery_of(8, 8), None, Full(), card)


def test_number_of_patches_at_once_changes_nothing(card: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    card = card.model_copy(update={"margin_px": 32, "window_px": 32})
    network = varied_network(card)
    imagery = imagery_of(64 + 80, 64 + 64)

    one = predict(imagery, None, network, card)
    monkeypatch.setattr("worker.member.Member.fill", 4)

    assert_equal(one, predict(imagery, None, network, card))


def test_one_network_that_looks_once_gives_the_bytes_of_its_own_scores(card: ModelCard) -> None:
    """What blocks were made of before there were ensembles; the weights in memory as they are in the file."""
    network = varied_network(card)
    imagery = imagery_of(64, 64)
    with torch.inference_mode():
        x = torch.from_numpy(imagery).unsqueeze(0).to(torch.float32, memory_format=torch.channels_last)
        shares = fold_batch_norms(network)(x)[0].double().softmax(0).numpy()

    prediction = predict(imagery, None, network, card)

    assert np.array_equal(prediction.classes, shares.argmax(axis=0) + 1)
    assert np.abs(prediction.confidence - shares.max(axis=0) * 255).max() <= 0.5 + 1e-3


def test_members_agree_on_the_mean_of_their_shares_of_class_values(card: ModelCard) -> None:
    one = card.model_copy(update={"id": "one", "values": (7, 16, 3)})
    other = card.model_copy(update={"id": "other", "values": (16, 0, 9)})
    members = [(one, Scripted([2.0, 1.0, 0.0])), (other, Scripted([1.0, 50.0, 0.0]))]

    prediction = Predictor(members, Augmentation.NONE, CPU).predict(imagery_of(8, 8))

    # softmax of the first: 7: 0.6652, 16: 0.2447, 3: 0.0900; of the second's trained channels: 16: 0.7311, 9: 0.2689.
    # Means: 16: 0.4879, 7: 0.3326; 0.4879 of 255 is 124.4.
    assert (prediction.classes == 16).all()
    assert (prediction.confidence == 124).all()


def test_each_member_sees_its_own_bands_inside_its_own_margin(card: ModelCard) -> None:
    first = card.model_copy(update={"id": "first", "margin_px": 1})
    second = card.model_copy(
        update={
            "id": "second", "bands": (Band.NIR, Band.R), "mean": (10.0, 20.0), "std": (1.0, 2.0), "values": (4, 5),
            "margin_px": 4,
        }
    )  # fmt: skip
    networks = Scripted([0.0, 1.0, 2.0]), Scripted([0.0, 1.0])
    ready = Predictor(list(zip((first, second), networks, strict=True)), Augmentation.NONE, CPU)
    imagery = np.random.default_rng(1).integers(0, 256, (4, 16, 16), np.uint8)

    ready.predict(imagery)

    assert (ready.bands, ready.margin_px) == ((Band.R, Band.G, Band.B, Band.NIR), 4)
    assert np.array_equal(networks[0].seen[0][0, :, :10, :10], imagery[:3, 3:13, 3:13])
    assert np.array_equal(networks[1].seen[0][0, 0], imagery[3] - 10.0)
    assert np.array_equal(networks[1].seen[0][0, 1], (imagery[0] - 20.0) / 2)


def test_members_of_different_kinds_are_refused(card: ModelCard) -> None:
    coarse = card.model_copy(update={"id": "coarse", "resolution_m": 0.5})

    with pytest.raises(Invalid, match=r"tiny \(cosia, 0.2 m\), coarse \(cosia, 0.5 m\)"):
        Predictor([(card, Scripted()), (coarse, Scripted())], Augmentation.NONE, CPU)


def test_network_that_needs_more_than_imagery_says_so_where_there_is_nothing_else(card: ModelCard) -> None:
    fused = card.model_copy(update={"extra_inputs": (ExtraInput.METADATA, ExtraInput.SERIES)})

    with pytest.raises(ParameterInvalid, match="'tiny' needs the facts of each photograph and a Sentinel-2 series"):
        Predictor([(fused, Scripted())], Augmentation.NONE, CPU).predict(np.zeros((3, 32, 32), np.uint8))


class FromTheLeft(Network):
    """A network that gives each pixel the bands of its left neighbour, as an echo of one direction."""

    stride_px = 4

    def forward(self, x: Tensor) -> Tensor:
        return x.roll(1, dims=-1) / 16


@pytest.mark.parametrize(
    ("augmentation", "neighbours"),
    [(Augmentation.FLIPS, [(0, 1), (0, -1)]), (Augmentation.D4, [(0, 1), (0, -1), (1, 0), (-1, 0)])],
)
def test_augmentation_looks_from_all_sides_and_averages(
    card: ModelCard, augmentation: Augmentation, neighbours: list[tuple[int, int]]
) -> None:
    card = card.model_copy(update={"margin_px": 4})
    imagery = imagery_of(24, 20)
    exponentials = np.exp(imagery / 16.0)
    shares = exponentials / exponentials.sum(axis=0)
    mean = np.mean([np.roll(shares, shift, axis=(1, 2)) for shift in neighbours], axis=0)[:, 4:-4, 4:-4]

    prediction = Predictor([(card, FromTheLeft())], augmentation, CPU).predict(imagery)

    assert np.array_equal(prediction.classes, mean.argmax(axis=0) + 1)
    assert np.abs(prediction.confidence - mean.max(axis=0) * 255).max() <= 0.5 + 1e-3


def test_an_ensemble_leaves_nodata_alone(card: ModelCard) -> None:
    valid = np.ones((8, 8), bool)
    valid[:3] = False

    prediction = Predictor([(card, Scripted([0.0, 1.0, 0.0]))], Augmentation.D4, CPU).predict(imagery_of(8, 8), valid)

    assert np.array_equal(prediction.classes == 2, valid)
    assert np.array_equal(prediction.confidence > 0, valid)


def varied_network(card: ModelCard) -> Network:
    """A random network whose norms have seen random imagery, so that its classes vary from pixel to pixel."""
    torch.manual_seed(3)
    network = build(card)
    for _ in range(20):
        network.train()(normalised_of(imagery_of(96, 96), card))
    predicted = predict(imagery_of(64, 64), None, network.eval(), card.model_copy(update={"margin_px": 0}))
    assert len(np.unique(predicted.classes)) > 1
    return network


def assert_equal(one: Prediction, other: Prediction) -> None:
    assert np.array_equal(one.classes, other.classes)
    assert np.array_equal(one.confidence, other.confidence)
