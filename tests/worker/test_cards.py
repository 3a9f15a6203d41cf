"""Contract of every shipped model card: its architecture builds, and shipped weights are the ones it states."""

from __future__ import annotations

import pytest
import torch

from app.definitions import Band, ModelCard, nomenclature, shipped_model_cards, shipped_weights
from worker.architectures import build
from worker.weights import file_sha256, network_of

CARDS = list(shipped_model_cards().values())
FLAIR = [card for card in CARDS if card.id.startswith("flair-inc-")]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_card_describes_a_network_that_builds(card: ModelCard) -> None:
    with torch.device("meta"):
        network = build(card)

    head = list(network.state_dict().values())[-1]
    assert head.shape == (len(card.values),)
    # A block of 2048 px with its margin needs no padding then.
    assert (2048 + 2 * card.margin_px) % network.stride_px == 0


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_values_are_classes_of_the_nomenclature_each_at_most_once(card: ModelCard) -> None:
    trained = [value for value in card.values if value]

    assert set(trained) <= set(nomenclature(card.nomenclature).by_value)
    assert len(trained) == len(set(trained))


@pytest.mark.parametrize("card", [card for card in CARDS if card.weights], ids=lambda card: card.id)
def test_shipped_weights_are_those_of_the_card_and_load(card: ModelCard) -> None:
    path = shipped_weights(card)

    assert path is not None
    assert file_sha256(path) == card.sha256
    assert not network_of(card, path).training
    assert card.scores[0].mean_iou is not None


def test_the_demonstration_model_is_shipped_with_weights_and_all_classes() -> None:
    card = shipped_model_cards()["cosia-demo"]

    assert card.weights is not None
    assert sorted(card.values) == list(range(1, 17))
    assert card.bands == tuple(Band)
    assert "procedural scenes" in card.training


@pytest.mark.parametrize("card", FLAIR, ids=lambda card: card.id)
def test_flair_cards_map_logits_to_classes_by_flair_code(card: ModelCard) -> None:
    """Logit k is FLAIR code k + 1: 1-14 and 18 were trained in the 15-class networks, 1-12 in the 12-class one."""
    trained = range(1, 13) if card.id.endswith("-12") else [*range(1, 15), 18]
    by_code = {each.flair_code: each.value for each in nomenclature().classes}

    assert card.values == tuple(by_code[code] if code in trained else 0 for code in range(1, 20))


def test_flair_cards_are_there_for_three_four_and_five_bands() -> None:
    assert {len(card.bands) for card in FLAIR} == {3, 4, 5}
