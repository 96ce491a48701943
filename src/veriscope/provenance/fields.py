"""The named metadata fields of a picture: EXIF, XMP, IPTC and PNG texts, each read from where its standard puts it."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping
from types import MappingProxyType

from veriscope.domain import Media, MediaFacts
from veriscope.provenance import containers, iim, tiff, xmp

READABLE = frozenset({"JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"})
"""Formats whose metadata is read. GIF and BMP carry next to none."""

_EXIF = {270: "ImageDescription", 271: "Make", 272: "Model", 305: "Software"}
_EXIF_PHOTO = {36867: "DateTimeOriginal"}
_EXIF_DIRECTORY, _GPS_DIRECTORY, _USER_COMMENT = 0x8769, 0x8825, 37510
_TIFF_XMP, _TIFF_IPTC = 700, 33723
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_KEYWORD = "XML:com.adobe.xmp"


def readable(facts: MediaFacts) -> bool:
    """Whether the metadata of such a file is read: that of clips comes with their container."""
    return facts.format in READABLE or facts.video is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Fields:
    """Values by place and name: "exif:Make", "xmp:xmp:CreatorTool", "iptc:Credit", "png:parameters", "container:comment".

    `damaged` names what is there and cannot be read: "exif", "xmp". Values are whole and untrusted.
    """

    values: Mapping[str, str]
    has_location: bool = False
    damaged: tuple[str, ...] = ()

    def first(self, *names: str) -> str:
        """The first of these fields that has a value; "" when none has."""
        return next((self.values[name] for name in names if self.values.get(name)), "")


def read(media: Media) -> Fields:
    """All named fields of a picture. Never raises for damaged metadata."""
    raw = _raw(media)
    values: dict[str, str] = {f"png:{text.keyword}": text.value for text in reversed(raw.texts) if text.value is not None}
    directory = tiff.read(raw.exif) if raw.exif else None
    damaged = ["exif"] if raw.exif and directory is None else []
    values.update(_exif(directory) if directory else {})
    properties = xmp.properties(raw.xmp) if raw.xmp else {}
    if properties is None:
        damaged.append("xmp")
    values.update({f"xmp:{name}": value for name, value in (properties or {}).items()})
    values.update({f"iptc:{name}": value for name, value in iim.records(raw.iptc).items()})
    values.update(media.tags)
    located = "xmp:exif:GPSLatitude" in values or _is_located(directory)
    return Fields(MappingProxyType({name: value for name, value in values.items() if value}), located, tuple(damaged))


@dataclasses.dataclass(frozen=True, slots=True)
class _Raw:
    exif: bytes
    xmp: bytes = b""
    iptc: bytes = b""
    texts: tuple[containers.Text, ...] = ()


def _raw(media: Media) -> _Raw:
    match media.facts.format:
        case "JPEG":
            return _raw_jpeg(media)
        case "PNG":
            texts = containers.png_texts(containers.segments(media.data, "PNG"))
            # A packet that is there and cannot be decoded must not look absent: "?" is no XML either.
            packet = next((text.value or "?" for text in texts if text.keyword == _XMP_KEYWORD), "")
            return _Raw(media.exif, packet.encode(), texts=tuple(text for text in texts if text.keyword != _XMP_KEYWORD))
        case "WEBP":
            parts = containers.segments(media.data, "WEBP")
            return _Raw(media.exif, next((part.data for part in parts if part.name == "XMP "), b""))
        case "TIFF":
            directory = tiff.read(media.data)
            packet_bytes, block = ((directory.raw(tag) if directory else None) or b"" for tag in (_TIFF_XMP, _TIFF_IPTC))
            return _Raw(media.data, packet_bytes, block)
        case "HEIF" | "AVIF" as container:
            return _Raw(media.exif, _boxed_xmp(media.data, container))
    return _Raw(b"")


def _raw_jpeg(media: Media) -> _Raw:
    parts = list(containers.segments(media.data, "JPEG"))
    packets = (part.data for part in parts if part.name == "APP1" and part.data.startswith(_XMP_HEADER))
    block = iim.from_app13([part.data for part in parts if part.name == "APP13"])
    return _Raw(media.exif, next(packets, b"").removeprefix(_XMP_HEADER), block)


def _boxed_xmp(data: bytes, container: str) -> bytes:
    """The XMP packet of a HEIF or AVIF file; their boxes are read by the libraries that decoded the picture."""
    if container == "HEIF":
        import pillow_heif

        try:
            found = pillow_heif.open_heif(io.BytesIO(data)).info.get("xmp")
        except (ValueError, RuntimeError, OSError, SyntaxError):
            return b""
    else:
        from PIL import AvifImagePlugin

        try:
            found = AvifImagePlugin.AvifImageFile(io.BytesIO(data)).info.get("xmp")
        except (ValueError, RuntimeError, OSError, SyntaxError):
            return b""
    return found if isinstance(found, bytes) else b""


def _exif(directory: tiff.Directory) -> dict[str, str]:
    photo = directory.child(_EXIF_DIRECTORY)
    found = {f"exif:{name}": directory.text(tag) for tag, name in _EXIF.items()}
    if photo is not None:
        found |= {f"exif:{name}": photo.text(tag) for tag, name in _EXIF_PHOTO.items()}
        found["exif:UserComment"] = _user_comment(photo.raw(_USER_COMMENT) or b"", directory.layout.order)
    return found


def _user_comment(data: bytes, order: str) -> str:
    """A UserComment without its eight-byte character code. "UNICODE" is UTF-16 whose byte order nobody agreed on."""
    code, content = data[:8], data[8:]
    if code == b"UNICODE\0":
        big = content[:2] == b"\xfe\xff" or content[:512:2].count(0) > content[1:512:2].count(0)
        little = content[:2] == b"\xff\xfe" or content[1:512:2].count(0) > content[:512:2].count(0)
        endian = "be" if big else "le" if little else order[0] + "e"
        return content.decode(f"utf-16-{endian}", "replace").strip("\ufeff\0 ")
    return tiff.decoded(content.rstrip(b"\0"))


def _is_located(directory: tiff.Directory | None) -> bool:
    """Whether EXIF has coordinates: a GPS directory with a latitude (tag 2), since many cameras write an empty one."""
    place = directory.child(_GPS_DIRECTORY) if directory else None
    return place is not None and 2 in place.places
