"""Signals → Verdict.

The rules, in the order in which they are asked (docs/decisions/0004-verdict.md):

1. A trusted signature that says "made with AI" decides alone: `declared_synthetic`, and no score is shown.
2. `strong_evidence` needs two independent signals, or one model above its strict threshold that stays above its plain one when
   the picture is re-encoded and halved. A model whose answer falls to clear on such a copy does not count as a signal. Two
   models of faces, or two of whole pictures, share their errors and are one signal; so is an ensemble with anything.
3. `some_evidence`: one model above its plain threshold, or an unsigned statement in the file, which anybody can write.
4. `uncertain`: a model between clear and suspicious, or one whose suspicion does not last.
5. `no_evidence_found`: every model that could judge found nothing. Never "authentic".
6. `uncertain`, without a score, when only models answered whose error rates nobody measured (no operating points). Beside a
   calibrated model they move nothing: an uncalibrated number neither accuses nor clears.
7. `not_assessable`: no model could judge. Missing is not zero: a signal that says nothing counts for nothing.

A signature of a camera does not overrule a model: keys have been stolen, and screens have been photographed. It is shown
beside the verdict.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from veriscope.domain import (
    SHOWN_MAX,
    SHOWN_MIN,
    Finding,
    Grade,
    OperatingPoints,
    Signal,
    SignalKind,
    Status,
    Tendency,
    Verdict,
)


def needs_recheck(signal: Signal) -> bool:
    """Whether an answer is suspicious enough that it must be asked again about altered copies of the picture."""
    return _speaks(signal) and _probability(signal) >= _points(signal).some


def decide(signals: Sequence[Signal]) -> Verdict:
    """The verdict over all signals of one picture."""
    models = sorted((signal for signal in signals if _speaks(signal)), key=_rank, reverse=True)
    uncalibrated = [signal for signal in signals if _answered(signal) and not _speaks(signal)]
    raw_grade = _alone(models[0]) if models else Grade.UNCERTAIN if uncalibrated else Grade.NOT_ASSESSABLE
    raw_score = models[0].probability if models else None
    grade, leader, reasons = _answer(models, _findings(signals, Tendency.SYNTHETIC_SIGNED), _claims(signals), uncalibrated)
    if leader is None:
        return Verdict(grade, None, None, reasons, raw_grade, raw_score)
    score, interval = _shown(leader, averaged=reasons[0].code == _UNSTABLE)
    return Verdict(grade, score, interval, reasons, raw_grade, raw_score)


_UNSTABLE = "verdict.unstable"

_Answer = tuple[Grade, Signal | None, tuple[Finding, ...]]
"""Grade, the signal whose score is shown, reasons. Where a statement in the file decides, no score is shown: a model's
low score beside "the file says that it was made with AI" would be read as a contradiction of it."""


def _answer(
    models: Sequence[Signal], signed: Sequence[Finding], claimed: Sequence[Finding], uncalibrated: Sequence[Signal]
) -> _Answer:
    if signed:
        return Grade.DECLARED_SYNTHETIC, None, (Finding("verdict.declared"), *signed[:1])
    suspicious = [signal for signal in models if needs_recheck(signal)]
    steady = [signal for signal in suspicious if not _falls(signal)]
    if claimed:
        return _with_claim(models, steady, claimed[0])
    if suspicious:
        return _suspicious(suspicious, steady)
    if not models:
        return _without_rates(uncalibrated)
    if _alone(models[0]) is Grade.UNCERTAIN:
        return Grade.UNCERTAIN, models[0], (Finding("verdict.between", {"detector": models[0].source}),)
    return Grade.NO_EVIDENCE_FOUND, models[0], (Finding("verdict.nothing_found"),)


def _without_rates(uncalibrated: Sequence[Signal]) -> _Answer:
    """No model with measured error rates answered. A likelihood nobody checked is not shown as the answer."""
    if uncalibrated:
        return Grade.UNCERTAIN, None, (Finding("verdict.uncalibrated", {"detector": uncalibrated[0].source}),)
    return Grade.NOT_ASSESSABLE, None, (Finding("verdict.nothing_could_judge"),)


def _with_claim(models: Sequence[Signal], steady: Sequence[Signal], claim: Finding) -> _Answer:
    if steady:
        return Grade.STRONG_EVIDENCE, steady[0], (Finding("verdict.model_and_claim", {"detector": steady[0].source}), claim)
    code = "verdict.claim_beside_models" if models else "verdict.claim_only"
    return Grade.SOME_EVIDENCE, None, (Finding(code), claim)


def _suspicious(suspicious: Sequence[Signal], steady: Sequence[Signal]) -> _Answer:
    """Without a claim. An answer that falls to clear on a copy is the model's weakness showing, not evidence."""
    if not steady:
        leader = suspicious[0]
        return Grade.UNCERTAIN, leader, (Finding(_UNSTABLE, {"detector": leader.source, "variant": _falls(leader)}),)
    leader = steady[0]
    about = {"detector": leader.source}
    for first, other in itertools.combinations(steady, 2):
        if _independent(first, other):
            agree = Finding("verdict.two_models", {"detector": first.source, "other": other.source})
            return Grade.STRONG_EVIDENCE, first, (agree,)
    if _alone(leader) is not Grade.STRONG_EVIDENCE:
        return Grade.SOME_EVIDENCE, leader, (Finding("verdict.one_model", about),)
    if not leader.rechecks:
        return Grade.SOME_EVIDENCE, leader, (Finding("verdict.not_rechecked", about),)
    if not _holds(leader):
        return Grade.SOME_EVIDENCE, leader, (Finding("verdict.weakens", about),)
    return Grade.STRONG_EVIDENCE, leader, (Finding("verdict.stable", about),)


def _independent(first: Signal, other: Signal) -> bool:
    """Whether two suspicious models look at different things: one at a face, one at the whole picture."""
    tasks = {_task(first), _task(other)}
    return len(tasks) == 2 and "ensemble" not in tasks


def _task(signal: Signal) -> str:
    """What a suspicious model looks at: the first part of its findings' codes."""
    suspicious = (finding.code for finding in signal.findings if finding.tendency is Tendency.SUSPICIOUS)
    return next(suspicious, signal.source).partition(".")[0]


def _alone(signal: Signal) -> Grade:
    """What one model's answer says by itself."""
    points, probability = _points(signal), _probability(signal)
    if probability >= points.strong:
        return Grade.STRONG_EVIDENCE
    if probability >= points.some:
        return Grade.SOME_EVIDENCE
    return Grade.UNCERTAIN if probability >= points.clear else Grade.NO_EVIDENCE_FOUND


_ORDER = (Grade.NO_EVIDENCE_FOUND, Grade.UNCERTAIN, Grade.SOME_EVIDENCE, Grade.STRONG_EVIDENCE)


def _rank(signal: Signal) -> tuple[int, float]:
    """The more suspicious grade leads, then the higher probability: thresholds differ between detectors."""
    return _ORDER.index(_alone(signal)), _probability(signal)


def _falls(signal: Signal) -> str:
    """The first variant of the picture in which the answer is clear; empty when there is none."""
    limit = _points(signal).clear
    return next((recheck.variant for recheck in signal.rechecks if recheck.probability < limit), "")


def _holds(signal: Signal) -> bool:
    """Whether the answer stays suspicious in every variant."""
    return all(recheck.probability >= _points(signal).some for recheck in signal.rechecks)


def _shown(leader: Signal, averaged: bool) -> tuple[float, tuple[float, float]]:
    """Score and interval for people; an answer that flips is shown as the mean and the range of its versions."""
    probability = _probability(leader)
    low, high = leader.interval or (probability, probability)
    if averaged:
        versions = [probability, *(recheck.probability for recheck in leader.rechecks)]
        probability, low, high = sum(versions) / len(versions), min(low, *versions), max(high, *versions)
    return _clipped(probability), (_clipped(low), _clipped(high))


def _clipped(value: float) -> float:
    return min(max(value, SHOWN_MIN), SHOWN_MAX)


def _claims(signals: Sequence[Signal]) -> list[Finding]:
    return _findings(signals, Tendency.SYNTHETIC_CLAIMED)


def _findings(signals: Sequence[Signal], tendency: Tendency) -> list[Finding]:
    return [finding for signal in signals for finding in signal.findings if finding.tendency is tendency]


def _answered(signal: Signal) -> bool:
    return signal.kind is SignalKind.MODEL and signal.status is Status.OK


def _speaks(signal: Signal) -> bool:
    """Whether a model answered whose error rates are known: only such an answer can move the verdict."""
    return _answered(signal) and signal.points is not None


def _probability(signal: Signal) -> float:
    if signal.probability is None:
        raise ValueError(f"the signal of {signal.source} has no probability")
    return signal.probability


def _points(signal: Signal) -> OperatingPoints:
    if signal.points is None:
        raise ValueError(f"the signal of {signal.source} has no operating points")
    return signal.points
