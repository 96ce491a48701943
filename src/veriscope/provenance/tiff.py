"""Tags of a TIFF structure: a TIFF file, or the EXIF block that other formats carry.

Own reader of the first directory and its children, because Pillow's prints warnings on damaged blocks and a report must
not depend on the process-wide warning filter. It reads what is asked for and copies nothing else.

References: TIFF 6.0 section 2, CIPA DC-008 (EXIF 3.0) section 4.6, BigTIFF design (Aware Systems).
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Mapping
from typing import Literal

MAX_ENTRIES = 1_000
MAX_VALUE = 4 * 1024 * 1024

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


@dataclasses.dataclass(frozen=True, slots=True)
class _Layout:
    """How numbers are written: byte order, and whether offsets have 4 (TIFF) or 8 bytes (BigTIFF)."""

    order: Literal["little", "big"]
    big: bool

    def number(self, data: bytes) -> int:
        return int.from_bytes(data, self.order)

    @property
    def width(self) -> int:
        return 8 if self.big else 4


@dataclasses.dataclass(frozen=True, slots=True)
class Directory:
    """One directory of tags. Values are read from the block when asked for."""

    block: bytes
    layout: _Layout
    places: Mapping[int, tuple[int, int]]  # tag → (start, end) of its value in the block

    def raw(self, tag: int) -> bytes | None:
        """The bytes of a value; None when it is absent, over `MAX_VALUE`, or lies outside the block."""
        start, end = self.places.get(tag, (0, 0))
        return self.block[start:end] if 0 < start < end <= len(self.block) and end - start <= MAX_VALUE else None

    def text(self, tag: int) -> str:
        """A text value, "" when absent. EXIF text is ASCII by name and UTF-8 or Latin-1 in practice."""
        return decoded((self.raw(tag) or b"").split(b"\0", 1)[0])

    def child(self, tag: int) -> Directory | None:
        """The directory that a tag points to."""
        value = self.raw(tag)
        return None if value is None else _directory(self.block, self.layout, self.layout.number(value))


def decoded(data: bytes) -> str:
    """Text of unknown encoding: UTF-8 where it is valid, else Latin-1, which always is."""
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError:
        return data.decode("latin-1").strip()


def read(block: bytes) -> Directory | None:
    """The first directory of a TIFF file or EXIF block (with or without its "Exif" prefix); None when it is neither."""
    block = block.removeprefix(b"Exif\0\0")
    order: Literal["little", "big"] = "little" if block[:2] == b"II" else "big"
    if block[:2] not in (b"II", b"MM"):
        return None
    magic = int.from_bytes(block[2:4], order)
    if magic not in (42, 43):
        return None
    layout = _Layout(order, big=magic == 43)
    return _directory(block, layout, layout.number(block[8:16] if layout.big else block[4:8]))


def _directory(block: bytes, layout: _Layout, offset: int) -> Directory | None:
    start = offset + (8 if layout.big else 2)
    if offset < 8 or start > len(block):
        return None
    size = 20 if layout.big else 12
    count = min(layout.number(block[offset:start]), MAX_ENTRIES)
    places: dict[int, tuple[int, int]] = {}
    for position in range(start, min(start + count * size, len(block) - size + 1), size):
        tag, kind = struct.unpack_from("<HH" if layout.order == "little" else ">HH", block, position)
        length = _SIZES.get(kind, 0) * layout.number(block[position + 4 : position + 4 + layout.width])
        inline = position + 4 + layout.width
        where = inline if length <= layout.width else layout.number(block[inline : inline + layout.width])
        places[tag] = (where, where + length)
    return Directory(block, layout, places)
