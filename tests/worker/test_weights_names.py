"""Checkpoints of FLAIR-HUB, whose parts are named by modality and task; and files of another network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from app.definitions import ModelCard, shipped_model_cards
from app.definitions.model_card import CheckpointPart
from app.errors import ParameterInvalid, WeightsMismatch, WeightsUnreadable
from worker import weights
from worker.architectures import build
from worker.weights.naming import in_our_names

State = dict[str, torch.Tensor]

AERIAL = "AERIAL_RGBI"
COVER = "AERIAL_LABEL-COSIA"
CROPS = "ALL_LABEL-LPIS"


@pytest.fixture
def state(card: ModelCard) -> State:
    torch.manual_seed(0)
    return dict(build(card).state_dict())


def encoder(state: State, modality: str, prefix: str = "model.") -> State:
    return {
        f"{prefix}encoders.{modality}.seg_model.{key.removeprefix('encoder.')}": tensor
        for key, tensor in state.items()
        if key.startswith("encoder.")
    }


def decoder(state: State, group: str, owner: str, prefix: str = "model.") -> State:
    return {
        f"{prefix}{group}.{owner}.seg_model.{key}": tensor
        for key, tensor in state.items()
        if not key.startswith("encoder.")
    }


def beside(prefix: str = "model.") -> State:
    """What every published file holds beside the network."""
    fusion = {f"{prefix}fusion_handler.conv_f.{stage}.weight": torch.ones(2, 2, 1, 1) for stage in range(4)}
    return {**fusion, f"criterion.{COVER}.weight": torch.ones(19)}


def saved(path: Path, state: State) -> Path:
    safetensors.torch.save_file({key: tensor.clone() for key, tensor in state.items()}, path)
    return path


@pytest.mark.parametrize("prefix", ["model.", ""])
def test_checkpoint_of_one_modality_loads(card: ModelCard, state: State, tmp_path: Path, prefix: str) -> None:
    whole = encoder(state, AERIAL, prefix) | decoder(state, "main_decoders", COVER, prefix) | beside(prefix)

    installed = weights.install(card, saved(tmp_path / "hub.safetensors", whole))

    assert_same(safetensors.torch.load(installed.content), state)
    assert installed.left_out == {"criterion": 1, "fusion_handler.conv_f": 4}


@pytest.mark.parametrize("card", shipped_model_cards().values(), ids=lambda card: card.id)
def test_names_that_the_publisher_gives_are_those_of_the_network(card: ModelCard) -> None:
    """Prefixes: `model.seg_model.` (FLAIR#1, FLAIR-INC), `model.` (FLAIR#2), encoder and decoder apart (FLAIR-HUB)."""
    with torch.device("meta"):
        state = build(card).state_dict()
    if card.id.startswith("flair-hub-"):
        published = encoder(state, AERIAL) | decoder(state, "main_decoders", COVER)
    else:
        prefix = "model." if card.id.startswith("flair-2-") else "model.seg_model."
        published = {f"{prefix}{key}": tensor for key, tensor in state.items()}

    named = in_our_names(published | beside(), "published")

    assert named.state.keys() == state.keys()
    assert named.left_out == {"criterion": 1, "fusion_handler.conv_f": 4}


def test_tables_that_older_libraries_saved_are_left_out(card: ModelCard, state: State, tmp_path: Path) -> None:
    name = f"model.encoders.{AERIAL}.seg_model.model.layers_0.blocks.1.attn.relative_position_index"
    whole = encoder(state, AERIAL) | decoder(state, "main_decoders", COVER) | {name: torch.zeros(4, 4)}

    assert_same(weights.read(saved(tmp_path / "old.safetensors", whole)), state)


def test_fused_modalities_are_refused_by_name(card: ModelCard, state: State, tmp_path: Path) -> None:
    whole = encoder(state, AERIAL) | encoder(state, "SPOT_RGBI") | decoder(state, "main_decoders", COVER)

    with pytest.raises(WeightsMismatch, match=r"fuses 2 modalities \(AERIAL_RGBI, SPOT_RGBI\).*part\.modality"):
        weights.install(card, saved(tmp_path / "fused.safetensors", whole))


def test_modality_that_the_card_names_comes_with_its_own_decoder(card: ModelCard, state: State, tmp_path: Path) -> None:
    fused = {key: tensor + 1 for key, tensor in state.items()}
    whole = (
        encoder(state, AERIAL)
        | encoder(fused, "SPOT_RGBI")
        | decoder(fused, "main_decoders", COVER)
        | decoder(state, "aux_decoders", f"{AERIAL}__{COVER}")
        | decoder(fused, "aux_decoders", f"SPOT_RGBI__{COVER}")
        | beside()
    )
    named = card.model_copy(update={"part": CheckpointPart(modality=AERIAL)})

    installed = weights.install(named, saved(tmp_path / "fused.safetensors", whole))

    assert_same(safetensors.torch.load(installed.content), state)
    assert installed.left_out.keys() == {
        "criterion",
        "fusion_handler.conv_f",
        "encoders.SPOT_RGBI",
        f"main_decoders.{COVER}",
        f"aux_decoders.SPOT_RGBI__{COVER}",
    }


def test_fused_decoder_does_not_stand_in_for_one_that_was_not_trained(
    card: ModelCard, state: State, tmp_path: Path
) -> None:
    whole = encoder(state, AERIAL) | encoder(state, "SPOT_RGBI") | decoder(state, "main_decoders", COVER)
    named = card.model_copy(update={"part": CheckpointPart(modality=AERIAL)})

    with pytest.raises(WeightsMismatch, match="no decoder that was trained on AERIAL_RGBI alone"):
        weights.install(named, saved(tmp_path / "fused.safetensors", whole))


def test_network_of_a_series_is_refused(card: ModelCard, tmp_path: Path) -> None:
    whole = {"model.encoders.SENTINEL2_TS.in_conv.conv.conv.0.weight": torch.zeros(4, 10, 3, 3)}

    with pytest.raises(WeightsMismatch, match="SENTINEL2_TS is a series of images"):
        weights.install(card, saved(tmp_path / "series.safetensors", whole))


def test_task_must_be_named_where_there_are_several(card: ModelCard, state: State, tmp_path: Path) -> None:
    crops = {key: tensor + 1 for key, tensor in state.items()}
    path = saved(
        tmp_path / "tasks.safetensors",
        encoder(state, AERIAL) | decoder(state, "main_decoders", COVER) | decoder(crops, "main_decoders", CROPS),
    )

    with pytest.raises(WeightsMismatch, match=r"AERIAL_LABEL-COSIA, ALL_LABEL-LPIS: name one .* part\.task"):
        weights.read(path)

    assert_same(weights.read(path, CheckpointPart(task=COVER)), state)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (CheckpointPart(modality="SPOT_RGBI"), "no modality SPOT_RGBI; it holds AERIAL_RGBI"),
        (CheckpointPart(task=CROPS), "no decoder for ALL_LABEL-LPIS on AERIAL_RGBI alone; it has AERIAL_LABEL-COSIA"),
    ],
)
def test_part_that_is_not_in_the_file_is_named(state: State, tmp_path: Path, part: CheckpointPart, words: str) -> None:
    path = saved(tmp_path / "hub.safetensors", encoder(state, AERIAL) | decoder(state, "main_decoders", COVER))

    with pytest.raises(WeightsMismatch, match=words):
        weights.read(path, part)


def test_unknown_tensor_beside_the_network_is_refused(card: ModelCard, state: State, tmp_path: Path) -> None:
    whole = encoder(state, AERIAL) | decoder(state, "main_decoders", COVER)
    whole["model.fusion_handler.gate.weight"] = torch.zeros(1)

    with pytest.raises(WeightsMismatch, match=r"1 tensors not expected \(fusion_handler\.gate\.weight\)"):
        weights.install(card, saved(tmp_path / "gate.safetensors", whole))


def test_tensor_under_two_names_is_refused(state: State, tmp_path: Path) -> None:
    state["model.seg_model.encoder.conv1.weight"] = state["encoder.conv1.weight"]

    with pytest.raises(WeightsMismatch, match=r"encoder\.conv1\.weight twice"):
        weights.read(saved(tmp_path / "twice.safetensors", state))


def test_file_for_other_bands_says_how_many_and_which_card_it_fits() -> None:
    rvb, rvbie = (shipped_model_cards()[name] for name in ("flair-inc-rvb", "flair-inc-rvbie"))
    with torch.device("meta"):
        network, other = build(rvb), build(rvbie)

    with pytest.raises(WeightsMismatch) as refused:
        weights.load(network, other.state_dict(), "rgbie.pth")

    assert "made for 5 bands, the card lists 3" in refused.value.message
    assert "It fits flair-inc-rvbie" in refused.value.message


def test_file_of_another_architecture_says_which_card_it_fits(card: ModelCard) -> None:
    with torch.device("meta"):
        other = build(shipped_model_cards()["cosia-demo"])

    with pytest.raises(WeightsMismatch, match="It fits cosia-demo"):
        weights.load(build(card.model_copy(update={"parameters": {"blocks": [1, 1, 1, 2]}})), other.state_dict(), "x")


def test_card_with_weights_but_without_sha256_is_refused(card: ModelCard, tmp_path: Path) -> None:
    document = json.loads(weights.card_json(card)) | {"weights": "tiny.safetensors"}
    (tmp_path / "tiny.json").write_text(json.dumps(document))

    with pytest.raises(ParameterInvalid, match=r"tiny\.json.*states weights without sha256"):
        weights.read_card(tmp_path / "tiny.json")


def test_file_other_than_the_card_states_is_refused(card: ModelCard, state: State, tmp_path: Path) -> None:
    stated = card.model_copy(update={"weights": "tiny.safetensors", "sha256": "0" * 64})

    with pytest.raises(WeightsUnreadable, match=f"expected {'0' * 64}"):
        weights.install(stated, saved(tmp_path / "tiny.safetensors", state))


def assert_same(actual: State, expected: State) -> None:
    assert actual.keys() == expected.keys()
    assert all(torch.equal(actual[key], expected[key]) for key in expected)
