"""The named parts of JPEG, PNG and WebP files, as their specifications define them.

Nothing here searches for bytes: a part is only what the container's own structure says is one, so that pixels or
captions that happen to spell a name are never read as metadata. A truncated or damaged file yields the parts before
the damage.

References: ITU-T T.81 annex B (JPEG), W3C PNG third edition sections 5 and 11.3.3, RFC 9649 (WebP).
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator

MAX_PARTS = 100_000  # a 100 MB PNG with 8 KiB image chunks has 13,000
MAX_TEXT = 4 * 1024 * 1024  # one text; the longest real ones, workflows of node editors, stay below 1 MiB
MAX_TEXTS = 256  # texts of one file
MAX_TEXT_TOTAL = 16 * 1024 * 1024  # all texts of one file together

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = frozenset({b"IDAT", b"fdAT"})
_WEBP_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANMF"})


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """One part: "APP1" or "COM" of a JPEG, "iTXt" of a PNG, "XMP " of a WebP, with its content."""

    name: str
    data: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A text chunk of a PNG. `value` is None when it is damaged or larger than `MAX_TEXT`."""

    keyword: str
    value: str | None


def segments(data: bytes, container: str) -> Iterator[Segment]:
    """The parts of a file that are not pixels, in order; none for another container than JPEG, PNG and WEBP."""
    walk = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}.get(container)
    return walk(data) if walk else iter(())


def _jpeg(data: bytes) -> Iterator[Segment]:
    position = 2
    for _ in range(MAX_PARTS):
        if data[:2] != b"\xff\xd8" or data[position : position + 1] != b"\xff" or position + 4 > len(data):
            return
        marker = data[position + 1]
        if marker in (0xD9, 0xDA):  # end of image, or start of the compressed pixels
            return
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD7:  # fill byte, or a marker without content
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if end < position + 4 or end > len(data):
            return
        yield Segment(_jpeg_name(marker), data[position + 4 : end])
        position = end


def _jpeg_name(marker: int) -> str:
    if 0xE0 <= marker <= 0xEF:
        return f"APP{marker - 0xE0}"
    return "COM" if marker == 0xFE else f"{marker:02X}"


def _png(data: bytes) -> Iterator[Segment]:
    position = len(_PNG_SIGNATURE)
    for _ in range(MAX_PARTS):
        end = position + 8 + int.from_bytes(data[position : position + 4])
        name = data[position + 4 : position + 8]
        if not data.startswith(_PNG_SIGNATURE) or end + 4 > len(data) or not (name.isalpha() and name.isascii()):
            return
        if name not in _PNG_PIXELS:
            yield Segment(name.decode("ascii"), data[position + 8 : end])
        position = end + 4  # checksum


def _webp(data: bytes) -> Iterator[Segment]:
    position = 12
    limit = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    for _ in range(MAX_PARTS):
        end = position + 8 + int.from_bytes(data[position + 4 : position + 8], "little")
        name = data[position : position + 4]
        if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or position + 8 > limit or end > limit or not name.isascii():
            return
        if name not in _WEBP_PIXELS:
            yield Segment(name.decode("ascii"), data[position + 8 : end])
        position = end + end % 2


def png_texts(parts: Iterator[Segment]) -> tuple[Text, ...]:
    """The texts among the parts of a PNG: at most `MAX_TEXTS`, each up to `MAX_TEXT`, together up to `MAX_TEXT_TOTAL`."""
    found: list[Text] = []
    total = 0
    for part in parts:
        text = _png_text(part)
        if text is not None:
            found.append(text)
            total += len(text.value or "")
        if len(found) == MAX_TEXTS or total > MAX_TEXT_TOTAL:
            break
    return tuple(found)


def _png_text(part: Segment) -> Text | None:
    if part.name not in ("tEXt", "zTXt", "iTXt"):
        return None
    keyword, separator, rest = part.data.partition(b"\0")
    if not separator or not 1 <= len(keyword) <= 79:
        return None
    value = {"tEXt": _plain, "zTXt": _compressed, "iTXt": _international}[part.name](rest)
    return Text(keyword.decode("latin-1"), value)


def _plain(rest: bytes) -> str | None:
    return rest.decode("latin-1") if len(rest) <= MAX_TEXT else None


def _compressed(rest: bytes) -> str | None:
    content = _inflated(rest[1:]) if rest[:1] == b"\0" else None
    return None if content is None else content.decode("latin-1")


def _international(rest: bytes) -> str | None:
    is_compressed, method, body = rest[:1], rest[1:2], rest[2:].split(b"\0", 2)
    if len(body) != 3 or method != b"\0":
        return None
    content = _inflated(body[2]) if is_compressed == b"\1" else body[2]
    return content.decode("utf-8", "replace") if content is not None and len(content) <= MAX_TEXT else None


def _inflated(data: bytes) -> bytes | None:
    """Decompressed data, or None when it is damaged or would exceed `MAX_TEXT` (a decompression bomb)."""
    engine = zlib.decompressobj()
    try:
        content = engine.decompress(data, MAX_TEXT + 1)
    except zlib.error:
        return None
    return content if engine.eof and len(content) <= MAX_TEXT else None
