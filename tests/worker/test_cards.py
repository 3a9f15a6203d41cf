"""Contract of every shipped model card: its architecture builds, and shipped weights are the ones it states."""

from __future__ import annotations

import pytest
import torch

from app.definitions import Band, ExtraInput, ModelCard, nomenclature, shipped_model_cards, shipped_weights
from worker.architectures import build
from worker.weights import file_sha256, network_of

CARDS = list(shipped_model_cards().values())
FLAIR = [card for card in CARDS if card.id.startswith("flair-inc-")]
FLAIR_HUB = [card for card in CARDS if card.id.startswith("flair-hub-")]
PUBLISHED = [card for card in CARDS if card.published]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_card_describes_a_network_that_builds(card: ModelCard) -> None:
    with torch.device("meta"):
        network = build(card)

    head = list(network.state_dict().values())[-1]
    assert head.shape == (len(card.values),)
    # A block of 2048 px with its margin needs no padding then.
    assert (2048 + 2 * card.margin_px) % network.stride_px == 0


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_card_says_in_french_all_that_it_says_in_english(card: ModelCard) -> None:
    assert card.french is not None
    assert card.french.description
    assert len(card.french.weaknesses) == len(card.weaknesses)


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


def test_card_of_flair_2_needs_a_series_and_has_the_published_size() -> None:
    """486 tensors and 27.25 million parameters; logit k is FLAIR code k + 1, and the 13th is all others."""
    card = shipped_model_cards()["flair-2-ut-t"]
    by_code = {each.flair_code: each.value for each in nomenclature().classes}
    with torch.device("meta"):
        network = build(card)

    assert card.extra_inputs == (ExtraInput.SERIES,)
    assert card.values == (*(by_code[code] for code in range(1, 13)), 0)
    assert len(network.state_dict()) == 486
    assert sum(each.numel() for each in network.parameters()) == 27_254_744


def test_flair_cards_are_there_for_three_four_and_five_bands() -> None:
    assert {len(card.bands) for card in FLAIR} == {3, 4, 5}


@pytest.mark.parametrize("card", FLAIR_HUB, ids=lambda card: card.id)
def test_flair_hub_cards_map_logits_to_classes_by_flair_hub_s_own_order(card: ModelCard) -> None:
    """Indexes 0-14 were trained; 15 (clear cut), ligneous, mixed and undefined never win."""
    by_index = {each.flair_hub_index: each.value for each in nomenclature().classes}

    assert card.values == tuple(by_index[index] if index < 15 else 0 for index in range(19))


@pytest.mark.parametrize("card", FLAIR_HUB, ids=lambda card: card.id)
def test_flair_hub_infrared_cards_take_near_infrared_first(card: ModelCard) -> None:
    """Source: channels 4, 1, 2 of R, G, B, NIR, and their statistics (configurations of IGNF/FLAIR-HUB)."""
    if "-irc-" in card.id:
        assert card.bands == (Band.NIR, Band.R, Band.G)
        assert (card.mean, card.std) == ((106.59, 105.66, 111.35), (39.78, 52.23, 45.62))
    else:
        assert card.bands == (Band.R, Band.G, Band.B)
        assert (card.mean, card.std) == ((105.66, 111.35, 102.18), (52.23, 45.62, 44.3))


def test_every_published_aerial_network_has_a_card() -> None:
    """Source: the publisher's pages on the hub, 8 of FLAIR-INC and 9 of FLAIR-HUB on one aerial image."""
    assert len({card.published.repository for card in PUBLISHED if card.published}) == len(PUBLISHED) == 17
    assert {card.id for card in PUBLISHED} == {card.id for card in FLAIR + FLAIR_HUB}


@pytest.mark.parametrize(
    ("name", "millions"),
    [  # what the publisher's pages state: parameters, or bytes of a file of float32 numbers over four
        ("flair-inc-rvbie", 98 / 4),
        ("flair-inc-rvb-fpn", 92.8 / 4),
        ("flair-inc-rvb-deeplabv3", 104 / 4),
        ("flair-inc-rvb-mitb5", 339 / 4),
        ("flair-hub-rvb-swinbase", 89.4),
        ("flair-hub-irc-swinbase", 89.4),
        ("flair-hub-irc-convnextv2tiny", 29.8),
        ("flair-hub-irc-convnextv2base", 90.2),
    ],
)
def test_network_has_as_many_parameters_as_the_published_one(name: str, millions: float) -> None:
    with torch.device("meta"):
        network = build(shipped_model_cards()[name])

    assert sum(each.numel() for each in network.parameters()) / 1e6 == pytest.approx(millions, rel=3e-3)


@pytest.mark.parametrize("card", [card for card in PUBLISHED if card.scores], ids=lambda card: card.id)
def test_mean_of_the_published_figures_is_the_mean_they_state(card: ModelCard) -> None:
    for score in card.scores:
        if score.iou and score.mean_iou is not None:
            assert sum(score.iou.values()) / len(score.iou) == pytest.approx(score.mean_iou, abs=2e-4)
            assert set(score.iou) <= {each.code for each in nomenclature().classes if each.value in card.values}


def test_no_published_card_shares_its_figures_with_another() -> None:
    """A figure that nobody retrieved is absent; it is never that of a sister network."""
    figures = [(score.overall_accuracy, score.mean_iou) for card in PUBLISHED for score in card.scores[:1]]

    assert len(set(figures)) == len(figures)
