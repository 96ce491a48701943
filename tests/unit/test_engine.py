"""The flow: who is asked, what a failure costs, and what many threads share. Models are made; none of the embedded runs."""

from __future__ import annotations

import dataclasses
import io
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from domain_made import photograph
from models_made import FACE, brightness_model, offer_package, write_card
from PIL import Image

from veriscope import detectors, fusion, ingest
from veriscope.detectors.onnx import OnnxDetector
from veriscope.domain import Failure, Finding, Frame, Grade, Report, Signal, SignalKind, Source, SourceKind, Status, Views
from veriscope.engine import AnySource, Engine, analyze
from veriscope.errors import DataError, UnreadableSource
from veriscope.faces import detect
from veriscope.faces.detect import FaceDetector
from veriscope.settings import Limits, Settings

STEPS = ["ingest", "models", "views", "detectors", "rechecks", "provenance"]
SUSPICIOUS, CLEAR = brightness_model(gain=0.0, bias=3.0), brightness_model(gain=0.0, bias=-3.0)


def png(image: Image.Image) -> bytes:
    packed = io.BytesIO()
    image.save(packed, "PNG")
    return packed.getvalue()


PORTRAIT, CAT = png(photograph("astronaut")), png(photograph("chelsea"))

MakeEngine = Callable[..., Engine]


@pytest.fixture
def make_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeEngine:
    """An engine over cards made for the test: id → (model, changes of the card)."""
    folder = offer_package(tmp_path, monkeypatch)

    def make(settings: Settings | None = None, **cards: tuple[bytes | None, dict[str, Any]]) -> Engine:
        for name, (model, changes) in cards.items():
            write_card(folder, model, id=name, **changes)
        wanted = dataclasses.replace(settings or Settings(threads=1), allow_plugins=True, detectors=tuple(cards))
        return Engine(wanted)

    return make


def recorded(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[tuple[Any, ...]]:
    """The arguments of every call of a function, which still does its work."""
    calls: list[tuple[Any, ...]] = []
    original = getattr(owner, name)

    def call(*values: Any) -> Any:
        calls.append(values)
        return original(*values)

    monkeypatch.setattr(owner, name, call)
    return calls


def signal(report: Report, source: str) -> Signal:
    return next(signal for signal in report.signals if signal.source == source)


# The flow


def test_every_part_has_its_say(make_engine: MakeEngine) -> None:
    report = make_engine(whole=(CLEAR, {}), faces=(CLEAR, FACE)).analyze(PORTRAIT)
    sources = [signal.source for signal in report.signals]
    assert sources == ["whole", "faces", "c2pa", "metadata", "generator-traces", "watermarks"]
    assert all(signal.status is Status.OK for signal in report.signals)
    assert report.verdict == fusion.decide(report.signals)
    assert report.verdict.grade is Grade.NO_EVIDENCE_FOUND
    assert [face.id for face in report.faces] == [1]
    assert report.media.source == Source(SourceKind.BYTES, "bytes")
    assert list(report.timings) == STEPS
    assert all(seconds >= 0 for seconds in report.timings.values())
    assert set(report.versions.detectors) == {"whole", "faces"}
    assert {"av", "onnxruntime", "pillow", "numpy", "c2pa-python"} == set(report.versions.libraries)
    assert datetime.fromisoformat(report.created).utcoffset() is not None


def test_a_path_bytes_and_a_stream_give_one_answer(make_engine: MakeEngine, tmp_path: Path) -> None:
    engine = make_engine(whole=(None, {}))
    path = tmp_path / "picture.png"
    path.write_bytes(PORTRAIT)
    reports = [engine.analyze(source) for source in (path, str(path), PORTRAIT, io.BytesIO(PORTRAIT))]
    assert all(report.signals == reports[0].signals for report in reports)
    assert len({report.media.sha256 for report in reports}) == 1


def test_the_answer_is_repeatable(make_engine: MakeEngine) -> None:
    engine = make_engine(whole=(None, {"input": {"tiles": 4}}), faces=(None, FACE))
    assert engine.analyze(PORTRAIT).signals == engine.analyze(PORTRAIT).signals


def test_without_a_face_detector_nobody_looks_for_faces(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect.FaceDetector, "__init__", lambda *_: pytest.fail("faces were searched"))
    assert make_engine(whole=(CLEAR, {})).analyze(PORTRAIT).faces == ()


def test_faces_are_searched_once_and_cut_once_a_recipe(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = recorded(monkeypatch, FaceDetector, "detect")
    asked = recorded(monkeypatch, OnnxDetector, "analyze")
    make_engine(one=(CLEAR, FACE), two=(CLEAR, FACE), wide=(CLEAR, {"task": "face", "input": {"margin": 2.0}})).analyze(
        PORTRAIT
    )
    seen = [views for _, views in asked]
    assert len(searched) == 1
    assert len(seen) == 3
    assert all(views is seen[0] for views in seen)
    assert len(seen[0].crops) == 2


def test_a_picture_without_a_face_is_judged_by_the_others(make_engine: MakeEngine) -> None:
    report = make_engine(whole=(CLEAR, {}), faces=(SUSPICIOUS, FACE)).analyze(CAT)
    assert signal(report, "faces").status is Status.SKIPPED
    assert report.verdict.grade is Grade.NO_EVIDENCE_FOUND


def test_no_more_faces_than_the_limit(make_engine: MakeEngine) -> None:
    group = png(Image.fromarray(np.tile(np.asarray(photograph("astronaut")), (1, 3, 1))))
    engine = make_engine(Settings(limits=Limits(max_faces=2)), faces=(CLEAR, FACE))
    report = engine.analyze(group)
    assert len(report.faces) == 2
    assert "not_checked.more_faces" in [gap.code for gap in report.not_checked]


def test_a_defect_costs_one_input_of_a_batch(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also a crash outside of the analysers, here in the search for faces."""
    search = FaceDetector.detect

    def crash(self: FaceDetector, frame: Frame, limit: int = 100) -> Any:
        if frame.image.size == photograph("astronaut").size:
            raise IndexError("a defect")
        return search(self, frame, limit)

    monkeypatch.setattr(FaceDetector, "detect", crash)
    engine = make_engine(whole=(CLEAR, {}), faces=(CLEAR, FACE))
    with caplog.at_level(logging.CRITICAL):
        broken, done = engine.analyze_many([PORTRAIT, CAT])
    assert isinstance(broken, Failure)
    assert broken.code == "defect"
    assert "a defect" not in broken.message.replace("a defect of ours", "")
    assert isinstance(done, Report)


def test_law_is_added_only_when_asked_for(make_engine: MakeEngine) -> None:
    engine = make_engine(whole=(CLEAR, {}))
    assert (engine.analyze(CAT).law, engine.analyze(CAT).help) == ((), ())
    asked = engine.analyze(CAT, countries=["DE"])
    assert {entry.jurisdiction for entry in asked.law} >= {"de"}
    assert asked.help
    assert asked.verdict == engine.analyze(CAT).verdict
    with pytest.raises(DataError, match="law file"):
        engine.analyze(CAT, countries=["XX"])


def test_gaps_are_admitted(make_engine: MakeEngine) -> None:
    codes = [gap.code for gap in make_engine(whole=(CLEAR, {})).analyze(CAT).not_checked]
    assert codes == ["not_checked.small_edits", "not_checked.watermarks", "not_checked.context"]


def test_the_short_way_gives_the_same_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_card(offer_package(tmp_path, monkeypatch), CLEAR)
    settings = Settings(allow_plugins=True, detectors=("made",))
    assert analyze(CAT, settings=settings).signals == Engine(settings).analyze(CAT).signals


def test_an_unknown_detector_is_refused_at_once() -> None:
    with pytest.raises(DataError, match='no detector "nonsense"'):
        Engine(Settings(detectors=("nonsense",)))


# Asking again


@pytest.mark.parametrize(("model", "asked"), [(SUSPICIOUS, 3), (CLEAR, 1)], ids=["suspicious", "clear"])
@pytest.mark.parametrize("changes", [{}, FACE], ids=["whole", "faces"])
def test_only_suspicious_answers_are_asked_again(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, model: bytes, asked: int, changes: dict[str, Any]
) -> None:
    seen = recorded(monkeypatch, OnnxDetector, "analyze")
    report = make_engine(made=(model, changes)).analyze(PORTRAIT)
    assert len(seen) == asked
    assert [recheck.variant for recheck in signal(report, "made").rechecks] == ["jpeg70", "half"][: asked - 1]


def test_only_the_suspicious_detector_is_asked_again(make_engine: MakeEngine) -> None:
    report = make_engine(whole=(SUSPICIOUS, {}), faces=(CLEAR, FACE)).analyze(PORTRAIT)
    assert len(signal(report, "whole").rechecks) == 2
    assert signal(report, "faces").rechecks == ()


def test_an_answer_that_lasts_is_strong(make_engine: MakeEngine) -> None:
    verdict = make_engine(whole=(SUSPICIOUS, {})).analyze(CAT).verdict
    assert (verdict.grade, verdict.reasons[0].code) == (Grade.STRONG_EVIDENCE, "verdict.stable")


def test_the_copies_are_a_recompressed_and_a_halved_one(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = recorded(monkeypatch, OnnxDetector, "analyze")
    make_engine(faces=(SUSPICIOUS, FACE)).analyze(PORTRAIT)
    original, jpeg, half = (views for _, views in seen)
    assert jpeg.frames[0].image.size == (512, 512)
    assert jpeg.frames[0].image.tobytes() != original.frames[0].image.tobytes()
    assert half.frames[0].image.size == (256, 256)
    assert half.faces[0].box == original.faces[0].box.scaled(0.5)
    assert half.faces[0].landmarks[2] == tuple(value / 2 for value in original.faces[0].landmarks[2])
    (recipe,) = original.crops
    one, other = (np.asarray(views.crops[recipe][1]).astype(float) for views in (original, half))
    assert np.abs(one - other).mean() < 8, "the same face is shown again, not another part of the picture"


def test_a_copy_that_cannot_be_judged_is_no_answer(make_engine: MakeEngine) -> None:
    small = png(photograph("chelsea").crop((0, 0, 200, 150)))
    report = make_engine(whole=(SUSPICIOUS, {})).analyze(small)
    assert [recheck.variant for recheck in signal(report, "whole").rechecks] == ["jpeg70"]


# Failures


def broken(*_: object) -> Signal:
    raise ZeroDivisionError("a defect of ours")


def test_a_crashing_detector_costs_one_line(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OnnxDetector, "_analyze_faces", broken)
    report = make_engine(whole=(CLEAR, {}), faces=(CLEAR, FACE)).analyze(PORTRAIT)
    failed = signal(report, "faces")
    assert (failed.status, failed.probability) == (Status.FAILED, None)
    assert failed.reason == Finding("analyser.failed", {"message": "a defect of ours"})
    assert signal(report, "whole").status is Status.OK
    assert report.verdict.grade is Grade.NO_EVIDENCE_FOUND
    assert report.not_checked[0] == Finding("not_checked.failed", {"source": "faces"})


def test_a_crash_is_logged_without_the_name_of_the_file(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(OnnxDetector, "_analyze_scene", broken)
    path = tmp_path / "private name.png"
    path.write_bytes(CAT)
    with caplog.at_level(logging.DEBUG, "veriscope"):
        make_engine(whole=(CLEAR, {})).analyze(path)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO] == ["whole failed"]
    assert "private name" not in caplog.text


def test_crashing_provenance_costs_one_line(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(whole=(CLEAR, {}))
    monkeypatch.setattr(type(engine._provenance[1]), "analyze", broken)
    report = engine.analyze(CAT)
    assert signal(report, "metadata").kind is SignalKind.PROVENANCE
    assert signal(report, "metadata").status is Status.FAILED
    assert report.verdict.grade is Grade.NO_EVIDENCE_FOUND


def test_a_crash_while_asking_again_counts_as_not_asked(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, calls = OnnxDetector.analyze, iter([True, False, False])

    def once(self: OnnxDetector, views: Views) -> Signal:
        return ask(self, views) if next(calls) else broken(self, views)

    monkeypatch.setattr(OnnxDetector, "analyze", once)
    verdict = make_engine(whole=(SUSPICIOUS, {})).analyze(CAT).verdict
    assert (verdict.grade, verdict.reasons[0].code) == (Grade.SOME_EVIDENCE, "verdict.not_rechecked")


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        pytest.param({"sha256": "0" * 64}, "not the ones that were measured", id="other weights"),
        pytest.param({"file": "gone.onnx"}, "cannot be read", id="missing weights"),
    ],
)
def test_weights_that_cannot_be_opened_are_unavailable(make_engine: MakeEngine, weights: dict[str, str], says: str) -> None:
    report = make_engine(whole=(CLEAR, {"weights": weights}), faces=(CLEAR, FACE)).analyze(PORTRAIT)
    missing = signal(report, "whole")
    assert (missing.status, missing.probability) == (Status.UNAVAILABLE, None)
    assert missing.reason is not None
    assert says in str(missing.reason.params["message"])
    assert set(report.versions.detectors) == {"faces"}
    assert report.verdict.grade is Grade.NO_EVIDENCE_FOUND


def test_a_file_that_is_no_model_is_unavailable(make_engine: MakeEngine) -> None:
    report = make_engine(whole=(b"text", {})).analyze(CAT)
    assert signal(report, "whole").status is Status.UNAVAILABLE
    assert report.verdict.grade is Grade.NOT_ASSESSABLE


def test_without_the_search_for_faces_only_the_face_detector_is_unavailable(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(detect, "WEIGHTS", tmp_path / "gone.onnx")
    report = make_engine(whole=(CLEAR, {}), faces=(CLEAR, FACE)).analyze(PORTRAIT)
    assert signal(report, "faces").status is Status.UNAVAILABLE
    assert signal(report, "whole").status is Status.OK


def test_an_input_that_is_no_picture_raises(make_engine: MakeEngine) -> None:
    with pytest.raises(UnreadableSource):
        make_engine(whole=(CLEAR, {})).analyze("no such file.jpg")


# Many at a time


def test_models_are_opened_once_for_many_threads(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = recorded(monkeypatch, detectors, "load")
    engine = make_engine(whole=(None, {}), faces=(None, FACE))
    assert opened == [], "nothing is opened before the first picture"
    start, results = threading.Barrier(8), list[Report]()

    def work() -> None:
        start.wait()
        results.append(engine.analyze(PORTRAIT))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(card.id for cards, _ in opened for card in cards) == ["faces", "whole"]
    assert len(results) == 8
    assert all(report.signals == results[0].signals for report in results)


@pytest.mark.parametrize("jobs", [1, 3])
def test_reports_come_in_the_order_of_the_sources(make_engine: MakeEngine, tmp_path: Path, jobs: int) -> None:
    sources: list[str | Failure] = []
    for number in range(9):
        path = tmp_path / f"{number}.png"
        path.write_bytes(PORTRAIT if number % 4 == 0 else CAT)
        sources.append(str(path))
    sources[3] = str(tmp_path / "gone.png")
    sources[5] = Failure(Source(SourceKind.FILE, "unreadable folder"), "unreadable_source", "It may not be read.")
    results = list(make_engine(whole=(None, {})).analyze_many(sources, jobs))
    assert [isinstance(result, Failure) for result in results] == [number in (3, 5) for number in range(9)]
    names = [result.source.name if isinstance(result, Failure) else result.media.source.name for result in results]
    assert names == [source.source.name if isinstance(source, Failure) else source for source in sources]


def test_a_failure_says_what_and_what_to_do(make_engine: MakeEngine, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    sources: list[AnySource] = ["gone.jpg", text, b"", io.BytesIO(b"no picture"), "http://127.0.0.1/picture.jpg"]
    engine = make_engine(Settings(offline=True), whole=(CLEAR, {}))
    failures = [result for result in engine.analyze_many(sources) if isinstance(result, Failure)]
    assert [failure.code for failure in failures] == [
        "unreadable_source",
        "unsupported_media",
        "unreadable_source",
        "unsupported_media",
        "unreadable_source",
    ]
    kinds = [failure.source.kind for failure in failures]
    assert kinds == [SourceKind.FILE, SourceKind.FILE, SourceKind.BYTES, SourceKind.STREAM, SourceKind.URL]
    assert all(failure.message for failure in failures)


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_no_more_pictures_are_read_than_promised(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    lock, state = threading.Lock(), {"now": 0, "most": 0, "asked": 0, "ahead": 0, "taken": 0}
    opened = ingest.open_media

    def counted(*values: Any) -> Any:
        with lock:
            state["now"] += 1
            state["most"] = max(state["most"], state["now"])
        try:
            return opened(*values)
        finally:
            with lock:
                state["now"] -= 1

    def sources() -> Iterator[bytes]:
        for _ in range(20):
            state["asked"] += 1
            state["ahead"] = max(state["ahead"], state["asked"] - state["taken"])
            yield CAT

    monkeypatch.setattr(ingest, "open_media", counted)
    for result in make_engine(whole=(CLEAR, {})).analyze_many(sources(), jobs):
        assert isinstance(result, Report)
        state["taken"] += 1
    assert state["taken"] == 20
    assert state["most"] <= jobs
    assert state["ahead"] <= 2 * jobs


def test_frames_and_crops_are_not_changed(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[Frame, bytes]] = []
    opened = ingest.open_media

    def keep(*values: Any) -> Any:
        media = opened(*values)
        kept.extend((frame, frame.image.tobytes()) for frame in media.frames)
        return media

    monkeypatch.setattr(ingest, "open_media", keep)
    make_engine(whole=(SUSPICIOUS, {"input": {"tiles": 4}}), faces=(SUSPICIOUS, FACE)).analyze(PORTRAIT)
    assert [frame.image.tobytes() for frame, _ in kept] == [before for _, before in kept]
    assert len(kept) == 1
