"""The flow for what moves: frames → faces and tracks → logits in batches → pooled signals, asked again about altered copies.

Used by the engine alone. A frame is dropped as soon as its views are cut, so that memory does not grow with the clip, and the
next frames are decoded in another process meanwhile.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from veriscope import fusion
from veriscope.clips.measures import measured
from veriscope.clips.signals import Answers, Judged, Spoken, signal_of, speak, telling_frames
from veriscope.domain import Clip, Detector, Face, Frame, FrameSource, Media, Progress, Recheck, Sample, Signal, Track
from veriscope.faces import MAX_FACES, FaceDetector, Tracker
from veriscope.ingest.variants import thumbnail

_log = logging.getLogger(__name__)

_BATCH = 8  # views or crops that wait before a model is run: each batch of activations counts against the memory target
_RECHECKED = 8  # frames of a suspicious answer that are asked about again

_T = TypeVar("_T")
Alteration = tuple[str, Callable[[Frame], Frame]]


@dataclasses.dataclass(frozen=True, slots=True)
class Looked:
    """All that came of looking at a clip."""

    signals: tuple[Signal, ...]
    faces: tuple[Face, ...]
    clip: Clip
    crowded: bool


class ClipAnalysis:
    """One analysis of one clip."""

    def __init__(
        self,
        media: Media,
        source: FrameSource,
        models: Sequence[Detector],
        finder: FaceDetector | None,
        rechecks: Sequence[Alteration],
        thumbnails: bool = False,
    ) -> None:
        self._media, self._source, self._models, self._finder = media, source, models, finder
        self._rechecks, self._thumbnails = rechecks, thumbnails
        self._tracker = Tracker()
        self._samples: list[Sample] = []
        self._faces: list[Face] = []
        self._crowded = False
        self._judged = {model.id: Judged(model, Answers()) for model in models}
        self._began = time.monotonic()

    def run(self) -> Iterator[Progress]:
        """Looks at the clip; `looked` has the outcome afterwards."""
        for frame in self._source.sampled():
            self._look(frame)
            del frame  # before the next one is unpacked
            yield self._progress(len(self._samples))
        self._each(Judged.flush)
        tracks = self._tracker.tracks()
        spoken = {name: self._guarded(judged, partial(speak, judged, tracks)) for name, judged in self._judged.items()}
        yield Progress("rechecks", 0.9)
        self._again(spoken)
        self.looked = self._looked(tracks, spoken)
        yield Progress("report", 0.98)

    def _look(self, frame: Frame) -> None:
        """Finds and follows the faces of a frame, and cuts what the models look at."""
        found = self._finder.detect(frame, MAX_FACES + 1) if self._finder else ()
        self._crowded |= len(found) > MAX_FACES
        numbered = [dataclasses.replace(face, id=len(self._faces) + 1 + place) for place, face in enumerate(found[:MAX_FACES])]
        faces = self._tracker.follow(frame, numbered)
        self._faces += faces
        usable = [face for face in faces if face.assessable]
        self._samples.append(Sample(frame.index, frame.time or 0.0, frame.after_cut, len(faces), len(usable)))
        self._each(lambda judged: judged.take(frame, usable, _BATCH))

    def _each(self, act: Callable[[Judged], None]) -> None:
        for judged in self._judged.values():
            self._guarded(judged, partial(act, judged))

    def _guarded(self, judged: Judged, act: Callable[[], _T]) -> _T | None:
        """A model that breaks costs its line of the report, not the answer, and is asked no more."""
        if judged.broken is not None:
            return None
        try:
            return act()
        except Exception as error:  # noqa: BLE001 the guard of the engine, for one model over many frames
            _log.exception("%s failed", judged.model.id)
            judged.broken = error
            return None

    def _progress(self, done: int) -> Progress:
        expected = max(self._source.expected, done)
        share = done / expected if expected else 0.0
        passed = time.monotonic() - self._began
        left = passed / done * (expected - done) if self._source.expected else None
        return Progress("frames", 0.02 + 0.88 * min(share, 1.0), None if left is None else round(left, 1))

    def _again(self, spoken: dict[str, Spoken | None]) -> None:
        """Decodes the telling frames once more, for altered copies of suspicious answers and for thumbnails."""
        doubtful = {name: said for name, said in spoken.items() if said and fusion.needs_recheck(said.signal)}
        chosen = {name: self._judged[name].answers.representative(said.track, _RECHECKED) for name, said in doubtful.items()}
        shown = [moment for said in spoken.values() if said and self._thumbnails for moment in said.telling]
        times = sorted({moment.time for moment in itertools.chain(*chosen.values())} | {moment.time for moment in shown})
        if not times:
            return
        answers: dict[str, dict[str, list[float]]] = {name: {} for name in doubtful}
        for frame in self._source.at(times):
            for name, moments in chosen.items():
                here = [moment for moment in moments if moment.time == frame.time]
                for variant, alter in self._rechecks if here else ():
                    altered = self._judged[name].differences(frame, alter(frame), here)
                    answers[name].setdefault(variant, []).extend(altered)
            for moment in shown:
                if moment.time == frame.time and moment.thumbnail is None:
                    moment.thumbnail = thumbnail(frame, moment.face.box if moment.face else None)
        for name, said in doubtful.items():
            opinion = self._judged[name].model.opinion
            asked = tuple(
                Recheck(variant, opinion(said.pooled.logit + sum(shifts) / len(shifts), 0.0).probability)
                for variant, shifts in answers[name].items()
                if shifts
            )
            spoken[name] = dataclasses.replace(said, signal=dataclasses.replace(said.signal, rechecks=asked))

    def _looked(self, tracks: tuple[Track, ...], spoken: Mapping[str, Spoken | None]) -> Looked:
        ending = self._source.ending
        seen = sum(sample.assessable > 0 for sample in self._samples) / len(self._samples)
        span = min(self._media.facts.duration or 0.0, ending.until or float("inf"))
        clip = Clip(
            samples=tuple(self._samples),
            tracks=tracks,
            telling=tuple(
                frame for name, said in spoken.items() if said for frame in telling_frames(said, self._judged[name].model)
            ),
            wanted=ending.wanted,
            lost=ending.lost,
            damaged=ending.damaged,
            decoded=ending.decoded,
            strategy=ending.strategy,
            face_seconds=round(seen * span, 1),
            until=ending.until,
        )
        signals = tuple(signal_of(judged, spoken[name], len(self._faces)) for name, judged in self._judged.items())
        answers = {name: judged.answers for name, judged in self._judged.items()}
        rhythm = measured(ending, tracks, self._tracker, answers)
        return Looked((*signals, rhythm), tuple(self._faces), clip, self._crowded)
