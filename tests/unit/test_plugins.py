"""Cards are found by file, those of strangers only with permission, and nothing of theirs is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from models_made import offer_package, write_card

from veriscope import detectors
from veriscope.errors import DataError
from veriscope.runtime.plugins import did_you_mean, foreign_cards, packaged
from veriscope.settings import Settings

ALLOWED = Settings(allow_plugins=True)


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A card that another installed package offers."""
    return write_card(offer_package(tmp_path, monkeypatch))


def ids(settings: Settings) -> list[str]:
    return [card.id for card in detectors.catalogue(settings)]


def test_our_cards_are_found_by_file() -> None:
    assert [path.stem for path in packaged("detectors.cards", ".toml")] == ["face", "scene"]
    assert packaged("detectors.cards", ".json") == ()
    assert packaged("no.such.folder", ".toml") == ()


def test_a_stranger_needs_permission(offered: Path) -> None:
    assert "made" not in ids(Settings())
    assert "made" in ids(ALLOWED)
    assert foreign_cards() == (offered,)
    with pytest.raises(DataError, match='no detector "made"'):
        detectors.chosen(Settings(detectors=("made",)))


def test_an_allowed_stranger_runs_only_when_asked_for(offered: Path) -> None:
    assert "made" not in [card.id for card in detectors.chosen(ALLOWED)]
    chosen = detectors.chosen(Settings(allow_plugins=True, detectors=("made", "made")))
    assert [card.id for card in chosen] == ["made"]


def test_listing_runs_no_code_of_the_package(offered: Path) -> None:
    for folder in (offered.parent, offered.parent.parent):
        (folder / "__init__.py").write_text('raise SystemExit("imported")')
    assert "made" in ids(ALLOWED)
    assert "made_cards" not in sys.modules


def test_ours_come_first(offered: Path) -> None:
    assert ids(ALLOWED) == ["face", "scene", "made"]


def test_a_stranger_cannot_take_the_place_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_card(offer_package(tmp_path, monkeypatch), id="face", default=True)
    with pytest.raises(DataError, match='Two installed detectors are called "face"'):
        detectors.chosen(ALLOWED)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("scen", ' Did you mean "scene"?'), ("FACE", ' Did you mean "face"?'), ("faces", ' Did you mean "face"?'), ("zzz", "")],
)
def test_near_names_are_suggested(name: str, hint: str) -> None:
    assert did_you_mean(name, ["face", "scene"]) == hint


def test_an_unknown_detector_is_refused_with_a_hint() -> None:
    with pytest.raises(DataError, match=r'no detector "scne". Did you mean "scene"\?.*veriscope detectors'):
        detectors.chosen(Settings(detectors=("scne",)))


def test_missing_weights_are_seen_without_opening_them(offered: Path) -> None:
    card = next(card for card in detectors.catalogue(ALLOWED) if card.id == "made")
    assert detectors.why_unavailable(card) == ""
    offered.with_suffix(".onnx").unlink()
    assert "made.onnx are missing" in detectors.why_unavailable(card)
