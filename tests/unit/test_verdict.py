"""The decision table of docs/decisions/0004-verdict.md, row by row, and what must hold for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from domain_made import CAPTURE_SIGNED, CAPTURED, CLAIMED, POINTS, SIGNED, declared, model, silent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veriscope.domain import Finding, Grade, OperatingPoints, Recheck, Signal, SignalKind, Status, Verdict
from veriscope.fusion import decide, needs_recheck

CLEAR, UNCLEAR, SOME, STRONG = 0.1, 0.45, 0.7, 0.95  # answers between the operating points 0.3, 0.6 and 0.9
HOLDS, WEAKENS, FALLS = (0.8, 0.65), (0.8, 0.5), (0.8, 0.2)  # answers about the altered copies

D, S, E, U, N, X = (
    Grade.DECLARED_SYNTHETIC,
    Grade.STRONG_EVIDENCE,
    Grade.SOME_EVIDENCE,
    Grade.UNCERTAIN,
    Grade.NO_EVIDENCE_FOUND,
    Grade.NOT_ASSESSABLE,
)


class Row(NamedTuple):
    """Signals, and the verdict that they must give."""

    id: str
    signals: Sequence[Signal]
    grade: Grade
    reason: str
    raw: Grade
    score: float | None


def free(probability: float, source: str = "hf:a/b") -> Signal:
    """A model whose error rates nobody measured."""
    return model(probability, source, points=None)


TABLE = [
    # 1. A trusted signature decides alone.
    Row("signed, no model", [declared(SIGNED)], D, "declared", X, None),
    Row("signed, model finds nothing", [model(CLEAR), declared(SIGNED)], D, "declared", N, None),
    Row("signed, model is sure", [model(STRONG, rechecks=HOLDS), declared(SIGNED)], D, "declared", S, None),
    Row("signed beside a claim", [declared(CLAIMED), declared(SIGNED, source="c2pa")], D, "declared", X, None),
    # 2. Strong evidence.
    Row("strong and it holds", [model(STRONG, rechecks=HOLDS)], S, "stable", S, STRONG),
    Row("at the strict threshold", [model(0.9, rechecks=HOLDS)], S, "stable", S, 0.9),
    Row("copies exactly at the plain threshold", [model(STRONG, rechecks=(0.6, 0.6))], S, "stable", S, STRONG),
    Row("two suspicious models", [model(SOME), model(SOME, "face")], S, "two_models", E, SOME),
    Row(
        "two of faces and one of whole pictures",
        [model(SOME, "a", task="face"), model(SOME, "face"), model(SOME)],
        S,
        "two_models",
        E,
        SOME,
    ),
    Row("model and claim", [model(SOME), declared(CLAIMED)], S, "model_and_claim", E, SOME),
    # 3. Some evidence.
    Row("two models of one thing", [model(SOME), model(SOME, "hf:a/b", task="scene")], E, "one_model", E, SOME),
    Row("an ensemble beside a model", [model(SOME), model(SOME, "ensemble:a", task="ensemble")], E, "one_model", E, SOME),
    Row("one suspicious model", [model(SOME, rechecks=HOLDS)], E, "one_model", E, SOME),
    Row("at the plain threshold", [model(0.6, rechecks=HOLDS)], E, "one_model", E, 0.6),
    Row("strong, weaker on a copy", [model(STRONG, rechecks=WEAKENS)], E, "weakens", S, STRONG),
    Row("copies exactly at clear", [model(STRONG, rechecks=(0.3, 0.3))], E, "weakens", S, STRONG),
    Row("two models, one falls", [model(STRONG, rechecks=FALLS), model(SOME, "face", HOLDS)], E, "one_model", S, SOME),
    Row("unstable model and claim", [model(SOME, rechecks=FALLS), declared(CLAIMED)], E, "claim_beside_models", E, None),
    Row("strong, never asked again", [model(STRONG)], E, "not_rechecked", S, STRONG),
    Row("suspicious beside unclear", [model(SOME), model(UNCLEAR, "face")], E, "one_model", E, SOME),
    Row("suspicious beside clear", [model(CLEAR), model(SOME, "face")], E, "one_model", E, SOME),
    Row("claim, no model", [declared(CLAIMED)], E, "claim_only", X, None),
    Row("claim, models skipped", [silent(Status.SKIPPED), declared(CLAIMED)], E, "claim_only", X, None),
    Row("claim, model finds nothing", [model(CLEAR), declared(CLAIMED)], E, "claim_beside_models", N, None),
    Row("claim, model unclear", [model(UNCLEAR), declared(CLAIMED)], E, "claim_beside_models", U, None),
    # 4. Uncertain.
    Row("between", [model(UNCLEAR)], U, "between", U, UNCLEAR),
    Row("at clear", [model(0.3)], U, "between", U, 0.3),
    Row("unclear beside clear", [model(CLEAR), model(UNCLEAR, "face")], U, "between", U, UNCLEAR),
    Row("suspicious, falls", [model(SOME, rechecks=FALLS)], U, "unstable", E, (0.7 + 0.8 + 0.2) / 3),
    Row("strong, falls", [model(STRONG, rechecks=FALLS)], U, "unstable", S, (0.95 + 0.8 + 0.2) / 3),
    Row("both fall", [model(STRONG, rechecks=FALLS), model(SOME, "face", FALLS)], U, "unstable", S, (0.95 + 0.8 + 0.2) / 3),
    # 5. Nothing found.
    Row("one clear model", [model(CLEAR)], N, "nothing_found", N, CLEAR),
    Row("two clear models", [model(CLEAR), model(0.2, "face")], N, "nothing_found", N, 0.2),
    Row("clear, camera tag", [model(CLEAR), declared(CAPTURED)], N, "nothing_found", N, CLEAR),
    Row("clear, camera signature", [model(CLEAR), declared(CAPTURE_SIGNED)], N, "nothing_found", N, CLEAR),
    Row("certainly nothing", [model(0.0)], N, "nothing_found", N, 0.01),
    # 6. Only models without measured error rates: no score, neither way.
    Row("uncalibrated and sure", [free(STRONG)], U, "uncalibrated", U, None),
    Row("uncalibrated and sure of nothing", [free(0.01)], U, "uncalibrated", U, None),
    Row("two uncalibrated", [free(STRONG), free(STRONG, "hf:b/c")], U, "uncalibrated", U, None),
    Row("uncalibrated beside clear", [model(CLEAR), free(STRONG)], N, "nothing_found", N, CLEAR),
    Row("uncalibrated beside suspicious", [free(0.01), model(SOME, rechecks=HOLDS)], E, "one_model", E, SOME),
    Row("uncalibrated does not make two", [model(SOME), free(STRONG)], E, "one_model", E, SOME),
    Row("uncalibrated and claim", [free(STRONG), declared(CLAIMED)], E, "claim_only", U, None),
    Row("uncalibrated and signed", [free(0.01), declared(SIGNED)], D, "declared", U, None),
    # 7. Not assessable.
    Row("nothing at all", [], X, "nothing_could_judge", X, None),
    Row("all skipped", [silent(Status.SKIPPED), silent(Status.SKIPPED, "scene")], X, "nothing_could_judge", X, None),
    Row("all broken", [silent(Status.FAILED), silent(Status.UNAVAILABLE, "scene")], X, "nothing_could_judge", X, None),
    Row("only a camera tag", [declared(CAPTURED)], X, "nothing_could_judge", X, None),
    # A camera does not acquit.
    Row("suspicious, camera signature", [model(SOME), declared(CAPTURE_SIGNED)], E, "one_model", E, SOME),
    Row("strong, camera tag", [model(STRONG, rechecks=HOLDS), declared(CAPTURED)], S, "stable", S, STRONG),
    # Shown scores are clipped.
    Row("certainly synthetic", [model(1.0, rechecks=(1.0, 1.0))], S, "stable", S, 0.99),
]


every_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in TABLE])


@every_row
def test_decision_table(row: Row) -> None:
    verdict = decide(row.signals)
    assert (verdict.grade, verdict.reasons[0].code, verdict.raw_grade) == (row.grade, f"verdict.{row.reason}", row.raw)
    assert verdict.score == (None if row.score is None else pytest.approx(row.score))


@every_row
@pytest.mark.parametrize("status", [Status.SKIPPED, Status.FAILED, Status.UNAVAILABLE])
@pytest.mark.parametrize("kind", list(SignalKind))
def test_missing_is_never_zero(row: Row, status: Status, kind: SignalKind) -> None:
    wanted = decide(row.signals)
    assert decide([*row.signals, silent(status, "other", kind)]) == wanted
    assert decide([silent(status, "other", kind), *row.signals]) == wanted


@every_row
def test_the_order_of_signals_does_not_matter(row: Row) -> None:
    one, other = decide(row.signals), decide(row.signals[::-1])
    assert (one.grade, one.score, one.interval) == (other.grade, other.score, other.interval)


@pytest.mark.parametrize("finding", [SIGNED, CLAIMED], ids=["signed", "claimed"])
def test_the_statement_that_decides_is_among_the_reasons(finding: Finding) -> None:
    assert finding in decide([declared(finding)]).reasons


def test_the_second_model_is_named() -> None:
    reason = decide([model(SOME), model(0.8, "face")]).reasons[0]
    assert dict(reason.params) == {"detector": "face", "other": "scene"}


def test_the_copy_on_which_an_answer_falls_is_named() -> None:
    assert decide([model(SOME, rechecks=FALLS)]).reasons[0].params["variant"] == "half"
    assert decide([model(SOME, rechecks=(0.1, 0.8))]).reasons[0].params["variant"] == "jpeg70"


def test_an_answer_that_flips_is_shown_with_the_range_of_its_versions() -> None:
    verdict = decide([model(STRONG, rechecks=(0.02, 0.8))])
    assert verdict.interval == (0.02, 0.99)
    assert verdict.raw_score == STRONG


def test_the_grade_leads_and_not_the_probability() -> None:
    """Thresholds differ between detectors: 0.5 of a strict one says more than 0.55 of a lenient one."""
    strict = OperatingPoints(0.1, 0.2, 0.4, 0.05, 0.01)
    verdict = decide([model(0.55), model(0.5, "face", HOLDS, points=strict)])
    assert verdict.reasons[0].params["detector"] == "face"
    assert verdict.raw_grade is Grade.STRONG_EVIDENCE


def test_models_that_hold_are_heard_behind_one_that_falls() -> None:
    signals = [model(0.8, rechecks=FALLS), model(0.75, "face", HOLDS), model(0.7, "other", HOLDS)]
    verdict = decide(signals)
    assert verdict.grade is Grade.STRONG_EVIDENCE
    assert dict(verdict.reasons[0].params) == {"detector": "face", "other": "other"}


@pytest.mark.parametrize(
    ("signal", "wanted"),
    [
        (model(0.59), False),
        (model(0.6), True),
        (model(0.95), True),
        (silent(Status.SKIPPED), False),
        (silent(Status.FAILED), False),
        (declared(CLAIMED), False),
    ],
    ids=["unclear", "at the threshold", "strong", "skipped", "failed", "declared"],
)
def test_only_suspicious_answers_are_asked_again(signal: Signal, wanted: bool) -> None:
    assert needs_recheck(signal) is wanted


# What must hold for any signals

shares = st.floats(0, 1, allow_nan=False)
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure


@st.composite
def points(draw: st.DrawFn) -> OperatingPoints:
    clear, some, strong = sorted(draw(st.tuples(shares, shares, shares)))
    return OperatingPoints(clear, some, strong, 0.05, 0.01)


@st.composite
def models(draw: st.DrawFn, source: str = "scene") -> Signal:
    probability = draw(shares)
    low, high = draw(st.floats(0, probability)), draw(st.floats(probability, 1))
    rechecks = draw(st.lists(shares, max_size=2))
    return model(probability, source, rechecks, draw(st.just(POINTS) | points()), (low, high))


@st.composite
def anything(draw: st.DrawFn) -> list[Signal]:
    signals = [draw(models(f"model{index}")) for index in range(draw(st.integers(0, 3)))]
    signals += [declared(finding) for finding in draw(st.lists(st.sampled_from((CLAIMED, CAPTURED, CAPTURE_SIGNED))))]
    signals += [silent(status) for status in draw(st.lists(st.sampled_from((Status.SKIPPED, Status.FAILED))))]
    return signals


_SERIOUS = (Grade.NOT_ASSESSABLE, N, U, E, S, D)


@steady
@given(anything())
def test_a_shown_score_is_clipped_and_lies_in_its_interval(signals: list[Signal]) -> None:
    verdict = decide(signals)
    if verdict.score is None:
        assert verdict.interval is None
        return
    assert verdict.interval is not None
    low, high = verdict.interval
    assert 0.01 <= low <= high <= 0.99
    assert low - 1e-9 <= verdict.score <= high + 1e-9


@steady
@given(anything())
def test_every_verdict_has_a_reason_and_nobody_is_declared_without_a_signature(signals: list[Signal]) -> None:
    verdict = decide(signals)
    assert verdict.reasons
    assert verdict.grade is not Grade.DECLARED_SYNTHETIC
    judged = any(signal.probability is not None for signal in signals)
    assert (verdict.raw_score is not None) == judged


@steady
@given(anything(), shares, st.data())
def test_a_more_suspicious_answer_never_gives_a_milder_grade(signals: list[Signal], other: float, data: st.DataObject) -> None:
    changed = data.draw(models("changed"))
    low, high = sorted((changed.probability or 0.0, other))
    milder, sterner = (_with(changed, value) for value in (low, high))
    assert _seriousness(decide([*signals, milder])) <= _seriousness(decide([*signals, sterner]))


@steady
@given(anything(), models("added"))
def test_a_claim_never_gives_a_milder_grade(signals: list[Signal], added: Signal) -> None:
    assert _seriousness(decide([*signals, added])) <= _seriousness(decide([*signals, added, declared(CLAIMED)]))


@steady
@given(anything())
def test_a_signature_decides_over_anything(signals: list[Signal]) -> None:
    verdict = decide([*signals, declared(SIGNED, source="c2pa")])
    assert (verdict.grade, verdict.score, verdict.interval) == (Grade.DECLARED_SYNTHETIC, None, None)


def _with(signal: Signal, probability: float) -> Signal:
    assert signal.points is not None
    rechecks = tuple(recheck.probability for recheck in signal.rechecks)
    return model(probability, signal.source, rechecks, signal.points)


def _seriousness(verdict: Verdict) -> int:
    return _SERIOUS.index(verdict.grade)


def test_rechecks_have_names() -> None:
    assert model(SOME, rechecks=HOLDS).rechecks == (Recheck("jpeg70", 0.8), Recheck("half", 0.65))
