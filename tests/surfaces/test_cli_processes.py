"""The command in a process of its own: on a terminal, in a pipe, on a full disk."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import ANSI

# ── on a terminal, and in other processes ────────────────────────────────────────────────────────────────────────────

COMMAND = [sys.executable, "-m", "veriscope"]


def shown_on_terminal(arguments: list[str], stdout_too: bool, **more: str) -> tuple[str, str]:
    """Standard output in a pipe (or on the terminal) and what appeared on a terminal."""
    import pty
    import threading

    leader, follower = pty.openpty()
    parts: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(leader, 65536):
                parts.append(part)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    environment = {**os.environ, "TERM": "xterm-256color", **more}
    done = subprocess.run(
        [*COMMAND, *arguments],
        stdout=follower if stdout_too else subprocess.PIPE,
        stderr=follower,
        stdin=subprocess.DEVNULL,
        env=environment,
        check=False,
    )
    os.close(follower)
    reader.join(10)
    os.close(leader)
    assert done.returncode == 0
    return (done.stdout or b"").decode(), b"".join(parts).decode()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("count", [1, 2])
def test_progress_is_shown_on_a_terminal_for_more_than_one_input(count: int, pictures: Path) -> None:
    sources = [str(pictures / name) for name in ("a.png", "b.jpg")[:count]]
    out, terminal = shown_on_terminal(["analyze", "--format", "jsonl", *sources], stdout_too=False)
    assert ("Analysing" in terminal) is (count > 1)
    assert len([json.loads(line) for line in out.splitlines()]) == count


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=["plain", "NO_COLOR"])
def test_colour_on_a_terminal_unless_unwanted(more: dict[str, str], coloured: bool, photo: Path) -> None:
    _, terminal = shown_on_terminal(["analyze", str(photo)], stdout_too=True, **more)
    assert "What this means" in terminal
    assert bool(ANSI.search(terminal)) is coloured


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_pipe_gets_utf_8_whatever_the_locale(encoding: str, photo: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "analyze", str(photo)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "160 × 120" in done.stdout.decode("utf-8")


def test_a_reader_who_stops_reading_gets_no_traceback(pictures: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "analyze", "--recursive", str(pictures)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_line(photo: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "analyze", str(photo)], stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    assert done.returncode == 2
    assert re.fullmatch(r"veriscope: The results cannot be written .*\n", done.stderr)
