"""The app in a process of its own, Chromium, and a server with pictures: all on this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import http.server
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from veriscope.app import examples

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
START_SECONDS = 180
PATIENCE = 120_000  # milliseconds: a shared machine is slow at times, and a test that waits for a sign loses nothing by it
expect.set_options(timeout=PATIENCE)


@pytest.fixture(autouse=True)
def open_sockets(socket_enabled: None) -> None:
    """Playwright talks to Chromium over sockets of this machine; what the page itself loads is checked by `visitor`."""


@dataclasses.dataclass(frozen=True)
class Served:
    """A running app: its address, the only folder it may write to, and what it printed."""

    address: str
    folder: Path
    log: Path
    process: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(folder: Path, **variables: str) -> Iterator[Served]:
    """The app, with home and temporary files in one empty folder, until the block is left."""
    port, log = free_port(), folder.with_name(f"{folder.name}.log")
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VERISCOPE_", "STREAMLIT_"))}
    environment = {**kept, "HOME": str(folder), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    script = Path(__file__).with_name("served_app.py")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(script), str(port)], cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield Served(f"http://127.0.0.1:{port}", folder, log, process.pid)
        finally:
            _end(process)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=10):
            return
        time.sleep(0.2)
    pytest.fail(f"the app did not start: {log.read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served") / "home") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=[*FLAGS])
        yield started
        started.close()


@pytest.fixture
def visitor(browser: Browser, served: Served) -> Iterator[Page]:
    """A visitor on the first page, whose browser may load nothing from anywhere else."""
    with visiting(browser, served, LAPTOP) as page:
        yield page


@pytest.fixture
def phone(browser: Browser, served: Served) -> Iterator[Page]:
    with visiting(browser, served, PHONE) as page:
        yield page


@contextlib.contextmanager
def visiting(browser: Browser, served: Served, size: dict[str, int], scheme: str = "light") -> Iterator[Page]:
    context = browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        locale="en-US",
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        accept_downloads=True,
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.address)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    strangers: list[str] = []
    page.on("request", functools.partial(_note_stranger, served.address, strangers))
    try:
        go(page, served)
        yield page
    finally:
        context.close()
    assert strangers == [], "the app loads nothing from elsewhere"


def _note_stranger(address: str, strangers: list[str], request: Request) -> None:
    own = address.removeprefix("http://")
    if not request.url.startswith((address, f"ws://{own}", "data:", "blob:")):
        strangers.append(request.url)


def go(page: Page, served: Served, path: str = "/") -> None:
    page.goto(served.address + path)
    page.wait_for_selector(".vs-foot")
    # Drawn is not yet ready: `adapt.js` sets the direction in the same breath in which it begins to listen for pasting.
    expect(page.locator("html")).to_have_attribute("dir", re.compile("ltr|rtl"))
    settled(page)


def settled(page: Page) -> None:
    """Waits until the page is drawn: until then elements of the last drawing stand beside new ones, and clicks get lost.

    Only a sign of the new drawing tells that it has begun, so whoever has just done something waits for such a sign first.
    """
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def still(page: Page) -> None:
    """Waits until nothing moves or fades any more: what is half transparent has too little contrast for anybody."""
    settled(page)
    page.wait_for_function("document.getAnimations().every((animation) => animation.playState !== 'running')")


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def pictures_online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server with the example pictures and a web page."""
    folder = tmp_path_factory.mktemp("online")
    for name in examples.NAMES:
        (folder / f"{name}.jpg").write_bytes(examples.data(name))
    (folder / "page.html").write_text("<!doctype html><title>No picture</title><p>Words only.")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Silent, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def moving() -> bytes:
    """Six seconds of the portrait, its face changed in the second half, as MP4."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 480
        stream.pix_fmt = "yuv420p"
        for number in range(60):
            with Image.open(io.BytesIO(examples.data("portrait" if number < 30 else "altered"))) as picture:
                moved = picture.convert("RGB").crop((number % 30, number % 25, 480 + number % 30, 480 + number % 25))
            container.mux(stream.encode(av.VideoFrame.from_image(moved)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
    return out.getvalue()


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for files that the visitor has."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
