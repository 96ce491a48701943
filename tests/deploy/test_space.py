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

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "src" / "veriscope" / "app" / "examples" / "portrait.jpg"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 240  # seconds: a test that waits for a sign loses nothing by it on a slow machine

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
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def wait_until_healthy(image: Image, process: subprocess.Popen[str]) -> None:
    """Asks the image's own check of health until it agrees."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()[0]
        if image.start(image.health, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(timeout=PATIENCE) == 0:
            return
        time.sleep(1)
    process.kill()
    pytest.fail(f"not healthy after {PATIENCE} seconds:\n{process.communicate()[0]}")


@pytest.mark.parametrize(
    ("serving", "port"), [("space", 7860), ("container", 8501)], indirect=["serving"], ids=["space", "container"]
)
def test_a_visitor_gets_a_verdict(serving: Image, port: int) -> None:
    assert serving.ports == [port]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector(".vs-foot")
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=1000 * PATIENCE)
        page.locator('input[type="file"]').set_input_files(PICTURE)
        verdict = page.locator(".vs-verdict")
        verdict.wait_for()
        assert verdict.get_attribute("data-grade") in {grade.value for grade in Grade}
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
    assert answered in httpx.put(address, files={"file": PICTURE.read_bytes()}, timeout=PATIENCE).text


@pytest.mark.parametrize("image", ["space", "container"])
def test_nothing_in_an_image_can_be_written_by_the_app(image: str, request: pytest.FixtureRequest) -> None:
    if not may_become_another_user():
        pytest.skip("only root can become the image's user, and only with a Python that this user may run")
    built: Image = request.getfixturevalue(image)
    asked = built.start(["find", str(built.root), "-writable", "-not", "-type", "l"], stdout=subprocess.PIPE)
    assert asked.communicate()[0] == ""
