"""Damaged, odd and hostile clips: each has the answer written here, and a batch goes on past all of them."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import subprocess
import sys
from pathlib import Path

import pytest

from veriscope.domain import Failure, Report
from veriscope.engine import Engine
from veriscope.errors import InputError
from veriscope.ingest import open_media
from veriscope.settings import Sampling, Settings

ROOT = Path(__file__).parents[2]
REFUSED = (
    "UnsupportedMedia: The video is damaged",
    "UnsupportedMedia: Not one frame",
    "UnsupportedMedia: The file holds no video stream",
    "UnsupportedMedia: The video uses a codec",
)
EXPECTED: tuple[tuple[str, str], ...] = (
    ("cut-last-meta.mp4", "clip 12 of 12"),
    ("cut-last-udta.mp4", "clip 12 of 12"),
    ("cut-last-*.mp4", "refused"),
    ("cut-first-*.mp4", "refused"),
    ("cut-data-10.mp4", "clip, some lost"),
    ("cut-data-50.mp4", "clip, some lost"),
    ("cut-data-90.mp4", "clip, some lost"),
    ("cut-half.*", "clip"),
    ("cut-head.mpegts", "UnsupportedMedia: The content is neither"),
    ("cut-head.*", "refused"),
    ("duration-*.mp4", "clip 12 of 12"),
    ("timescale-*.mp4", "clip"),
    ("size-huge-sample-entry.mp4", "clip 12 of 12"),
    ("size-huge-track.mp4", "clip 12 of 12"),
    ("size-huge-jpeg.avi", "clip, some lost"),
    ("size-huge-header.avi", "clip"),
    ("frames-claimed.mp4", "refused"),
    ("frames-none.mp4", "refused"),
    ("steps-none.mp4", "refused"),
    ("step-backwards.mp4", "clip"),
    ("offset-outside.mp4", "refused"),
    ("chunks-none.mp4", "refused"),
    ("box-size-zero.mp4", "clip 12 of 12"),
    ("box-size-one.mp4", "refused"),
    ("box-deep.mp4", "refused"),
    ("rotated-90.mp4", "clip 12 of 12 media.rotated"),
    ("rotated-180.mp4", "clip 12 of 12 media.rotated"),
    ("rotated-270.mp4", "clip 12 of 12 media.rotated"),
    ("avcc-damaged.mp4", "refused"),
    ("bits-*.mp4", "clip"),
    ("data-zero.mp4", "refused"),
    ("one-frame.mp4", "clip 1 of 1"),
    ("two-frames.mp4", "clip 2 of 2"),
    ("one-pixel.avi", "UnsupportedMedia: The video has only 1 × 1 pixels"),
    ("narrow.avi", "UnsupportedMedia: The video has only 8 × 200 pixels"),
    ("odd-sides.mkv", "clip 12 of 12"),
    ("variable-rate.mp4", "clip"),
    ("slow.mp4", "clip 6 of 6"),
    ("only-sound.*", "UnsupportedMedia: The file holds sound, but no moving picture"),
    ("with-sound.mp4", "clip 12 of 12"),
    ("interlaced.mpg", "clip 12 of 12 media.deinterlaced"),
    ("ten-bit.mp4", "clip 12 of 12 media.depth_reduced"),
    ("hdr.mp4", "clip 12 of 12 media.tone_mapped"),
    ("alpha.mov", "clip 12 of 12"),
    ("black.mp4", "clip 12 of 12"),
    ("tags-long.mp4", "clip 12 of 12"),
    ("trailing.mp4", "clip 12 of 12"),
    ("twice.mp4", "clip 12 of 12"),
    ("under-another-name.webm", "clip 12 of 12 media.extension_differs"),
    ("fragmented.mp4", "clip 12 of 12"),
    ("fragmented-cut.mp4", "clip, some lost"),
    ("vp8.webm", "clip 12 of 12"),
    ("vp9.webm", "clip 12 of 12"),
    ("av1.mp4", "clip 12 of 12"),
    ("hevc.mp4", "clip 12 of 12"),
    ("mpeg4.avi", "clip 12 of 12"),
    ("mjpeg.avi", "clip 12 of 12"),
    ("prores.mov", "clip 12 of 12 media.depth_reduced"),
    ("flash.flv", "clip 12 of 12"),
    ("transport.ts", "clip 12 of 12"),
    ("windows.wmv", "clip 12 of 12"),
    ("empty.mp4", "UnreadableSource"),
    ("one-byte.mp4", "UnsupportedMedia: The file contains nothing but zeros"),
    ("zeros.mp4", "UnsupportedMedia: The file contains nothing but zeros"),
    ("only-ftyp.mp4", "refused"),
    ("noise-behind-ftyp.mp4", "refused"),
    ("playlist.mp4", "UnsupportedMedia: The content is neither"),
    ("concat.mp4", "UnsupportedMedia: The content is neither"),
    ("reference.mov", "clip 12 of 12"),
    ("page.mp4", "UnsupportedMedia: This is a web page"),
    ("noise.webm", "refused"),
    ("noise.avi", "refused"),
    ("moving-cut.webp", "UnsupportedMedia: The picture is damaged"),
    ("moving-cut.*", "clip, some lost"),
    ("moving.*", "clip 8 of 8"),
    ("no-durations.gif", "clip 8 of 8"),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    script = ROOT / "scripts" / "make_hostile_clips.py"
    subprocess.run([sys.executable, script, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def outcomes(corpus: Path) -> dict[str, str]:
    return {path.name: outcome(path) for path in sorted(corpus.iterdir())}


def outcome(path: Path) -> str:
    try:
        with contextlib.closing(open_media(path, Settings(threads=1))) as media:
            assert media.clip is not None
            count = sum(1 for _ in media.clip.sampled())
            ending = media.clip.ending
    except InputError as error:
        return f"{type(error).__name__}: {error}"
    notes = " ".join(["", *(note.code for note in media.facts.notes)])
    return f"clip {count} of {ending.wanted}{', some lost' if ending.lost else ''}{notes}"


def wanted(name: str) -> str:
    return next(answer for pattern, answer in EXPECTED if fnmatch.fnmatch(name, pattern))


def fits(found: str, answer: str) -> bool:
    if answer == "refused":
        return found.startswith(REFUSED)
    if answer == "clip, some lost":
        return found.startswith("clip ") and ", some lost" in found
    return found.startswith(answer)


def test_every_file_has_the_answer_that_is_written_down(outcomes: dict[str, str]) -> None:
    assert len(outcomes) >= 100
    wrong = {name: (found, wanted(name)) for name, found in outcomes.items() if not fits(found, wanted(name))}
    assert not wrong, json.dumps(wrong, indent=1)


def test_every_expectation_has_a_file(outcomes: dict[str, str]) -> None:
    unused = {pattern for pattern, _ in EXPECTED} - {
        next(pattern for pattern, _ in EXPECTED if fnmatch.fnmatch(name, pattern)) for name in outcomes
    }
    assert not unused


def test_one_bad_clip_never_stops_a_batch(corpus: Path, outcomes: dict[str, str]) -> None:
    names = ["box-deep.mp4", "one-frame.mp4", "only-sound.mp4", "bits-40.mp4", "zeros.mp4", "moving.gif", "cut-data-50.mp4"]
    engine = Engine(Settings(threads=1, sampling=Sampling(frames=4)))
    results = list(engine.analyze_many([corpus / name for name in names], jobs=2))
    for name, result in zip(names, results, strict=True):
        assert isinstance(result, Report if outcomes[name].startswith("clip") else Failure), name
        assert isinstance(result, Report) or result.code != "defect"


def test_a_clip_of_which_little_is_left_says_so(corpus: Path) -> None:
    report = Engine(Settings(threads=1)).analyze(corpus / "cut-data-50.mp4")
    [lost] = [gap for gap in report.not_checked if gap.code == "not_checked.lost"]
    assert report.clip is not None
    assert lost.params == {"count": report.clip.lost, "wanted": 24}
    assert report.clip.lost > 5


def test_what_a_container_says_cannot_steer_a_terminal(corpus: Path) -> None:
    report = Engine(Settings(threads=1, sampling=Sampling(frames=2))).analyze(corpus / "tags-long.mp4")
    assert "\x1b" not in report.to_json().encode("ascii", "replace").decode()
    assert len(report.to_json()) < 60_000
