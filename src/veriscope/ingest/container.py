"""What a file is, judged by its first bytes, and what its container says without decoding a pixel.

A name is a claim; the first bytes decide which decoder sees the file. A file that is two things at once (a polyglot) is
therefore treated as what it begins as.
"""

from __future__ import annotations

import re
import struct

from veriscope.errors import UnsupportedMedia

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".apng": "PNG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".heic": "HEIF",
    ".heics": "HEIF",
    ".heif": "HEIF",
    ".heifs": "HEIF",
    ".hif": "HEIF",
    ".avif": "AVIF",
    ".avifs": "AVIF",
}

CLIPS = {
    "MP4": "mov",
    "MOV": "mov",
    "WEBM": "matroska",
    "MKV": "matroska",
    "AVI": "avi",
    "FLV": "flv",
    "MPEG": "mpeg",
    "MPEG-1": "mpegvideo",
    "MPEG-TS": "mpegts",
    "OGG": "ogg",
    "ASF": "asf",
}
"""Containers of video, and what FFmpeg calls the one demuxer that may see them: others would open files of their own."""

CLIP_SUFFIXES = {
    ".mp4": "MP4",
    ".m4v": "MP4",
    ".3gp": "MP4",
    ".mov": "MOV",
    ".qt": "MOV",
    ".webm": "WEBM",
    ".mkv": "MKV",
    ".avi": "AVI",
    ".flv": "FLV",
    ".mpg": "MPEG",
    ".mpeg": "MPEG",
    ".vob": "MPEG",
    ".m2ts": "MPEG-TS",
    ".ogv": "OGG",
    ".wmv": "ASF",
    ".asf": "ASF",
}

MOVING = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
"""Formats of pictures that may move. Several pictures in a TIFF, HEIF or multi-picture JPEG are pages, not frames."""

HEAD = 4096  # bytes that are enough to tell what a file is

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00\x08\x00\x00\x00", "TIFF"),
    (b"MM\x00+\x00\x08\x00\x00", "TIFF"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")

# First bytes of what people take for a picture, or have beside one.
_STRANGERS = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"ID3", "a sound file (MP3)"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"FUJIFILMCCD-RAW", "a camera raw file"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "a text document"),
    (b"version https://git-lfs", "a Git LFS pointer without the picture itself"),
)
_MARKUP = re.compile(rb"(?:<\?xml[^>]*>|<!--.*?-->|<!doctype\s+(\w+)[^>]*>|\s)*(?:<(\w+))?", re.IGNORECASE | re.DOTALL)

READ = (
    "Veriscope reads JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF pictures, and MP4, MOV, WebM, MKV, AVI, FLV, MPEG, Ogg and "
    "WMV video."
)

_CLIP_MAGIC = (
    (b"FLV\x01", "FLV"),
    (b"\x00\x00\x01\xba", "MPEG"),
    (b"\x00\x00\x01\xb3", "MPEG-1"),
    (b"OggS", "OGG"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "ASF"),
)
_OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")  # before the box `ftyp` was invented
_TRANSPORT_PACKET = 188


def clip_kind(head: bytes) -> str | None:
    """One of `CLIPS` when the first `HEAD` bytes begin a video, else None."""
    for magic, name in _CLIP_MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"\x1aE\xdf\xa3":
        return "WEBM" if b"webm" in head[:64] else "MKV"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI"
    if head[4:8] in _OLD_QUICKTIME:
        return "MOV"
    if head[4:8] == b"ftyp" and not _is_picture(_brands(head)):
        return "MOV" if head[8:12] == b"qt  " else "MP4"
    packets = head[::_TRANSPORT_PACKET][:4]
    return "MPEG-TS" if len(packets) == 4 and set(packets) == {0x47} else None


def _is_picture(brands: list[bytes]) -> bool:
    return brands[0] in (*_AVIF_BRANDS, *_HEIF_BRANDS, b"crx ")


def _brands(data: bytes) -> list[bytes]:
    size = min(int.from_bytes(data[:4], "big"), 512)
    return [data[8:12], *(data[at : at + 4] for at in range(16, size, 4))]


def identify(data: bytes) -> str:
    """One of `FORMATS`.

    Raises:
        UnsupportedMedia: it is something else; the message says what, when that is known.
    """
    if data[8:10] == b"CR" and data[:4] == b"II*\x00":
        raise camera_raw()
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    raise UnsupportedMedia(_what_it_is(data))


def is_page(data: bytes) -> bool:
    """Whether it is HTML."""
    return b"html" in _markup(data)


def camera_raw() -> UnsupportedMedia:
    return UnsupportedMedia("This is a camera raw file, which is not read yet. Develop it and save it as TIFF or JPEG.")


def _of_brands(data: bytes) -> str:
    """ISO base media: pictures and videos share the container, brands tell them apart (ISO/IEC 23008-12, AV1 image format)."""
    brands = _brands(data)
    if brands[0] in _AVIF_BRANDS or (brands[0] in (b"mif1", b"msf1") and any(brand in _AVIF_BRANDS for brand in brands)):
        return "AVIF"
    if brands[0] in _HEIF_BRANDS:
        return "HEIF"
    if brands[0] == b"crx ":
        raise camera_raw()
    raise UnsupportedMedia(_not_read("a video (MP4 or QuickTime)"))


def _what_it_is(data: bytes) -> str:
    if not data.strip(b"\x00"):
        return "The file contains nothing but zeros: it was probably not copied completely. Get it again."
    for magic, name in _STRANGERS:
        if data.startswith(magic):
            return _not_read(name)
    names = _markup(data)
    if b"svg" in names:
        return _not_read("an SVG drawing")
    if b"html" in names:
        return "This is a web page, not a picture. Open it in a browser and save the picture itself."
    return f"The content is neither a picture nor a video that can be read. {READ}"


def _not_read(name: str) -> str:
    return f"This is {name}, which is not read yet. {READ}"


def _markup(data: bytes) -> set[bytes]:
    """Names of the document type and of the first element, if it is markup."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf")
    match = _MARKUP.match(head)
    names = {name.lower() for name in match.groups() if name} if match else set()
    return names | {b"html"} if names & {b"head", b"body", b"meta", b"title", b"script"} else names


def count_frames(data: bytes, kind: str, limit: int) -> int:
    """Frames of a GIF or pages of a TIFF, counted up to `limit` + 1 by walking the container.

    Pillow would decode or parse each one for that, without an upper bound.
    """
    try:
        return max(1, _gif_frames(data, limit) if kind == "GIF" else _tiff_pages(data, limit))
    except (IndexError, struct.error):  # the file ends early: the decoder will say so if that matters
        return 1


def _gif_frames(data: bytes, limit: int) -> int:
    position = 13 + _gif_table(data[10])
    frames = 0
    while position < len(data) and frames <= limit:
        if data[position] == 0x2C:  # a picture
            frames += 1
            if position + 9 >= len(data):
                break
            position += 11 + _gif_table(data[position + 9])
        elif data[position] == 0x21:  # an extension
            position += 2
        else:
            break
        while position < len(data) and data[position]:
            position += 1 + data[position]
        position += 1
    return frames


def _gif_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _tiff_pages(data: bytes, limit: int) -> int:
    order = "<" if data[:2] == b"II" else ">"
    big = b"+" in data[2:4]
    pointer, count, entry, first = ("Q", "Q", 20, 8) if big else ("I", "H", 12, 4)
    (offset,) = struct.unpack_from(order + pointer, data, first)
    seen: set[int] = set()
    while 0 < offset < len(data) and offset not in seen and len(seen) <= limit:
        seen.add(offset)
        (entries,) = struct.unpack_from(order + count, data, offset)
        after = offset + struct.calcsize(count) + entries * entry
        if after >= len(data):
            break
        (offset,) = struct.unpack_from(order + pointer, data, after)
    return len(seen)


def trailing_bytes(data: bytes, kind: str) -> int:
    """Bytes after the end of a JPEG or PNG; 0 when there are none, only padding, or when the end is not found.

    Secondary pictures that a multi-picture index (CIPA DC-007) announces are part of the file, not a trailer.
    """
    end = {"JPEG": _jpeg_end, "PNG": _png_end}.get(kind, len)(data)
    return len(data) - end if data[end:].strip(b"\x00\xff\r\n ") else 0


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg_end(data: bytes) -> int:
    position = 2
    while True:
        match = _MARKER.search(data, position)
        if match is None:
            return len(data)
        position = match.end()
        marker = data[position - 1]
        if marker == 0xD9:
            return position
        if marker == 0xE2 and data[position + 2 : position + 6] == b"MPF\x00":
            return len(data)
        if marker not in (0x01, 0xD8):
            position += max(2, int.from_bytes(data[position : position + 2], "big"))


def _png_end(data: bytes) -> int:
    position = 8
    while position + 12 <= len(data):
        kind = data[position + 4 : position + 8]
        position += 12 + int.from_bytes(data[position : position + 4], "big")
        if kind == b"IEND":
            return min(position, len(data))
    return len(data)
