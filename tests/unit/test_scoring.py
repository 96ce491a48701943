"""Answers of detectors about labelled files: the product's own, each asked once and kept."""

from __future__ import annotations

import dataclasses
import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import clips_made
import pytest
from domain_made import photograph
from labelled_made import PLUGINS, made_set, offer_detectors, speckled, write_pictures

from veriscope.domain import Detector, OperatingPoints, Status
from veriscope.engine import Engine
from veriscope.errors import DataError, ModelError
from veriscope.evaluation import kept as keeping
from veriscope.evaluation.asking import Answer, Judge
from veriscope.evaluation.kept import Kept, Work
from veriscope.evaluation.labelled import Example, read_labelled
from veriscope.evaluation.scoring import Scored, Step, score
from veriscope.evaluation.variants import VARIANTS
from veriscope.settings import Sampling, Settings


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    offer_detectors(tmp_path / "packages", monkeypatch)
    return Judge("bright", PLUGINS)


@pytest.fixture
def examples(tmp_path: Path) -> tuple[Example, ...]:
    return read_labelled(made_set(tmp_path / "set")).examples


class Wrapped:
    """A detector that behaves otherwise in part."""

    def __init__(self, inner: Detector, **changes: Any) -> None:
        self._inner, self._changes = inner, changes

    def __getattr__(self, name: str) -> Any:
        return self._changes.get(name) or getattr(self._inner, name)


def ok(scored: Sequence[Scored]) -> list[float]:
    return [one.answer.logit for one in scored if one.answer.logit is not None]


@pytest.mark.parametrize("name", ["scene", "face"])
@pytest.mark.parametrize("batch", [1, 8])
def test_an_answer_is_the_one_that_an_analysis_gives(name: str, batch: int, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for photo in ("astronaut", "coffee", "chelsea"):
        photograph(photo).save(tmp_path / "real" / f"{photo}.png")
    (tmp_path / "real" / "small.png").write_bytes(_small())
    judge = Judge(name, Settings(threads=1))
    engine = Engine(Settings(detectors=(name,), threads=1))
    spoken = 0
    for one in score(judge, read_labelled(tmp_path).examples, batch=batch):
        (signal,) = (signal for signal in engine.analyze(one.example.path).signals if signal.source == name)
        assert one.answer.status is signal.status
        if signal.probability is None:
            assert signal.reason is not None
            assert one.answer.reason == signal.reason.code
            continue
        spoken += 1
        assert judge.probability(one.answer) == pytest.approx(signal.probability, abs=1e-4)
        assert signal.points is not None
        assert judge.flags(one.answer) == (signal.probability >= signal.points.some)
    assert spoken


def _small() -> bytes:
    import io

    out = io.BytesIO()
    speckled(120, 5, (40, 40)).save(out, "PNG")
    return out.getvalue()


def test_a_clip_counts_with_its_pooled_answer(tmp_path: Path) -> None:
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "clip.mp4").write_bytes(clips_made.clip(clips_made.plain_frames(12)))
    settings = Settings(detectors=("scene",), threads=1, sampling=Sampling(frames=6))
    judge = Judge("scene", settings)
    (one,) = score(judge, read_labelled(tmp_path).examples, variants={"half": VARIANTS["half"]})[:1]
    (signal,) = (signal for signal in Engine(settings).analyze(one.example.path).signals if signal.source == "scene")
    assert one.answer.status is signal.status is Status.OK
    assert signal.raw is not None
    assert one.answer.logit == pytest.approx(math.log(signal.raw / (1 - signal.raw)), abs=1e-4)


def test_of_a_clip_there_are_no_altered_copies(tmp_path: Path, judge: Judge) -> None:
    (tmp_path / "clips" / "fake").mkdir(parents=True)
    (tmp_path / "clips" / "fake" / "clip.mp4").write_bytes(clips_made.clip(clips_made.plain_frames(12)))
    scored = score(judge, read_labelled(tmp_path / "clips").examples, variants={"half": VARIANTS["half"]})
    assert [(one.variant, one.answer.reason) for one in scored if one.variant == "half"] == [("half", "clip")]


@pytest.mark.parametrize("jobs", [1, 3])
def test_answers_come_in_the_order_of_the_examples(judge: Judge, examples: tuple[Example, ...], jobs: int) -> None:
    scored = score(judge, examples, jobs=jobs, batch=2)
    assert [one.example for one in scored] == list(examples)
    logits = {one.example.name: one.answer.logit for one in scored}
    order = ["real/camera/000.png", "real/camera/002.png", "fake/gan/000.png", "fake/gan/002.png"]
    values = [float(logits[name] or 0) for name in order]
    assert values == sorted(values)
    assert values[0] < 0 < values[-1]


def test_what_is_kept_is_not_asked_again(judge: Judge, examples: tuple[Example, ...], tmp_path: Path) -> None:
    first = score(judge, examples, tmp_path / "kept")
    judge.detector = Wrapped(judge.detector, looks=_forbidden)
    assert score(judge, examples, tmp_path / "kept") == first
    assert {one.answer.status for one in score(judge, examples, tmp_path / "other")} == {Status.FAILED}


def _forbidden(*_: object) -> None:
    raise AssertionError("asked again")


def test_another_version_is_asked_anew(judge: Judge, examples: tuple[Example, ...], tmp_path: Path) -> None:
    score(judge, examples, tmp_path / "kept")
    judge.detector = Wrapped(judge.detector, version="2.0", looks=_forbidden)
    assert {one.answer.status for one in score(judge, examples, tmp_path / "kept")} == {Status.FAILED}


def test_a_stopped_run_goes_on_where_it_was(judge: Judge, examples: tuple[Example, ...], tmp_path: Path) -> None:
    def stop(step: Step) -> None:
        if step.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(judge, examples, tmp_path / "kept", batch=1, progress=stop)
    steps: list[Step] = []
    scored = score(judge, examples, tmp_path / "kept", batch=1, progress=steps.append)
    assert steps[0].done >= 2
    assert steps[-1].done == steps[-1].total == len(examples)
    assert len(ok(scored)) == len(examples)


def test_a_detector_that_breaks_on_one_picture_fails_on_that_one_alone(judge: Judge, examples: tuple[Example, ...]) -> None:
    inner = judge.detector

    def logits(pictures: Sequence[Any]) -> Sequence[float]:
        found = inner.logits(pictures)
        if max(found) > 1.9:
            raise RuntimeError("too bright")
        return found

    judge.detector = Wrapped(inner, logits=logits)
    scored = score(judge, examples, batch=8)
    assert [(one.example.name, one.answer.reason) for one in scored if one.answer.status is Status.FAILED] == [
        ("fake/gan/002.png", "defect")
    ]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [(ModelError("no memory"), Status.UNAVAILABLE, "model"), (ValueError("odd"), Status.FAILED, "defect")],
)
def test_a_broken_detector_gives_no_score(
    judge: Judge, examples: tuple[Example, ...], tmp_path: Path, error: Exception, status: Status, reason: str
) -> None:
    def logits(_: Sequence[Any]) -> Sequence[float]:
        raise error

    inner = judge.detector
    judge.detector = Wrapped(inner, logits=logits)
    scored = score(judge, examples, tmp_path / "kept")
    assert {(one.answer.status, one.answer.reason, one.answer.logit) for one in scored} == {(status, reason, None)}
    judge.detector = inner
    assert len(ok(score(judge, examples, tmp_path / "kept"))) == len(examples), "a failure may pass, and is not kept"


def test_a_logit_that_is_no_number_is_a_failure(judge: Judge, examples: tuple[Example, ...]) -> None:
    judge.detector = Wrapped(judge.detector, logits=lambda pictures: [math.nan] * len(pictures))
    assert {one.answer.reason for one in score(judge, examples)} == {"not_a_number"}


def test_damaged_and_changed_files_are_failures_and_not_scores(judge: Judge, tmp_path: Path) -> None:
    whole, damaged, changed = write_pictures(tmp_path / "set" / "real", [80, 100, 120])
    damaged.write_bytes(damaged.read_bytes()[:500])
    examples = read_labelled(tmp_path / "set").examples
    changed.write_bytes(whole.read_bytes())
    assert [(one.answer.status, one.answer.reason) for one in score(judge, examples)] == [
        (Status.OK, ""),
        (Status.FAILED, "unsupported_media"),
        (Status.FAILED, "changed"),
    ]


def test_altered_copies_are_asked_about_too(judge: Judge, examples: tuple[Example, ...], tmp_path: Path) -> None:
    clean = score(judge, examples, tmp_path / "kept")
    scored = score(judge, examples, tmp_path / "kept", variants={"half": VARIANTS["half"], "jpeg30": VARIANTS["jpeg30"]})
    assert scored[: len(clean)] == clean
    assert [one.variant for one in scored[len(clean) :]] == ["half"] * 6 + ["jpeg30"] * 6
    assert ok(scored[len(clean) :]) != ok(clean)


def test_a_detector_without_thresholds_flags_from_one_half_on(judge: Judge) -> None:
    judge.detector = Wrapped(judge.detector, operating_points=lambda _: None)
    assert not judge.calibrated
    assert judge.flags(Answer(Status.OK, logit=0.0))
    assert not judge.flags(Answer(Status.OK, logit=-0.1))
    assert judge.probability(Answer(Status.OK, logit=9.0)) == pytest.approx(1 / (1 + math.exp(-9)))


def test_many_faces_share_the_rate_of_false_alarms(judge: Judge) -> None:
    points = {1: OperatingPoints(0.1, 0.5, 0.9, 0.05, 0.01), 4: OperatingPoints(0.1, 0.8, 0.9, 0.05, 0.01)}
    judge.detector = Wrapped(judge.detector, operating_points=points.__getitem__)
    assert judge.flags(Answer(Status.OK, logit=1.0, subjects=1))
    assert not judge.flags(Answer(Status.OK, logit=1.0, subjects=4))


@pytest.mark.parametrize(("status", "logit"), [(Status.OK, None), (Status.SKIPPED, 0.5)])
def test_no_answer_without_a_logit_and_no_logit_without_an_answer(status: Status, logit: float | None) -> None:
    with pytest.raises(ValueError, match="logit exactly"):
        Answer(status, logit=logit)
    assert dataclasses.is_dataclass(Answer)


# What is kept


ANSWER = Answer(Status.OK, logit=0.25, error=0.5, subjects=2)
SKIPPED = Answer(Status.SKIPPED, "face.none")


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    with keeping.opened(tmp_path) as kept:
        kept.keep("face", "1", [(("ab", "clean"), ANSWER), (("cd", "half"), SKIPPED)])
    with keeping.opened(tmp_path) as kept:
        assert kept.answers("face", "1") == {("ab", "clean"): ANSWER, ("cd", "half"): SKIPPED}
        assert kept.answers("face", "2") == kept.answers("scene", "1") == {}


def test_no_name_is_kept(judge: Judge, examples: tuple[Example, ...], tmp_path: Path) -> None:
    score(judge, examples, tmp_path / "kept")
    data = (tmp_path / "kept" / "answers.sqlite").read_bytes()
    assert examples[0].sha256.encode() in data
    assert b"camera" not in data
    assert b".png" not in data
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("data", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "pages"])
def test_damaged_answers_are_put_aside(judge: Judge, examples: tuple[Example, ...], tmp_path: Path, data: bytes) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "answers.sqlite").write_bytes(data)
    with keeping.opened(folder) as kept:
        assert "damaged" in kept.notes[0]
    assert (folder / "answers.sqlite.damaged-1").read_bytes() == data
    assert len(ok(score(judge, examples, folder))) == len(examples)


@pytest.mark.parametrize(
    "change",
    [
        "status = 'nonsense'",
        "logit = 'high'",
        "logit = 9e999",
        "logit = null",
        "subjects = 0",
        "error = null",
        "subjects = 'x'",
    ],
)
def test_an_answer_that_makes_no_sense_is_asked_anew(tmp_path: Path, change: str) -> None:
    with keeping.opened(tmp_path) as kept:
        kept.keep("face", "1", [(("ab", "clean"), ANSWER), (("cd", "clean"), ANSWER)])
    base = sqlite3.connect(tmp_path / "answers.sqlite")
    with base:
        base.execute(f"update answers set {change} where sha256 = 'ab'")
    base.close()
    with keeping.opened(tmp_path) as kept:
        assert list(kept.answers("face", "1")) == [("cd", "clean")]


def test_a_disk_that_fills_up_does_not_end_the_run(tmp_path: Path) -> None:
    with keeping.opened(tmp_path) as kept:
        kept._base.execute("drop table answers")
        kept.keep("face", "1", [(("ab", "clean"), ANSWER)])
        kept.keep("face", "1", [(("ab", "clean"), ANSWER)])
        assert len(kept.notes) == 1
        assert kept.answers("face", "1") == {}


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="--cache"):
        Kept(tmp_path / "file")


def test_speed_is_added_up(tmp_path: Path) -> None:
    with keeping.opened(tmp_path) as kept:
        assert kept.work("face", "1", 1) is None
        kept.worked("face", "1", Work(1, 10, 2.0, None))
        kept.worked("face", "1", Work(1, 20, 3.0, 500))
        kept.worked("face", "1", Work(2, 99, 3.0, 400))
        assert kept.work("face", "1", 1) == Work(1, 30, 5.0, 500)
        assert kept.work("face", "1", 8) == Work(2, 99, 3.0, 400), "else of the jobs with most pictures"
        assert Work(1, 30, 5.0, None).per_second == 6
        assert Work(1, 0, 0.0, None).per_second == 0
