"""Photographs the app for the README: phone, laptop and wide, light and dark, from left to right and back.

    python scripts/screenshots.py [FOLDER]        (or: make screenshots)

It starts the app, opens it in Chromium, checks the examples that the package carries, and writes docs/images/app-*.png.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "images"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)
DRAWN = '[data-test-script-state="notRunning"]'
PATIENCE = 120_000  # milliseconds
TOP = "document.querySelector('[data-testid=stMain]').scrollTo(0, 0)"


@dataclasses.dataclass(frozen=True)
class Shot:
    """One photograph: what is checked first, where, and how large the window is."""

    name: str
    width: int
    height: int
    scheme: str = "light"
    path: str = "/"
    examples: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


SHOTS = (
    Shot("start-laptop", 1280, 800),
    Shot("start-phone", 390, 844),
    Shot("answer-phone", 390, 844, examples=("altered",)),
    Shot("answer-phone-dark", 390, 844, "dark", examples=("altered",)),
    Shot("answer-laptop", 1280, 1000, examples=("altered",)),
    Shot("answer-wide-dark", 1920, 1080, "dark", examples=("altered",)),
    Shot("answer-laptop-ar", 1280, 1000, path="/?lang=ar", examples=("altered",)),
    Shot("compare-laptop", 1280, 800, examples=("altered", "declared", "rocket", "portrait")),
    Shot("law-phone", 390, 844, path="/law", countries=("Germany",)),
    Shot("learn-laptop", 1280, 1000, path="/learn"),
)


def main(folder: Path) -> int:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium")
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS])
        for shot in SHOTS:
            path = folder / f"app-{shot.name}.png"
            taken(browser, address, shot, path)
            shrunk(path)
            print(path.name, path.stat().st_size // 1000, "kB")
        browser.close()
    return 0


def taken(browser: Browser, address: str, shot: Shot, path: Path) -> None:
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
        locale="en-US",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address + shot.path)
    page.wait_for_selector(".vs-foot")
    page.wait_for_selector(DRAWN)
    for number, name in enumerate(shot.examples, 1):
        page.locator(f".st-key-example-{name} button").click()
        page.get_by_text(f"{name}.jpg").first.wait_for()
        page.wait_for_selector(DRAWN)
        if number > 1:
            page.locator(f".vs-table tbody tr:nth-child({number})").wait_for()
    for country in shot.countries:
        choose(page, country)
    page.wait_for_selector(DRAWN)
    page.wait_for_timeout(1500)  # pictures are decoded and fonts are there: nothing on the page says so
    page.evaluate(TOP)
    page.wait_for_timeout(500)
    page.screenshot(path=path)
    context.close()


def choose(page: Page, country: str) -> None:
    box = page.get_by_role("combobox", name="Countries")
    box.fill(country)
    page.get_by_role("option", name=country, exact=True).click()
    page.keyboard.press("Escape")
    page.locator(".vs-badge").first.wait_for()


def shrunk(path: Path) -> None:
    """A palette is enough for flat colours, and makes the file a third."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(192, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


@contextlib.contextmanager
def served() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VERISCOPE_")}
    process = subprocess.Popen([sys.executable, "-m", "veriscope.app", "--port", str(port)], env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                break
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
