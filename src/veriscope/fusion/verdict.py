"""Signals → Verdict.

The rules, in the order in which they are asked (docs/decisions/0004-verdict.md):

1. A trusted signature that says "made with AI" decides alone: `declared_synthetic`, and no score is shown.
2. `strong_evidence` needs two independent signals, or one model above its strict threshold that does not fall below `clear` when
   the picture is re-encoded and halved.
3. `some_evidence`: one model above its plain threshold, or an unsigned statement in the file, which anybody can write.
4. `uncertain`: a model between clear and suspicious.
5. `no_evidence_found`: every model that could judge found nothing. Never "authentic".
6. `not_assessable`: no model could judge. Missing is not zero: a signal that says nothing counts for nothing.

A signature of a camera does not overrule a model: keys have been stolen, and screens have been photographed. It is shown
beside the verdict.
"""

from __future__ import annotations

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
    models = [signal for signal in signals if _speaks(signal)]
    signed = _findings(signals, Tendency.SYNTHETIC_SIGNED)
    claimed = _findings(signals, Tendency.SYNTHETIC_CLAIMED)
    leader = max(models, key=_rank, default=None)
    raw_grade = _alone(leader) if leader else Grade.NOT_ASSESSABLE
    raw_score = leader.probability if leader else None
    if signed:
        reasons = (Finding("verdict.declared"), *signed[:1])
        return Verdict(Grade.DECLARED_SYNTHETIC, None, None, reasons, raw_grade, raw_score)
    grade, reasons = _graded(leader, models, claimed)
    if leader is None or grade is Grade.NOT_ASSESSABLE or reasons[0].code in _DECIDED_BY_CLAIM:
        return Verdict(grade, None, None, reasons, raw_grade, raw_score)
    score, interval = _shown(leader, averaged=reasons[0].code == _UNSTABLE)
    return Verdict(grade, score, interval, reasons, raw_grade, raw_score)


_UNSTABLE = "verdict.unstable"
# A model's low score beside "the file says that it was made with AI" would be read as a contradiction of it.
_DECIDED_BY_CLAIM = ("verdict.claim_only", "verdict.claim_beside_models")


def _graded(leader: Signal | None, models: Sequence[Signal], claimed: Sequence[Finding]) -> tuple[Grade, tuple[Finding, ...]]:
    if leader is None:
        if claimed:
            return Grade.SOME_EVIDENCE, (Finding("verdict.claim_only"), *claimed[:1])
        return Grade.NOT_ASSESSABLE, (Finding("verdict.nothing_could_judge"),)
    alone = _alone(leader)
    if alone in (Grade.STRONG_EVIDENCE, Grade.SOME_EVIDENCE):
        return _suspicious(leader, alone, models, claimed)
    if claimed:
        return Grade.SOME_EVIDENCE, (Finding("verdict.claim_beside_models"), *claimed[:1])
    if alone is Grade.UNCERTAIN:
        return alone, (Finding("verdict.between", {"detector": leader.source}),)
    return alone, (Finding("verdict.nothing_found"),)


def _suspicious(
    leader: Signal, alone: Grade, models: Sequence[Signal], claimed: Sequence[Finding]
) -> tuple[Grade, tuple[Finding, ...]]:
    second = [
        signal for signal in models if signal is not leader and _alone(signal) in (Grade.STRONG_EVIDENCE, Grade.SOME_EVIDENCE)
    ]
    about = {"detector": leader.source}
    if claimed:
        return Grade.STRONG_EVIDENCE, (Finding("verdict.model_and_claim", about), *claimed[:1])
    unstable = _falls(leader)
    holding = [signal for signal in second if not (unstable and _falls(signal))]
    if holding:
        return Grade.STRONG_EVIDENCE, (Finding("verdict.two_models", {**about, "other": holding[0].source}),)
    if unstable:
        # Flips when the picture is merely saved again: that is the model's weakness showing, not evidence.
        return Grade.UNCERTAIN, (Finding(_UNSTABLE, {**about, "variant": unstable}),)
    if alone is Grade.STRONG_EVIDENCE and leader.rechecks:
        return Grade.STRONG_EVIDENCE, (Finding("verdict.stable", about),)
    if alone is Grade.STRONG_EVIDENCE:
        return Grade.SOME_EVIDENCE, (Finding("verdict.not_rechecked", about),)
    return Grade.SOME_EVIDENCE, (Finding("verdict.one_model", about),)


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
    """The first variant of the picture in which the answer is clear; empty when it holds."""
    limit = _points(signal).clear
    return next((recheck.variant for recheck in signal.rechecks if recheck.probability < limit), "")


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


def _findings(signals: Sequence[Signal], tendency: Tendency) -> list[Finding]:
    return [finding for signal in signals for finding in signal.findings if finding.tendency is tendency]


def _speaks(signal: Signal) -> bool:
    return signal.kind is SignalKind.MODEL and signal.status is Status.OK


def _probability(signal: Signal) -> float:
    if signal.probability is None:
        raise ValueError(f"the signal of {signal.source} has no probability")
    return signal.probability


def _points(signal: Signal) -> OperatingPoints:
    if signal.points is None:
        raise ValueError(f"the signal of {signal.source} has no operating points")
    return signal.points
