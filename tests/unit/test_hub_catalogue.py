"""What a card of a Hub model must say before it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from models_made import toml

from veriscope.detectors.hub.catalogue import known_as, read_model_card
from veriscope.errors import DataError

CARD: dict[str, Any] = {
    "repository": "someone/something",
    "summary": "Whole pictures.",
    "task": "scene",
    "architecture": "ViT",
    "outputs": "classes",
    "labels": ["real", "fake"],
    "synthetic": ["fake"],
    "form": "transformers",
    "licence": "MIT",
    "commercial_use": "yes",
}
CROP = {"margin": 1.3, "rotate": True}


def written(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "someone--something.toml"
    path.write_text(toml({name: value for name, value in (CARD | changes).items() if value is not None}), "utf-8")
    return path


def test_a_complete_card_is_read(tmp_path: Path) -> None:
    card = read_model_card(written(tmp_path))
    assert (card.id, card.runs) == ("hf:someone/something", True)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"colour": "red"}, "colour", id="unknown key"),
        pytest.param({"repository": "../something"}, "repository", id="a path"),
        pytest.param({"repository": "something"}, "repository", id="no owner"),
        pytest.param({"task": "voice"}, "task", id="unknown task"),
        pytest.param({"synthetic": ["generated"]}, "label words", id="a word that the model does not say"),
        pytest.param({"synthetic": []}, "label words", id="no word means synthetic"),
        pytest.param({"synthetic": ["real", "fake"]}, "mean real", id="no word means real"),
        pytest.param({"earlier_labels": [["fake"]]}, "mean real", id="an earlier order without real"),
        pytest.param({"outputs": "logit"}, "one logit", id="words for one logit"),
        pytest.param({"crop": CROP}, "only a face model", id="crop of a whole picture"),
        pytest.param({"task": "face", "crop": {**CROP, "margin": 9.0}}, "margin", id="margin out of range"),
        pytest.param({"form": "pickle"}, "form", id="unknown form"),
        pytest.param({"commercial_use": "maybe"}, "commercial_use", id="undecided use"),
        pytest.param({"claims": [{"says": "99 %", "source": "a friend"}]}, "claims.0.source", id="a number without source"),
        pytest.param({"licence": None}, "licence", id="no licence"),
    ],
)
def test_a_wrong_card_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], names: str) -> None:
    with pytest.raises(DataError, match=r"The model card someone--something\.toml is invalid") as caught:
        read_model_card(written(tmp_path, **changes))
    assert names in str(caught.value)


def test_nothing_is_known_about_other_repositories() -> None:
    assert known_as("nobody/nothing") is None
