"""One observation: a code with parameters, where it points, and where in the picture it was made."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias


class Tendency(enum.StrEnum):
    """Where a finding points."""

    SYNTHETIC_SIGNED = "synthetic_signed"  # a verified signature of a trusted signer says "made or edited with AI"
    SYNTHETIC_CLAIMED = "synthetic_claimed"  # the file says so, and nobody vouches for it
    SUSPICIOUS = "suspicious"
    NEUTRAL = "neutral"
    CAPTURE_SIGNED = "capture_signed"  # a verified signature of a trusted signer says "captured by a device"
    CAPTURE_CLAIMED = "capture_claimed"  # an unsigned camera tag: a claim, not proof


Scalar: TypeAlias = str | int | float | bool


Params: TypeAlias = Mapping[str, Scalar]


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
    params: Params = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    tendency: Tendency = Tendency.NEUTRAL
    face: int | None = None  # id of the face it speaks of
    box: Box | None = None  # where in the picture
    time: float | None = None  # seconds from the start of a clip
