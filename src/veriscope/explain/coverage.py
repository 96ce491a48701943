"""What a report must admit that nobody looked at."""

from __future__ import annotations

from collections.abc import Sequence

from veriscope.domain import Clip, Face, Finding, MediaFacts, Signal, SignalKind, Status


def not_checked(
    facts: MediaFacts,
    faces: Sequence[Face],
    signals: Sequence[Signal],
    crowded: bool = False,
    clip: Clip | None = None,
) -> tuple[Finding, ...]:
    """The gaps of this analysis, those of this picture before those of every picture.

    `crowded`: the picture holds more faces than the limit lets in; `faces` are the largest.
    """
    gaps = [Finding(f"not_checked.{signal.status}", {"source": signal.source}) for signal in signals if _broken(signal)]
    reasons = [signal.reason for signal in signals if signal.reason is not None]
    gaps += [Finding("not_checked.credentials", why.params) for why in reasons if why.code == "c2pa.not_read"]
    unjudged = [face for face in faces if not face.assessable]
    if unjudged and any(signal.kind is SignalKind.MODEL for signal in signals):
        gaps.append(Finding("not_checked.faces", {"count": len(unjudged)}))
    if crowded:
        more = Finding("not_checked.more_faces", {"count": len(faces)})
        gaps.append(Finding("not_checked.clip_more_faces") if clip else more)
    if clip is not None:
        gaps += _of_clip(facts, clip)
    elif facts.frames > 1:
        gaps.append(Finding("not_checked.other_frames", {"count": facts.frames - 1}))
    gaps += [Finding("not_checked.small_edits"), Finding("not_checked.watermarks"), Finding("not_checked.context")]
    return tuple(gaps)


def _of_clip(facts: MediaFacts, clip: Clip) -> list[Finding]:
    """What of a clip was not seen: frames between the samples, what could not be decoded, people too briefly there, sound."""
    gaps = []
    if facts.frames > len(clip.samples):
        gaps.append(Finding("not_checked.frames_between", {"count": len(clip.samples), "frames": facts.frames}))
    if clip.lost:
        gaps.append(Finding("not_checked.lost", {"count": clip.lost, "wanted": clip.wanted}))
    if clip.until is not None:
        gaps.append(Finding("not_checked.after", {"seconds": round(clip.until, 1)}))
    brief = sum(track.assessed > 0 and not track.supported for track in clip.tracks)
    if brief:
        gaps.append(Finding("not_checked.brief_tracks", {"count": brief}))
    if facts.video is not None and facts.video.audio:
        gaps.append(Finding("not_checked.sound"))
    return gaps


def _broken(signal: Signal) -> bool:
    return signal.status in (Status.FAILED, Status.UNAVAILABLE)
