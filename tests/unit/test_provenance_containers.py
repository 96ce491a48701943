"""Container walkers and field readers: exact on good files, quiet on bad ones."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from provenance_pictures import XMP_APP1, exif, jpeg_with, picture, png_with, views, webp_with, xmp

from veriscope.provenance import containers, fields, iim, tiff
from veriscope.provenance import xmp as xmp_reader
from veriscope.provenance.clipping import clipped

TEXTS = png_with(
    (b"tEXt", b"plain\0latin \xe9"),
    (b"zTXt", b"packed\0\0" + zlib.compress(b"deflated")),
    (b"iTXt", b"world\0\0\0en\0w\0\xe2\x82\xac"),
    (b"iTXt", b"both\0\1\0\0\0" + zlib.compress("ü".encode())),
)


def names(data: bytes, container: str) -> list[str]:
    return [part.name for part in containers.segments(data, container)]


def test_jpeg_parts_are_named_and_end_at_the_pixels() -> None:
    found = list(containers.segments(jpeg_with((0xE1, b"one"), (0xFE, b"two"), (0xED, b"three")), "JPEG"))
    assert [(part.name, part.data) for part in found[:3]] == [("APP1", b"one"), ("COM", b"two"), ("APP13", b"three")]
    assert found[3].name == "APP0"
    assert b"\xff\xda" in picture("JPEG")
    assert "DA" not in [part.name for part in found]


def test_png_and_webp_parts_leave_the_pixels_out() -> None:
    assert names(png_with((b"tEXt", b"a\0b")), "PNG") == ["IHDR", "tEXt", "IEND"]
    assert names(webp_with((b"XMP ", b"odd"), (b"EXIF", b"even")), "WEBP") == ["XMP ", "EXIF"]


def test_png_texts_are_decoded_by_kind() -> None:
    found = containers.png_texts(containers.segments(TEXTS, "PNG"))
    assert [(text.keyword, text.value) for text in found] == [
        ("plain", "latin é"),
        ("packed", "deflated"),
        ("world", "€"),
        ("both", "ü"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\0" + zlib.compress(b"A" * (containers.MAX_TEXT + 1)), id="bomb"),
        pytest.param(b"\0" + zlib.compress(b"A" * 100)[:-8], id="truncated"),
        pytest.param(b"\0garbage", id="not deflate"),
        pytest.param(b"\1" + zlib.compress(b"A"), id="unknown method"),
    ],
)
def test_text_that_cannot_be_unpacked_has_no_value(content: bytes) -> None:
    parts = containers.segments(png_with((b"zTXt", b"parameters\0" + content)), "PNG")
    assert containers.png_texts(parts) == (containers.Text("parameters", None),)


def test_bomb_is_not_unpacked_in_memory() -> None:
    data = png_with((b"zTXt", b"a\0\0" + zlib.compress(b"A" * 64 * 1024 * 1024)))
    tracemalloc.start()
    containers.png_texts(containers.segments(data, "PNG"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * containers.MAX_TEXT


def test_texts_are_bounded_together() -> None:
    bomb = (b"zTXt", b"a\0\0" + zlib.compress(b"A" * containers.MAX_TEXT))
    found = containers.png_texts(containers.segments(png_with(*[bomb] * 20), "PNG"))
    assert sum(len(text.value or "") for text in found) <= containers.MAX_TEXT_TOTAL + containers.MAX_TEXT
    many = containers.png_texts(containers.segments(png_with(*[(b"tEXt", b"a\0b")] * 500), "PNG"))
    assert len(many) == containers.MAX_TEXTS


@pytest.mark.parametrize(
    ("container", "data"),
    [("JPEG", jpeg_with((0xE1, b"x" * 50))), ("PNG", TEXTS), ("WEBP", webp_with((b"XMP ", b"x" * 50)))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_truncated_file_yields_the_parts_before_the_cut(container: str, data: bytes) -> None:
    whole = list(containers.segments(data, container))
    for cut in range(0, len(data), 7):
        parts = list(containers.segments(data[:cut], container))
        assert parts == whole[: len(parts)]


def test_endless_fill_bytes_end() -> None:
    start = time.perf_counter()
    assert names(b"\xff\xd8" + b"\xff" * 20_000_000, "JPEG") == []
    assert time.perf_counter() - start < 2


@hypothesis.given(st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\0\0\0WEBP", b""]), st.binary(max_size=200))
def test_no_bytes_break_the_walkers(head: bytes, tail: bytes) -> None:
    for container in ("JPEG", "PNG", "WEBP", "GIF"):
        containers.png_texts(containers.segments(head + tail, container))


@hypothesis.given(
    st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"]), st.binary(max_size=200)
)
def test_no_bytes_break_the_field_readers(head: bytes, tail: bytes) -> None:
    directory = tiff.read(head + tail)
    for tag in directory.places if directory else ():
        assert directory is not None
        directory.text(tag)
        directory.child(tag)
    iim.records(tail)
    iim.from_app13([b"Photoshop 3.0\0" + tail, b"Photoshop 3.0\x008BIM" + tail])
    xmp_reader.properties(tail)
    for container in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"):
        fields.read(views(head + tail, container, head + tail).media)


def test_exif_values_are_those_that_were_written() -> None:
    block = exif({271: "Maker", 272: "Model 1"}, {36867: "2024:05:06 07:08:09"}, {2: (1.0, 2.0, 3.0)})
    found = fields.read(views(jpeg_with(), "JPEG", block).media)
    assert found.values["exif:Make"] == "Maker"
    assert found.values["exif:Model"] == "Model 1"
    assert found.values["exif:DateTimeOriginal"] == "2024:05:06 07:08:09"
    assert found.has_location


def test_big_tiff_is_read() -> None:
    entry = struct.pack("<HHQ", 271, 2, 6) + b"Maker\0\0\0"
    block = b"II" + struct.pack("<HHHQ", 43, 8, 0, 16) + struct.pack("<Q", 1) + entry
    assert fields.read(views(block, "TIFF").media).values == {"exif:Make": "Maker"}


@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le", "utf-16"])
def test_user_comment_is_decoded_in_either_byte_order(order: str) -> None:
    block = exif({}, {37510: b"UNICODE\0" + "Steps: 20".encode(order)})
    assert fields.read(views(jpeg_with(), "JPEG", block).media).values == {"exif:UserComment": "Steps: 20"}


def iptc_app13(**values: str) -> bytes:
    numbers = {"Credit": 110, "DateCreated": 55}
    block = b"".join(
        b"\x1c\x02" + bytes([numbers[name]]) + struct.pack(">H", len(text)) + text.encode() for name, text in values.items()
    )
    other = b"8BIM\x04\x25\x00\x00" + struct.pack(">I", 3) + b"abc\0"
    return b"Photoshop 3.0\0" + other + b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(block)) + block


def test_iptc_records_are_read_from_photoshop_resources() -> None:
    data = jpeg_with((0xED, iptc_app13(Credit="An agency", DateCreated="20240506")))
    assert fields.read(views(data, "JPEG").media).values == {"iptc:Credit": "An agency", "iptc:DateCreated": "20240506"}


PACKET = xmp(
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">words</rdf:li></rdf:Alt></dc:description>'
    '<ext:DigitalSourceType rdf:resource="http://example.org/type"/>',
    'xmp:CreatorTool="A tool"',
)
PROPERTIES = {
    "xmp:dc:description": "words",
    "xmp:Iptc4xmpExt:DigitalSourceType": "http://example.org/type",
    "xmp:xmp:CreatorTool": "A tool",
}


def _heif(container: str) -> bytes:
    import io

    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, container, xmp=PACKET)
    return buffer.getvalue()


def _tiff() -> bytes:
    import io

    from PIL import Image, TiffImagePlugin

    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[700] = PACKET
    tags.tagtype[700] = 1
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "TIFF", tiffinfo=tags)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("container", "data"),
    [
        pytest.param("JPEG", jpeg_with((0xE1, XMP_APP1 + PACKET)), id="JPEG"),
        pytest.param("PNG", png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET)), id="PNG"),
        pytest.param("WEBP", webp_with((b"XMP ", PACKET)), id="WEBP"),
        pytest.param("TIFF", _tiff(), id="TIFF"),
        pytest.param("HEIF", _heif("HEIF"), id="HEIF"),
        pytest.param("AVIF", _heif("AVIF"), id="AVIF"),
    ],
)
def test_xmp_is_read_from_its_place_in_each_container(container: str, data: bytes) -> None:
    found = fields.read(views(data, container).media)
    assert {name: value for name, value in found.values.items() if name.startswith("xmp:")} == PROPERTIES
    assert found.damaged == ()


BOMB = b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;&b;">]>' + xmp("<dc:format>&c;</dc:format>")


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(BOMB, id="entities"),
        pytest.param(b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">' + xmp(""), id="document type"),
        pytest.param(PACKET[:-40], id="truncated"),
        pytest.param(b"\xff\xfe", id="garbage"),
        pytest.param(b"<?xml version='1.0' encoding='klingon'?><a/>", id="unknown encoding"),
        pytest.param(xmp("x" * xmp_reader.MAX_PACKET), id="too large"),
    ],
)
def test_unreadable_xmp_is_reported(packet: bytes) -> None:
    assert fields.read(views(webp_with((b"XMP ", packet)), "WEBP").media).damaged == ("xmp",)


def test_packet_in_a_comment_or_in_trailing_bytes_is_not_metadata() -> None:
    for data in (jpeg_with((0xFE, XMP_APP1 + PACKET)), picture("JPEG") + XMP_APP1 + PACKET):
        assert fields.read(views(data, "JPEG").media).values == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("a\x1b[31mb\x00\x07", "a[31mb", id="escape sequence"),
        pytest.param("safe\u202egnp.exe", "safegnp.exe", id="direction override"),
        pytest.param(" two\n\tlines ", "two lines", id="white space"),
        pytest.param("\ud800x", "x", id="surrogate"),
        pytest.param("y" * 500, "y" * 119 + "…", id="long"),
    ],
)
def test_shown_text_is_one_short_line(text: str, expected: str) -> None:
    assert clipped(text) == expected


def test_values_cannot_be_changed() -> None:
    found: Any = fields.read(views(TEXTS, "PNG").media)
    with pytest.raises(TypeError):
        found.values["png:plain"] = "changed"
