"""IPTC-IIM records: the older form of press metadata, kept in Photoshop resources of a JPEG or in TIFF tag 33723.

References: IPTC Information Interchange Model 4.2; Adobe Photoshop file formats, "Image Resource Blocks".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from veriscope.provenance.tiff import decoded

MAX_RECORDS = 1_000

_NAMES = {(2, 55): "DateCreated", (2, 65): "OriginatingProgram", (2, 110): "Credit", (2, 115): "Source", (2, 120): "Caption"}
_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC_RESOURCE = 0x0404


def from_app13(parts: list[bytes]) -> bytes:
    """The IIM block of a JPEG's APP13 segments; empty when there is none."""
    block = b"".join(part.removeprefix(_PHOTOSHOP) for part in parts if part.startswith(_PHOTOSHOP))
    return b"".join(content for number, content in _resources(block) if number == _IPTC_RESOURCE)


def _resources(block: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    for _ in range(MAX_RECORDS):
        if block[position : position + 4] != b"8BIM" or position + 7 > len(block):
            return
        name = 1 + block[position + 6]
        start = position + 6 + name + name % 2 + 4
        end = start + int.from_bytes(block[start - 4 : start])
        if end > len(block):
            return
        yield int.from_bytes(block[position + 4 : position + 6]), block[start:end]
        position = end + (end - start) % 2


def records(block: bytes) -> Mapping[str, str]:
    """The records that matter here, by name. The first of a repeated record counts."""
    found: dict[str, str] = {}
    position = 0
    for _ in range(MAX_RECORDS):
        head = block[position : position + 5]
        if len(head) < 5 or head[0] != 0x1C or head[3] & 0x80:  # extended sizes never carry these short records
            break
        end = position + 5 + int.from_bytes(head[3:5])
        name = _NAMES.get((head[1], head[2]))
        if name and end <= len(block):
            found.setdefault(name, decoded(block[position + 5 : end]))
        position = end
    return found
