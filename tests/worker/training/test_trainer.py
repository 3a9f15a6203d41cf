from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from app.definitions import Band, ModelCard
from app.demonstration.scene import compose
from app.errors import WeightsUnreadable
from worker.training.samples import Batch
from worker.training.trainer import Trainer, rate_at

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def two_scenes() -> Batch:
    scenes = [compose(seed, 96) for seed in (1, 2)]
    truth = np.stack([scene.truth for scene in scenes])
    return Batch(np.stack([scene.imagery for scene in scenes]), truth, np.ones(truth.shape, bool))


@pytest.mark.parametrize("replicas", [1, 2])
def test_steps_reduce_the_loss_on_two_fixed_scenes(five_band_card: ModelCard, two_scenes: Batch, replicas: int) -> None:
    trainer = Trainer(five_band_card, peak_rate=3e-2, seed=0, device=CPU, replicas=replicas)

    losses = [trainer.step(two_scenes, progress=0.1) for _ in range(12)]

    assert losses[-1] < 0.8 * losses[0]


def test_resumed_training_goes_on_as_if_never_interrupted(
    five_band_card: ModelCard, two_scenes: Batch, tmp_path: Path
) -> None:
    undisturbed = Trainer(five_band_card, peak_rate=1e-3, seed=0, device=CPU)
    interrupted = Trainer(five_band_card, peak_rate=1e-3, seed=0, device=CPU)
    for _ in range(2):
        undisturbed.step(two_scenes, progress=0.2)
        interrupted.step(two_scenes, progress=0.2)
    interrupted.save(tmp_path / "checkpoint.pt")
    resumed = Trainer(five_band_card, peak_rate=1e-3, seed=99, device=CPU)

    resumed.resume(tmp_path / "checkpoint.pt")
    losses = [trainer.step(two_scenes, progress=0.5) for trainer in (undisturbed, resumed)]

    assert resumed.progress.step == undisturbed.progress.step == 3
    assert losses[0] == losses[1]
    expected, actual = undisturbed.averaged.network.state_dict(), resumed.averaged.network.state_dict()
    assert all(torch.equal(actual[key], expected[key]) for key in expected)


def test_checkpoint_of_another_network_is_refused(card: ModelCard, five_band_card: ModelCard, tmp_path: Path) -> None:
    Trainer(card, peak_rate=1e-3, seed=0, device=CPU).save(tmp_path / "checkpoint.pt")

    with pytest.raises(WeightsUnreadable, match=r"checkpoint\.pt is no checkpoint of a training of tiny"):
        Trainer(five_band_card, peak_rate=1e-3, seed=0, device=CPU).resume(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("content", [b"", b"hello, I am a text", b"PK\x03\x04", b"\x80\x02cposix\nsystem\n."])
def test_damaged_checkpoint_is_refused(card: ModelCard, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)

    with pytest.raises(WeightsUnreadable, match=r"checkpoint\.pt is no checkpoint of a training of tiny"):
        Trainer(card, peak_rate=1e-3, seed=0, device=CPU).resume(tmp_path / "checkpoint.pt")


def test_learning_rate_rises_then_falls_to_one_percent() -> None:
    assert rate_at(0.0) == 0.0
    assert rate_at(0.04) == pytest.approx(1.0)
    assert rate_at(0.52) == pytest.approx(0.505)  # half way down: (1 + 0.01) / 2
    assert rate_at(1.0) == pytest.approx(0.01)
    assert rate_at(1.3) == pytest.approx(0.01)


def test_network_of_three_bands_learns_from_scenes_of_five(card: ModelCard, two_scenes: Batch) -> None:
    infrared = card.model_copy(update={"bands": (Band.NIR, Band.R, Band.G), "mean": (100,) * 3, "std": (50,) * 3})
    trainer = Trainer(infrared, peak_rate=1e-3, seed=0, device=CPU)
    seen: list[torch.Tensor] = []
    trainer.network.register_forward_pre_hook(lambda _network, inputs: seen.append(inputs[0]))

    trainer.step(two_scenes, progress=0.1)

    expected = (torch.from_numpy(two_scenes.imagery[:, [3, 0, 1]]).float() - 100) / 50
    assert torch.allclose(seen[0], expected)


def test_given_weights_of_classes_take_the_place_of_automatic_ones(card: ModelCard) -> None:
    imagery = np.full((2, 5, 32, 32), 90, np.uint8)
    imagery[:, :, 16:] = 10
    truth = np.full((2, 32, 32), 1, np.uint8)
    truth[:, 16:] = 2
    batch = Batch(imagery, truth, np.ones(truth.shape, bool))
    deaf = Trainer(card, peak_rate=1e-3, seed=0, device=CPU, class_weights={2: 0.0})
    blind = Trainer(card, peak_rate=1e-3, seed=0, device=CPU, class_weights={3: 1.0})

    # Of class 2 nothing is learnt: the loss is that of class 1 alone.
    without = Batch(imagery, np.where(truth == 2, 0, truth).astype(np.uint8), batch.valid)
    assert deaf.step(batch, progress=0.1) == blind.step(without, progress=0.1)
