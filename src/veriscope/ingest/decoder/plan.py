"""Which frames of a clip are looked at, and how they are reached: pure arithmetic, the same on every run.

Frames are wanted at equal distances over the whole clip, in the middle of each interval. Decoding through costs every frame
up to the last one wanted; jumping costs the way from a key frame to the frame. The cheaper way is taken, and neither may cost
more than `PER_SAMPLE` decoded frames for each one wanted: past that, targets are drawn nearer to their key frame, so that
the time depends on the number of samples and not on the length of the clip.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DEFAULT_FRAMES = 64
DENSEST = 6.0  # samples per second: nearer frames are nearly the same picture
FEWEST = 12  # of a clip of two seconds or less, when it has as many
PER_SAMPLE = 40  # decoded frames
JUMP_COST = 4  # a seek, in decoded frames
CHEAP = 16  # decoded frames per sample that are paid gladly: only decoding through sees where scenes begin
IRREGULAR = 0.6  # of the usual distance: encoders begin a group early where a scene begins


@dataclasses.dataclass(frozen=True, slots=True)
class Survey:
    """The frames of a stream as its index or packets give them: seconds from the first, whether a key frame, in order."""

    times: Sequence[float]
    keys: tuple[int, ...]  # positions of the key frames in `times`, rising, the first is 0
    step: float = dataclasses.field(init=False)  # median seconds from frame to frame

    def __post_init__(self) -> None:
        # Once: everything below asks for it, some of it frame by frame, and an hour has 100,000 frames.
        gaps = self._gaps()
        object.__setattr__(self, "step", float(np.median(gaps)) if gaps.size else 0.04)

    def _gaps(self) -> NDArray[np.float64]:
        return np.diff(np.asarray(self.times, np.float64))

    @property
    def variable(self) -> bool:
        """Whether more than a twentieth of the steps differ from the usual one by more than a half."""
        gaps = self._gaps()
        odd = np.abs(gaps - self.step) > 0.5 * self.step
        return int(odd.sum()) > 0.05 * max(1, gaps.size)

    @property
    def duration(self) -> float:
        return self.times[-1] + self.step if self.times else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Jump:
    """Go to a key frame (None = the start, without seeking) and decode until the last target is reached."""

    key: int | None
    targets: tuple[float, ...]
    cut: bool = False  # the key frame seems to begin a scene, and is the target


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    strategy: Literal["through", "seek"]
    jumps: tuple[Jump, ...]
    wanted: int
    interval: float  # seconds between targets


def count(duration: float, frames: int | None, fps: float | None, most: int) -> int:
    """How many samples a clip of so many seconds gets."""
    if fps is not None:
        return max(1, min(math.ceil(duration * fps - 1e-9), frames or most, most))
    return max(1, min(frames or DEFAULT_FRAMES, most, max(FEWEST, math.ceil(DENSEST * duration))))


def targets(duration: float, number: int) -> tuple[float, ...]:
    return tuple((index + 0.5) * duration / number for index in range(number))


def plan(survey: Survey, number: int, until: float) -> Plan:
    """The way to `number` frames in the first `until` seconds."""
    wanted = tuple(dict.fromkeys(_on_screen(survey, target) for target in targets(until, number)))
    number = len(wanted)
    through = bisect.bisect_left(survey.times, wanted[-1]) + 1
    jumps = _jumps(survey, wanted)
    seeking = sum(JUMP_COST + _way(survey, jump) for jump in jumps)
    if through <= max(seeking, CHEAP * number):
        return Plan("through", (Jump(None, wanted),), number, until / number)
    return Plan("seek", (*jumps, *_cuts(survey, jumps, number, until)), number, until / number)


def _on_screen(survey: Survey, time: float) -> float:
    """Time of the frame that is seen at a moment: frames of a variable rate stay for as long as they like."""
    return survey.times[max(0, bisect.bisect_right(survey.times, time) - 1)]


def _way(survey: Survey, jump: Jump) -> int:
    return bisect.bisect_left(survey.times, jump.targets[-1] - survey.step / 2) - (jump.key or 0) + 1


def _jumps(survey: Survey, wanted: Sequence[float]) -> list[Jump]:
    """One jump per group of frames that holds a target, within the budget of its targets."""
    groups: dict[int, list[float]] = {}
    starts = [survey.times[key] for key in survey.keys]
    for target in wanted:
        place = max(0, bisect.bisect_right(starts, target) - 1)
        groups.setdefault(survey.keys[place], []).append(target)
    half = (wanted[1] - wanted[0]) / 2 if len(wanted) > 1 else math.inf
    return [Jump(key, _within(survey, key, inside, half)) for key, inside in groups.items()]


def _within(survey: Survey, key: int, inside: Sequence[float], half: float) -> tuple[float, ...]:
    """Targets as times of frames not further from their key frame than the budget allows; alone and near, the key frame."""
    start = survey.times[key]
    if len(inside) == 1 and inside[0] - start <= half:
        return (start,)
    places = [max(key, bisect.bisect_right(survey.times, target) - 1) for target in inside]
    reach = PER_SAMPLE * len(inside)
    ratio = min(1.0, reach / max(1, places[-1] - key))
    return tuple(dict.fromkeys(survey.times[key + int((place - key) * ratio)] for place in places))


def _cuts(survey: Survey, jumps: Sequence[Jump], number: int, until: float) -> list[Jump]:
    """Key frames that break the rhythm of the others, at most one per interval and half as many as samples, spread evenly."""
    keys = survey.keys
    gaps = [b - a for a, b in itertools.pairwise(keys)]
    if not gaps:
        return []
    usual = float(np.median(gaps))
    taken = {jump.targets[0] for jump in jumps}
    found: dict[int, int] = {}
    for gap, key in zip(gaps, keys[1:], strict=False):
        time = survey.times[key]
        if gap < IRREGULAR * usual and time < until and time not in taken:
            found.setdefault(int(time * number / until), key)
    chosen = list(found.values())
    most = max(1, number // 2)
    if len(chosen) > most:
        chosen = [chosen[index * len(chosen) // most] for index in range(most)]
    return [Jump(key, (survey.times[key],), cut=True) for key in chosen]


def once_more(survey: Survey | None, times: Sequence[float]) -> tuple[Jump, ...]:
    """The way to exactly these frames: from the key frame before each, or through when nothing is known of key frames."""
    if survey is None or not survey.keys:
        return (Jump(None, tuple(times)),)
    starts = [survey.times[key] for key in survey.keys]
    groups: dict[int, list[float]] = {}
    for time in times:
        place = bisect.bisect_right(starts, time + survey.step / 2) - 1
        groups.setdefault(survey.keys[max(0, place)], []).append(time)
    return tuple(Jump(key, tuple(inside)) for key, inside in groups.items())
