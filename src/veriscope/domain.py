"""The vocabulary: Source → Media → Views → Signal → Verdict → Report.

Small frozen types that every part shares. They hold no sentence in any language: a `Finding` is a code with
parameters, and the catalogues in `veriscope.i18n` turn codes into words. They hold no behaviour beyond their own
invariants, so a report can be stored, sent and read again years later.

Numbers called `probability` are P(synthetic or manipulated), 0.0–1.0, after calibration; `raw` is what the model said
before calibration (0.0–1.0, the same direction). Coordinates are pixels of the upright picture, origin top left.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias

from PIL import Image

SCHEMA = "veriscope.report/1"

SHOWN_MIN, SHOWN_MAX = 0.01, 0.99
"""Scores shown to people are clipped to 1–99 %: no measurement of ours supports certainty."""


OVERVIEW_LONG, OVERVIEW_SHORT = 1280, 448
"""The sides of an overview are at least this long, twice what any view of a whole picture has."""


class MediaKind(enum.StrEnum):
    IMAGE = "image"
    VIDEO = "video"


class SourceKind(enum.StrEnum):
    FILE = "file"
    BYTES = "bytes"
    STREAM = "stream"
    URL = "url"


class Status(enum.StrEnum):
    """What became of one analyser."""

    OK = "ok"
    SKIPPED = "skipped"  # not applicable to this input, and `reason` says why
    UNAVAILABLE = "unavailable"  # cannot run here: missing package, weights or trust list
    FAILED = "failed"  # a defect of ours; the rest of the report stands


class SignalKind(enum.StrEnum):
    MODEL = "model"  # learned: an opinion with an error rate
    PROVENANCE = "provenance"  # declared: what the file says about itself


class Tendency(enum.StrEnum):
    """Where a finding points."""

    SYNTHETIC_SIGNED = "synthetic_signed"  # a verified signature of a trusted signer says "made or edited with AI"
    SYNTHETIC_CLAIMED = "synthetic_claimed"  # the file says so, and nobody vouches for it
    SUSPICIOUS = "suspicious"
    NEUTRAL = "neutral"
    CAPTURE_SIGNED = "capture_signed"  # a verified signature of a trusted signer says "captured by a device"
    CAPTURE_CLAIMED = "capture_claimed"  # an unsigned camera tag: a claim, not proof


class Grade(enum.StrEnum):
    DECLARED_SYNTHETIC = "declared_synthetic"
    STRONG_EVIDENCE = "strong_evidence"
    SOME_EVIDENCE = "some_evidence"
    UNCERTAIN = "uncertain"
    NO_EVIDENCE_FOUND = "no_evidence_found"
    NOT_ASSESSABLE = "not_assessable"


Scalar: TypeAlias = str | int | float | bool
Params: TypeAlias = Mapping[str, Scalar]
Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"


def _nothing() -> Mapping[Any, Any]:
    return MappingProxyType({})


def _probability_or_none(name: str, value: float | None) -> None:
    if value is not None and not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must be between 0 and 1, not {value!r}")


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright picture; may reach outside it."""

    x: float
    y: float
    width: float
    height: float

    def scaled(self, factor: float) -> Box:
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One observation as a code with parameters: `catalogue[code].format(**params)` makes the sentence."""

    code: str
    params: Params = dataclasses.field(default_factory=_nothing)
    tendency: Tendency = Tendency.NEUTRAL
    face: int | None = None  # id of the face it speaks of
    box: Box | None = None  # where in the picture
    time: float | None = None  # seconds from the start of a clip


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes came from. `name` is what the user typed (path, address, "-")."""

    kind: SourceKind
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """One picture to look at.

    `image` is RGB, 8 bit, sRGB, upright, loaded; nobody may change it in place (threads share it).
    Pillow rather than an array, because every view is a crop or a resize of it, which Pillow does without a copy of the
    whole (docs/decisions/0002-frames-are-pillow-images.md). `overview` is the same picture, each pixel the mean of
    `shrink` × `shrink`: whatever shrinks the whole picture starts from it, so that a large one is read once only.
    """

    index: int
    image: Image.Image
    time: float | None = None  # seconds from the start of a clip; None for a picture
    overview: Image.Image = dataclasses.field(init=False, repr=False, compare=False)
    shrink: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        short, long = sorted(self.image.size)
        shrink = max(1, min(long // OVERVIEW_LONG, short // OVERVIEW_SHORT))
        object.__setattr__(self, "shrink", shrink)
        object.__setattr__(self, "overview", self.image.reduce(shrink) if shrink > 1 else self.image)


@dataclasses.dataclass(frozen=True, slots=True)
class MediaFacts:
    """The part of `Media` that a report keeps. Sides are those of the upright picture."""

    source: Source
    kind: MediaKind
    sha256: str  # of the original bytes, hex
    size_bytes: int
    format: str  # by content: "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"
    width: int
    height: int
    frames: int = 1  # frames in the file, not frames analysed
    duration: float | None = None  # seconds
    notes: tuple[Finding, ...] = ()  # what was done to make it comparable: "media.oriented", "media.first_frame"


@dataclasses.dataclass(frozen=True, slots=True)
class Media:
    """A decoded input with its original bytes."""

    facts: MediaFacts
    data: bytes  # the original bytes, never re-encoded: provenance reads these
    frames: tuple[Frame, ...]
    exif: bytes = b""  # raw EXIF block as the decoder found it


@dataclasses.dataclass(frozen=True, slots=True)
class Face:
    """One face. `landmarks`: right eye, left eye, nose tip, right and left mouth corner (x, y), as seen from the person."""

    id: int
    frame: int
    box: Box
    landmarks: tuple[tuple[float, float], ...]
    confidence: float  # of the face detector, 0–1
    sharpness: float  # variance of the Laplacian of the aligned grey crop; higher is sharper
    reason: str | None = None  # why it is not assessable: "face.too_small", "face.blurred"; None = assessable
    track: int | None = None  # same person through a clip

    @property
    def assessable(self) -> bool:
        return self.reason is None


@dataclasses.dataclass(frozen=True, slots=True)
class CropRecipe:
    """How a face is cut out. A detector's card records the recipe it was trained with, and gets exactly that."""

    size: int = 224  # side of the square result in pixels
    margin: float = 1.3  # side of the square in the picture = margin × face size (see faces.align)
    rotate: bool = True  # turn so that the eyes lie level


@dataclasses.dataclass(frozen=True, slots=True)
class Views:
    """All that analysers may look at, prepared once and shared."""

    media: Media
    frames: tuple[Frame, ...]
    faces: tuple[Face, ...] = ()
    crops: Mapping[CropRecipe, Mapping[int, Image.Image]] = dataclasses.field(default_factory=_nothing)
    # recipe → face id → RGB crop


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """What a model said about one subject: the whole picture, a face, a frame."""

    subject: Literal["picture", "face", "frame"]
    raw: float
    probability: float
    face: int | None = None
    frame: int | None = None
    time: float | None = None

    def __post_init__(self) -> None:
        _probability_or_none("raw", self.raw)
        _probability_or_none("probability", self.probability)


@dataclasses.dataclass(frozen=True, slots=True)
class DenseMap:
    """Scores over a grid of the picture: where the model looked, not proof of where an edit is."""

    code: str
    rows: int
    columns: int
    values: tuple[float, ...]  # row by row, 0–1, higher = more suspicious
    box: Box  # the part of the picture that the grid covers

    def __post_init__(self) -> None:
        if len(self.values) != self.rows * self.columns:
            raise ValueError("a map needs rows × columns values")


@dataclasses.dataclass(frozen=True, slots=True)
class OperatingPoints:
    """Calibrated probabilities at which a detector's grade changes, and the false-positive rates they stand for.

    `clear` ≤ `some` ≤ `strong`. The rates are measured on real pictures that the model never saw (card, `[evidence]`).
    """

    clear: float
    some: float
    strong: float
    fpr_some: float
    fpr_strong: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.clear <= self.some <= self.strong <= 1.0:
            raise ValueError("operating points must satisfy 0 ≤ clear ≤ some ≤ strong ≤ 1")


@dataclasses.dataclass(frozen=True, slots=True)
class Recheck:
    """The same question asked again about an altered copy of the picture."""

    variant: str  # "jpeg70", "half"
    probability: float


@dataclasses.dataclass(frozen=True, slots=True)
class Signal:
    """What one analyser has to say.

    An `ok` model signal has a probability; any other status has none, and says why: missing is never zero.
    """

    source: str
    kind: SignalKind
    status: Status
    probability: float | None = None
    raw: float | None = None
    interval: tuple[float, float] | None = None  # 90 %, same scale as probability
    findings: tuple[Finding, ...] = ()
    scores: tuple[Score, ...] = ()
    maps: tuple[DenseMap, ...] = ()
    points: OperatingPoints | None = None
    rechecks: tuple[Recheck, ...] = ()
    reason: Finding | None = None  # why the status is not ok

    def __post_init__(self) -> None:
        _probability_or_none("raw", self.raw)
        _probability_or_none("probability", self.probability)
        if (self.status is Status.OK) == (self.reason is not None):
            raise ValueError("a signal gives a reason exactly when its status is not ok")
        speaks = self.kind is SignalKind.MODEL and self.status is Status.OK
        if any((value is not None) != speaks for value in (self.probability, self.raw, self.points)):
            raise ValueError("a model signal has probability, raw score and operating points exactly when it is ok")


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The published answer beside the raw one.

    `score` is clipped to 0.01–0.99 and None when no score should be read (declared, not assessable).
    `raw_grade` is what the strongest signal alone would give; `reasons` say why the published grade differs.
    """

    grade: Grade
    score: float | None
    interval: tuple[float, float] | None
    reasons: tuple[Finding, ...]
    raw_grade: Grade
    raw_score: float | None

    def __post_init__(self) -> None:
        if self.score is not None and not SHOWN_MIN <= self.score <= SHOWN_MAX:
            raise ValueError(f"a shown score lies between {SHOWN_MIN} and {SHOWN_MAX}")
        if (self.score is None) != (self.interval is None):
            raise ValueError("score and interval come together")


@dataclasses.dataclass(frozen=True, slots=True)
class LawReference:
    """A law to read, shown apart from the verdict and never derived from it."""

    jurisdiction: str  # "de", "eu", "us-ca"
    id: str
    title: str  # English
    original_title: str | None
    citation: str
    topics: tuple[str, ...]
    status: str  # badge on the day of the report: "in_force", "enacted", "planned", "struck_down", "not_confirmed"
    summary: str
    url: str
    checked: str  # ISO date
    starts: str | None = None  # ISO date or the beginning of one: when an enacted law begins to apply


@dataclasses.dataclass(frozen=True, slots=True)
class HelpReference:
    """A place to report to or get help from."""

    jurisdiction: str
    name: str
    purposes: tuple[str, ...]
    about: str | None
    phones: tuple[str, ...]
    url: str | None
    minors: bool  # for people under 18
    checked: str


@dataclasses.dataclass(frozen=True, slots=True)
class Versions:
    """What produced a report: enough to repeat it."""

    veriscope: str
    detectors: Mapping[str, str]  # id → "version sha256"
    libraries: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """Everything that one analysis found, as plain data without a sentence in it."""

    media: MediaFacts
    verdict: Verdict
    signals: tuple[Signal, ...]
    faces: tuple[Face, ...]
    not_checked: tuple[Finding, ...]
    versions: Versions
    timings: Mapping[str, float]  # step → seconds
    created: str  # ISO 8601, UTC
    law: tuple[LawReference, ...] = ()  # only for the countries that were asked for
    help: tuple[HelpReference, ...] = ()
    schema: str = SCHEMA

    def to_json(self, indent: int | None = None) -> str:
        """The report as JSON; `veriscope schema` prints the schema that it satisfies."""
        return json.dumps(plain(self), indent=indent, ensure_ascii=False, allow_nan=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """An input that could not be analysed: the batch goes on."""

    source: Source
    code: str  # `VeriscopeError.code`
    message: str


class Analyser(Protocol):
    """One source of evidence, learned or declared. Must be safe to call from many threads."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> SignalKind: ...

    def analyze(self, views: Views) -> Signal:
        """Judges the views. Raises nothing on purpose except `VeriscopeError`; the engine turns that into a status."""
        ...


class Detector(Analyser, Protocol):
    """A learned analyser."""

    @property
    def recipe(self) -> CropRecipe | None:
        """The face crop it wants; None when it looks at whole pictures."""
        ...

    @property
    def version(self) -> str: ...


def plain(value: object) -> Plain:
    """A domain value as JSON types, field by field."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in a report")
