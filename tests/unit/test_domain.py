"""Invariants of the vocabulary, and its plain form."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from domain_made import POINTS, declared, face, model, report, silent
from PIL import Image

from veriscope.domain import (
    Box,
    DenseMap,
    Finding,
    Frame,
    Grade,
    OperatingPoints,
    Score,
    Signal,
    SignalKind,
    Status,
    Tendency,
    Verdict,
    plain,
)

WHY = Finding("face.none")
SPEAKING: dict[str, Any] = {"probability": 0.5, "raw": 0.5, "points": POINTS}


def made_signal(kind: SignalKind = SignalKind.MODEL, status: Status = Status.OK, **values: Any) -> Signal:
    return Signal("x", kind, status, **values)


def made_verdict(score: float | None, interval: tuple[float, float] | None) -> Verdict:
    return Verdict(Grade.UNCERTAIN, score, interval, (), Grade.UNCERTAIN, 0.5)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Score("face", 1.2, 0.5), id="raw score above one"),
        pytest.param(lambda: Score("face", 0.5, -0.1), id="probability below zero"),
        pytest.param(lambda: Score("face", float("nan"), 0.5), id="raw score not a number"),
        pytest.param(lambda: DenseMap("m", 2, 2, (0.1, 0.2, 0.3), Box(0, 0, 1, 1)), id="map with a value missing"),
        pytest.param(lambda: OperatingPoints(0.5, 0.4, 0.9, 0.05, 0.01), id="some below clear"),
        pytest.param(lambda: OperatingPoints(0.1, 0.9, 0.8, 0.05, 0.01), id="strong below some"),
        pytest.param(lambda: OperatingPoints(0.1, 0.5, 1.1, 0.05, 0.01), id="strong above one"),
        pytest.param(lambda: OperatingPoints(-0.1, 0.5, 0.9, 0.05, 0.01), id="clear below zero"),
        pytest.param(lambda: made_signal(), id="model that is ok and says nothing"),
        pytest.param(lambda: made_signal(SignalKind.PROVENANCE, points=POINTS), id="operating points without a model"),
        pytest.param(lambda: made_signal(probability=0.5, points=POINTS), id="model without raw score"),
        pytest.param(lambda: made_signal(raw=0.5, points=POINTS), id="model without probability"),
        pytest.param(lambda: made_signal(**SPEAKING, reason=WHY), id="ok with a reason"),
        pytest.param(lambda: made_signal(**SPEAKING | {"probability": 1.01}), id="signal above one"),
        pytest.param(lambda: made_signal(**SPEAKING | {"raw": -0.01}), id="raw signal below zero"),
        pytest.param(lambda: made_signal(status=Status.SKIPPED), id="skipped without a reason"),
        pytest.param(lambda: made_signal(status=Status.SKIPPED, reason=WHY, probability=0.0), id="skipped means zero"),
        pytest.param(lambda: made_signal(status=Status.FAILED, reason=WHY, raw=0.5), id="failed means half"),
        pytest.param(lambda: made_signal(status=Status.UNAVAILABLE, reason=WHY, **SPEAKING), id="unavailable with an answer"),
        pytest.param(lambda: made_signal(SignalKind.PROVENANCE, probability=0.9), id="provenance with a probability"),
        pytest.param(lambda: made_signal(SignalKind.PROVENANCE, **SPEAKING), id="provenance that plays a model"),
        pytest.param(lambda: made_verdict(1.0, (0.9, 1.0)), id="certainly synthetic"),
        pytest.param(lambda: made_verdict(0.0, (0.0, 0.1)), id="certainly authentic"),
        pytest.param(lambda: made_verdict(0.5, None), id="score without interval"),
        pytest.param(lambda: made_verdict(None, (0.1, 0.2)), id="interval without score"),
    ],
)
def test_nonsense_cannot_be_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Score("face", 0.0, 1.0), id="ends of the range"),
        pytest.param(lambda: OperatingPoints(0.5, 0.5, 0.5, 0.05, 0.01), id="equal thresholds"),
        pytest.param(lambda: model(0.5), id="model"),
        pytest.param(lambda: declared(), id="provenance without findings"),
        pytest.param(lambda: silent(Status.FAILED, "c2pa", SignalKind.PROVENANCE), id="failed provenance"),
        pytest.param(lambda: made_verdict(0.01, (0.01, 0.99)), id="clipped score"),
        pytest.param(lambda: made_verdict(None, None), id="no score"),
    ],
)
def test_sense_can_be_made(make: Callable[[], object]) -> None:
    assert make() is not None


def test_values_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        model(0.5).probability = 0.1  # type: ignore[misc]
    params = Finding("x").params
    with pytest.raises(TypeError):
        params["y"] = 1  # type: ignore[index]


def test_a_face_is_assessable_when_nothing_speaks_against_it() -> None:
    assert face().assessable
    assert not face(reason="face.blurred").assessable


def test_a_box_is_scaled_in_place_and_size() -> None:
    assert Box(10, 20, 30, 40).scaled(0.5) == Box(5, 10, 15, 20)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.25, 0.25),
        ("é", "é"),
        (Status.OK, "ok"),
        ((1, "a"), [1, "a"]),
        (MappingProxyType({"a": (1,)}), {"a": [1]}),
        (Box(1, 2, 3, 4), {"x": 1, "y": 2, "width": 3, "height": 4}),
        (
            Finding("a.b", {"n": 1}, Tendency.SUSPICIOUS),
            {"code": "a.b", "params": {"n": 1}, "tendency": "suspicious", "face": None, "box": None, "time": None},
        ),
    ],
    ids=str,
)
def test_plain_form(value: object, wanted: object) -> None:
    found = plain(value)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    "value", [b"bytes", {1, 2}, Image.new("RGB", (1, 1)), object()], ids=lambda value: type(value).__name__
)
def test_pictures_and_bytes_have_no_place_in_a_report(value: object) -> None:
    with pytest.raises(TypeError, match="no place in a report"):
        plain(value)


def test_a_report_as_json_keeps_its_fields_in_order() -> None:
    found = json.loads(report().to_json())
    assert list(found)[:4] == ["schema", "media", "verdict", "signals"]
    assert found["schema"] == "veriscope.report/1"
    assert found["verdict"]["grade"] == "some_evidence"
    assert found["signals"][1] == plain(silent(Status.SKIPPED))


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        report(timings={"ingest": float("nan")}).to_json()


def test_json_is_readable_and_can_be_indented() -> None:
    assert "Größe" in report(not_checked=(Finding("x", {"name": "Größe"}),)).to_json()
    assert report().to_json(indent=2).startswith("{\n  ")


@pytest.mark.parametrize(
    ("size", "shrink"),
    [
        pytest.param((1000, 800), 1, id="small: the picture itself"),
        pytest.param((4000, 3000), 3, id="12 megapixels"),
        pytest.param((8000, 6000), 6, id="48 megapixels"),
        pytest.param((20000, 500), 1, id="a panorama keeps its short side"),
    ],
)
def test_an_overview_is_at_least_twice_as_large_as_a_view(size: tuple[int, int], shrink: int) -> None:
    frame = Frame(0, Image.new("RGB", size, (10, 200, 30)))
    assert frame.shrink == shrink
    assert frame.overview.size == tuple(-(-side // shrink) for side in size)
    assert frame.overview.getpixel((5, 5)) == (10, 200, 30)
    assert (frame.overview is frame.image) == (shrink == 1)
