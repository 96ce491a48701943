"""Source → Media → Views: what was given, what was decoded, and what analysers look at."""

from __future__ import annotations

import dataclasses
import enum
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Protocol

from PIL import Image

from veriscope.domain.clip import Strategy, VideoFacts
from veriscope.domain.finding import Box, Finding

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
    after_cut: bool = False  # of a clip: taken because a scene began here
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
    format: str  # by content: "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"; "MP4", "MOV", "WEBM", "MKV", "AVI" …
    width: int
    height: int
    frames: int = 1  # frames in the file, not frames analysed
    duration: float | None = None  # seconds
    notes: tuple[Finding, ...] = ()  # what was done to make it comparable: "media.oriented", "media.first_frame"
    video: VideoFacts | None = None  # of what moves


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """What became of the decoding of a clip."""

    wanted: int
    lost: int
    damaged: int
    decoded: int
    repeated: int  # decoded frames that equal the one before in every sampled pixel; counted when decoding through
    blended: int  # decoded frames that are the mean of their neighbours, as frame interpolation and cross-fades make them
    strategy: Strategy
    until: float | None = None


class FrameSource(Protocol):
    """The frames of a clip, decoded on demand in a process of their own. Closing it ends that process."""

    @property
    def expected(self) -> int:
        """About how many frames `sampled` will yield; 0 = unknown."""
        ...

    def sampled(self) -> Iterator[Frame]:
        """The frames of the plan in order of time, numbered from 0.

        Raises:
            InputError: not one frame can be decoded, or the decoder crashed, hung or wanted too much memory.
        """
        ...

    def at(self, times: Sequence[float]) -> Iterator[Frame]:
        """The frames at these times (as `sampled` gave them, rising) once more, numbered from 0."""
        ...

    @property
    def ending(self) -> Ending:
        """What became of `sampled`, once it is exhausted."""
        ...

    def close(self) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Media:
    """A decoded input with its original bytes. A clip's frames are not here but come from `clip`, so that memory stays flat."""

    facts: MediaFacts
    data: bytes  # the original bytes, never re-encoded: provenance reads these; empty when `path` holds them
    frames: tuple[Frame, ...]
    exif: bytes = b""  # raw EXIF block as the decoder found it
    clip: FrameSource | None = None
    path: Path | None = None  # of a clip too large for memory
    tags: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    # of a clip: "container:encoder", "video:handler_name", untrusted

    def open(self) -> BinaryIO:
        """The original bytes as a file of its own."""
        return self.path.open("rb") if self.path else io.BytesIO(self.data)

    def close(self) -> None:
        """Ends what decodes the clip; a picture has nothing to close."""
        if self.clip is not None:
            self.clip.close()


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

    def scaled(self, factor: float) -> Face:
        """The face in a copy of the picture whose sides are so many times as long."""
        points = tuple((x * factor, y * factor) for x, y in self.landmarks)
        return dataclasses.replace(self, box=self.box.scaled(factor), landmarks=points)


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
    crops: Mapping[CropRecipe, Mapping[int, Image.Image]] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    # recipe → face id → RGB crop
