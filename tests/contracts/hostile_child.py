"""Judges every file of a folder in this process and prints one JSON line for each: run by test_hostile.py.

    hostile_child.py FOLDER SECONDS_EACH ADDRESS_SPACE decoded|analysed

It is a process of its own because what is tested for may take a process down: a crash in a decoder, memory, endless loops.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from veriscope.domain import Report, Status
from veriscope.engine import Engine
from veriscope.errors import InputError
from veriscope.i18n import catalogue
from veriscope.ingest import open_media
from veriscope.report.as_text import render
from veriscope.settings import Settings


def main(folder: Path, seconds_each: int, address_space: int, way: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    judge = {"decoded": decoded, "analysed": analysed}[way]()
    for path in sorted(folder.iterdir()):
        tell(name=path.name)  # before, so that a crash can be blamed on its file
        # The default action of SIGALRM ends the process: a Python handler would wait for the decoder that hangs.
        signal.alarm(seconds_each)
        began = time.monotonic()
        outcome = judge(path)
        seconds = time.monotonic() - began
        signal.alarm(0)
        tell(name=path.name, outcome=outcome, seconds=round(seconds, 2))
    tell(peak_mib=peak_mib())


def peak_mib() -> int:
    """Peak resident memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, getrusage begins with the peak of the process that started this one
        return int(status.read_text().split("VmHWM:")[1].split()[0]) // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def tell(**facts: str | float) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def decoded() -> Callable[[Path], str]:
    """Only the decoding."""

    def judge(path: Path) -> str:
        try:
            media = open_media(path, Settings())
            with contextlib.closing(media):
                frames = list(media.clip.sampled()) if media.clip else media.frames
        except InputError as error:
            return f"{type(error).__name__}: {error}"
        return f"Media {media.facts.format} {frames[0].image.mode} {' '.join(note.code for note in media.facts.notes)}"

    return judge


def analysed() -> Callable[[Path], str]:
    """The whole way to what a reader sees: every analyser, the JSON and the screen of text."""
    engine, words = Engine(Settings(threads=1)), catalogue()

    def judge(path: Path) -> str:
        try:
            report = engine.analyze(path)
        except InputError as error:
            return f"{type(error).__name__}: {error}"
        json.loads(report.to_json())
        if "\x1b" in render(report, words):
            return "the text can steer a terminal"
        return f"Report {report.verdict.grade}{''.join(broken(report))}"

    return judge


def broken(report: Report) -> list[str]:
    """Analysers that failed: the report stands without them, but each is a defect."""
    return [f" {signal.source} {signal.reason}" for signal in report.signals if signal.status is Status.FAILED]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
