"""Opens every file of a folder in this process and prints one JSON line for each: run by test_hostile.py.

It is a process of its own because what is tested for may take a process down: a crash in a decoder, memory, endless loops.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from pathlib import Path

from veriscope.errors import InputError
from veriscope.ingest import open_media
from veriscope.settings import Settings


def main(folder: Path, seconds_each: int, address_space: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    for path in sorted(folder.iterdir()):
        tell(name=path.name)  # before, so that a crash can be blamed on its file
        # The default action of SIGALRM ends the process: a Python handler would wait for the decoder that hangs.
        signal.alarm(seconds_each)
        began = time.monotonic()
        outcome = judge(path)
        seconds = time.monotonic() - began
        signal.alarm(0)
        tell(name=path.name, outcome=outcome, seconds=round(seconds, 2))
    tell(peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def tell(**facts: str | float) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def judge(path: Path) -> str:
    try:
        media = open_media(path, Settings())
    except InputError as error:
        return f"{type(error).__name__}: {error}"
    return f"Media {media.facts.format} {media.frames[0].image.mode} {' '.join(note.code for note in media.facts.notes)}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
