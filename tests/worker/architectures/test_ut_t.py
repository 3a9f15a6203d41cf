"""U-T&T: the published format, parity with the published code, and items of a batch that do not see each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from app.errors import ParameterInvalid
from tests.worker.parity import ign_cases as cases
from tests.worker.parity.seeding import seeded_input, seeded_state
from worker import weights
from worker.architectures.network import Series
from worker.architectures.ut_t import UTT, UTTParameters

FIXTURES = Path(__file__).parents[1] / "parity" / "fixtures"

BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


def norm_of(name: str, channels: int, batch: bool) -> dict[str, tuple[int, ...]]:
    vectors = BATCH_NORM if batch else BATCH_NORM[:2]
    counter: dict[str, tuple[int, ...]] = {f"{name}.num_batches_tracked": ()} if batch else {}
    return {f"{name}.{vector}": (channels,) for vector in vectors} | counter


def layer(name: str, weight: tuple[int, ...], bias: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": weight, f"{name}.bias": (bias,)}


def expected_satellite_branch() -> dict[str, tuple[int, ...]]:
    """Key -> shape of FLAIR#2's `arch_hr`, from its configuration: widths 64, 64, 128, 128, 16 heads of 4 keys."""
    expected = layer("in_conv.conv.conv.0", (64, 10, 3, 3), 64) | norm_of("in_conv.conv.conv.1", 64, batch=False)
    expected |= layer("in_conv.conv.conv.3", (64, 64, 3, 3), 64) | norm_of("in_conv.conv.conv.4", 64, batch=False)
    for block, before, after in [(0, 64, 64), (1, 64, 128), (2, 128, 128)]:
        for name, channels_in, channels_out, kernel in [
            ("down", before, before, 4),
            ("conv1", before, after, 3),
            ("conv2", after, after, 3),
        ]:
            stem = f"down_blocks.{block}.{name}.conv"
            expected |= layer(f"{stem}.0", (channels_out, channels_in, kernel, kernel), channels_out)
            expected |= norm_of(f"{stem}.1", channels_out, batch=False)
    # (block, channels from below, channels of the skip, channels), deepest first
    for block, before, skip, after in [(0, 128, 128, 128), (1, 128, 64, 64), (2, 64, 64, 64)]:
        stem = f"up_blocks.{block}"
        expected |= layer(f"{stem}.skip_conv.0", (skip, skip, 1, 1), skip) | norm_of(f"{stem}.skip_conv.1", skip, True)
        expected |= layer(f"{stem}.up.0", (before, after, 4, 4), after) | norm_of(f"{stem}.up.1", after, True)
        expected |= layer(f"{stem}.conv1.conv.0", (after, after + skip, 3, 3), after)
        expected |= norm_of(f"{stem}.conv1.conv.1", after, True)
        expected |= layer(f"{stem}.conv2.conv.0", (after, after, 3, 3), after)
        expected |= norm_of(f"{stem}.conv2.conv.1", after, True)
    expected |= layer("temporal_encoder.inconv", (256, 128, 1), 256)
    expected |= {"temporal_encoder.attention_heads.Q": (16, 4)}
    expected |= layer("temporal_encoder.attention_heads.fc1_k", (64, 256), 64)
    expected |= norm_of("temporal_encoder.in_norm", 128, False) | norm_of("temporal_encoder.out_norm", 128, False)
    expected |= layer("temporal_encoder.mlp.0", (128, 256), 128) | norm_of("temporal_encoder.mlp.1", 128, True)
    expected |= layer("out_conv.conv.conv.0", (32, 64, 3, 3), 32) | norm_of("out_conv.conv.conv.1", 32, True)
    return expected | layer("out_conv.conv.conv.3", (13, 32, 3, 3), 13) | norm_of("out_conv.conv.conv.4", 13, True)


def expected_fusion() -> dict[str, tuple[int, ...]]:
    """Key -> shape of what joins the branches; the first of six maps is the imagery itself, of five bands."""
    expected: dict[str, tuple[int, ...]] = {}
    hidden = [(45, 26, 5), (128, 128, 64), (128, 128, 64), (85, 106, 128), (128, 192, 256), (213, 362, 512)]
    for number, (first, second, last) in enumerate(hidden):
        expected |= layer(f"fm_utae_featmap_cropped.conv_list.{number}", (last, 64, 1, 1), last)
        for index, before, after in [(0, 64, first), (3, first, second), (6, second, last)]:
            expected |= layer(f"fm_utae_featmap_collapsed.mlps.{number}.{index}", (after, before), after)
    return expected | layer("reshape_utae_output.1", (13, 64, 1, 1), 13)


@pytest.mark.parametrize(("metadata", "tensors", "parameters"), [(False, 486, 27_254_744), (True, 492, 27_260_296)])
def test_default_network_has_the_published_tensors_and_parameters(
    metadata: bool, tensors: int, parameters: int
) -> None:
    with torch.device("meta"):
        network = UTT(UTTParameters(in_channels=5, logits=13, metadata=metadata))

    state = network.state_dict()

    assert (len(state), sum(p.numel() for p in network.parameters())) == (tensors, parameters)
    assert {key.split(".")[0] for key in state} - {"mtd_mlp"} == {
        "arch_vhr", "arch_hr", "fm_utae_featmap_cropped", "fm_utae_featmap_collapsed", "reshape_utae_output",
    }  # fmt: skip


def test_satellite_branch_and_fusion_have_the_published_keys_and_shapes() -> None:
    with torch.device("meta"):
        network = UTT(UTTParameters(in_channels=5, logits=13))

    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items() if "arch_vhr" not in key}

    assert shapes == {f"arch_hr.{k}": shape for k, shape in expected_satellite_branch().items()} | expected_fusion()


def test_metadata_encoder_has_the_published_keys_and_shapes() -> None:
    state = small_network(metadata=True).state_dict()

    assert {key: tuple(tensor.shape) for key, tensor in state.items() if key.startswith("mtd_mlp")} == (
        layer("mtd_mlp.enc_mlp.0", (64, 45), 64)
        | layer("mtd_mlp.enc_mlp.3", (32, 64), 32)
        | layer("mtd_mlp.enc_mlp.6", (16, 32), 16)
    )


@pytest.mark.parametrize("metadata", [False, True])
def test_logits_are_those_of_the_published_code(metadata: bool) -> None:
    with torch.device("meta"):
        network = UTT(UTTParameters(in_channels=5, logits=13, metadata=metadata))
    network.load_state_dict(seeded_state(network.state_dict(), cases.SEED), assign=True)
    network.eval()
    series = Series(cases.satellite(10), cases.POSITIONS, (5,))

    with torch.inference_mode():
        if metadata:
            logits = network(cases.aerial(cases.METADATA_SIDE_PX), series=series, metadata=cases.metadata())
        else:
            logits = network(cases.aerial(cases.SIDE_PX), series=series)

    recorded = np.load(FIXTURES / f"ign_ut_t{'_metadata' if metadata else ''}.npy")
    np.testing.assert_allclose(cases.kept(logits), recorded, atol=1e-4, rtol=0)


def test_item_gives_the_same_alone_and_in_a_batch_of_other_lengths() -> None:
    network = small_network()
    aerial = seeded_input((3, 5, 64, 64), 1)
    dates, positions = 10 + seeded_input((3, 4, 2, 16, 16), 2), 50 * seeded_input((3, 4), 3)

    with torch.inference_mode():
        together = network(aerial, series=Series(dates, positions, (1, 4, 2)))
        for item, length in enumerate((1, 4, 2)):
            own = slice(item, item + 1)
            alone = network(aerial[own], series=Series(dates[own, :length], positions[own, :length], (length,)))

            torch.testing.assert_close(together[own], alone, atol=1e-5, rtol=0)


def test_series_of_another_item_changes_nothing() -> None:
    network = small_network()
    aerial = seeded_input((2, 5, 64, 64), 1)
    dates, positions = 10 + seeded_input((2, 3, 2, 16, 16), 2), torch.zeros(2, 3)

    with torch.inference_mode():
        before = network(aerial, series=Series(dates, positions, (3, 3)))
        dates[0] *= -2
        after = network(aerial, series=Series(dates, positions, (3, 3)))

    assert torch.equal(after[1], before[1])
    assert (after[0] - before[0]).abs().max() > 0.01


def test_checkpoint_of_the_published_training_loads_strictly(tmp_path: Path) -> None:
    state = seeded_state(small_network().state_dict(), seed=5)
    losses = {"criterion.0.weight": torch.ones(13), "criterion.1.weight": torch.ones(13)}
    published = {f"model.{key}": value for key, value in state.items()} | losses
    torch.save({"state_dict": published}, tmp_path / "flair-2.ckpt")
    network = small_network()

    weights.load(network, weights.read(tmp_path / "flair-2.ckpt"), name="flair-2.ckpt")

    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("metadata", [False, True])
def test_call_without_its_extra_inputs_is_refused(metadata: bool) -> None:
    needed = "metadata and series" if metadata else "series"

    with pytest.raises(ParameterInvalid, match=f"this network takes {needed} beside the imagery; it was given nothing"):
        small_network(metadata=metadata)(torch.zeros(1, 5, 64, 64))


def small_network(metadata: bool = False) -> UTT:
    parameters = UTTParameters.model_validate(
        {
            "in_channels": 5,
            "logits": 13,
            "stem": 8,
            "encoder": (8, 8, 8, 8),
            "blocks": (1, 1, 1, 1),
            "decoder": (8, 8, 8, 8, 8),
            "metadata": metadata,
            "satellite": {"bands": 2, "encoder": (16, 16), "decoder": (16, 16), "heads": 4, "model": 16, "keys": 2},
        }
    )
    network = UTT(parameters)
    network.load_state_dict(seeded_state(network.state_dict(), seed=4))
    return network.eval()
