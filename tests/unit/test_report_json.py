"""The JSON form of a report keeps what its schema promises."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from domain_made import CLAIMED, SIGNED, declared, face, facts, model, report, silent

from veriscope import legal
from veriscope.domain import (
    Box,
    DenseMap,
    Failure,
    Finding,
    Grade,
    Report,
    Score,
    SignalKind,
    Source,
    SourceKind,
    Status,
    plain,
)
from veriscope.report.as_json import failure_json, schema, schema_text

TOP = [
    "schema",
    "media",
    "verdict",
    "signals",
    "faces",
    "not_checked",
    "versions",
    "timings",
    "created",
    "law",
    "help",
    "clip",
]


def full() -> Report:
    sections = legal.select(["de", "us-ca"])
    detailed = replace(
        model(0.93, rechecks=(0.9, 0.8)),
        scores=(Score("picture", 0.9, 0.93, frame=0), Score("face", 0.1, 0.2, face=1, time=1.5)),
        maps=(DenseMap("scene.map", 1, 2, (0.1, 0.9), Box(0, 0, 10, 20)),),
    )
    return replace(
        report(),
        media=facts(notes=(Finding("media.oriented", {"orientation": 6}),), duration=2.5),
        signals=(detailed, declared(SIGNED, CLAIMED), *(silent(status, kind=SignalKind.MODEL) for status in _SILENT)),
        faces=(face(), face(2, reason="face.blurred", track=3)),
        law=legal.law_references(sections),
        help=legal.help_references(sections),
    )


_SILENT = (Status.SKIPPED, Status.UNAVAILABLE, Status.FAILED)


def read(value: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value.to_json())
    return found


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    published = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(published)
    return jsonschema.Draft202012Validator(published)


@pytest.mark.parametrize("grade", list(Grade))
def test_every_grade_satisfies_the_schema(validator: jsonschema.Draft202012Validator, grade: Grade) -> None:
    validator.validate(read(report(grade)))


def test_a_full_report_satisfies_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(read(full()))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(("verdict", "grade"), id="grade"),
        pytest.param(("signals", 0, "status"), id="status"),
        pytest.param(("signals", 0, "probability"), id="probability"),
        pytest.param(("media", "width"), id="width"),
        pytest.param(("schema",), id="schema"),
    ],
)
def test_the_schema_refuses_what_it_does_not_promise(
    validator: jsonschema.Draft202012Validator, path: tuple[str | int, ...]
) -> None:
    found = read(full())
    place: Any = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "nonsense"
    assert not validator.is_valid(found)


@pytest.mark.parametrize("key", TOP[:8])
def test_the_schema_refuses_a_report_without_its_parts(validator: jsonschema.Draft202012Validator, key: str) -> None:
    found = read(full())
    del found[key]
    assert not validator.is_valid(found)


def test_top_keys_and_their_order() -> None:
    assert list(read(report())) == TOP
    assert list(schema()["properties"]) == TOP


def test_the_schema_is_named_and_stable() -> None:
    found = json.loads(schema_text())
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == "urn:veriscope.report:1"
    assert found["properties"]["schema"] == {"const": "veriscope.report/1"}
    assert schema_text() == schema_text()


def test_json_is_read_back_as_it_was_written() -> None:
    assert read(full()) == plain(full())
    assert json.loads(full().to_json(indent=2)) == read(full())


def test_numbers_keep_their_digits() -> None:
    assert read(replace(report(), signals=(model(0.1234567890123456),)))["signals"][0]["probability"] == 0.1234567890123456


def test_what_is_missing_is_null_and_never_zero() -> None:
    for signal in read(full())["signals"][2:]:
        assert signal["probability"] is signal["raw"] is signal["interval"] is signal["points"] is None
        assert signal["reason"]["code"]


def test_a_report_holds_no_sentence() -> None:
    """Codes and parameters only, so that it can be shown in any language; law alone carries its own words."""
    found = read(replace(full(), law=(), help=()))
    texts = [item for item in _texts(found) if " " in item.strip()]
    assert texts == ["Nikon Z6"] or all(" " not in text or text.startswith("1 sha256") for text in texts)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def test_a_failure_belongs_to_the_same_family() -> None:
    failure = Failure(Source(SourceKind.FILE, "gone.jpg"), "unreadable_source", "There is no file gone.jpg. Check the name.")
    assert failure_json(failure) == {
        "schema": "veriscope.report/1",
        "source": {"kind": "file", "name": "gone.jpg"},
        "error": {"code": "unreadable_source", "message": "There is no file gone.jpg. Check the name."},
    }
