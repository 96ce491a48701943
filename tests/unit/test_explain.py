"""What nobody looked at."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from domain_made import declared, face, facts, model, silent

from veriscope.domain import Face, Finding, Signal, SignalKind, Status
from veriscope.explain import not_checked

ALWAYS = ["not_checked.small_edits", "not_checked.watermarks", "not_checked.context"]


def codes(findings: Sequence[Finding]) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("frames", "faces", "signals", "wanted"),
    [
        pytest.param(1, [], [model(0.1)], [], id="an ordinary picture"),
        pytest.param(1, [], [], [], id="no analyser"),
        pytest.param(1, [face()], [model(0.1)], [], id="every face judged"),
        pytest.param(1, [face(), face(2, reason="face.blurred")], [model(0.1)], ["not_checked.faces"], id="a blurred face"),
        pytest.param(
            1, [face(reason="face.too_small")], [silent(Status.SKIPPED)], ["not_checked.faces"], id="no face could be judged"
        ),
        pytest.param(1, [face(reason="face.blurred")], [declared()], [], id="no model was to look at faces"),
        pytest.param(3, [], [model(0.1)], ["not_checked.other_frames"], id="several frames"),
        pytest.param(1, [], [silent(Status.SKIPPED)], [], id="skipped is said where the analyser speaks"),
        pytest.param(1, [], [silent(Status.FAILED)], ["not_checked.failed"], id="failed"),
        pytest.param(1, [], [silent(Status.UNAVAILABLE)], ["not_checked.unavailable"], id="unavailable"),
        pytest.param(
            2,
            [face(reason="face.blurred")],
            [silent(Status.FAILED, "c2pa", SignalKind.PROVENANCE), silent(Status.UNAVAILABLE)],
            ["not_checked.failed", "not_checked.unavailable", "not_checked.faces", "not_checked.other_frames"],
            id="everything at once",
        ),
    ],
)
def test_gaps(frames: int, faces: Sequence[Face], signals: Sequence[Signal], wanted: list[str]) -> None:
    assert codes(not_checked(facts(frames=frames), faces, signals)) == wanted + ALWAYS


def test_faces_beyond_the_limit_are_admitted() -> None:
    assert codes(not_checked(facts(), [face()], [model(0.1)], crowded=True)) == ["not_checked.more_faces", *ALWAYS]


def test_gaps_are_counted_and_named() -> None:
    gaps = not_checked(facts(frames=5), [face(reason="face.blurred")], [silent(Status.FAILED, "scene")])
    assert [dict(gap.params) for gap in gaps[:3]] == [{"source": "scene"}, {"count": 1}, {"count": 4}]
