"""A clip's timeline in text: one line of blocks per person and for whole frames, and the frames to look at first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from veriscope.domain import SHOWN_MAX, SHOWN_MIN, Clip, MediaFacts, Report, Score, Signal
from veriscope.i18n import Catalogue

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"
_COLUMNS = 40
_MOST = 5  # tracks shown; the JSON has all


def clock(seconds: float) -> str:
    """ "1:05.3" for 65.3 seconds, "1:00:05" for an hour and five."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    if minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02}:{rest // 10:02}"
    return f"{minutes}:{rest // 10:02}.{rest % 10}"


def coverage(facts: MediaFacts, clip: Clip, words: Catalogue) -> list[str]:
    """How much of the clip was looked at."""
    lines = [words.text("clip.samples", {"count": len(clip.samples), "duration": words.number(round(facts.duration or 0, 1))})]
    if facts.duration:
        seconds, whole = words.number(clip.face_seconds), words.number(round(clip.until or facts.duration, 1))
        lines.append(words.text("clip.face_seconds", {"seconds": seconds, "duration": whole}))
    return lines


def rows(report: Report, clip: Clip, words: Catalogue) -> Iterator[tuple[str, str, str]]:
    """Name, blocks, pooled likelihood of each subject, most suspicious first."""
    end = clip.until or report.media.duration or clip.samples[-1].time or 1.0
    for signal in report.signals:
        for pooled in [score for score in signal.scores if score.subject in ("track", "clip")][:_MOST]:
            blocks = _blocks(_moments(signal, pooled), end, end / max(1, len(clip.samples)))
            yield _name(signal, pooled, clip, words), blocks, _shown(pooled.probability, words)


def curves(report: Report, clip: Clip, words: Catalogue) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Name and (seconds, likelihood) of every moment of each subject of `rows`, to be drawn."""
    for signal in report.signals:
        for pooled in [score for score in signal.scores if score.subject in ("track", "clip")][:_MOST]:
            moments = _moments(signal, pooled)
            yield _name(signal, pooled, clip, words), [(score.time or 0.0, score.probability) for score in moments]


def telling(clip: Clip, words: Catalogue) -> list[str]:
    """The most telling frames in order of time."""
    lines = []
    for frame in sorted(clip.telling, key=lambda frame: frame.time):
        about = {"time": clock(frame.time), "source": _source(frame.source, words), "score": _shown(frame.probability, words)}
        if frame.track is None:
            lines.append(words.text("telling.whole", about))
        else:
            lines.append(words.text("telling.person", {**about, "person": frame.track}))
    return lines


def _name(signal: Signal, pooled: Score, clip: Clip, words: Catalogue) -> str:
    if pooled.track is None:
        return _source(signal.source, words)
    track = next(track for track in clip.tracks if track.id == pooled.track)
    times = {"first": clock(track.first), "last": clock(track.last)}
    return words.text("timeline.person", {"person": track.id, "source": _source(signal.source, words), **times})


def _source(name: str, words: Catalogue) -> str:
    return words.text(f"source.{name}") if words.has(f"source.{name}") else name


def _moments(signal: Signal, pooled: Score) -> list[Score]:
    subject = "frame" if pooled.track is None else "face"
    return [score for score in signal.scores if score.subject == subject and score.track == pooled.track]


def _blocks(moments: Sequence[Score], end: float, interval: float) -> str:
    """The highest likelihood in each stretch of the clip as a block; a point where nothing was judged.

    A sample stands for its `interval`: half of it before, half after.
    """
    highest: dict[int, float] = {}
    for score in moments:
        first, last = ((score.time or 0.0) + way * interval / 2 for way in (-1, 1))
        for column in range(max(0, int(first / end * _COLUMNS)), min(_COLUMNS, math.ceil(last / end * _COLUMNS))):
            highest[column] = max(highest.get(column, 0.0), score.probability)
    return "".join(
        _BLOCKS[min(len(_BLOCKS) - 1, int(highest[column] * len(_BLOCKS)))] if column in highest else _GAP
        for column in range(_COLUMNS)
    )


def _shown(probability: float, words: Catalogue) -> str:
    return words.percent(min(max(probability, SHOWN_MIN), SHOWN_MAX))
