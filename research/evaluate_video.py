"""How well Veriscope judges clips, by clip: error rates, and what recompression does to verdicts.

    python -m research.evaluate_video --manifest videos.csv.gz --git-root ROOT --work FOLDER [--limit N] [--swaps N]
                                      [--changes N] [--out docs/evaluation-video.json]

One command, resumable: FOLDER keeps the clips, and an answer per clip and set of model weights. `--limit`: clips per label,
kind and source (0 = all). Writes figures only; `python -m research.publish_video` draws docs/evaluation-video.md from them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from research.video_clips import CHANGES, Clip, changed, collected, swaps
from research.video_figures import figures
from veriscope import Engine
from veriscope.clips.signals import WHOLE_FRAME_CAUTION
from veriscope.domain import Report, Signal, Status, Strategy
from veriscope.errors import InputError
from veriscope.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--git-root", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--swaps", type=int, default=0, help="at most so many swaps (0 = one for each person)")
    parser.add_argument("--changes", type=int, default=40, help="clips of which altered copies are judged")
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation-video.json"))
    arguments = parser.parse_args()
    asked = Asked(arguments.work)
    clips = list(collected(arguments.manifest, arguments.git_root, arguments.work / "clips", arguments.limit))
    clips += list(swaps([clip for clip in clips if not clip.label], arguments.work / "made", arguments.swaps))
    rows = [row for clip in clips if (row := asked.about(clip))]
    altered = list(_altered(clips, asked, arguments.work / "changed", arguments.changes))
    found = {
        "command": f"python -m research.evaluate_video --limit {arguments.limit} --swaps {arguments.swaps} "
        f"--changes {arguments.changes}",
        "measured": datetime.now(UTC).date().isoformat(),
        "detectors": asked.versions,
        **figures(rows, altered, asked.points),
    }
    arguments.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(arguments.out, len(rows), "clips,", len(altered), "altered copies")


class Asked:
    """The product's own answers, kept in a file so that an interrupted run goes on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._engine = Engine(Settings())
        models, _ = self._engine._loaded()  # noqa: SLF001 the versions name the file, before any clip is judged
        self.versions = {model.id: model.version for model in models}
        self.points = {model.id: model.operating_points(1) for model in models}
        name = "-".join([*(version.split(":")[-1][:8] for version in self.versions.values()), str(WHOLE_FRAME_CAUTION)])
        self._file = folder / f"answers-{name}.jsonl"
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        self._known = {row["file"]: row for row in map(json.loads, lines)}

    def about(self, clip: Clip, change: str = "") -> dict[str, Any]:
        """The row of a clip; empty for one that cannot be analysed."""
        key = clip.file.name
        if key not in self._known:
            try:
                found = _row(self._engine.analyze(clip.file))
            except InputError as error:
                found = {"refused": str(error)}
            self._known[key] = {"file": key, **found}
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(self._known[key]) + "\n")
            if len(self._known) % 20 == 0:
                print(len(self._known), key, flush=True)
        row = self._known[key]
        about = {"label": clip.label, "kind": clip.kind, "source": clip.source, "group": clip.group, "split": clip.split}
        return {} if "refused" in row else {**row, **about, "rank": clip.rank, "change": change}


def _row(report: Report) -> dict[str, Any]:
    """What the figures need of a report."""
    signals = {signal.source: signal for signal in report.signals}
    row: dict[str, Any] = {
        "grade": report.verdict.grade,
        "seconds": report.media.duration,
        "samples": len(report.clip.samples) if report.clip else 1,
        "tracks": sum(track.supported for track in report.clip.tracks) if report.clip else 0,
        "height": report.media.height,
    }
    for name in ("face", "scene"):
        signal = signals.get(name)
        if signal is not None and signal.status is Status.OK:
            row[name] = _said(signal)
    for finding in signals["temporal"].findings if "temporal" in signals else ():
        if finding.code in ("temporal.landmarks", "temporal.scores"):
            name = "landmarks" if finding.code == "temporal.landmarks" else f"steps_{finding.params['source']}"
            value = float(finding.params["percent" if name == "landmarks" else "step"])
            row[name] = max(value, row.get(name, 0.0))
    if report.clip and report.clip.strategy is Strategy.THROUGH:  # otherwise repetition is not looked for
        row |= {"repeated": 0.0, "blended": 0.0}
    for finding in signals["temporal"].findings if "temporal" in signals else ():
        if finding.code in ("temporal.repeated", "temporal.blended"):
            row[finding.code.removeprefix("temporal.")] = float(finding.params["count"]) / float(finding.params["decoded"])
    return row


def _said(signal: Signal) -> dict[str, Any]:
    points = signal.points
    assert points is not None
    frames = [score.probability for score in signal.scores if score.subject in ("face", "frame")]
    return {
        "probability": signal.probability,
        "raw": signal.raw,
        "most": max(frames),
        "interval": signal.interval,
        "clear": points.clear,
        "some": points.some,
        "strong": points.strong,
        "rechecks": {again.variant: again.probability for again in signal.rechecks},
    }


def _altered(clips: list[Clip], asked: Asked, folder: Path, limit: int) -> Iterator[dict[str, Any]]:
    """Answers about altered copies, half of them of real clips."""
    folder.mkdir(parents=True, exist_ok=True)
    for label in (0, 1):
        wanted = [clip for clip in clips if clip.label == label and clip.kind not in ("made_control", "composite_panels")]
        wanted.sort(key=lambda clip: clip.kind != "made_swap" if label else clip.kind not in ("talking", "person"))
        for clip in _mixed(wanted)[: limit // 2]:
            for change in CHANGES:
                copy = folder / f"{clip.file.stem}-{change}.mp4"
                before = asked.about(clip)
                if before and changed(clip.file, change, copy):
                    after = asked.about(Clip(copy, clip.label, clip.kind, clip.source, clip.group), change)
                    if after:
                        yield {**after, "before": before}


def _mixed(clips: list[Clip]) -> list[Clip]:
    """Kinds in turn, so that a few clips show all of them."""
    queues: dict[str, list[Clip]] = {}
    for clip in clips:
        queues.setdefault(clip.kind, []).append(clip)
    mixed = []
    while any(queues.values()):
        mixed += [queue.pop(0) for queue in queues.values() if queue]
    return mixed


if __name__ == "__main__":
    main()
