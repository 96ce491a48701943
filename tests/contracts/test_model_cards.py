"""What every card of a well-known Hub model promises: one suite over all cards. No model is opened, nobody is asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hub_table
from veriscope.detectors.hub.catalogue import ModelCard, known_as, well_known
from veriscope.errors import ModelError
from veriscope.runtime.plugins import packaged

CARDS = well_known()
NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)

every_card = pytest.mark.parametrize("card", [pytest.param(card, id=card.repository) for card in CARDS])


def test_there_is_a_card_for_each_well_known_family() -> None:
    owners = {card.repository.partition("/")[0] for card in CARDS}
    assert {"dima806", "prithivMLmods", "Organika", "umm-maybe", "haywoodsloan", "OwensLab", "yermandy"} <= owners
    assert len(CARDS) >= 15


def test_no_repository_has_two_cards() -> None:
    names = [card.repository.casefold() for card in CARDS]
    assert len(set(names)) == len(names)


def test_a_file_is_named_for_its_repository() -> None:
    files = {path.stem for path in packaged("detectors.hub.catalogue", ".toml")}
    assert files == {card.repository.replace("/", "--") for card in CARDS}


@every_card
def test_a_card_is_found_by_its_name_in_any_case(card: ModelCard) -> None:
    assert known_as(card.repository.upper()) is card


@every_card
def test_a_card_warns(card: ModelCard) -> None:
    assert card.warnings
    assert all(warning.endswith(".") for warning in card.warnings)


@every_card
def test_a_claimed_number_is_never_shown_without_what_others_found_or_that_nobody_looked(card: ModelCard) -> None:
    said = " ".join(card.warnings)
    assert card.results or not card.claims or not card.runs or re.search("own training collection|not been checked", said)


@every_card
def test_commercial_use_follows_the_licence(card: ModelCard) -> None:
    assert bool(NON_COMMERCIAL.search(card.licence)) == (card.commercial_use == "no")
    if card.commercial_use == "yes":
        assert card.licence in {"Apache-2.0", "MIT"}


@every_card
def test_published_labels_are_accepted_and_others_refused_with_both_shown(card: ModelCard) -> None:
    if card.outputs == "logit":
        card.check_labels(["LABEL_0"])
        with pytest.raises(ModelError, match=r'0 "cat", 1 "dog".*one output'):
            card.check_labels(["cat", "dog"])
        return
    for words in (card.labels, *card.earlier_labels):
        card.check_labels([word.upper() for word in words])
    if card.labels:
        with pytest.raises(ModelError, match=rf'0 "cat", 1 "dog".*0 "{re.escape(card.labels[0])}"'):
            card.check_labels(["cat", "dog"])


@every_card
def test_labels_the_other_way_round_are_refused_unless_a_revision_had_them_so(card: ModelCard) -> None:
    reversed_words = tuple(reversed(card.labels))
    if not card.labels or reversed_words in card.earlier_labels:
        return
    with pytest.raises(ModelError, match="another model"):
        card.check_labels(reversed_words)


@every_card
def test_a_model_that_needs_its_authors_code_says_so(card: ModelCard) -> None:
    assert card.runs or "not run here" in " ".join(card.warnings)
    if card.instead:
        other = known_as(card.instead)
        assert other is not None
        assert other.runs


def test_community_forensics_is_read_as_it_was_trained() -> None:
    card = known_as("buildborderless/CommunityForensics-DeepfakeDet-ViT")
    assert card is not None
    assert card.preprocessing is not None
    config = card.preprocessing.processor_config()
    assert config["size"] == {"shortest_edge": 440}
    assert config["crop_size"] == {"height": 384, "width": 384}
    assert config["image_mean"] == [0.485, 0.456, 0.406]
    assert config["resample"] == 2
    assert card.outputs == "logit"


def test_gend_wants_an_aligned_face() -> None:
    card = known_as("yermandy/GenD_CLIP_L_14")
    assert card is not None
    assert card.crop is not None
    assert (card.crop.margin, card.crop.rotate) == (1.3, True)
    assert not card.runs


def test_the_page_shows_the_cards() -> None:
    page = Path(__file__).parents[2] / "docs/hub.md"
    text = page.read_text("utf-8")
    assert hub_table.page_with(text, hub_table.table()) == text, "run python scripts/hub_table.py"
