"""Findings in the order in which a reader needs them."""

from __future__ import annotations

from collections.abc import Sequence

from veriscope.domain import Finding, Signal, Status, Tendency

_ORDER = (
    Tendency.SYNTHETIC_SIGNED,
    Tendency.SYNTHETIC_CLAIMED,
    Tendency.SUSPICIOUS,
    Tendency.CAPTURE_SIGNED,
    Tendency.CAPTURE_CLAIMED,
    Tendency.NEUTRAL,
)


def key_findings(signals: Sequence[Signal]) -> tuple[tuple[str, Finding], ...]:
    """(analyser, finding) pairs, the weightiest first; an analyser that could not judge gives its reason, last."""
    spoken = [(signal.source, finding) for signal in signals for finding in signal.findings]
    spoken.sort(key=lambda pair: _ORDER.index(pair[1].tendency))
    silent = [(signal.source, signal.reason) for signal in signals if signal.status is not Status.OK and signal.reason]
    return (*spoken, *silent)
