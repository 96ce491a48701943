"""What a report must admit that nobody looked at."""

from __future__ import annotations

from collections.abc import Sequence

from veriscope.domain import Face, Finding, MediaFacts, Signal, SignalKind, Status


def not_checked(
    facts: MediaFacts, faces: Sequence[Face], signals: Sequence[Signal], crowded: bool = False
) -> tuple[Finding, ...]:
    """The gaps of this analysis, those of this picture before those of every picture.

    `crowded`: the picture holds more faces than the limit lets in; `faces` are the largest.
    """
    gaps = [Finding(f"not_checked.{signal.status}", {"source": signal.source}) for signal in signals if _broken(signal)]
    unjudged = [face for face in faces if not face.assessable]
    if unjudged and any(signal.kind is SignalKind.MODEL for signal in signals):
        gaps.append(Finding("not_checked.faces", {"count": len(unjudged)}))
    if crowded:
        gaps.append(Finding("not_checked.more_faces", {"count": len(faces)}))
    if facts.frames > 1:
        gaps.append(Finding("not_checked.other_frames", {"count": facts.frames - 1}))
    gaps += [Finding("not_checked.small_edits"), Finding("not_checked.watermarks"), Finding("not_checked.context")]
    return tuple(gaps)


def _broken(signal: Signal) -> bool:
    return signal.status in (Status.FAILED, Status.UNAVAILABLE)
