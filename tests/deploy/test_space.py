"""The Space and the container as a visitor meets them: built and started exactly as their files say, in clean environments."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright
from replay import Image, may_become_another_user, replay

from veriscope.domain import Grade
from veriscope.i18n import catalogue

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "src" / "veriscope" / "app" / "examples" / "portrait.jpg"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WORDS = catalogue("en")

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def space(folder: Path) -> Image:
    """The Space, put together by the command that the workflow uses and built from its own files alone."""
    subprocess.run([sys.executable, ROOT / "scripts" / "build_space.py", folder / "files"], check=True)
    return replay(folder / "files" / "Dockerfile", folder / "files", folder / "space")


@pytest.fixture(scope="module")
def container(folder: Path) -> Image:
    return replay(ROOT / "deploy" / "Dockerfile", ROOT, folder / "container")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the user as whom an image runs may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Iterator[Image]:
    """An image whose command runs until the test is over."""
    image: Image = request.getfixturevalue(request.param)
    process = image.start(image.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until_healthy(image, process)
        yield image
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_until_healthy(image: Image, process: subprocess.Popen[str]) -> None:
    """Asks the image's own check of health until it agrees."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()[0]
        if image.start(image.health, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(timeout=30) == 0:
            return
        time.sleep(1)
    process.kill()
    pytest.fail(f"not healthy after two minutes:\n{process.communicate()[0]}")


@pytest.mark.parametrize(
    ("serving", "port"), [("space", 7860), ("container", 8501)], indirect=["serving"], ids=["space", "container"]
)
def test_a_visitor_gets_a_verdict(serving: Image, port: int) -> None:
    assert serving.ports == [port]
    grades = [WORDS.text(f"grade.{grade}") for grade in Grade]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator('input[type="file"]').first.set_input_files(PICTURE)
        verdict = page.get_by_text(grades[0]).or_(page.get_by_text(grades[1]))
        for grade in grades[2:]:
            verdict = verdict.or_(page.get_by_text(grade))
        expect(verdict.first).to_be_visible(timeout=120_000)
        browser.close()


@pytest.mark.parametrize(
    ("serving", "port", "answered"),
    [("space", 7860, "Invalid session_id"), ("container", 8501, "XSRF token missing or invalid")],
    indirect=["serving"],
    ids=["space", "container"],
)
def test_only_the_space_takes_uploads_without_a_cookie(serving: Image, port: int, answered: str) -> None:
    """Spaces show the app in a frame of another domain, where the browser sends no cookie that Streamlit could ask for."""
    address = f"http://127.0.0.1:{port}/_stcore/upload_file/no-session/no-file"
    assert answered in httpx.put(address, files={"file": PICTURE.read_bytes()}).text


@pytest.mark.parametrize("image", ["space", "container"])
def test_nothing_in_an_image_can_be_written_by_the_app(image: str, request: pytest.FixtureRequest) -> None:
    if not may_become_another_user():
        pytest.skip("only root can become the image's user, and only with a Python that this user may run")
    built: Image = request.getfixturevalue(image)
    asked = built.start(["find", str(built.root), "-writable", "-not", "-type", "l"], stdout=subprocess.PIPE)
    assert asked.communicate()[0] == ""
