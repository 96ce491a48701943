"""Values of the vocabulary with sensible fields, to be changed where a test cares."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import skimage.data
from PIL import Image

from veriscope.domain import (
    Box,
    Face,
    Finding,
    Frame,
    Grade,
    Media,
    MediaFacts,
    MediaKind,
    OperatingPoints,
    Recheck,
    Report,
    Signal,
    SignalKind,
    Source,
    SourceKind,
    Status,
    Tendency,
    Verdict,
    Versions,
    Views,
)

POINTS = OperatingPoints(clear=0.3, some=0.6, strong=0.9, fpr_some=0.05, fpr_strong=0.01)
SIGNED = Finding("c2pa.states_ai", {"type": "x", "action": "y", "software": "z"}, Tendency.SYNTHETIC_SIGNED)
CLAIMED = Finding("generator.trace", {"field": "Software", "generator": "DALL-E"}, Tendency.SYNTHETIC_CLAIMED)
CAPTURED = Finding("metadata.camera", {"camera": "Nikon Z6"}, Tendency.CAPTURE_CLAIMED)
CAPTURE_SIGNED = Finding("c2pa.states_captured", {"type": "x", "action": "y", "software": "z"}, Tendency.CAPTURE_SIGNED)


def photograph(name: str) -> Image.Image:
    """A photograph that scikit-image carries, as RGB."""
    return Image.fromarray(getattr(skimage.data, name)()).convert("RGB")


def model(
    probability: float,
    source: str = "scene",
    rechecks: Sequence[float] = (),
    points: OperatingPoints | None = POINTS,
    interval: tuple[float, float] | None = None,
    task: str = "",
) -> Signal:
    """A model that answered; `rechecks`: its answers about the re-encoded and the halved copy; no `points`: uncalibrated.

    `task`: what its findings are named for; empty = its own name.
    """
    return Signal(
        source,
        SignalKind.MODEL,
        Status.OK,
        probability=probability,
        raw=probability,
        interval=interval or (max(probability - 0.1, 0.0), min(probability + 0.1, 1.0)),
        points=points,
        findings=(Finding(f"{task or source}.suspicious", {"count": 1, "face": 1}, Tendency.SUSPICIOUS),),
        rechecks=tuple(Recheck(name, value) for name, value in zip(("jpeg70", "half"), rechecks, strict=False)),
    )


def declared(*findings: Finding, source: str = "metadata") -> Signal:
    return Signal(source, SignalKind.PROVENANCE, Status.OK, findings=findings)


def silent(status: Status, source: str = "face", kind: SignalKind = SignalKind.MODEL) -> Signal:
    reason = Finding("face.none") if status is Status.SKIPPED else Finding(f"analyser.{status}", {"message": "broken"})
    return Signal(source, kind, status, reason=reason)


def facts(**changes: Any) -> MediaFacts:
    values: dict[str, Any] = {
        "source": Source(SourceKind.FILE, "picture.jpg"),
        "kind": MediaKind.IMAGE,
        "sha256": hashlib.sha256(b"picture").hexdigest(),
        "size_bytes": 123_456,
        "format": "JPEG",
        "width": 640,
        "height": 480,
    }
    return MediaFacts(**values | changes)


def views(*pictures: Image.Image, faces: Sequence[Face] = (), **changes: Any) -> Views:
    frames = tuple(Frame(index, picture) for index, picture in enumerate(pictures))
    return Views(Media(facts(), b"", frames), frames, tuple(faces), **changes)


def face(number: int = 1, box: Box = Box(100, 80, 90, 110), tilt: float = 0.0, **changes: Any) -> Face:  # noqa: B008
    """A face whose left eye lies `tilt` pixels lower than the right one."""
    x, y, width, height = box.x, box.y, box.width, box.height
    eyes = ((x + 0.25 * width, y + 0.4 * height - tilt / 2), (x + 0.75 * width, y + 0.4 * height + tilt / 2))
    rest = ((x + 0.5 * width, y + 0.6 * height), (x + 0.3 * width, y + 0.8 * height), (x + 0.7 * width, y + 0.8 * height))
    values: dict[str, Any] = {"frame": 0, "confidence": 0.95, "sharpness": 0.1}
    return Face(number, box=box, landmarks=(*eyes, *rest), **values | changes)


def report(grade: Grade = Grade.SOME_EVIDENCE, **changes: Any) -> Report:
    scored = grade not in (Grade.DECLARED_SYNTHETIC, Grade.NOT_ASSESSABLE)
    score, interval = (0.7, (0.6, 0.8)) if scored else (None, None)
    values: dict[str, Any] = {
        "media": facts(),
        "verdict": Verdict(grade, score, interval, (Finding("verdict.one_model", {"detector": "scene"}),), grade, 0.7),
        "signals": (model(0.7), silent(Status.SKIPPED), declared(CLAIMED, CAPTURED)),
        "faces": (face(),),
        "not_checked": (Finding("not_checked.small_edits"), Finding("not_checked.context")),
        "versions": Versions("0.1.0", {"scene": "1 sha256:00"}, {"numpy": "2"}),
        "timings": {"ingest": 0.01},
        "created": "2026-01-01T00:00:00+00:00",
    }
    return Report(**values | changes)
