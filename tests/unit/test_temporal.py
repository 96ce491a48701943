"""Pooling over frames, plans of sampling, and tracks: pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from domain_made import photograph
from PIL import Image

from veriscope.domain import Box, Face, Frame
from veriscope.faces import Tracker, jitter
from veriscope.fusion import temporal
from veriscope.ingest.decoder import plan


def test_pooling_leaves_out_the_ends() -> None:
    values = [1.0] * 8 + [50.0, -50.0]
    assert temporal.pooled(values).logit == 1.0
    assert temporal.pooled([2.0]).error == 0.0
    with pytest.raises(ValueError, match="nothing"):
        temporal.pooled([])


def test_the_error_of_independent_frames_is_that_of_a_trimmed_mean() -> None:
    chance = np.random.default_rng(1)
    runs = [temporal.pooled(list(chance.normal(0, 1, 50))) for _ in range(300)]
    spread = float(np.std([run.logit for run in runs]))
    assert np.median([run.error for run in runs]) == pytest.approx(spread, rel=0.25)


def test_frames_that_follow_each_other_count_for_fewer() -> None:
    """An AR(1) sequence with correlation 0.8 is worth n × 0.2 / 1.8 frames; the error must cover the truth."""
    chance = np.random.default_rng(2)
    means, errors, sizes = [], [], []
    for _ in range(300):
        values = [0.0]
        for _ in range(63):
            values.append(0.8 * values[-1] + chance.normal(0, 0.6))
        run = temporal.pooled(values)
        means.append(run.logit)
        errors.append(run.error)
        sizes.append(run.effective)
    assert 3 < np.median(sizes) < 16
    inside = np.mean([abs(mean) <= 1.645 * error for mean, error in zip(means, errors, strict=True)])
    assert inside > 0.75  # ignoring the correlation, about 0.45


@pytest.mark.parametrize("count", [1, 3, 10, 40])
def test_representative_frames_stand_for_the_middle(count: int) -> None:
    values = [float(value) for value in np.random.default_rng(count).normal(0, 1, count)]
    places = temporal.spread_out(values, 8)
    assert places == sorted(set(places))
    assert 1 <= len(places) <= 8
    if count >= 10:
        assert max(values) not in [values[place] for place in places]
    assert temporal.highest(values, 2)[0] == values.index(max(values))


def survey(frames: int, rate: float, gop: int) -> plan.Survey:
    return plan.Survey(tuple(index / rate for index in range(frames)), tuple(range(0, frames, gop)))


@pytest.mark.parametrize("minutes", [0.2, 1, 5, 60])
@pytest.mark.parametrize("gop", [1, 30, 250, 5000])
@pytest.mark.parametrize("number", [8, 64])
def test_cost_depends_on_samples_and_not_on_length(minutes: float, gop: int, number: int) -> None:
    known = survey(round(minutes * 60 * 30), 30, gop)
    made = plan.plan(known, number, known.duration)
    decoded = sum(plan._way(known, jump) for jump in made.jumps if not jump.cut)
    assert decoded <= (plan.PER_SAMPLE + 2) * made.wanted
    times = [time for jump in made.jumps for time in jump.targets]
    assert times[0] < 0.2 * known.duration + 0.1
    assert len(times) >= min(number, 4)
    if gop <= 250:
        assert max(times) > 0.75 * known.duration


class Watched(Sequence[float]):
    """Times that count how often they are read."""

    def __init__(self, times: Sequence[float]) -> None:
        self.times, self.reads = times, 0

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, place: int) -> float:  # type: ignore[override]
        self.reads += 1
        return self.times[place]


def reads(frames: int) -> int:
    times = Watched(survey(frames, 30, 30).times)
    known = plan.Survey(times, tuple(range(0, frames, 30)))
    assert not known.variable
    plan.plan(known, 64, known.duration)
    plan.once_more(known, [index / 30 for index in range(100, 2000, 100)])
    return times.reads


def test_planning_reads_the_times_of_a_long_clip_a_few_times_and_not_once_for_each_frame() -> None:
    assert reads(40_000) <= 2.2 * reads(20_000)


@pytest.mark.parametrize(
    ("duration", "frames", "fps", "count"),
    [
        (0.5, None, None, 12),
        (4.0, None, None, 24),
        (60.0, None, None, 64),
        (3600.0, None, None, 64),
        (60.0, 10, None, 10),
        (60.0, None, 0.5, 30),
        (60.0, 20, 0.5, 20),
        (36000.0, None, 1.0, 2000),
    ],
)
def test_how_many_samples(duration: float, frames: int | None, fps: float | None, count: int) -> None:
    assert plan.count(duration, frames, fps, 2000) == count


def seen(
    tracker: Tracker, time: float, *boxes: tuple[float, float, float], picture: Image.Image | None = None
) -> list[int | None]:
    """Tracks of faces at x, y with a side, in one frame."""
    frame = Frame(0, picture or photograph("astronaut"), time)
    faces = [face(x, y, side) for x, y, side in boxes]
    return [found.track for found in tracker.follow(frame, faces)]


def face(x: float, y: float, side: float, bend: float = 0.0) -> Face:
    points = ((0.3, 0.4 + bend), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    return Face(1, 0, Box(x, y, side, side), tuple((x + side * a, y + side * b) for a, b in points), 0.95, 0.05)


def test_a_face_that_moves_stays_the_same_track() -> None:
    tracker = Tracker()
    for step in range(6):
        assert seen(tracker, step / 5, (150 + 12 * step, 60, 120)) == [1]
    [track] = tracker.tracks()
    assert (track.frames, track.supported) == (6, True)


def test_two_faces_keep_their_tracks_when_their_order_changes() -> None:
    tracker = Tracker()
    assert seen(tracker, 0.0, (40, 60, 100), (300, 60, 100)) == [1, 2]
    assert seen(tracker, 0.2, (305, 60, 100), (45, 60, 100)) == [2, 1]


@pytest.mark.parametrize("box", [pytest.param((20, 380, 100), id="far away"), pytest.param((150, 60, 300), id="much larger")])
def test_another_face_is_another_track(box: tuple[float, float, float]) -> None:
    tracker = Tracker()
    assert seen(tracker, 0.0, (150, 60, 100)) == [1]
    assert seen(tracker, 0.1, box) == [2]


def test_a_place_with_other_colours_is_another_person() -> None:
    tracker = Tracker()
    assert seen(tracker, 0.0, (150, 60, 100)) == [1]
    assert seen(tracker, 0.2, (150, 60, 100), picture=Image.new("RGB", (512, 512), (20, 200, 30))) == [2]


def test_three_frames_are_too_few_to_speak() -> None:
    tracker = Tracker()
    for step in range(3):
        seen(tracker, step / 5, (150, 60, 120))
    assert [track.supported for track in tracker.tracks()] == [False]


def test_trembling_landmarks_are_measured_without_movement() -> None:
    still = [(step / 10, face(100 + 9 * step, 50, 100 + step)) for step in range(10)]
    bent = [(step / 10, face(100, 50, 100, bend=0.05 * (step % 2))) for step in range(10)]
    calm, trembling = jitter(still), jitter(bent)
    assert calm is not None
    assert calm < 1e-6
    assert trembling is not None
    assert trembling > 0.02
    assert jitter([(step * 2.0, sighting) for step, (_, sighting) in enumerate(bent)]) is None
    assert not math.isnan(trembling)
