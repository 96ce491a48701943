"""The error rates on the learn page: those that are published, in every language."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from streamlit.testing.v1 import AppTest

from veriscope.app import rates_view
from veriscope.detectors import catalogue as cards
from veriscope.i18n import catalogue, languages
from veriscope.settings import Settings

ROOT = Path(__file__).parents[2]
NAMES = ("scene", "face")


@pytest.fixture(scope="module")
def error_rates() -> ModuleType:
    """The recipe of the file; it is no part of the package."""
    spec = importlib.util.spec_from_file_location("error_rates", ROOT / "research" / "error_rates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_package_carries_the_published_figures(error_rates: ModuleType) -> None:
    data = {name: json.loads((ROOT / "docs" / f"evaluation-{name}.json").read_text("utf-8")) for name in NAMES}
    assert error_rates.FILE.read_text("utf-8") == error_rates.written(data), "run: python -m research.publish"


def test_they_are_those_of_the_detectors_that_answer() -> None:
    shown = {detector.id: detector.version for detector in rates_view.published().detectors}
    assert shown == {card.id: card.version for card in cards(Settings()) if card.id in shown}


@pytest.mark.parametrize(
    ("flagged", "pictures", "least", "most"),
    [
        pytest.param(0, 100, 0.02, 0.03, id="none of a hundred: up to three in a hundred"),
        pytest.param(0, 10, 0.15, 0.30, id="none of ten says little"),
        pytest.param(50, 100, 0.55, 0.60, id="half"),
        pytest.param(10, 10, 1.0, 1.0, id="all"),
    ],
)
def test_few_pictures_leave_a_wide_margin(
    error_rates: ModuleType, flagged: int, pictures: int, least: float, most: float
) -> None:
    assert least <= error_rates.at_most(flagged, pictures) <= most


def test_no_margin_is_below_what_was_seen() -> None:
    for detector in rates_view.published().detectors:
        assert detector.real
        assert all(row.at_most > row.flagged / row.pictures for row in detector.real)
        assert all(row.pictures >= rates_view.published().least for row in detector.real)
        assert all(row.pictures >= rates_view.published().least for row in detector.made)


@pytest.mark.parametrize("language", languages())
def test_every_kind_of_picture_has_words_and_its_count(language: str) -> None:
    words = catalogue(language)
    test = AppTest.from_string("from veriscope.app.learn_page import show\nshow()", default_timeout=200)
    test.session_state["language"] = language
    test.run()
    assert not test.exception
    tables = [element.proto.body for element in test.html if "vs-rates" in element.proto.body]
    assert len(tables) == 2 * len(rates_view.published().detectors)
    for detector, table in zip(rates_view.published().detectors, tables[::2], strict=True):
        rows = re.findall(r'<tr><th scope="row">.*?</tr>', table)
        assert len(rows) == len(detector.real)
        for entry, row in zip(detector.real, rows, strict=True):
            assert "<bdi" not in row, f"no words for {entry.kind}"
            assert f">{words.number(round(1000 * entry.flagged / entry.pictures))}<" in row
            assert f"<td>{words.number(entry.pictures)}</td>" in row
