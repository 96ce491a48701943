"""Path, address, bytes and stream end in the same Media; everything else ends in a message that helps."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from veriscope.domain import Finding, Media, SourceKind
from veriscope.errors import InputError, TooLarge, UnreadableSource, UnsupportedMedia
from veriscope.ingest import open_media
from veriscope.ingest.url import preview_picture
from veriscope.runtime.net import Fetched
from veriscope.settings import Limits, Settings

SETTINGS = Settings()
ADDRESS = "https://pictures.example/a/photo.png?size=large"


def picture(kind: str = "PNG") -> bytes:
    packed = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(packed, kind)
    return packed.getvalue()


@dataclasses.dataclass
class Answers:
    """Stands for the network: whatever is asked, it answers with the same bytes."""

    data: bytes
    asked: list[str] = dataclasses.field(default_factory=list)

    def fetch(self, url: str) -> Fetched:
        self.asked.append(url)
        return Fetched("https://www.pictures.example/a/", "text/whatever", self.data)


class Drip(io.RawIOBase):
    """A stream that yields seven bytes at a time and cannot seek, like a socket."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 7))


def test_every_entrance_gives_the_same_media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = picture()
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    with path.open("rb") as stream:
        found: list[Media] = [
            open_media(path, SETTINGS),
            open_media(str(path), SETTINGS),
            open_media(data, SETTINGS),
            open_media(stream, SETTINGS),
            open_media(Drip(data), SETTINGS),  # type: ignore[arg-type]
            open_media("-", SETTINGS),
            open_media(ADDRESS, SETTINGS, Answers(data)),
        ]
    assert [(media.facts.source.kind, media.facts.source.name) for media in found] == [
        (SourceKind.FILE, str(path)),
        (SourceKind.FILE, str(path)),
        (SourceKind.BYTES, "bytes"),
        (SourceKind.STREAM, "stream"),
        (SourceKind.STREAM, "stream"),
        (SourceKind.STREAM, "-"),
        (SourceKind.URL, ADDRESS),
    ]
    source = found[0].facts.source
    assert {dataclasses.replace(media.facts, source=source) for media in found} == {found[0].facts}
    assert {media.frames[0].image.tobytes() for media in found} == {found[0].frames[0].image.tobytes()}
    assert found[0].data == data
    assert found[0].facts.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("name", "kind", "noted"),
    [
        ("photo.jpg", "PNG", True),
        ("photo.PNG", "JPEG", True),
        ("photo.heic", "AVIF", True),
        ("photo.JPG", "JPEG", False),
        ("photo.jfif", "JPEG", False),
        ("photo", "JPEG", False),
        ("photo.tmp", "JPEG", False),
    ],
)
def test_the_content_decides_and_a_name_that_disagrees_is_noted(tmp_path: Path, name: str, kind: str, noted: bool) -> None:
    path = tmp_path / name
    path.write_bytes(picture(kind))
    media = open_media(path, SETTINGS)
    assert media.facts.format == kind
    wanted = Finding("media.extension_differs", {"extension": path.suffix.lower(), "format": kind})
    assert media.facts.notes == ((wanted,) if noted else ())


def test_the_name_in_an_address_is_compared_too() -> None:
    media = open_media(ADDRESS, SETTINGS, Answers(picture("JPEG")))
    assert [note.code for note in media.facts.notes] == ["media.extension_differs"]


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    link = tmp_path / "zero.jpg"
    link.symlink_to("/dev/zero")
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    table = [
        (tmp_path / "missing.jpg", "no file"),
        (tmp_path, "is a folder"),
        (empty, "empty"),
        (pipe, "device or pipe"),
        (link, "device or pipe"),
        (loop, "cannot be read"),
        ("a\0b.jpg", "no file can have"),
        ("", "no file"),
        (b"", "empty"),
        (io.BytesIO(), "empty"),
        (io.StringIO("text"), "binary mode"),
    ]
    for source, words in table:
        with pytest.raises(UnreadableSource) as caught:
            open_media(source, SETTINGS)  # type: ignore[arg-type]
        assert words in str(caught.value), source


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_protected_file_is_said_to_be_protected(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(picture())
    path.chmod(0)
    with pytest.raises(UnreadableSource, match="permissions"):
        open_media(path, SETTINGS)


def test_a_permission_error_is_translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableSource, match="permissions"):
        open_media(tmp_path / "secret.png", SETTINGS)


def test_a_name_that_is_not_utf8_can_be_stored_in_a_report(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    try:
        path.write_bytes(picture())
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    name = open_media(path, SETTINGS).facts.source.name
    assert name.encode("utf-8").endswith(b"caf?.png")


@pytest.mark.parametrize("how", ["path", "bytes", "stream"])
def test_reading_stops_at_the_limit(tmp_path: Path, how: str) -> None:
    data = picture()
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    stream = io.BytesIO(data + bytes(10_000_000))
    source = {"path": path, "bytes": data, "stream": stream}[how]
    with pytest.raises(TooLarge, match="MiB"):
        open_media(source, Settings(limits=Limits(max_bytes=len(data) - 1)))  # type: ignore[arg-type]
    assert stream.tell() in (0, len(data))


def test_nothing_is_fetched_offline() -> None:
    answers = Answers(picture())
    with pytest.raises(UnreadableSource, match="offline"):
        open_media(ADDRESS, Settings(offline=True), answers)
    assert answers.asked == []


def test_without_a_fetcher_private_addresses_are_refused() -> None:
    with pytest.raises(InputError, match="private or reserved"):
        open_media("http://127.0.0.1:9/photo.png", SETTINGS)


PAGE = b"""<!-- saved --><!DOCTYPE html>
<html><head><meta charset=utf-8><meta property="og:image" content="/media/photo.jpg?w=1&amp;h=2"></head>"""


def test_a_page_behind_an_address_offers_its_picture() -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        open_media(ADDRESS, SETTINGS, Answers(PAGE))
    assert "web page" in str(caught.value)
    assert "https://www.pictures.example/media/photo.jpg?w=1&h=2" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("https://a.example/b.png", "https://a.example/b.png"),
        ("b.png", "https://pages.example/x/b.png"),
        ("javascript:alert(1)", None),
        ("data:image/png;base64,AAAA", None),
        ("file:///etc/passwd", None),
        ("http://[broken", None),
        ("https://a.example/\x1b[31mred", None),
        ("https://a.example/" + "x" * 3000, None),
        ("", None),
    ],
)
def test_only_plain_web_addresses_are_offered(content: str, wanted: str | None) -> None:
    page = f'<html><meta name="twitter:image" content="{content}">'.encode()
    assert preview_picture(page, "https://pages.example/x/y") == wanted


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(PAGE, "web page", id="html"),
        pytest.param(b"\xef\xbb\xbf  <HTML>", "web page", id="html-bom"),
        pytest.param(b"<?xml version='1.0'?><!DOCTYPE svg PUBLIC 'x'><svg/>", "SVG", id="svg"),
        pytest.param(b"<!-- made by hand --> <svg xmlns='x'>", "SVG", id="svg-comment"),
        pytest.param(b"%PDF-1.7\n", "PDF", id="pdf"),
        pytest.param(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "The video is damaged", id="mp4"),
        pytest.param(b"\0\0\0\x14ftypqt  \0\0\2\0qt  ", "The video is damaged", id="mov"),
        pytest.param(b"\x1aE\xdf\xa3" + bytes(20), "The video is damaged", id="webm"),
        pytest.param(b"RIFF\0\0\0\0AVI LIST", "video", id="avi"),
        pytest.param(b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", id="jxl"),
        pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", id="jp2"),
        pytest.param(b"8BPS\0\1", "Photoshop", id="psd"),
        pytest.param(b"II*\0\x10\0\0\0CR\2\0", "camera raw", id="cr2"),
        pytest.param(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "camera raw", id="cr3"),
        pytest.param(b"PK\3\4\x14\0", "ZIP", id="zip"),
        pytest.param(bytes(5000), "nothing but zeros", id="zeros"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", id="lfs"),
        pytest.param(b"just some words\n", "neither a picture nor a video", id="text"),
        pytest.param(b"\xff\xd8\xff", "damaged", id="three-bytes"),
    ],
)
def test_what_is_not_a_picture_is_called_by_its_name(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        open_media(data, SETTINGS)
    assert words in str(caught.value)


def test_a_polyglot_is_what_it_begins_as() -> None:
    media = open_media(picture("GIF") + b"<html><script>alert(1)</script>", SETTINGS)
    assert media.facts.format == "GIF"


@pytest.mark.parametrize(
    ("dtype", "options", "words"),
    [
        ("float32", {}, "32-bit numbers"),
        ("int32", {}, "32-bit numbers"),
        ("uint32", {}, "32-bit numbers"),
        ("uint8", {"extratags": [(50706, 1, 4, b"\1\4\0\0", True)]}, "camera raw"),
        ("uint8", {"subfiletype": 1}, "camera raw"),
    ],
    ids=["float", "signed", "unsigned", "dng", "preview-first"],
)
def test_tiffs_that_are_no_ordinary_pictures_are_refused(dtype: str, options: dict[str, Any], words: str) -> None:
    packed = io.BytesIO()
    tifffile.imwrite(packed, np.ones((32, 32), dtype), **options)
    with pytest.raises(UnsupportedMedia, match=words):
        open_media(packed.getvalue(), SETTINGS)
