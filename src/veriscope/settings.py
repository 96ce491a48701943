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


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Options of an engine."""

    offline: bool = False  # True: nothing is fetched, also when the user gives an address
    detectors: tuple[str, ...] = ()  # ids; empty = the embedded defaults
    threads: int = 0  # threads of one model session; 0 = all cores
    trust_anchors: Path | None = None  # PEM file of C2PA trust anchors; None = no signer can be confirmed
    allow_plugins: bool = False  # True: detectors from other installed packages may run
    limits: Limits = Limits()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from `VERISCOPE_*` variables; an unreadable value raises `DataError` that names the variable."""
        source = os.environ if environ is None else environ
        limits = _read(Limits, "VERISCOPE_LIMITS_", source)
        return dataclasses.replace(_read(cls, "VERISCOPE_", source), limits=limits)


_T = typing.TypeVar("_T")


def _read(cls: type[_T], prefix: str, environ: Mapping[str, str]) -> _T:
    hints = typing.get_type_hints(cls)
    values: dict[str, object] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        text = environ.get(prefix + field.name.upper())
        if text is not None and hints[field.name] is not Limits:
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
        if hint == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        return Path(text)
    except (KeyError, ValueError):
        raise DataError(
            f"The environment variable {variable} has the value {text!r}, which cannot be read. Correct or unset it."
        ) from None
