"""Clips on the command line: text with a timeline, JSON that satisfies the schema, options, progress."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest
import skimage.data
from cli_runs import ANSI, Run
from PIL import Image

from veriscope.report.timeline import clock


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One and a half seconds of a face that moves, as an animated WebP: made with Pillow alone."""
    portrait = Image.open(Path(skimage.data.__file__).with_name("astronaut.png")).convert("RGB")
    frames = [portrait.crop((60 + 4 * step, 0, 380 + 4 * step, 240)) for step in range(15)]
    packed = io.BytesIO()
    frames[0].save(packed, "WEBP", save_all=True, append_images=frames[1:], duration=100, quality=90)
    path = tmp_path_factory.mktemp("clips") / "moving.webp"
    path.write_bytes(packed.getvalue())
    return path


def test_text_has_the_timeline_and_how_much_was_seen(run: Run, moving: Path) -> None:
    ended = run("analyze", moving, "--frames", "8")
    assert ended.code == 0
    assert not ANSI.search(ended.out)
    for words in (
        "Timeline",
        "How much was looked at",
        "Frames to look at first",
        "8 frames, spread over 1.5 seconds",
        "Person 1",
    ):
        assert words in ended.out
    assert any(block in ended.out for block in "▁▂▃▄▅▆▇█")
    assert "this picture" not in ended.out


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_every_language_tells_of_a_clip(language: str, run: Run, moving: Path) -> None:
    assert run("analyze", moving, "--frames", "4", "--lang", language).code == 0


def test_json_satisfies_the_schema(run: Run, moving: Path) -> None:
    ended = run("analyze", moving, "--format", "json", "--frames", "6", "--thumbnails")
    jsonschema.validate(ended.data, run("schema").data)
    assert ended.data["media"]["kind"] == "video"
    assert len(ended.data["clip"]["samples"]) == 6
    assert all(frame["thumbnail"] for frame in ended.data["clip"]["telling"])


@pytest.mark.parametrize(
    ("options", "count"),
    [(("--frames", "3"), 3), (("--fps", "4"), 6), (("--max-seconds", "0.5", "--fps", "10"), 5)],
    ids=["frames", "fps", "seconds"],
)
def test_sampling_options(options: tuple[str, ...], count: int, run: Run, moving: Path) -> None:
    [line] = run("analyze", moving, "--format", "jsonl", *options).lines
    assert len(line["clip"]["samples"]) == count


@pytest.mark.parametrize("option", ["--frames", "--fps", "--max-seconds"])
def test_a_senseless_option_is_wrong_usage(option: str, run: Run, moving: Path) -> None:
    assert run("analyze", moving, option, "0").code == 2


def test_the_same_answer_twice(run: Run, moving: Path) -> None:
    one, two = (run("analyze", moving, "--format", "json", "--frames", "5").data for _ in range(2))
    for report in (one, two):
        del report["timings"], report["created"]
    assert json.dumps(one) == json.dumps(two)


def test_clips_in_a_folder_are_found(run: Run, moving: Path, tmp_path: Path) -> None:
    (tmp_path / "b.mkv").write_bytes(b"\x1aE\xdf\xa3 not much of a video")
    (tmp_path / "a.webp").write_bytes(moving.read_bytes())
    ended = run("analyze", tmp_path, "--format", "jsonl", "--frames", "2")
    assert ended.code == 3
    assert [("error" in line) for line in ended.lines] == [False, True]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0:00.0"), (9.96, "0:10.0"), (65.34, "1:05.3"), (3599.97, "1:00:00"), (3605.0, "1:00:05")]
)
def test_times_are_clocks(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
