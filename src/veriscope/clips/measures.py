"""What single frames cannot show: repeated and blended frames, trembling scores and landmarks.

All of it informs and nothing moves the verdict: no measurement of ours shows that any of these tells manipulated clips from
real ones (docs/decisions/0013-temporal-findings.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from veriscope.clips.signals import Answers
from veriscope.domain import Ending, Finding, Signal, SignalKind, Status, Strategy, Track
from veriscope.faces import Tracker, jitter
from veriscope.fusion import temporal

ID = "temporal"
_SHARE = 0.05  # of the decoded frames, from which repetition is worth a line


def measured(ending: Ending, tracks: Sequence[Track], tracker: Tracker, answers: Mapping[str, Answers]) -> Signal:
    """The clip's rhythm as neutral findings."""
    found = (*_rhythm(ending), *_trembling(tracks, tracker, answers))
    return Signal(ID, SignalKind.MEASUREMENT, Status.OK, findings=found or (Finding("temporal.nothing"),))


def _rhythm(ending: Ending) -> Iterator[Finding]:
    if ending.strategy is not Strategy.THROUGH:
        return  # between jumps there is no frame before
    for name, count in (("repeated", ending.repeated), ("blended", ending.blended)):
        if count > _SHARE * ending.decoded:
            yield Finding(f"temporal.{name}", {"count": count, "decoded": ending.decoded})


def _trembling(tracks: Sequence[Track], tracker: Tracker, answers: Mapping[str, Answers]) -> Iterator[Finding]:
    for track in tracks:
        if not track.supported:
            continue
        shape = jitter(tracker.faces(track.id))
        if shape is not None:
            yield Finding("temporal.landmarks", {"person": track.id, "percent": round(100 * shape, 1)})
        for name, said in answers.items():
            step = temporal.jitter([moment.logit for moment in said.of(track.id)])
            if step is not None:
                yield Finding("temporal.scores", {"person": track.id, "source": name, "step": round(step, 2)})
