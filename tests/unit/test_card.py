"""What a card must say before its model may run."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from models_made import CARD, FACE, card_values, made_card, toml, write_card

from veriscope.detectors.card import Card, read_card
from veriscope.domain import CropRecipe
from veriscope.errors import DataError


def curve(*pairs: tuple[float, float]) -> dict[str, Any]:
    return {"points": {"curve": [{"rate": rate, "probability": probability} for rate, probability in pairs]}}


def test_a_complete_card_is_read(tmp_path: Path) -> None:
    card = made_card(tmp_path)
    assert card.id == "made"
    assert card.weights_path == tmp_path / "made.onnx"
    assert not card.default


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"colour": "red"}, "colour", id="unknown key"),
        pytest.param({"input": {"colour": "red"}}, "input.colour", id="unknown key in a table"),
        pytest.param({"folder": "/etc"}, "folder", id="a folder of its own"),
        pytest.param({"id": "Made"}, "id", id="id with a capital"),
        pytest.param({"id": "../made"}, "id", id="id that climbs"),
        pytest.param({"task": "voice"}, "task", id="unknown task"),
        pytest.param({"engine": "pickle"}, "engine", id="unknown engine"),
        pytest.param({"engine": "made_cards:Detector"}, "engine", id="a class of its own"),
        pytest.param({"commercial_use": "maybe"}, "commercial_use", id="undecided commercial use"),
        pytest.param({"weights": {"sha256": "abc"}}, "weights.sha256", id="short checksum"),
        pytest.param({"weights": {"sha256": "A" * 64}}, "weights.sha256", id="checksum in capitals"),
        pytest.param({"weights": {"file": "../made.onnx"}}, "weights.file", id="weights elsewhere"),
        pytest.param({"weights": {"file": "made.pkl"}}, "weights.file", id="weights that are code"),
        pytest.param({"weights": {"bytes": 0}}, "weights.bytes", id="empty weights"),
        pytest.param({"input": {"size": 8}}, "input.size", id="tiny input"),
        pytest.param({"input": {"mean": [1.0, 2.0]}}, "input.mean", id="mean of two channels"),
        pytest.param({"input": {"tiles": 17}}, "input.tiles", id="too many tiles"),
        pytest.param({"input": {"margin": 0.1}}, "input.margin", id="margin that cuts the face"),
        pytest.param({"output": {"logit": None}}, "None", id="not TOML"),
        pytest.param({"calibration": {"a": -1.0}}, "calibration.a", id="calibration that turns the answer round"),
        pytest.param({"calibration": {"a": 0.0}}, "calibration.a", id="calibration that forgets the answer"),
        pytest.param({"calibration": {"n": 0}}, "calibration.n", id="calibrated on nothing"),
        pytest.param({"calibration": {"covariance": [0.1, 0.1]}}, "calibration.covariance", id="covariance without one"),
        pytest.param({"points": {"some": 0.5}}, "clear ≥ some ≥ strong", id="some more often than clear"),
        pytest.param({"points": {"strong": 0.0}}, "clear ≥ some ≥ strong", id="never wrong"),
        pytest.param(curve((0.1, 0.5), (0.2, 0.6), (0.01, 0.7)), "high rates to low", id="rates out of order"),
        pytest.param(curve((0.2, 0.5), (0.1, 0.4), (0.01, 0.7)), "rising probabilities", id="probabilities out of order"),
        pytest.param(curve((0.2, 0.5), (0.1, 0.6)), "at least 3", id="curve of two points"),
        pytest.param(curve((1.2, 0.5), (0.1, 0.6), (0.01, 0.7)), "curve.0.rate", id="rate above one"),
        pytest.param({"evidence": {"auc": 1.2}}, "evidence.auc", id="AUC above one"),
        pytest.param({"evidence": {"unseen": {"x": -0.1}}}, "evidence.unseen", id="AUC below zero"),
    ],
)
def test_a_wrong_card_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], names: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(toml(card_values(**{"weights": {"sha256": "0" * 64}} | changes)), "utf-8")
    with pytest.raises(DataError) as caught:
        read_card(path)
    assert "The detector card wrong.toml is invalid" in str(caught.value)
    if names != "None":
        assert names in str(caught.value)


@pytest.mark.parametrize("key", sorted(CARD))
def test_nothing_may_be_left_out(tmp_path: Path, key: str) -> None:
    values = {name: value for name, value in CARD.items() if name != key}
    path = tmp_path / "incomplete.toml"
    path.write_text(toml(values), "utf-8")
    with pytest.raises(DataError, match=key):
        read_card(path)


@pytest.mark.parametrize("content", [b"= 1", b"\xff\xfe", b"[weights", b""], ids=["no key", "not UTF-8", "cut", "empty"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.toml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged\.toml is invalid"):
        read_card(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.toml is invalid"):
        read_card(tmp_path / "gone.toml")


def test_the_crop_recipe_is_the_one_of_the_training(tmp_path: Path) -> None:
    assert made_card(tmp_path / "scene").recipe is None
    card = made_card(tmp_path / "face", **FACE)
    assert card.recipe == CropRecipe(size=64, margin=1.2, rotate=True)


@pytest.mark.parametrize(
    ("rate", "wanted"),
    [
        (1.0, 0.3),
        (0.5, 0.3),
        (0.3, 0.5),
        (0.05, 0.7),
        (0.03, 0.8),
        (0.01, 0.9),
        (0.002, 0.95),
        (0.001, 0.975),
        (0.0001, 0.9975),
    ],
)
def test_a_rate_becomes_a_threshold_that_does_not_exceed_it(tmp_path: Path, rate: float, wanted: float) -> None:
    assert made_card(tmp_path).points.threshold(rate) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        pytest.param(1, (0.5, 0.7, 0.9), id="one face"),
        pytest.param(2, (0.7, 0.8, 0.95), id="two faces share the rate"),
        pytest.param(4, (0.7, 0.9, 0.95), id="four faces"),
        pytest.param(100, (0.95, 0.9875, 0.9975), id="a crowd, beyond the measured curve"),
    ],
)
def test_faces_share_the_false_positive_rate(tmp_path: Path, count: int, wanted: tuple[float, ...]) -> None:
    points = made_card(tmp_path).operating_points(count)
    assert (points.clear, points.some, points.strong) == pytest.approx(wanted)


def test_more_faces_never_lower_a_threshold(tmp_path: Path) -> None:
    points = [made_card(tmp_path).operating_points(count) for count in range(1, 40)]
    for fewer, more in itertools.pairwise(points):
        assert fewer.clear <= more.clear
        assert fewer.some <= more.some
        assert fewer.strong <= more.strong


def test_the_rates_in_a_report_are_the_measured_ones(tmp_path: Path) -> None:
    points = made_card(tmp_path).operating_points(1)
    assert (points.fpr_some, points.fpr_strong) == (0.06, 0.012)


def test_none_flagged_is_not_shown_as_never(tmp_path: Path) -> None:
    points = made_card(tmp_path, evidence={"fpr_strong": 0.0, "real": 600}).operating_points(1)
    assert points.fpr_strong == pytest.approx(3 / 600)


def test_the_folder_is_not_part_of_what_is_shown(tmp_path: Path) -> None:
    assert str(tmp_path) not in made_card(tmp_path).model_dump_json()


def test_a_card_is_frozen(tmp_path: Path) -> None:
    card: Card = read_card(write_card(tmp_path))
    with pytest.raises(ValueError, match="frozen"):
        card.version = "2"
