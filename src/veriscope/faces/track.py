"""The same face through a clip, by where it is, how large it is and what colours surround it.

No embedding is computed: whom a face belongs to is nobody's business here, only that it is the same one as a moment ago. So
a person who comes back elsewhere after a cut is a new track. Two people taken for one would only water a track down; one
person taken for two costs frames.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from veriscope.domain import Box, Face, Frame, Track

MIN_FRAMES = 4  # judged frames before a track may speak: fewer cannot tell a steady answer from a chance one
MAX_FACES = 20  # followed per frame, largest first

_REACH, _SPEED, _FARTHEST = 0.6, 1.2, 1.5  # of the face's side: at once, per second, seconds after which it grows no more
_GROWTH = 0.6  # logarithm of the ratio of sides that two sightings may differ by
_LIKE, _LIKE_LATER, _SOON = 0.45, 0.7, 1.5  # share of colours in common that is needed, within seconds and after
_SURROUNDINGS = 1.8  # of the box: hair, collar and some background
_DENSE = 0.25  # seconds: farther apart, a changed expression is no jitter

_Look: TypeAlias = NDArray[np.float32]


@dataclasses.dataclass(slots=True)
class _Open:
    """A track that is being followed."""

    id: int
    faces: list[Face]
    times: list[float]
    look: _Look

    @property
    def box(self) -> Box:
        return self.faces[-1].box


class Tracker:
    """Follows faces from frame to frame; frames come in order of time."""

    def __init__(self) -> None:
        self._open: list[_Open] = []

    def follow(self, frame: Frame, faces: Sequence[Face]) -> tuple[Face, ...]:
        """The faces with the number of their track."""
        time = frame.time or 0.0
        looks = [_look(frame, face.box) for face in faces]
        options = sorted(
            (cost, place, number)
            for number, track in enumerate(self._open)
            for place, face in enumerate(faces)
            if (cost := _cost(track, face.box, looks[place], time)) is not None
        )
        matched: dict[int, _Open] = {}
        used: set[int] = set()
        for _, place, number in options:
            if place not in matched and number not in used:
                matched[place] = self._open[number]
                used.add(number)
        return tuple(self._joined(face, looks[place], time, matched.get(place)) for place, face in enumerate(faces))

    def tracks(self) -> tuple[Track, ...]:
        """All tracks in the order in which they began."""
        return tuple(_summary(track) for track in self._open)

    def faces(self, track: int) -> list[tuple[float, Face]]:
        """The sightings of one track with their times."""
        found = next(item for item in self._open if item.id == track)
        return list(zip(found.times, found.faces, strict=True))

    def _joined(self, face: Face, look: _Look, time: float, track: _Open | None) -> Face:
        if track is None:
            track = _Open(len(self._open) + 1, [], [], look)
            self._open.append(track)
        face = dataclasses.replace(face, track=track.id)
        track.faces.append(face)
        track.times.append(time)
        track.look = 0.7 * track.look + 0.3 * look
        return face


def _cost(track: _Open, box: Box, look: _Look, time: float) -> float | None:
    """How ill a face continues a track; None when it cannot be the same one."""
    passed = time - track.times[-1]
    side, other = max(track.box.width, track.box.height), max(box.width, box.height)
    centre = math.hypot(
        box.x + box.width / 2 - track.box.x - track.box.width / 2, box.y + box.height / 2 - track.box.y - track.box.height / 2
    )
    distance, growth = centre / max(side, other, 1.0), abs(math.log(max(other, 1.0) / max(side, 1.0)))
    alike = float(np.minimum(track.look, look).sum())
    if distance > _REACH + _SPEED * min(passed, _FARTHEST) or growth > _GROWTH:
        return None
    if alike < (_LIKE if passed <= _SOON else _LIKE_LATER):
        return None
    return distance + growth + 1 - alike


def _look(frame: Frame, box: Box) -> _Look:
    """Shares of 64 colours around the face; they sum to 1."""
    picture = frame.overview
    side = _SURROUNDINGS * max(box.width, box.height) / frame.shrink
    x, y = (box.x + box.width / 2) / frame.shrink, (box.y + box.height / 2) / frame.shrink
    left, right = _inside(x - side / 2, x + side / 2, picture.width)
    top, bottom = _inside(y - side / 2, y + side / 2, picture.height)
    small = np.asarray(picture.resize((24, 24), box=(left, top, right, bottom), reducing_gap=2.0)) >> 6
    colours = (small[..., 0].astype(int) * 4 + small[..., 1]) * 4 + small[..., 2]
    shares: _Look = (np.bincount(colours.reshape(-1), minlength=64) / colours.size).astype(np.float32)
    return shares


def _inside(start: float, end: float, length: int) -> tuple[float, float]:
    """A stretch of at least one pixel that lies in the picture."""
    first = max(0.0, min(start, length - 1.0))
    return first, min(float(length), max(end, first + 1.0))


def _summary(track: _Open) -> Track:
    judged = [face for face in track.faces if face.assessable]
    clearest = max(judged or track.faces, key=lambda face: face.confidence * max(face.box.width, face.box.height))
    return Track(
        id=track.id,
        first=track.times[0],
        last=track.times[-1],
        frames=len(track.faces),
        assessed=len(judged),
        face=clearest.id,
        supported=len(judged) >= MIN_FRAMES,
    )


def jitter(sightings: Sequence[tuple[float, Face]]) -> float | None:
    """Median change of the face's shape between sightings at most a quarter of a second apart, in distances of the eyes.

    Place, size and turn are taken out (least squares over similarities); what remains is expression, the noise of the face
    detector, and whatever makes a face tremble. None when fewer than four sightings are near enough.
    """
    found = [
        _deformation(a, b)
        for (before, a), (after, b) in itertools.pairwise(sightings)
        if 0 < after - before <= _DENSE and a.assessable and b.assessable
    ]
    return float(np.median(found)) if len(found) >= MIN_FRAMES else None


def _deformation(one: Face, other: Face) -> float:
    p, q = (np.array([complex(x, y) for x, y in face.landmarks]) for face in (one, other))
    p, q = p - p.mean(), q - q.mean()
    moved = np.vdot(p, q) / max(float(np.vdot(p, p).real), 1e-9) * p
    eyes = max(abs(q[0] - q[1]), 1e-6)
    return float(np.sqrt(np.mean(np.abs(q - moved) ** 2)) / eyes)
