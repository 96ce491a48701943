"""The desk of the app: one engine, an order, an end to the queue, nothing kept."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
from domain_made import photograph
from PIL import Image

from veriscope import Settings
from veriscope.app import examples
from veriscope.app.desk import PREVIEW_SIDE, Desk
from veriscope.domain import Failure, Report, SourceKind
from veriscope.errors import Busy, UnreadableSource, UnsafeUrl
from veriscope.i18n import catalogue


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(Settings(), workers=2)


@pytest.fixture
def held() -> Iterator[tuple[Desk, threading.Event]]:
    """A desk with one worker, which is busy until the event is set."""
    desk, event = Desk(Settings(), workers=1, most=3, most_bytes=1000), threading.Event()
    desk._pictures.pool.submit(event.wait, 200)
    yield desk, event
    event.set()


def test_a_picture_becomes_a_report_under_its_name(desk: Desk) -> None:
    checked = desk.hand_in("holiday/me.jpg", examples.data("altered")).future.result(200)
    assert isinstance(checked.result, Report)
    assert checked.result.media.source.name == "holiday/me.jpg"
    assert checked.result.media.source.kind is SourceKind.BYTES


@pytest.mark.parametrize("data", [b"", b"no picture", examples.data("portrait")[:3000]], ids=["empty", "text", "cut off"])
def test_what_is_no_picture_becomes_a_failure(desk: Desk, data: bytes) -> None:
    checked = desk.hand_in("notes.txt", data).future.result(200)
    assert isinstance(checked.result, Failure)
    assert checked.result.source.name == "notes.txt"
    assert checked.preview is None


def test_a_preview_is_small_upright_and_without_metadata(desk: Desk) -> None:
    photo = photograph("astronaut").resize((1600, 1200))
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "Camera"
    out = io.BytesIO()
    photo.save(out, "JPEG", exif=exif)
    preview = desk.hand_in("a.jpg", out.getvalue()).future.result(200).preview
    assert preview is not None
    with Image.open(io.BytesIO(preview)) as shown:
        assert shown.size == (PREVIEW_SIDE * 3 // 4, PREVIEW_SIDE)
        assert not shown.getexif()


def test_the_queue_tells_how_many_are_before(held: tuple[Desk, threading.Event]) -> None:
    desk, event = held
    tickets = [desk.hand_in(name, b"x") for name in "abc"]
    assert [ticket.ahead for ticket in tickets] == [0, 1, 2]
    event.set()
    for ticket in tickets:
        ticket.future.result(200)
    assert [ticket.ahead for ticket in tickets] == [0, 0, 0]


def test_a_full_queue_refuses_and_recovers(held: tuple[Desk, threading.Event]) -> None:
    desk, event = held
    tickets = [desk.hand_in(name, b"x") for name in "abc"]
    with pytest.raises(Busy, match="Try again"):
        desk.hand_in("d", b"x")
    event.set()
    for ticket in tickets:
        ticket.future.result(200)
    assert isinstance(desk.hand_in("e", b"x").future.result(200).result, Failure)


def test_a_queue_full_of_bytes_refuses_but_one_large_file_is_welcome(held: tuple[Desk, threading.Event]) -> None:
    desk, _ = held
    desk.hand_in("large", b"x" * 5000)
    with pytest.raises(Busy):
        desk.hand_in("small", b"x")


def test_a_dropped_file_is_not_examined(held: tuple[Desk, threading.Event]) -> None:
    desk, event = held
    ticket = desk.hand_in("a", b"x")
    ticket.drop()
    last = desk.hand_in("b", b"x")
    event.set()
    last.future.result(200)
    assert ticket.future.cancelled()


def test_a_defect_reaches_whoever_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(desk._engine, "analyze", broken)
    with pytest.raises(RuntimeError, match="broken"):
        desk.hand_in("a.jpg", examples.data("portrait")).future.result(200)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/a.jpg", "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://x.org/a"]
)
def test_private_addresses_are_not_fetched(desk: Desk, address: str) -> None:
    with pytest.raises(UnsafeUrl):
        desk.fetched(address)


def test_an_offline_desk_fetches_nothing() -> None:
    with pytest.raises(UnreadableSource, match="offline"):
        Desk(Settings(offline=True), workers=1).fetched("https://example.org/a.jpg")


def test_only_some_addresses_are_fetched_at_a_time(desk: Desk) -> None:
    taken = 0
    while desk._fetches.acquire(blocking=False):
        taken += 1
    with pytest.raises(Busy):
        desk.fetched("https://example.org/a.jpg")
    for _ in range(taken):
        desk._fetches.release()
    assert taken > 0


def test_models_are_opened_once_for_all(desk: Desk) -> None:
    for name in ("portrait", "rocket"):
        desk.hand_in(name, examples.data(name)).future.result(200)
    first = desk._engine._models
    desk.hand_in("again", examples.data("portrait")).future.result(200)
    assert desk._engine._models is first
    assert desk.settings.threads == 1


def test_a_report_is_drawn_once_for_a_language(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = desk.hand_in("a.jpg", examples.data("portrait")).future.result(200)
    assert isinstance(checked.result, Report)
    first = checked.pieces(checked.result, catalogue("en"))
    assert catalogue("en").text("section.not_checked") in first["gaps"]
    monkeypatch.setattr("veriscope.app.desk.as_html.pieces", lambda *_: {"gaps": "anew"})
    assert checked.pieces(checked.result, catalogue("en")) is first
    assert checked.pieces(checked.result, catalogue("de")) == {"gaps": "anew"}
