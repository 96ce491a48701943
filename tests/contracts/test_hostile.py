"""Damaged and hostile files give a picture, then a report, or an `InputError`: nothing else, in little time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from veriscope.domain import Grade

ROOT = Path(__file__).parents[2]
SECONDS_EACH = 10
PEAK_MIB = 1024
ADDRESS_SPACE = 6 * 1024**3  # threads of the AVIF decoder reserve much more than they use

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are set the POSIX way")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    subprocess.run([sys.executable, ROOT / "scripts" / "make_hostile.py", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


Outcomes = tuple[dict[str, str], int]


@pytest.fixture(scope="module")
def outcomes(corpus: Path) -> Outcomes:
    """What became of each file when it was decoded, and the peak memory of the process in MiB."""
    return judged(corpus, "decoded")


@pytest.fixture(scope="module")
def analysed(corpus: Path) -> Outcomes:
    """The same after every analyser and both forms of the report."""
    return judged(corpus, "analysed")


def judged(corpus: Path, way: str) -> Outcomes:
    child = Path(__file__).with_name("hostile_child.py")
    command = [sys.executable, "-W", "error", str(child), str(corpus), str(SECONDS_EACH), str(ADDRESS_SPACE), way]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"ended by {done.returncode} at {lines[-1:]}: {done.stderr[-3000:]}"
    return {line["name"]: line["outcome"] for line in lines if "outcome" in line}, lines[-1]["peak_mib"]


def test_every_file_gives_a_picture_or_an_input_error(corpus: Path, outcomes: Outcomes) -> None:
    found, _ = outcomes
    assert len(found) >= 200
    assert sorted(found) == sorted(path.name for path in corpus.iterdir())


def test_memory_stays_bounded(outcomes: Outcomes) -> None:
    assert outcomes[1] < PEAK_MIB


def test_every_picture_gives_a_report_and_no_analyser_breaks(outcomes: Outcomes, analysed: Outcomes) -> None:
    decoded, reported = outcomes[0], analysed[0]
    assert reported.keys() == decoded.keys()
    refused = {name: outcome for name, outcome in decoded.items() if not outcome.startswith("Media ")}
    assert {name: outcome for name, outcome in reported.items() if not outcome.startswith("Report ")} == refused
    grades = {f"Report {grade}" for grade in Grade}
    assert [(name, outcome) for name, outcome in reported.items() if name not in refused and outcome not in grades] == []
    assert Counter(reported.values())["Report declared_synthetic"] == 0


def test_memory_of_a_whole_analysis_stays_bounded(analysed: Outcomes) -> None:
    assert analysed[1] < PEAK_MIB


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("bomb-zeros.png", "TooLarge"),
        ("bomb-palette.png", "TooLarge"),
        ("size-30000x30000.png", "TooLarge"),
        ("size-65500x65500.jpg", "TooLarge"),
        ("frames-20000.gif", "TooLarge"),
        ("animation-claims.png", "TooLarge"),
        ("cut-8.jpg", "UnsupportedMedia: The picture is damaged"),
        ("cut-8.png", "UnsupportedMedia: The picture is damaged"),
        ("chunk-2-inside.png", "UnsupportedMedia: The picture is damaged"),
        ("page.jpg", "UnsupportedMedia: This is a web page"),
        ("page-first.png", "UnsupportedMedia: This is a web page"),
        ("pdf-first.jpg", "UnsupportedMedia: This is a PDF"),
        ("video.jpg", "UnsupportedMedia: The video is damaged"),
        ("zeros.jpg", "UnsupportedMedia: The file contains nothing but zeros"),
        ("empty.jpg", "UnreadableSource"),
        ("bomb-within-limits.png", "Media PNG RGB"),
        ("circular.tif", "Media TIFF RGB"),
        ("with-zip.jpg", "Media JPEG RGB media.trailing_data"),
        ("with-page.png", "Media PNG RGB media.trailing_data"),
        ("xmp-laughs.jpg", "Media JPEG RGB"),
        ("xmp-laughs.png", "Media PNG RGB"),
        ("exif-circular.jpg", "Media JPEG RGB"),
        ("exif-noise.png", "Media PNG RGB"),
        ("icc-noise.jpg", "Media JPEG RGB media.icc_unreadable"),
        ("icc-tags.png", "Media PNG RGB media.icc_unreadable"),
    ],
)
def test_what_becomes_of(name: str, wanted: str, outcomes: Outcomes) -> None:
    assert outcomes[0][name].startswith(wanted)
