"""Nothing leaves the machine unless the user gives an address, and with `--offline` not even then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import skimage.data

from veriscope import Engine, Settings
from veriscope.domain import Failure
from veriscope.errors import UnreadableSource

ADDRESS = "http://127.0.0.1:9/picture.jpg"

CLOSED = """
import os, socket, sys

def closed(*_, **__):
    os.write(2, b"a socket was opened")
    os._exit(77)

socket.socket.__init__ = socket.create_connection = socket.getaddrinfo = socket.gethostbyname = closed
from veriscope.cli import main
sys.argv = ["veriscope", *sys.argv[1:]]
main()
"""


@pytest.fixture(scope="module")
def portrait() -> bytes:
    return Path(skimage.data.__file__).with_name("astronaut.png").read_bytes()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in an interpreter in which every socket ends the process."""
    command = [sys.executable, "-W", "error", "-c", CLOSED, *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.usefixtures("socket_disabled")
@pytest.mark.parametrize("offline", [True, False])
def test_a_picture_is_analysed_without_a_socket(portrait: bytes, offline: bool) -> None:
    report = Engine(Settings(offline=offline, threads=1)).analyze(portrait)
    assert {signal.source for signal in report.signals} == {
        "face",
        "scene",
        "c2pa",
        "metadata",
        "generator-traces",
        "watermarks",
    }
    assert all(signal.status == "ok" for signal in report.signals)


@pytest.mark.usefixtures("socket_disabled")
def test_an_address_is_refused_offline() -> None:
    engine = Engine(Settings(offline=True))
    with pytest.raises(UnreadableSource, match="offline mode is on"):
        engine.analyze(ADDRESS)
    (failure,) = engine.analyze_many([ADDRESS])
    assert isinstance(failure, Failure)
    assert failure.code == "unreadable_source"


def test_the_command_line_opens_no_socket(portrait: bytes, tmp_path: Path) -> None:
    path = tmp_path / "portrait.png"
    path.write_bytes(portrait)
    done = run("analyze", str(path), "--format", "json", "--country", "DE")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["faces"]


def test_an_analysis_writes_nothing_into_the_home_folder(portrait: bytes, tmp_path: Path) -> None:
    """Neither ours nor a library's: no cache, no device id, no events that wait to be sent."""
    picture, home = tmp_path / "portrait.png", tmp_path / "home"
    picture.write_bytes(portrait)
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    command = [sys.executable, "-B", "-m", "veriscope", "analyze", str(picture), "--format", "json"]
    environment = {**kept, "HOME": str(home), "TMPDIR": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("arguments", [("detectors",), ("schema",), ("law", "DE"), ("--help",)], ids=lambda words: words[0])
def test_other_commands_open_no_socket(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 0


def test_an_address_with_offline_is_refused() -> None:
    done = run("analyze", ADDRESS, "--offline")
    assert (done.returncode, done.stdout) == (3, "")
    assert "offline mode is on" in " ".join(done.stderr.split())


def test_the_check_itself_notices_a_socket() -> None:
    assert "a socket was opened" in run("analyze", "http://pictures.invalid/picture.jpg").stderr


def test_the_environment_can_forbid_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_OFFLINE", "1")
    assert "offline mode is on" in " ".join(run("analyze", ADDRESS).stderr.split())
