"""Weights files in every published form, and those that must be refused."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from app.definitions import ModelCard
from app.errors import Unknown, WeightsMismatch, WeightsUnreadable
from worker import weights
from worker.architectures import build

State = OrderedDict[str, torch.Tensor]


@pytest.fixture
def state(card: ModelCard) -> State:
    torch.manual_seed(0)
    return OrderedDict(build(card).state_dict())


def test_published_pth_loads_strictly_with_prefix_stripped_and_criterion_dropped(
    card: ModelCard, state: State, tmp_path: Path
) -> None:
    published = OrderedDict((f"model.seg_model.{key}", tensor) for key, tensor in state.items())
    published["criterion.weight"] = torch.ones(3)
    torch.save(published, tmp_path / "published.pth")

    network = weights.network_of(card, tmp_path / "published.pth")

    assert_same(network.state_dict(), state)


def test_lightning_checkpoint_gives_its_state_dict(card: ModelCard, state: State, tmp_path: Path) -> None:
    checkpoint = {"epoch": 3, "state_dict": {f"model.{key}": tensor for key, tensor in state.items()}}
    torch.save(checkpoint, tmp_path / "last.ckpt")

    assert_same(weights.network_of(card, tmp_path / "last.ckpt").state_dict(), state)


def test_older_torch_files_load(card: ModelCard, state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)

    assert_same(weights.network_of(card, tmp_path / "old.pth").state_dict(), state)


def test_half_precision_safetensors_load_as_float32(card: ModelCard, state: State, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    path.write_bytes(weights.half_precision(state))

    loaded = weights.network_of(card, path).state_dict()

    expected = state["encoder.conv1.weight"].half().float()
    assert loaded["encoder.conv1.weight"].dtype == torch.float32
    assert torch.equal(loaded["encoder.conv1.weight"], expected)


def test_renamed_tensor_is_named(card: ModelCard, state: State, tmp_path: Path) -> None:
    state["encoder.bn9.weight"] = state.pop("encoder.bn1.weight")
    torch.save(state, tmp_path / "renamed.pth")

    with pytest.raises(WeightsMismatch) as refused:
        weights.network_of(card, tmp_path / "renamed.pth")

    assert "1 tensors missing (encoder.bn1.weight)" in refused.value.message
    assert "1 tensors not expected (encoder.bn9.weight)" in refused.value.message


def test_wrong_shape_is_named(card: ModelCard, state: State, tmp_path: Path) -> None:
    state["segmentation_head.0.bias"] = torch.zeros(19)
    torch.save(state, tmp_path / "other.pth")

    with pytest.raises(WeightsMismatch, match=r"segmentation_head\.0\.bias is \(19,\), expected \(3,\)"):
        weights.network_of(card, tmp_path / "other.pth")


class _Harmful:
    """An object whose reading would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, (f"touch {self.path}",))


@pytest.mark.parametrize("name", ["harmful.pth", "harmful.ckpt", "harmful.safetensors"])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("beside_the_state", [True, False])
def test_pickle_with_code_is_refused_and_runs_nothing(
    card: ModelCard, state: State, tmp_path: Path, name: str, zipped: bool, beside_the_state: bool
) -> None:
    harmful = _Harmful(tmp_path / "pwn")
    contents = {"state_dict": state, "hyper_parameters": harmful} if beside_the_state else {**state, "extra": harmful}
    torch.save(contents, tmp_path / name, _use_new_zipfile_serialization=zipped)

    with pytest.raises(WeightsUnreadable, match="refused"):
        weights.network_of(card, tmp_path / name)

    assert not (tmp_path / "pwn").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_truncated_file_is_refused(card: ModelCard, state: State, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        safetensors.torch.save_file(state, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    with pytest.raises(WeightsUnreadable):
        weights.network_of(card, path)


def test_older_torch_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "cut.pth"
    torch.save(
        {"state_dict": {"a.weight": torch.ones(2, 3), "b": torch.tensor(1)}}, path, _use_new_zipfile_serialization=False
    )
    whole = path.read_bytes()
    for length in range(0, len(whole), 5):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsUnreadable, match=r"cut\.pth is (damaged or no weights file|refused)"):
            weights.read(path)


@pytest.mark.parametrize("content", [b"", b"hello, I am a text", b"PK\x03\x04", b"\x80\x02N."])
def test_file_without_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "not-weights.pth"
    path.write_bytes(content)

    with pytest.raises(WeightsUnreadable, match=r"not-weights\.pth"):
        weights.read(path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # quantised tensors are going out of use, and can still be in a file
@pytest.mark.parametrize(
    "made",
    [
        lambda: torch.zeros(4, device="meta"),
        lambda: torch.eye(4).to_sparse(),
        lambda: torch.quantize_per_tensor(torch.zeros(4), 1, 0, torch.qint8),
    ],
    ids=["absent", "sparse", "quantised"],
)
def test_tensor_without_plain_numbers_is_refused(
    state: State, tmp_path: Path, made: Callable[[], torch.Tensor]
) -> None:
    state["encoder.bn1.weight"] = made()
    torch.save(state, tmp_path / "odd.pth")

    with pytest.raises(WeightsUnreadable, match=r"encoder\.bn1\.weight.*plain numbers"):
        weights.read(tmp_path / "odd.pth")


def test_missing_file_is_said_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnreadable) as refused:
        weights.read(tmp_path / "absent.pth")

    assert "absent.pth" in refused.value.message
    assert str(tmp_path) not in refused.value.message


def test_weights_that_are_not_finite_are_refused(card: ModelCard, state: State, tmp_path: Path) -> None:
    state["segmentation_head.0.bias"][1] = float("nan")
    torch.save(state, tmp_path / "nan.pth")

    with pytest.raises(WeightsUnreadable, match=r"segmentation_head\.0\.bias"):
        weights.network_of(card, tmp_path / "nan.pth")


def test_install_completes_the_card_and_gives_the_file_to_store(card: ModelCard, state: State, tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_bytes(weights.card_json(card))
    torch.save({f"model.seg_model.{key}": tensor for key, tensor in state.items()}, tmp_path / "tiny.pth")

    installed = weights.install(tmp_path / "tiny.json", tmp_path / "tiny.pth")

    assert installed.sha256 == hashlib.sha256(installed.content).hexdigest() == installed.card.sha256
    assert installed.card.weights == "tiny.safetensors"
    assert_same(safetensors.torch.load(installed.content), state)


def test_tensors_that_share_memory_in_a_file_are_stored_apart(card: ModelCard, state: State, tmp_path: Path) -> None:
    state["encoder.bn1.weight"] = state["encoder.bn1.bias"] = torch.arange(8.0)[::2]
    torch.save(state, tmp_path / "shared.pth")

    installed = weights.install(card, tmp_path / "shared.pth")

    assert_same(safetensors.torch.load(installed.content), state)


def test_half_precision_is_stored_in_the_network_s_own_type(card: ModelCard, state: State, tmp_path: Path) -> None:
    (tmp_path / "half.safetensors").write_bytes(weights.half_precision(state))

    stored = safetensors.torch.load(weights.install(card, tmp_path / "half.safetensors").content)

    assert {key: tensor.dtype for key, tensor in stored.items()} == {key: tensor.dtype for key, tensor in state.items()}


def test_weights_other_than_the_card_states_are_refused(card: ModelCard, state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "tiny.pth")
    stated = card.model_copy(update={"weights": "tiny.pth", "sha256": "0" * 64})

    with pytest.raises(WeightsUnreadable, match="its sha256 differs"):
        weights.network_of(stated, tmp_path / "tiny.pth")


def test_card_that_is_nowhere_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="neither a model card file nor a shipped card"):
        weights.read_card("no-such-card")


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert actual.keys() == expected.keys()
    assert all(torch.equal(actual[key], expected[key]) for key in expected)
