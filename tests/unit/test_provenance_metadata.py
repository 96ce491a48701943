"""Unsigned metadata: claims, never proof, and nothing personal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provenance_pictures import IPTC, XMP_APP1, codes, exif, jpeg_with, params, picture, views, xmp

from veriscope.domain import Signal, Status, Tendency, plain
from veriscope.provenance import source_types
from veriscope.provenance.metadata import Metadata
from veriscope.provenance.source_types import Origin
from veriscope.settings import Settings


def read(data: bytes, block: bytes = b"", container: str = "JPEG") -> Signal:
    return Metadata(Settings()).analyze(views(data, container, block))


def read_xmp(inner: str = "", attributes: str = "") -> Signal:
    return read(jpeg_with((0xE1, XMP_APP1 + xmp(inner, attributes))))


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_no_metadata_is_neutral(container: str) -> None:
    assert codes(read(picture(container), container=container)) == {"metadata.none": Tendency.NEUTRAL}


def test_format_without_metadata_is_skipped() -> None:
    signal = read(picture("BMP"), container="BMP")
    assert signal.status is Status.SKIPPED
    assert signal.reason is not None
    assert signal.reason.params == {"format": "BMP"}


CAMERA = exif(
    {271: "Canon", 272: "Canon EOS R5", 305: "Adobe Photoshop 25.0", 315: "Erika Mustermann"},
    {36867: "2024:05:06 07:08:09", 42033: "SN12345678", 42032: "Erika Mustermann"},
    {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)},
)


def test_camera_tag_is_an_unsigned_claim() -> None:
    signal = read(picture("JPEG"), CAMERA)
    assert codes(signal)["metadata.camera"] is Tendency.CAPTURE_CLAIMED
    assert params(signal, "metadata.camera") == {"camera": "Canon EOS R5"}
    assert params(signal, "metadata.software") == {"software": "Adobe Photoshop 25.0", "field": "exif:Software"}
    assert params(signal, "metadata.date") == {"date": "2024-05-06 07:08:09"}


def test_coordinates_names_and_serial_numbers_are_not_shown() -> None:
    signal = read(picture("JPEG"), CAMERA)
    text = json.dumps(plain(signal))
    assert codes(signal)["metadata.has_location"] is Tendency.NEUTRAL
    assert not [word for word in ("Mustermann", "SN12345678", "52", "31.0", "13.") if word in text]


def test_the_chinese_label_is_read_from_xmp() -> None:
    signal = read_xmp('<TC260:AIGC>{"Label":"1","ContentProducer":"x","ProduceID":"y"}</TC260:AIGC>')
    assert codes(signal)["metadata.aigc_label"] is Tendency.SYNTHETIC_CLAIMED
    assert params(signal, "metadata.aigc_label") == {"field": "xmp:TC260:AIGC"}


def test_empty_gps_directory_is_no_location() -> None:
    assert "metadata.has_location" not in codes(read(picture("JPEG"), exif({271: "A"}, gps={0: b"\2\3\0\0"})))


@pytest.mark.parametrize(
    ("value", "code", "tendency"),
    [
        (IPTC + "trainedAlgorithmicMedia", "metadata.states_ai", Tendency.SYNTHETIC_CLAIMED),
        (
            IPTC.replace("http:", "https:") + "compositeWithTrainedAlgorithmicMedia",
            "metadata.states_ai",
            Tendency.SYNTHETIC_CLAIMED,
        ),
        (IPTC + "algorithmicMedia", "metadata.states_synthetic", Tendency.SYNTHETIC_CLAIMED),
        (IPTC + "minorHumanEdits", "metadata.states_edited", Tendency.NEUTRAL),
        (IPTC + "digitalCapture", "metadata.states_captured", Tendency.CAPTURE_CLAIMED),
        (IPTC + "screenCapture", "metadata.states_other", Tendency.NEUTRAL),
        ("trainedAlgorithmicMedia", "metadata.states_ai", Tendency.SYNTHETIC_CLAIMED),
        ("no trainedAlgorithmicMedia here", "metadata.none", Tendency.NEUTRAL),
        ("http://example.org/trainedAlgorithmicMedia", "metadata.none", Tendency.NEUTRAL),
    ],
)
def test_source_type_is_an_unsigned_statement(value: str, code: str, tendency: Tendency) -> None:
    for signal in (
        read_xmp(attributes=f'ext:DigitalSourceType="{value}"'),
        read_xmp(f"<ext:DigitalSourceType>{value}</ext:DigitalSourceType>"),
    ):
        assert codes(signal) == {code: tendency}


def test_ai_system_of_the_iptc_standard_is_a_claim() -> None:
    signal = read_xmp(attributes='ext:AISystemUsed="Some Model" ext:AISystemVersionUsed="3"')
    assert codes(signal) == {"metadata.ai_system": Tendency.SYNTHETIC_CLAIMED}
    assert params(signal, "metadata.ai_system") == {"system": "Some Model 3"}


def test_caption_about_ai_is_no_statement() -> None:
    caption = "<dc:description><rdf:Alt><rdf:li>trainedAlgorithmicMedia, made with AI</rdf:li></rdf:Alt></dc:description>"
    assert codes(read_xmp(caption)) == {"metadata.none": Tendency.NEUTRAL}


@pytest.mark.parametrize(
    ("data", "block", "code"),
    [
        pytest.param(jpeg_with((0xE1, XMP_APP1 + b"<x")), b"", "metadata.xmp_unreadable", id="xmp"),
        pytest.param(picture("JPEG"), b"Exif\0\0no tiff", "metadata.exif_unreadable", id="exif"),
    ],
)
def test_damaged_metadata_is_not_called_absent(data: bytes, block: bytes, code: str) -> None:
    assert codes(read(data, block)) == {code: Tendency.NEUTRAL}


@pytest.mark.parametrize("date", ["0000:00:00 00:00:00", "yesterday", ""])
def test_placeholder_dates_are_not_dates(date: str) -> None:
    assert "metadata.date" not in codes(read(picture("JPEG"), exif({271: "A"}, {36867: date})))


def test_graph_in_the_camera_field_is_no_camera() -> None:
    assert "metadata.camera" not in codes(read(picture("WEBP"), exif({271: "workflow:{}", 272: "prompt:{}"}), "WEBP"))


def test_hostile_tags_are_clipped() -> None:
    shown: Any = params(read(picture("JPEG"), exif({305: "<script>\x1b]0;x\x07" + "A" * 9_000})), "metadata.software")[
        "software"
    ]
    assert len(shown) == 120
    assert shown.startswith("<script>]0;xAAA")


def test_every_term_of_the_vocabulary_has_an_origin() -> None:
    terms = {
        Origin.AI: ["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"],
        Origin.SYNTHETIC: ["algorithmicMedia", "compositeSynthetic"],
        Origin.EDITED: ["algorithmicallyEnhanced", "humanEdits", "minorHumanEdits", "composite", "compositeCapture"],
        Origin.CAPTURED: ["digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print"],
        Origin.OTHER: ["screenCapture", "virtualRecording", "digitalCreation", "dataDrivenMedia"],
    }
    found = {origin: [source_types.origin(IPTC + term + "/") for term in names] for origin, names in terms.items()}
    assert found == {origin: [origin] * len(names) for origin, names in terms.items()}
