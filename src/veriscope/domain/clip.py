"""What a report keeps of a clip: which frames were looked at, who was followed, what tells most, and how far the work is."""

from __future__ import annotations

import dataclasses
import enum


@dataclasses.dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a moving picture's own streams say. Part of `MediaFacts`; claims of the container stay claims."""

    codec: str  # "h264", "vp9", "gif"
    frame_rate: float | None = None  # mean, frames per second
    variable_rate: bool = False
    rotation: int = 0  # degrees clockwise that made it upright
    bit_depth: int = 8
    hdr: bool = False  # was tone-mapped to standard range
    interlaced: bool = False
    audio: str | None = None  # codec of the first sound stream; None = no sound


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One frame that was looked at. `frame` is the number that faces and scores refer to."""

    frame: int
    time: float  # seconds from the start
    after_cut: bool = False  # taken because a scene began here
    faces: int = 0
    assessable: int = 0  # of these faces, large and sharp enough


@dataclasses.dataclass(frozen=True, slots=True)
class Track:
    """One face followed through the clip. The same person may come back as another track after a cut."""

    id: int
    first: float  # seconds
    last: float
    frames: int  # sampled frames in which it was seen
    assessed: int  # frames in which it could be judged
    face: int  # id of its clearest face in `Report.faces`: the one to show
    supported: bool  # judged in enough frames to speak


@dataclasses.dataclass(frozen=True, slots=True)
class TellingFrame:
    """A frame that carries the answer of a detector: the ones to look at first."""

    frame: int
    time: float
    source: str  # the detector's id
    probability: float  # of this frame alone, 0–1
    track: int | None = None
    face: int | None = None
    thumbnail: str | None = None  # JPEG, base64; only when thumbnails were asked for


class Strategy(enum.StrEnum):
    """How the frames were reached."""

    THROUGH = "through"  # every frame decoded, the wanted ones kept
    SEEK = "seek"  # jumped to key frames, a bounded way on from each


@dataclasses.dataclass(frozen=True, slots=True)
class Clip:
    """How a clip was looked at."""

    samples: tuple[Sample, ...]
    tracks: tuple[Track, ...]
    telling: tuple[TellingFrame, ...]
    wanted: int  # frames that sampling asked for, scene cuts not counted
    lost: int  # of these, the ones that could not be decoded
    damaged: int  # frames or packets that the decoder refused or marked as damaged
    decoded: int  # frames decoded on the way
    strategy: Strategy
    face_seconds: float  # seconds of the clip for which a face could be assessed, extrapolated from the samples
    until: float | None = None  # only the clip's beginning up to here was sampled, because the caller asked so


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far an analysis is."""

    step: str  # "open", "frames", "rechecks", "report"
    fraction: float  # 0–1
    seconds_left: float | None = None  # None until it can be told

    def __post_init__(self) -> None:
        if not 0.0 <= self.fraction <= 1.0:
            raise ValueError("a fraction lies between 0 and 1")
