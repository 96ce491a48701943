"""One model over one clip: what it was shown, what it said frame by frame, and the signal that comes of it."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

from PIL import Image

from veriscope.domain import (
    Detector,
    Face,
    Finding,
    Frame,
    OperatingPoints,
    Score,
    Signal,
    SignalKind,
    Status,
    TellingFrame,
    Tendency,
    Track,
)
from veriscope.errors import ModelError
from veriscope.faces import crop_face
from veriscope.fusion import temporal

_SHOWN = 3  # telling frames of each model
WHOLE_FRAME_CAUTION = 6
"""Whole frames of clips must reach the thresholds of a sixth of the card's rates: at the rates of pictures 14 % of 44 real
clips were flagged, where the card promises 3 % of pictures (docs/evaluation-video.md, decision 0012)."""


@dataclasses.dataclass(slots=True)
class Moment:
    """What a model said about one subject in one frame. `face` None = the whole frame."""

    frame: int
    time: float
    face: Face | None
    logit: float
    thumbnail: str | None = None


@dataclasses.dataclass(slots=True)
class Answers:
    """All moments of one model, in order of time, and why it refused the other frames."""

    moments: list[Moment] = dataclasses.field(default_factory=list)
    refusals: list[Finding] = dataclasses.field(default_factory=list)

    def of(self, track: int | None) -> list[Moment]:
        """Those of a track, or of whole frames."""
        return [moment for moment in self.moments if (moment.face.track if moment.face else None) == track]

    def representative(self, track: int | None, most: int) -> list[Moment]:
        """Moments that stand for the pooled answer."""
        moments = self.of(track)
        return [moments[place] for place in temporal.spread_out([moment.logit for moment in moments], most)]


@dataclasses.dataclass(slots=True)
class Judged:
    """A model at work on a clip."""

    model: Detector
    answers: Answers
    waiting: list[tuple[int, float, Face | None, Sequence[Image.Image]]] = dataclasses.field(default_factory=list)
    broken: Exception | None = None

    def take(self, frame: Frame, faces: Sequence[Face], batch: int) -> None:
        """Cuts what the model looks at; the frame itself is not kept."""
        for face, pictures in self._cut(frame, faces):
            self.waiting.append((frame.index, frame.time or 0.0, face, pictures))
        if sum(len(item[3]) for item in self.waiting) >= batch:
            self.flush()

    def flush(self) -> None:
        """Asks the model about all that waits, in one batch."""
        waiting, self.waiting = self.waiting, []
        logits = self._means([pictures for *_, pictures in waiting])
        for (frame, time, face, _), logit in zip(waiting, logits, strict=True):
            self.answers.moments.append(Moment(frame, time, face, logit))

    def differences(self, frame: Frame, altered: Frame, moments: Sequence[Moment]) -> list[float]:
        """How far the logits of these moments move when the frame is altered."""
        scale = altered.image.width / frame.image.width
        faces = [moment.face.scaled(scale) for moment in moments if moment.face]
        pictures = [pictures for _, pictures in self._cut(altered, faces)]
        if len(pictures) != len(moments):  # the model refuses the altered frame
            return []
        return [logit - moment.logit for logit, moment in zip(self._means(pictures), moments, strict=True)]

    def _cut(self, frame: Frame, faces: Sequence[Face]) -> list[tuple[Face | None, Sequence[Image.Image]]]:
        recipe = self.model.recipe
        if recipe is not None:
            return [(face, [crop_face(frame.image, face, recipe)]) for face in faces]
        seen = self.model.looks(frame)
        if isinstance(seen, Finding):
            self.answers.refusals.append(seen)
            return []
        return [(None, seen)]

    def _means(self, groups: Sequence[Sequence[Image.Image]]) -> list[float]:
        """The mean logit of each group of pictures."""
        logits = list(self.model.logits([picture for group in groups for picture in group])) if groups else []
        means, start = [], 0
        for group in groups:
            means.append(sum(logits[start : start + len(group)]) / len(group))
            start += len(group)
        return means


@dataclasses.dataclass(frozen=True, slots=True)
class Spoken:
    """The answer of a model about a clip: the signal, and whom or what it is about."""

    signal: Signal
    pooled: temporal.Pooled
    track: int | None
    telling: tuple[Moment, ...]


def speak(judged: Judged, tracks: Sequence[Track]) -> Spoken | None:
    """Pools a model's moments; None when no track, or no frame, supports an answer."""
    subjects: list[int | None] = [None]
    if judged.model.recipe is not None:
        subjects = [track.id for track in tracks if track.supported]
    answers = {subject: judged.answers.of(subject) for subject in subjects}
    pooled = {subject: temporal.pooled([moment.logit for moment in moments]) for subject, moments in answers.items() if moments}
    if not pooled:
        return None
    order = sorted(pooled, key=lambda subject: -pooled[subject].logit)
    leader = order[0]
    moments = answers[leader]
    telling = tuple(moments[place] for place in temporal.highest([moment.logit for moment in moments], _SHOWN))
    scores = [_pooled_score(judged.model, subject, pooled[subject]) for subject in order]
    scores += [_moment_score(judged.model, moment) for moment in judged.answers.moments]
    faces = {track.id: track.face for track in tracks}
    signal = _signal(judged, pooled[leader], scores, telling[0], faces.get(leader) if leader is not None else None)
    return Spoken(signal, pooled[leader], leader, telling)


def _signal(judged: Judged, pooled: temporal.Pooled, scores: Sequence[Score], telling: Moment, face: int | None) -> Signal:
    """Thresholds shared by as many tracks as speak (Bonferroni), as by the faces of a picture."""
    model, leader = judged.model, scores[0]
    subjects = sum(score.subject in ("track", "clip") for score in scores)
    points = _points(model, subjects)
    said = model.opinion(pooled.logit, pooled.error)
    params: dict[str, int] = {"count": subjects, "frames": pooled.frames}
    if leader.track is not None:
        params["person"] = leader.track
    finding = _finding(model.task, said.probability, points, params, telling.time, face)
    return Signal(
        model.id,
        model.kind,
        Status.OK,
        probability=said.probability,
        raw=said.raw,
        interval=said.interval,
        findings=(finding, *model.notes, *_left_out(judged)),
        scores=tuple(scores),
        points=points,
    )


def _finding(
    task: str, probability: float, points: OperatingPoints | None, params: dict[str, int], time: float, face: int | None
) -> Finding:
    if points is None:
        return Finding("hub.uncalibrated", face=face)
    suspicious = probability >= points.some
    grade = "suspicious" if suspicious else "unclear" if probability >= points.clear else "unsuspicious"
    return Finding(
        f"{task}.clip_{grade}",
        params,
        Tendency.SUSPICIOUS if suspicious else Tendency.NEUTRAL,
        face=face,
        time=time if suspicious else None,
    )


def _points(model: Detector, subjects: int) -> OperatingPoints | None:
    """Thresholds of a clip. "Clear" stays what it is in pictures: caution must not turn "uncertain" into "nothing found"."""
    points = model.operating_points(subjects)
    cautious = model.operating_points(WHOLE_FRAME_CAUTION * subjects) if model.recipe is None else points
    return dataclasses.replace(cautious, clear=points.clear) if points and cautious else points


def _left_out(judged: Judged) -> tuple[Finding, ...]:
    """How many frames the model refused although it judged others."""
    count = len(judged.answers.refusals)
    return (Finding(f"{judged.model.task}.clip_partly", {"count": count}),) if count else ()


def _pooled_score(model: Detector, track: int | None, pooled: temporal.Pooled) -> Score:
    said = model.opinion(pooled.logit, pooled.error)
    return Score("clip" if track is None else "track", said.raw, said.probability, track=track, interval=said.interval)


def _moment_score(model: Detector, moment: Moment) -> Score:
    said = model.opinion(moment.logit, 0.0)
    if moment.face is None:
        return Score("frame", said.raw, said.probability, frame=moment.frame, time=moment.time)
    face = moment.face
    return Score("face", said.raw, said.probability, face=face.id, frame=moment.frame, time=moment.time, track=face.track)


def telling_frames(spoken: Spoken, model: Detector) -> list[TellingFrame]:
    """The frames to look at first, most telling first."""
    return [
        TellingFrame(
            frame=moment.frame,
            time=moment.time,
            source=model.id,
            probability=model.opinion(moment.logit, 0.0).probability,
            track=spoken.track,
            face=moment.face.id if moment.face else None,
            thumbnail=moment.thumbnail,
        )
        for moment in spoken.telling
    ]


def signal_of(judged: Judged, spoken: Spoken | None, faces: int) -> Signal:
    """The model's line of the report, whatever became of it."""
    model = judged.model
    if judged.broken is not None:
        status = Status.UNAVAILABLE if isinstance(judged.broken, ModelError) else Status.FAILED
        why = Finding(f"analyser.{status}", {"message": str(judged.broken)[:300]})
        return Signal(model.id, SignalKind.MODEL, status, reason=why)
    if spoken is not None:
        return spoken.signal
    return Signal(model.id, SignalKind.MODEL, Status.SKIPPED, reason=_silence(judged, faces))


def _silence(judged: Judged, faces: int) -> Finding:
    """Why a model says nothing about a clip."""
    if judged.model.recipe is None:
        reasons = collections.Counter(refusal.code for refusal in judged.answers.refusals)
        commonest = reasons.most_common(1)[0][0] if reasons else "scene.no_frame"
        return next((refusal for refusal in judged.answers.refusals if refusal.code == commonest), Finding("scene.no_frame"))
    if judged.answers.moments:
        return Finding("face.clip_too_brief")
    return Finding("face.clip_none_assessable", {"count": faces}) if faces else Finding("face.none")
