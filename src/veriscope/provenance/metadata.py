"""What EXIF, XMP, IPTC and containers of clips say. Unsigned: anyone can write it, and most messengers remove it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from veriscope.domain import Finding, Signal, SignalKind, Status, Tendency, Views
from veriscope.provenance import aigc_label, clip_tags, fields, source_types
from veriscope.provenance.clipping import clipped
from veriscope.provenance.fields import Fields
from veriscope.settings import Settings

_SOURCE_TYPE = "xmp:Iptc4xmpExt:DigitalSourceType"
_AI_SYSTEM, _AI_VERSION = "xmp:Iptc4xmpExt:AISystemUsed", "xmp:Iptc4xmpExt:AISystemVersionUsed"
_SOFTWARE = ("exif:Software", "xmp:xmp:CreatorTool", "xmp:tiff:Software", "iptc:OriginatingProgram", "png:Software")
_DATES = ("exif:DateTimeOriginal", "xmp:exif:DateTimeOriginal", "xmp:photoshop:DateCreated", "iptc:DateCreated")
_DATE = re.compile(r"(\d{4})[:-]?(\d{2})[:-]?(\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?))?")
_NOT_A_CAMERA = ("workflow:", "prompt:")  # ComfyUI keeps its graphs in Make and Model of WebP files


class Metadata:
    """Reports unsigned statements of a picture's metadata as claims, and never its coordinates, names or serial numbers."""

    id = "metadata"
    kind = SignalKind.PROVENANCE

    def __init__(self, settings: Settings) -> None:
        """Takes the settings as every analyser does, and needs none of them."""
        del settings

    def analyze(self, views: Views) -> Signal:
        """The claims found; one finding "metadata.none" when there are none, which is normal and neutral."""
        container = views.media.facts.format
        if not fields.readable(views.media.facts):
            reason = Finding("provenance.unsupported_format", {"format": clipped(container)})
            return Signal(self.id, self.kind, Status.SKIPPED, reason=reason)
        read = fields.read(views.media)
        found = (*aigc_label.findings(read.values), *clip_tags.findings(views.media.tags), *_findings(read))
        return Signal(self.id, self.kind, Status.OK, findings=found or (Finding("metadata.none"),))


def _findings(found: Fields) -> Iterator[Finding]:
    yield from _source_type(found)
    yield from _ai_system(found)
    yield from _camera(found)
    yield from _software(found)
    yield from _date(found)
    if found.has_location:
        yield Finding("metadata.has_location")
    for part in found.damaged:
        yield Finding(f"metadata.{part}_unreadable")


def _source_type(found: Fields) -> Iterator[Finding]:
    value = found.first(_SOURCE_TYPE)
    stated = source_types.origin(value)
    if stated is not None:
        params = {"type": clipped(source_types.term(value))}
        yield Finding(f"metadata.states_{stated}", params, source_types.tendency(stated, signed=False))


def _ai_system(found: Fields) -> Iterator[Finding]:
    """The properties for AI of the IPTC Photo Metadata Standard 2025.1."""
    system = " ".join(filter(None, (found.first(_AI_SYSTEM), found.first(_AI_VERSION))))
    if found.first(_AI_SYSTEM):
        yield Finding("metadata.ai_system", {"system": clipped(system)}, Tendency.SYNTHETIC_CLAIMED)


def _camera(found: Fields) -> Iterator[Finding]:
    make, model = found.first("exif:Make", "xmp:tiff:Make"), found.first("exif:Model", "xmp:tiff:Model")
    if (make or model) and not (make + "\0" + model).startswith(_NOT_A_CAMERA) and not model.startswith(_NOT_A_CAMERA):
        camera = model if model.lower().startswith(make.lower()) else f"{make} {model}"
        yield Finding("metadata.camera", {"camera": clipped(camera)}, Tendency.CAPTURE_CLAIMED)


def _software(found: Fields) -> Iterator[Finding]:
    seen: set[str] = set()
    for name in _SOFTWARE:
        software = clipped(found.first(name))
        if software and software not in seen:
            seen.add(software)
            yield Finding("metadata.software", {"software": software, "field": name})


def _date(found: Fields) -> Iterator[Finding]:
    match = _DATE.match(found.first(*_DATES))
    if match and match[1] != "0000":
        year, month, day, time = match.groups()
        yield Finding("metadata.date", {"date": f"{year}-{month}-{day}" + (f" {time}" if time else "")})
