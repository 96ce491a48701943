"""The flow on one screen: Source → Media → Views → Signals → Verdict → Report. The only module that knows every part."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from veriscope import detectors, explain, fusion, ingest, legal, provenance
from veriscope._version import __version__
from veriscope.clips import ClipAnalysis
from veriscope.domain import (
    Analyser,
    Clip,
    Detector,
    Face,
    Failure,
    Finding,
    Frame,
    FrameSource,
    HelpReference,
    LawReference,
    Media,
    Progress,
    Recheck,
    Report,
    Signal,
    SignalKind,
    Status,
    Versions,
    Views,
)
from veriscope.errors import ModelError, VeriscopeError
from veriscope.ingest.variants import halved, reencoded
from veriscope.settings import Sampling, Settings

if TYPE_CHECKING:
    from veriscope.detectors import Choice
    from veriscope.faces import FaceDetector
    from veriscope.runtime.net import Fetcher

_log = logging.getLogger(__name__)

AnySource = str | Path | bytes | BinaryIO

RECHECKS: tuple[tuple[str, Callable[[Frame], Frame]], ...] = (("jpeg70", reencoded), ("half", halved))
"""Altered copies about which a suspicious answer is asked again: name, how."""


class Engine:
    """Analyses pictures and clips. One engine serves many threads; models are opened at the first input and then shared."""

    def __init__(self, settings: Settings | None = None, fetcher: Fetcher | None = None) -> None:
        """`settings` default to the environment's. `fetcher` replaces how addresses are fetched.

        Raises:
            DataError: an unknown detector, or an environment variable that cannot be read.
        """
        self.settings = settings or Settings.from_environment()
        self._fetcher = fetcher
        self._chosen = detectors.chosen(self.settings)
        self._lock = threading.Lock()
        self._models: tuple[tuple[Detector, ...], tuple[Signal, ...]] | None = None
        self._faces: FaceDetector | None = None
        self._provenance = provenance.analysers(self.settings)

    def analyze(
        self,
        source: AnySource,
        countries: Sequence[str] = (),
        progress: Callable[[Progress], object] | None = None,
        sampling: Sampling | None = None,
    ) -> Report:
        """The report on one picture or clip: a path, an address, its bytes or an open binary file.

        Args:
            source: what to analyse.
            countries: whose law and help the report shall name.
            progress: is told how far the analysis is. Whatever it raises ends the analysis.
            sampling: which frames of a clip are looked at; None = as the settings say.

        Raises:
            InputError: the source is neither picture nor video that can be analysed.
            RemoteError: the address could not be fetched.
            DataError: an unknown country.
        """
        with contextlib.closing(self.watch(source, countries, sampling)) as steps:
            for step in steps:
                if isinstance(step, Report):
                    return step
                if progress is not None:
                    progress(step)
        raise AssertionError("an analysis ends with its report")

    def watch(
        self, source: AnySource, countries: Sequence[str] = (), sampling: Sampling | None = None
    ) -> Generator[Progress | Report, None, None]:
        """The same step by step: how far it is, and the report last. Closing the iterator ends the work and leaves nothing."""
        clock = _Clock()
        law, assistance = _law(countries)
        sampling = sampling or self.settings.sampling
        yield Progress("open", 0.0)
        with clock.step("ingest"):
            media = ingest.open_media(source, self.settings, self._fetcher, sampling)
        with contextlib.closing(media):
            with clock.step("models"):
                models, missing = self._loaded()
            yield Progress("open", 0.02)
            looked = _Looked()
            yield from (
                self._clip(media, media.clip, models, clock, looked, sampling)
                if media.clip
                else self._picture(media, models, clock, looked)
            )
            with clock.step("provenance"):
                declared = [self._ask(analyser, Views(media, media.frames)) for analyser in self._provenance]
        signals = (*looked.signals, *missing, *declared)
        yield Report(
            media=media.facts,
            verdict=fusion.decide(signals),
            signals=signals,
            faces=looked.faces,
            not_checked=explain.not_checked(media.facts, looked.faces, signals, looked.crowded, looked.clip),
            versions=Versions(
                __version__,
                MappingProxyType({model.id: model.version for model in detectors.with_members(models)}),
                _libraries(),
            ),
            timings=MappingProxyType(clock.steps),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            law=law,
            help=assistance,
            clip=looked.clip,
        )

    def analyze_many(
        self,
        sources: Iterable[AnySource | Failure],
        jobs: int = 1,
        countries: Sequence[str] = (),
        progress: Callable[[AnySource, Progress], object] | None = None,
    ) -> Iterator[Report | Failure]:
        """Reports in the order of the sources; one that fails gives a `Failure`, and the others go on.

        At most 2 × `jobs` inputs are in memory. `progress` is told how far each one is, from the threads that work on it.
        Closing the iterator ends what is still being analysed.
        """
        stop = threading.Event()
        pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="veriscope")
        try:
            waiting: deque[Future[Report | Failure]] = deque()
            for source in sources:
                waiting.append(pool.submit(self._attempt, source, countries, progress, stop))
                if len(waiting) >= 2 * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)

    def _attempt(
        self,
        source: AnySource | Failure,
        countries: Sequence[str],
        progress: Callable[[AnySource, Progress], object] | None,
        stop: threading.Event,
    ) -> Report | Failure:
        if isinstance(source, Failure):
            return source

        def tell(step: Progress) -> None:
            if stop.is_set():
                raise _Stopped
            if progress is not None:
                progress(source, step)

        try:
            return self.analyze(source, countries, tell)
        except VeriscopeError as error:
            return Failure(ingest.described(source), error.code, str(error))
        except _Stopped:
            return Failure(ingest.described(source), "stopped", "The analysis was ended before it was done. Start it again.")
        except Exception:  # noqa: BLE001 a defect of ours on one file must not cost the batch
            _log.exception("an analysis failed")
            message = "Veriscope failed on this file, which is a defect of ours. The others were analysed. Please report it."
            return Failure(ingest.described(source), "defect", message)

    def _picture(
        self, media: Media, models: Sequence[Detector], clock: _Clock, looked: _Looked
    ) -> Generator[Progress, None, None]:
        with clock.step("views"):
            views, looked.crowded = self._views(media, models)
        yield Progress("frames", 0.3)
        with clock.step("detectors"):
            judged = [self._ask(model, views) for model in models]
        yield Progress("rechecks", 0.6)
        with clock.step("rechecks"):
            looked.signals = tuple(self._rechecked(models, judged, views))
        looked.faces = views.faces

    def _clip(
        self,
        media: Media,
        source: FrameSource,
        models: Sequence[Detector],
        clock: _Clock,
        looked: _Looked,
        sampling: Sampling,
    ) -> Generator[Progress, None, None]:
        analysis = ClipAnalysis(media, source, models, self._faces, RECHECKS, sampling.thumbnails)
        with clock.step("frames"):
            yield from analysis.run()
        found = analysis.looked
        looked.signals, looked.faces, looked.clip, looked.crowded = found.signals, found.faces, found.clip, found.crowded

    def _loaded(self) -> tuple[tuple[Detector, ...], tuple[Signal, ...]]:
        """The detectors that can run, and a signal for each that cannot."""
        with self._lock:
            if self._models is None:
                running: list[Detector] = []
                missing: list[Signal] = []
                for one in self._chosen:
                    try:
                        running += self._opened(one)
                    except VeriscopeError as error:  # a model of the Hub can also fail by the network, a limit or the lock
                        missing.append(_silent(one.id, SignalKind.MODEL, Status.UNAVAILABLE, error))
                self._models = (tuple(running), tuple(missing))
            return self._models

    def unavailable(self) -> tuple[Signal, ...]:
        """Opens the models now, instead of at the first input; a signal for each that cannot run."""
        return self._loaded()[1]

    def _opened(self, one: Choice) -> tuple[Detector, ...]:
        """A detector, and the search for faces when it wants them: without the search it cannot run either."""
        models = detectors.load([one], self.settings)
        if any(model.crops for model in models) and self._faces is None:
            from veriscope.faces import FaceDetector

            self._faces = FaceDetector(self.settings.threads)
        return models

    def _views(self, media: Media, models: Sequence[Detector]) -> tuple[Views, bool]:
        """Faces are searched once, and cut once per recipe, only when some detector wants them; and whether there were more."""
        if self._faces is None:
            return Views(media, media.frames), False
        limit = self.settings.limits.max_faces
        found = tuple(face for frame in media.frames for face in self._faces.detect(frame, limit + 1))
        return _with_crops(Views(media, media.frames, found[:limit]), models), len(found) > limit

    def _ask(self, analyser: Analyser, views: Views) -> Signal:
        """One analyser's signal; whatever breaks costs one line of the report, not the answer."""
        try:
            return analyser.analyze(views)
        except ModelError as error:
            return _silent(analyser.id, analyser.kind, Status.UNAVAILABLE, error)
        except Exception as error:  # noqa: BLE001 the one guard: a defect of an analyser must not cost the report
            _log.exception("%s failed", analyser.id)
            return _silent(analyser.id, analyser.kind, Status.FAILED, error)

    def _rechecked(self, models: Sequence[Detector], signals: Sequence[Signal], views: Views) -> list[Signal]:
        """Suspicious answers, asked again about a re-encoded and a halved copy."""
        doubtful = [model for model, signal in zip(models, signals, strict=True) if fusion.needs_recheck(signal)]
        if not doubtful:
            return list(signals)
        answers: dict[str, list[Recheck]] = {model.id: [] for model in doubtful}
        for name, alter in RECHECKS:
            for model, again in self._asked_again(doubtful, views, alter):
                if again.probability is not None:
                    answers[model.id].append(Recheck(name, again.probability))
        return [dataclasses.replace(signal, rechecks=tuple(answers.get(signal.source, ()))) for signal in signals]

    def _asked_again(
        self, models: Sequence[Detector], views: Views, alter: Callable[[Frame], Frame]
    ) -> list[tuple[Detector, Signal]]:
        """Answers about one altered copy, which is gone when this returns: two at a time cost too much memory."""
        altered = _with_crops(_altered(views, alter), models)
        return [(model, self._ask(model, altered)) for model in models]


def analyze(source: AnySource, countries: Sequence[str] = (), settings: Settings | None = None) -> Report:
    """The report on one picture or clip. Opens the models anew each time: keep an `Engine` for more than one."""
    return Engine(settings).analyze(source, countries)


def _with_crops(views: Views, models: Sequence[Detector]) -> Views:
    from veriscope.faces import crop_face

    frames = {frame.index: frame for frame in views.frames}
    crops = {
        recipe: {face.id: crop_face(frames[face.frame].image, face, recipe) for face in views.faces if face.assessable}
        for recipe in {recipe for model in models for recipe in model.crops}
    }
    return dataclasses.replace(views, crops=MappingProxyType(crops))


def _altered(views: Views, alter: Callable[[Frame], Frame]) -> Views:
    """The views of an altered copy: the same faces, at the places where they are now."""
    frames = tuple(alter(frame) for frame in views.frames)
    scale = {old.index: new.image.width / old.image.width for old, new in zip(views.frames, frames, strict=True)}
    faces = tuple(face.scaled(scale[face.frame]) for face in views.faces)
    return dataclasses.replace(views, frames=frames, faces=faces)


def _silent(source: str, kind: SignalKind, status: Status, error: Exception) -> Signal:
    return Signal(source, kind, status, reason=Finding(f"analyser.{status}", {"message": str(error)[:300]}))


def _law(countries: Sequence[str]) -> tuple[tuple[LawReference, ...], tuple[HelpReference, ...]]:
    if not countries:
        return (), ()
    sections = legal.select(countries)
    return legal.law_references(sections), legal.help_references(sections)


@cache
def _libraries() -> MappingProxyType[str, str]:
    return MappingProxyType({name: version(name) for name in ("av", "c2pa-python", "numpy", "onnxruntime", "pillow")})


@dataclasses.dataclass(slots=True)
class _Looked:
    """What came of looking at an input."""

    signals: tuple[Signal, ...] = ()
    faces: tuple[Face, ...] = ()
    crowded: bool = False
    clip: Clip | None = None


class _Stopped(Exception):
    """The caller wants no more results."""


class _Clock:
    """Seconds per step."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}

    def step(self, name: str) -> _Step:
        return _Step(self.steps, name)


class _Step:
    def __init__(self, steps: dict[str, float], name: str) -> None:
        self._steps, self._name, self._began = steps, name, 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._steps[self._name] = round(time.perf_counter() - self._began, 4)
