"""The flow for clips: who is judged, by what, and what is left when it is ended. Models are made; none of the embedded runs."""

from __future__ import annotations

import base64
import dataclasses
import io
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clips_made import children, clip, face_clip, face_frames, plain_clip, plain_frames
from models_made import FACE, brightness_model, offer_package, write_card
from PIL import Image

from veriscope import fusion
from veriscope.domain import Failure, Finding, Grade, Progress, Report, Score, Signal, SignalKind, Status
from veriscope.engine import Engine
from veriscope.settings import Sampling, Settings

SUSPICIOUS, CLEAR = brightness_model(gain=0.0, bias=3.0), brightness_model(gain=0.0, bias=-3.0)
MakeEngine = Callable[..., Engine]


@pytest.fixture
def make_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeEngine:
    folder = offer_package(tmp_path, monkeypatch)

    def make(sampling: Sampling | None = None, **cards: tuple[bytes | None, dict[str, Any]]) -> Engine:
        for name, (model, changes) in cards.items():
            write_card(folder, model, id=name, **changes)
        settings = Settings(threads=1, allow_plugins=True, detectors=tuple(cards), sampling=sampling or Sampling(frames=8))
        return Engine(settings)

    return make


def signal(report: Report, source: str) -> Signal:
    return next(signal for signal in report.signals if signal.source == source)


def scores(report: Report, source: str, subject: str) -> list[Score]:
    return [score for score in signal(report, source).scores if score.subject == subject]


def test_a_clip_gets_the_report_of_a_picture_and_a_timeline(make_engine: MakeEngine) -> None:
    report = make_engine(whole=(CLEAR, {}), faces=(CLEAR, FACE)).analyze(face_clip())
    assert [signal.source for signal in report.signals][:3] == ["whole", "faces", "temporal"]
    assert report.verdict.grade is Grade.NO_EVIDENCE_FOUND
    assert report.clip is not None
    assert len(report.clip.samples) == 8
    assert [sample.assessable for sample in report.clip.samples] == [1] * 8
    [track] = report.clip.tracks
    assert (track.frames, track.assessed, track.supported) == (8, 8, True)
    assert report.clip.face_seconds == pytest.approx(3.0)
    assert [face.id for face in report.faces] == list(range(1, 9))
    assert {face.track for face in report.faces} == {1}
    assert [score.time for score in scores(report, "faces", "face")] == [sample.time for sample in report.clip.samples]
    assert [score.frame for score in scores(report, "whole", "frame")] == list(range(8))
    assert len(scores(report, "faces", "track")) == len(scores(report, "whole", "clip")) == 1
    assert scores(report, "faces", "track")[0].interval == signal(report, "faces").interval


def test_two_runs_agree_to_the_last_digit(make_engine: MakeEngine) -> None:
    engine = make_engine(whole=(None, {"input": {"tiles": 2}}), faces=(None, FACE))
    one, two = engine.analyze(face_clip()), engine.analyze(face_clip())
    assert (one.signals, one.faces, one.clip) == (two.signals, two.faces, two.clip)


def test_a_suspicious_answer_is_asked_again_about_altered_frames(make_engine: MakeEngine) -> None:
    report = make_engine(whole=(SUSPICIOUS, {})).analyze(clip(plain_frames(12, (256, 224))))
    found = signal(report, "whole")
    assert [again.variant for again in found.rechecks] == ["jpeg70", "half"]
    assert [again.probability for again in found.rechecks] == pytest.approx([found.probability] * 2, abs=1e-6)
    assert report.verdict.grade in (Grade.SOME_EVIDENCE, Grade.STRONG_EVIDENCE)


def two_people(left: int, right: int, frames: int = 12) -> bytes:
    """Two people beside each other whose brightness differs, seen in so many of the frames."""
    made = []
    for index, frame in enumerate(face_frames(frames, (640, 240), way=0)):
        picture = Image.new("RGB", (640, 240), (90, 110, 120))
        if index < left:
            picture.paste(frame.crop((0, 0, 300, 240)), (0, 0))
        if index < right:
            bright = Image.eval(frame.crop((0, 0, 300, 240)), lambda value: min(255, value + 50))
            picture.paste(bright, (330, 0))
        made.append(picture)
    return clip(made)


def test_the_most_suspicious_person_speaks_and_not_the_mean(make_engine: MakeEngine) -> None:
    """The model finds bright faces suspicious: the right one is brighter."""
    report = make_engine(Sampling(fps=10), faces=(brightness_model(), FACE)).analyze(two_people(12, 12))
    assert report.clip is not None
    assert [track.supported for track in report.clip.tracks] == [True, True]
    pooled = scores(report, "faces", "track")
    assert pooled[0].probability > pooled[1].probability
    assert signal(report, "faces").probability == pooled[0].probability
    assert signal(report, "faces").findings[0].params["count"] == 2
    leader = next(track for track in report.clip.tracks if track.id == pooled[0].track)
    assert next(face for face in report.faces if face.id == leader.face).box.x > 300


def test_a_person_seen_too_briefly_does_not_speak(make_engine: MakeEngine) -> None:
    report = make_engine(Sampling(fps=10), faces=(brightness_model(), FACE)).analyze(two_people(12, 3))
    assert report.clip is not None
    [brief, long] = sorted(report.clip.tracks, key=lambda track: track.assessed)
    assert (brief.supported, long.supported) == (False, True)
    assert [score.track for score in scores(report, "faces", "track")] == [long.id]
    assert Finding("not_checked.brief_tracks", {"count": 1}) in report.not_checked


def test_with_nobody_long_enough_the_model_says_nothing(make_engine: MakeEngine) -> None:
    report = make_engine(Sampling(fps=10), faces=(SUSPICIOUS, FACE)).analyze(two_people(3, 0))
    assert signal(report, "faces").reason == Finding("face.clip_too_brief")
    assert report.verdict.grade is Grade.NOT_ASSESSABLE


def test_one_odd_frame_moves_nothing(make_engine: MakeEngine) -> None:
    frames = plain_frames(20)
    odd = [*frames[:9], Image.new("RGB", frames[0].size, "white"), *frames[10:]]
    engine = make_engine(Sampling(fps=10), whole=(brightness_model(), {}))
    plain, other = (signal(engine.analyze(clip(made)), "whole") for made in (frames, odd))
    assert max(score.probability for score in other.scores) > (plain.probability or 0) + 0.02
    assert other.probability == pytest.approx(plain.probability, abs=0.02)


def test_a_model_that_breaks_costs_its_line(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    from veriscope.detectors.onnx import OnnxDetector

    original = OnnxDetector.logits

    def logits(self: OnnxDetector, pictures: Any) -> Any:
        if self.id == "broken":
            raise RuntimeError("out of order")
        return original(self, pictures)

    monkeypatch.setattr(OnnxDetector, "logits", logits)
    report = make_engine(broken=(CLEAR, {}), whole=(CLEAR, {})).analyze(plain_clip())
    assert (signal(report, "broken").status, signal(report, "whole").status) == (Status.FAILED, Status.OK)
    assert Finding("not_checked.failed", {"source": "broken"}) in report.not_checked


def test_rhythm_is_measured_and_moves_no_verdict(make_engine: MakeEngine) -> None:
    frames = [frame for frame in plain_frames(15) for _ in range(2)]
    report = make_engine(whole=(CLEAR, {})).analyze(clip(frames, container="matroska", codec="ffv1"))
    rhythm = signal(report, "temporal")
    assert rhythm.kind is SignalKind.MEASUREMENT
    [repeated] = [finding for finding in rhythm.findings if finding.code == "temporal.repeated"]
    assert int(repeated.params["count"]) >= 14
    assert report.verdict.grade is Grade.NO_EVIDENCE_FOUND


def test_thumbnails_are_kept_only_when_asked_for(make_engine: MakeEngine) -> None:
    engine = make_engine(whole=(CLEAR, {}), faces=(CLEAR, FACE))
    without, asked = engine.analyze(face_clip()), engine.analyze(face_clip(), sampling=Sampling(frames=6, thumbnails=True))
    assert without.clip is not None
    assert asked.clip is not None
    assert {frame.thumbnail for frame in without.clip.telling} == {None}
    assert len(asked.clip.telling) == 6
    for frame in asked.clip.telling:
        assert frame.thumbnail is not None
        with Image.open(io.BytesIO(base64.b64decode(frame.thumbnail))) as picture:
            assert max(picture.size) <= 192


def test_whole_frames_of_a_clip_need_more_than_a_picture_does(make_engine: MakeEngine) -> None:
    """The rates of the card are those of pictures, and whole clips were flagged far more often."""
    engine = make_engine(whole=(CLEAR, {}), faces=(CLEAR, FACE))
    clip_report = engine.analyze(face_clip())
    picture = io.BytesIO()
    face_frames(1)[0].save(picture, "PNG")
    of_clip, of_picture = (signal(report, "whole").points for report in (clip_report, engine.analyze(picture.getvalue())))
    assert of_clip is not None
    assert of_picture is not None
    assert of_clip.some > of_picture.some
    assert of_clip.strong >= of_clip.some
    assert of_clip.clear == of_picture.clear


# Progress, and ending early


def test_progress_rises_to_the_report(make_engine: MakeEngine) -> None:
    steps = list(make_engine(whole=(CLEAR, {})).watch(plain_clip()))
    assert isinstance(steps[-1], Report)
    told = [step for step in steps[:-1] if isinstance(step, Progress)]
    assert len(told) == len(steps) - 1
    fractions = [step.fraction for step in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] > 0.9
    assert any(step.seconds_left is not None for step in told)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_iterator_that_is_closed_leaves_nothing(make_engine: MakeEngine) -> None:
    steps = make_engine(whole=(CLEAR, {})).watch(face_clip())
    while not (isinstance(step := next(steps), Progress) and step.step == "frames"):
        pass
    assert children("decoder")
    steps.close()
    assert not children("decoder")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_callback_that_raises_ends_the_analysis(make_engine: MakeEngine) -> None:
    def stop(step: Progress) -> None:
        if step.step == "frames":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_engine(whole=(CLEAR, {})).analyze(face_clip(), progress=stop)
    assert not children("decoder")


def test_a_batch_that_is_left_ends_what_runs(make_engine: MakeEngine) -> None:
    began = threading.Event()
    engine = make_engine(Sampling(fps=10), whole=(CLEAR, {}))
    results = engine.analyze_many([plain_clip(), face_clip(), face_clip()], progress=lambda *_: began.set())
    assert isinstance(next(results), Report)
    results.close()  # type: ignore[attr-defined]
    assert began.is_set()
    assert not sys.platform.startswith("linux") or not children("decoder")


def test_pictures_and_clips_share_a_batch(make_engine: MakeEngine) -> None:
    packed = io.BytesIO()
    plain_frames(1)[0].save(packed, "PNG")
    results = list(make_engine(whole=(CLEAR, {})).analyze_many([packed.getvalue(), plain_clip(), b"neither"], jobs=2))
    assert [type(result) for result in results] == [Report, Report, Failure]
    assert [result.clip is None for result in results if isinstance(result, Report)] == [True, False]


def test_altered_frames_that_no_longer_convince_make_it_uncertain(make_engine: MakeEngine) -> None:
    found = signal(make_engine(whole=(SUSPICIOUS, {})).analyze(clip(plain_frames(12, (256, 224)))), "whole")
    fallen = tuple(dataclasses.replace(again, probability=0.01) for again in found.rechecks)
    assert fusion.decide([dataclasses.replace(found, rechecks=fallen)]).grade is Grade.UNCERTAIN
