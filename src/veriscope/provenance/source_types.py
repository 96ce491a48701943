"""What the IPTC digital source types mean for the question "made or edited with AI?".

The vocabulary: https://cv.iptc.org/newscodes/digitalsourcetype/ (terms of November 2025, retired ones included, since
older files carry them), with the C2PA addition `trainedAlgorithmicData`.
"""

from __future__ import annotations

import enum

from veriscope.domain import Tendency


class Origin(enum.StrEnum):
    """How a picture came to be, as somebody states it."""

    AI = "ai"  # a trained model made it, or a part of it
    SYNTHETIC = "synthetic"  # made by software without a trained model, or with synthetic elements
    EDITED = "edited"
    CAPTURED = "captured"
    OTHER = "other"  # screen shots, drawings, charts: neither captured nor synthetic


_TERMS = {
    "trainedalgorithmicmedia": Origin.AI,
    "compositewithtrainedalgorithmicmedia": Origin.AI,
    "trainedalgorithmicdata": Origin.AI,
    "algorithmicmedia": Origin.SYNTHETIC,
    "compositesynthetic": Origin.SYNTHETIC,
    "algorithmicallyenhanced": Origin.EDITED,
    "humanedits": Origin.EDITED,
    "minorhumanedits": Origin.EDITED,  # retired name of humanEdits
    "composite": Origin.EDITED,
    "compositecapture": Origin.EDITED,
    "digitalcapture": Origin.CAPTURED,
    "computationalcapture": Origin.CAPTURED,
    "negativefilm": Origin.CAPTURED,
    "positivefilm": Origin.CAPTURED,
    "print": Origin.CAPTURED,
    "screencapture": Origin.OTHER,
    "virtualrecording": Origin.OTHER,
    "digitalcreation": Origin.OTHER,
    "digitalart": Origin.OTHER,  # retired name of digitalCreation
    "softwareimage": Origin.OTHER,  # retired
    "datadrivenmedia": Origin.OTHER,
}

_BASES = ("cv.iptc.org/newscodes/digitalsourcetype/", "c2pa.org/digitalsourcetype/")

_CLAIMED = {
    Origin.AI: Tendency.SYNTHETIC_CLAIMED,
    Origin.SYNTHETIC: Tendency.SYNTHETIC_CLAIMED,
    Origin.CAPTURED: Tendency.CAPTURE_CLAIMED,
}
_SIGNED = {
    Origin.AI: Tendency.SYNTHETIC_SIGNED,
    Origin.SYNTHETIC: Tendency.SYNTHETIC_SIGNED,
    Origin.CAPTURED: Tendency.CAPTURE_SIGNED,
}


def term(value: str) -> str:
    """The bare term of a source type written as address (http or https) or as term: "trainedAlgorithmicMedia"."""
    bare = value.strip().rstrip("/").removeprefix("https://").removeprefix("http://")
    for base in _BASES:
        if bare.lower().startswith(base):
            return bare[len(base) :]
    return bare


def origin(value: str) -> Origin | None:
    """What a source type states; None for anything that is not a term of the vocabulary."""
    return _TERMS.get(term(value).lower())


def tendency(stated: Origin, *, signed: bool) -> Tendency:
    """Where a statement points. `signed`: a verified signature of a trusted signer vouches for it."""
    return (_SIGNED if signed else _CLAIMED).get(stated, Tendency.NEUTRAL)
