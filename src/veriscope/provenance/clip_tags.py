"""What the container of a clip says about itself: named fields only, and none of them signed.

Who writes such fields: FFmpeg ("Lavf…", "Lavc…"), phones (make and model), editors (handler names, software).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from veriscope.domain import Finding, Tendency
from veriscope.provenance.clipping import clipped

_MAKES = ("container:com.apple.quicktime.make", "container:com.android.manufacturer", "container:make")
_MODELS = ("container:com.apple.quicktime.model", "container:com.android.model", "container:model")
_SOFTWARE = (
    "container:com.apple.quicktime.software",
    "container:software",
    "container:encoder",
    "container:encoded_by",
    "video:encoder",
)
_DATES = ("container:com.apple.quicktime.creationdate", "container:creation_time", "video:creation_time", "container:date")
_PLACES = ("container:com.apple.quicktime.location.iso6709", "container:location", "container:location-eng")
_USUAL_HANDLERS = frozenset({"videohandler", "soundhandler", "video", "sound", "core media video", "core media audio", ""})


def findings(tags: Mapping[str, str]) -> Iterator[Finding]:
    """The claims of a container, most telling first."""
    camera = " ".join(filter(None, (_first(tags, _MAKES), _first(tags, _MODELS))))
    if camera:
        yield Finding("metadata.camera", {"camera": clipped(camera)}, Tendency.CAPTURE_CLAIMED)
    seen: set[str] = set()
    for name in _SOFTWARE:
        software = clipped(tags.get(name, ""))
        if software and software not in seen:
            seen.add(software)
            yield Finding("metadata.software", {"software": software, "field": name})
    for name in ("video:handler_name", "audio:handler_name"):
        handler = clipped(tags.get(name, "").strip("\x00 \x1f"))
        if handler.lower() not in _USUAL_HANDLERS:
            yield Finding("metadata.handler", {"handler": handler, "field": name})
    date = clipped(_first(tags, _DATES))
    if date and not date.startswith(("1904", "1970")):  # the zero of the clocks of MP4 and Unix
        yield Finding("metadata.date", {"date": date[:19].replace("T", " ")})
    if _first(tags, _PLACES):
        yield Finding("metadata.has_location")


def _first(tags: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((tags[name] for name in names if tags.get(name)), "")
