"""What the user allows and how much is too much: frozen, read once, passed along.

Every field can be set by an environment variable: `VERISCOPE_OFFLINE=1`, `VERISCOPE_LIMITS_MAX_PIXELS=50000000`.
"""

from __future__ import annotations

import dataclasses
import math
import os
import typing
from collections.abc import Mapping
from pathlib import Path

from veriscope.errors import DataError

MEBIBYTE = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Over these, an input is refused with `TooLarge` before anything is decoded."""

    max_bytes: int = 100 * MEBIBYTE
    max_pixels: int = 120_000_000  # 120 megapixels: above the largest phone sensors' 108
    max_side: int = 30_000
    min_side: int = 16  # a smaller picture carries nothing to judge
    max_frames: int = 10_000  # frames that an animated picture may claim
    max_faces: int = 100  # faces looked at in one picture, largest first
    fetch_seconds: float = 20.0  # whole download, redirects included
    max_redirects: int = 5
    max_clip_bytes: int = 16 * 1024 * MEBIBYTE  # a video given as a file, which is never in memory as a whole
    max_clip_pixels: int = 36_000_000  # of one frame: 8K has 33 million
    max_samples: int = 2_000  # frames of one clip that are looked at, however many are asked for
    decoder_bytes: int = 3 * 1024 * MEBIBYTE  # address space of the process that decodes a clip
    decoder_seconds: int = 1_800  # processor time of that process
    stall_seconds: float = 60.0  # how long a frame may take before the decoder counts as hung
    max_model_bytes: int = 4 * 1024 * MEBIBYTE  # all files of one model from elsewhere
    hub_seconds: float = 10.0  # how long the Hub may take to answer, or to go on sending


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames of a clip are looked at."""

    frames: int | None = None  # at most so many; None = 64, and fewer of short clips
    fps: float | None = None  # frames per second instead, up to `frames` or `Limits.max_samples`
    max_seconds: float | None = None  # only the beginning of the clip, up to here
    thumbnails: bool = False  # keep small copies of the telling frames in the report

    def __post_init__(self) -> None:
        for name in ("frames", "fps", "max_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise DataError(f"{name} must be above zero, not {value!r}. Correct it, or leave it out.")


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Options of an engine."""

    offline: bool = False  # True: nothing is fetched, also when the user gives an address
    detectors: tuple[str, ...] = ()  # ids; empty = the embedded defaults
    threads: int = 0  # threads of one model session; 0 = all cores
    trust_anchors: Path | None = None  # PEM file of C2PA trust anchors; None = no signer can be confirmed
    allow_plugins: bool = False  # True: detectors from other installed packages may run
    hub_folder: Path | None = None  # what is known about models from elsewhere; None = the user's data folder
    accept_licences: bool = False  # True: models whose licence forbids commercial use may be added
    use_calibration: bool = False  # True: our own detectors use the user's calibration of them, which must exist
    limits: Limits = Limits()
    sampling: Sampling = Sampling()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from `VERISCOPE_*` variables; an unreadable value raises `DataError` that names the variable."""
        source = os.environ if environ is None else environ
        limits = _read(Limits, "VERISCOPE_LIMITS_", source)
        sampling = _read(Sampling, "VERISCOPE_SAMPLING_", source)
        return dataclasses.replace(_read(cls, "VERISCOPE_", source), limits=limits, sampling=sampling)


_T = typing.TypeVar("_T")


def _read(cls: type[_T], prefix: str, environ: Mapping[str, str]) -> _T:
    hints = typing.get_type_hints(cls)
    values: dict[str, object] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        text = environ.get(prefix + field.name.upper())
        if text is not None and hints[field.name] not in (Limits, Sampling):
            values[field.name] = _parse(text, hints[field.name], prefix + field.name.upper())
    return cls(**values)


def _not_negative(number: float) -> float:
    if not 0 <= number < math.inf:
        raise ValueError(number)
    return number


def _parse(text: str, hint: object, variable: str) -> object:
    try:
        if hint is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}[text.lower()]
        if hint is int or hint is float:
            return _not_negative(hint(text))
        if hint in (int | None, float | None):
            return (int if hint == int | None else float)(text) if text else None
        if hint == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        return Path(text)
    except (KeyError, ValueError):
        raise DataError(
            f"The environment variable {variable} has the value {text!r}, which cannot be read. Correct or unset it."
        ) from None
