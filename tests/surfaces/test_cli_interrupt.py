"""Ctrl-C in the middle of a clip: the command ends, and with it its decoder; no file of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import skimage.data
from PIL import Image

COMMAND = [sys.executable, "-m", "veriscope", "analyze"]
PATIENCE = 120  # seconds for what takes one on an idle machine

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def write_clip(path: Path) -> None:
    """Half a minute of a portrait that wanders."""
    portrait = Image.open(Path(skimage.data.__file__).with_name("astronaut.png")).convert("RGB")
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for step in range(300):
            shown = portrait.crop((40 + step // 5, 0, 360 + step // 5, 240))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(shown), format="rgb24")))
        out.mux(stream.encode(None))


def of_session(leader: int) -> dict[int, str]:
    """The processes that the command started, itself included, that are still there, with their command lines."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found[int(status.parent.name)] = status.with_name("cmdline").read_text()
        except OSError:  # it has ended meanwhile
            continue
    return found


def in_the_middle(leader: int) -> bool:
    """Whether the decoder has written more than pipe and queue hold: frames are being judged."""
    decoders = [number for number, command in of_session(leader).items() if "veriscope.ingest.decoder" in command]
    try:
        written = [int(Path(f"/proc/{number}/io").read_text().split("wchar:")[1].split()[0]) for number in decoders]
    except OSError:
        return False
    return any(count > 4 << 20 for count in written)


def until(holds: Iterator[bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if next(holds):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Tests that run in the background of a shell inherit that Ctrl-C is ignored, and so would the command."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("whole_group", [True, False], ids=["as a terminal sends it", "to the command alone"])
def test_ctrl_c_leaves_no_process_and_no_file(whole_group: bool, tmp_path: Path) -> None:
    for name in ("tmp", "out", "in"):
        (tmp_path / name).mkdir()
    source, target = tmp_path / "in" / "long.mp4", tmp_path / "out" / "report.json"
    write_clip(source)
    with subprocess.Popen(
        [*COMMAND, str(source), "--fps", "10", "--frames", "2000", "--format", "json", "--output", str(target)],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as running:
        assert until(in_the_middle(running.pid) for _ in iter(int, 1))
        (os.killpg if whole_group else os.kill)(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert b"Traceback" not in err
    assert out == b""
    assert until(not of_session(running.pid) for _ in iter(int, 1))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [source]
