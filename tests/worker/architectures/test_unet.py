"""The U-Net against the published format, written out here by hand from the ResNet paper and FACTS of FLAIR-INC."""

from __future__ import annotations

import pytest
import torch

from worker.architectures.unet import UNet, UNetParameters


def batch_norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    vectors = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{vector}": (channels,) for vector in vectors} | {f"{name}.num_batches_tracked": ()}


def expected_resnet34_unet(bands: int, logits: int) -> dict[str, tuple[int, ...]]:
    """Key -> shape of `Unet(encoder_name="resnet34")`: 36 convolutions and norms in the encoder, 10 in the decoder."""
    expected: dict[str, tuple[int, ...]] = {"encoder.conv1.weight": (64, bands, 7, 7)}
    expected |= batch_norm("encoder.bn1", 64)
    # (stage, channels before, channels, basic blocks); stages 2-4 halve the size and project their first identity.
    for stage, before, channels, blocks in [(1, 64, 64, 3), (2, 64, 128, 4), (3, 128, 256, 6), (4, 256, 512, 3)]:
        for block in range(blocks):
            name = f"encoder.layer{stage}.{block}"
            expected[f"{name}.conv1.weight"] = (channels, before if block == 0 else channels, 3, 3)
            expected |= batch_norm(f"{name}.bn1", channels)
            expected[f"{name}.conv2.weight"] = (channels, channels, 3, 3)
            expected |= batch_norm(f"{name}.bn2", channels)
        if stage > 1:
            expected[f"encoder.layer{stage}.0.downsample.0.weight"] = (channels, before, 1, 1)
            expected |= batch_norm(f"encoder.layer{stage}.0.downsample.1", channels)
    # (block, channels from below + channels of the skip, channels)
    for block, before, channels in [(0, 512 + 256, 256), (1, 256 + 128, 128), (2, 128 + 64, 64), (3, 64 + 64, 32),
                                    (4, 32, 16)]:  # fmt: skip
        name = f"decoder.blocks.{block}"
        expected[f"{name}.conv1.0.weight"] = (channels, before, 3, 3)
        expected |= batch_norm(f"{name}.conv1.1", channels)
        expected[f"{name}.conv2.0.weight"] = (channels, channels, 3, 3)
        expected |= batch_norm(f"{name}.conv2.1", channels)
    expected["segmentation_head.0.weight"] = (logits, 16, 3, 3)
    expected["segmentation_head.0.bias"] = (logits,)
    return expected


@pytest.mark.parametrize("bands", [3, 4, 5])
def test_resnet34_has_the_published_keys_and_shapes(bands: int) -> None:
    with torch.device("meta"):
        network = UNet(UNetParameters(in_channels=bands, logits=19))

    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}

    assert shapes == expected_resnet34_unet(bands, 19)
    assert len(shapes) == 278


def test_resnet34_with_five_bands_has_24_4_million_parameters() -> None:
    with torch.device("meta"):
        network = UNet(UNetParameters(in_channels=5, logits=19))

    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == 24.4


def test_output_has_the_size_of_the_input() -> None:
    network = tiny_network()

    with torch.inference_mode():
        logits = network(torch.zeros(2, 3, 64, 96))

    assert logits.shape == (2, 7, 64, 96)


def test_decoder_doubles_by_nearest_neighbour_and_puts_the_upsampled_map_before_the_skip() -> None:
    block = tiny_network().decoder.blocks[3]
    seen: list[torch.Tensor] = []
    block.conv1.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    below = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 4, 2, 2)
    skip = torch.full((1, 4, 4, 4), 9.0)

    block(below, skip)

    merged = seen[0][0]
    assert merged.shape == (8, 4, 4)
    assert merged[0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert (merged[4:] == 9).all()


@pytest.mark.parametrize("margin_px", [3, 33, 48, 64])
def test_what_is_cut_off_with_an_unseen_margin_changes_no_logit_inside(margin_px: int) -> None:
    torch.manual_seed(4)
    network = tiny_network()
    x = torch.randn(1, 3, 160, 224)

    with torch.inference_mode():
        whole = network(x)[..., margin_px:-margin_px, margin_px:-margin_px]
        network.decoder.unseen_px = margin_px
        cut = network(x)
        left = (cut.shape[-1] - whole.shape[-1]) // 2

    torch.testing.assert_close(cut[..., left : cut.shape[-2] - left, left : cut.shape[-1] - left], whole)


def test_an_unseen_margin_is_not_computed_but_for_four_pixels() -> None:
    network = tiny_network()
    network.decoder.unseen_px = 64

    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 160, 224)).shape == (1, 7, 160 - 2 * 60, 224 - 2 * 60)


def tiny_network() -> UNet:
    parameters = UNetParameters(
        in_channels=3, logits=7, stem=4, encoder=(4, 8, 8, 8), blocks=(1, 1, 1, 1), decoder=(8, 8, 4, 4, 4)
    )
    return UNet(parameters).eval()
