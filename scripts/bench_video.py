"""How long the analysis of a clip takes and how much memory it needs, against decoding and the bare networks alone.

    python scripts/bench_video.py [--quick] [--only CASE ...] [--work FOLDER] [--out docs]          (or: make bench-video)

The clips are made here from scikit-image's astronaut: her head moved and turned before a wall, and a second version whose face
is swapped. Long clips repeat the packets of a ten-second one. Whatever is compared is measured in one process, turn and turn
about, because a machine is never twice the same. The command never fails because of speed; it says which targets are met.

A case is a size and a length, and what is special about it: `480p/10s`, `1080p/60s/swapped`, `1080p/60s/frames`. Each one's
row is kept in FOLDER, so that an interrupted run goes on; `--only` measures the named cases again, or all of a named size,
and keeps the other rows. `--fresh` forgets all rows first, `--list` prints the cases.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).parents[1]
SIZES = {"480p": (854, 480), "1080p": (1920, 1080), "4K": (3840, 2160)}
LENGTHS = {"10s": 10, "60s": 60, "2min": 120, "1h": 3600}
RATE, SEGMENT = 30, 10
MOST_OF_DURATION, MOST_MEGABYTES, MOST_OVERHEAD, MOST_GROWTH, MOST_BEND = 0.5, 700, 1.3, 1.5, 0.15
FRAMES = (16, 32, 48, 64)
HEAD = (60, 0, 400, 340)
CASES = (
    *("480p/10s", "480p/60s", "480p/60s/swapped", "480p/2min", "480p/1h"),
    *("1080p/10s", "1080p/60s", "1080p/60s/swapped", "1080p/60s/frames", "1080p/2min", "1080p/1h"),
    *("4K/10s", "4K/60s", "4K/60s/swapped"),
)
QUICK = ("480p/10s", "480p/60s", "480p/60s/swapped", "480p/2min")

WORKER = """
import json, sys, time
from pathlib import Path
from veriscope.engine import Engine
from veriscope.ingest import open_media
from veriscope.settings import Sampling, Settings

path, portrait, mode, other, numbers = sys.argv[1:]
engine = Engine(Settings())
engine._loaded()  # models are opened once per engine, not once per clip
engine.analyze(portrait)  # and warm
child = 0

def peak(pid):
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return 0

def children():
    for task in Path("/proc/self/task").iterdir():
        yield from (task / "children").read_text().split()

def watch(step):
    global child
    child = max([child, *map(peak, children())])

def seconds(clip, sampling=None):
    began = time.perf_counter()
    report = engine.analyze(clip, progress=watch, sampling=sampling)
    return time.perf_counter() - began, report

def alone(clip):
    media = open_media(clip, engine.settings, sampling=Sampling())
    began = time.perf_counter()
    for frame in media.clip.sampled(): pass
    media.close()
    return time.perf_counter() - began

whole, report = seconds(path)
found = {"seconds": whole, "samples": len(report.clip.samples), "decoded": report.clip.decoded,
         "strategy": report.clip.strategy, "grade": report.verdict.grade, "score": report.verdict.score,
         "own": peak("self"), "decoder": child}
if mode == "growth":  # against a shorter clip, turn about; of each the least, which other work on the machine moves least
    turns = [(seconds(other)[0], seconds(path)[0]) for _ in range(3)]
    found |= {"seconds": min(whole, *(long for _, long in turns)), "shorter": min(short for short, _ in turns)}
    found["growth"] = found["seconds"] / found["shorter"]
if mode == "frames":
    found["by_frames"] = {}
    for _ in range(3):
        for number in map(int, numbers.split(",")):
            took, report = seconds(path, Sampling(frames=number))
            looked = len(report.clip.samples)
            found["by_frames"][looked] = min(took, found["by_frames"].get(looked, took))
if mode == "compare":
    calls = []
    class Recorded:
        def __init__(self, session): self.session = session
        def run(self, outputs, feed):
            calls.append((self.session, outputs, feed))
            return self.session.run(outputs, feed)
        def __getattr__(self, name): return getattr(self.session, name)
    models, _ = engine._loaded()
    for owner in [*models, engine._faces]: owner._session = Recorded(owner._session)
    times = []
    for turn in range(3):
        calls.clear()
        again, _ = seconds(path)
        began = time.perf_counter()
        for session, outputs, feed in calls: session.run(outputs, feed)
        bare = time.perf_counter() - began
        times.append((again, alone(path), bare))
    again, decode, bare = sorted(times, key=lambda t: t[0] / (t[1] + t[2]))[1]  # the middle turn
    found |= {"seconds": min([whole, *(t[0] for t in times)]), "again": again, "decode": decode, "bare": bare,
              "overhead": again / (decode + bare), "overheads": sorted(t[0] / (t[1] + t[2]) for t in times)}
print(json.dumps(found))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="480p only, and nothing above two minutes")
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE", help="measure these cases again, and no other")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--list", action="store_true", help="print the cases and do nothing")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench-video", help="clips, and a row for each case")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    arguments = parser.parse_args()
    cases = [case for case in (QUICK if arguments.quick else CASES) if not arguments.only or _named(case, arguments.only)]
    if arguments.list or not cases:
        raise SystemExit("\n".join(CASES))
    arguments.work.mkdir(parents=True, exist_ok=True)
    kept = _Kept(arguments.work / "rows.json", fresh=arguments.fresh)
    for case in cases:
        if arguments.only or case not in kept.rows:
            kept.keep(case, measured(arguments.work, case))
    rows = [kept.rows[case] for case in CASES if case in kept.rows]
    found = {
        "command": "python scripts/bench_video.py",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "rows": rows,
        "targets": targets(rows),
    }
    (arguments.out / "bench-video.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    text = drawn(found)
    (arguments.out / "bench-video.md").write_text(text, "utf-8")
    print(text)


def _named(case: str, asked: list[str]) -> bool:
    """Whether a case is asked for: by its name, or all of a size by the size."""
    return any(name in (case, case.split("/")[0]) for name in asked)


class _Kept:
    """Rows of cases that were measured, in a file."""

    def __init__(self, file: Path, *, fresh: bool) -> None:
        self._file = file
        self.rows: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8")) if file.exists() and not fresh else {}

    def keep(self, case: str, row: dict[str, Any]) -> None:
        self.rows[case] = row
        unfinished = self._file.with_suffix(".part")
        unfinished.write_text(json.dumps(self.rows, indent=1), "utf-8")
        unfinished.replace(self._file)
        print(json.dumps(row), flush=True)


def measured(folder: Path, case: str) -> dict[str, Any]:
    """One row: a case in a process of its own."""
    size, length, *special = case.split("/")
    portrait = folder / "portrait.png"
    _photograph("astronaut.png").save(portrait)
    kind = "swapped" if special == ["swapped"] else "real"
    clip = made(folder, size, LENGTHS[length], kind)
    mode, other = "alone", clip
    if special == ["frames"]:
        mode = "frames"
    elif length == "1h":
        mode, other = "growth", made(folder, size, LENGTHS["2min"], kind)
    elif kind == "real" and length in ("60s", "2min"):
        mode = "compare"
    command = [sys.executable, "-c", WORKER, str(clip), str(portrait), mode, str(other), ",".join(map(str, FRAMES))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if length == "1h":
        clip.unlink()  # gigabytes
    if done.returncode:
        raise SystemExit(f"{case}: {done.stderr[-2000:]}")
    when = datetime.now(UTC).isoformat(timespec="minutes")
    about = {"case": case, "duration": LENGTHS[length], "measured": when, "load": round(os.getloadavg()[0], 1)}
    row: dict[str, Any] = json.loads(done.stdout)
    return about | row


def made(folder: Path, size: str, seconds: int, kind: str) -> Path:
    """A clip of H.264 in MP4; longer ones repeat the packets of a short one."""
    path = folder / f"{size}-{seconds}-{kind}.mp4"
    if path.exists():
        return path
    segment = folder / f"{size}-segment-{kind}.mp4"
    if not segment.exists():
        _encode(segment, SIZES[size], kind)
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(segment)) as source, av.open(str(unfinished), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        length = round(SEGMENT / (stream.time_base or Fraction(1, RATE)))
        for turn in range(seconds // SEGMENT):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.pts, packet.dts = packet.pts + turn * length, packet.dts + turn * length
                packet.stream = copy
                out.mux(packet)
    unfinished.replace(path)
    return path


def _encode(path: Path, size: tuple[int, int], kind: str) -> None:
    head = _head(size[1] * 2 // 3, kind)
    width, height = size
    wall = _photograph("coffee.png").resize(size).filter(ImageFilter.GaussianBlur(height / 120))
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(RATE))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "23"}
        for index in range(RATE * SEGMENT):
            frame = wall.copy()
            turned = head.rotate(8 * np.sin(index / 40), Image.Resampling.BILINEAR)
            frame.paste(turned, (round(width * (0.3 + 0.2 * np.sin(index / 60))), height // 8), turned)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")))
        out.mux(stream.encode(None))
    unfinished.replace(path)


def _photograph(name: str) -> Image.Image:
    return Image.open(Path(skimage.data.__file__).with_name(name)).convert("RGB")


def _head(side: int, kind: str) -> Image.Image:
    head = _photograph("astronaut.png").crop(HEAD).resize((side, side))
    if kind == "swapped":
        other = head.transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(ImageFilter.GaussianBlur(side / 200))
        other = Image.eval(other, lambda value: min(255, int(value * 0.9 + 18)))
        mask = Image.new("L", head.size)
        ImageDraw.Draw(mask).ellipse((side * 0.34, side * 0.2, side * 0.72, side * 0.72), fill=230)
        head = Image.composite(other, head, mask.filter(ImageFilter.GaussianBlur(side / 40)))
    shape = Image.new("L", head.size)
    ImageDraw.Draw(shape).ellipse((2, 2, side - 2, side - 2), fill=255)
    head.putalpha(shape)
    return head


def targets(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each target with what was measured; left out where no case of it was."""
    by_case = {row["case"]: row for row in rows}
    found = list(_shares(by_case))
    for row in rows:
        if "growth" in row:
            size = row["case"].split("/")[0]
            found.append(
                _target(f"{size}: 1 h takes at most 1.5 × the time of 2 min at the same sampling", row["growth"], MOST_GROWTH)
            )
        if "by_frames" in row:
            found.append(_target("time over frames looked at: off a straight line by at most 15 %", bend(row), MOST_BEND))
    megabytes = max((row["own"] + row["decoder"]) / 1e6 for row in rows)
    found.append(_target("at most 700 MB, both processes together, at every length and size", megabytes, MOST_MEGABYTES))
    overheads = [row["overhead"] for row in rows if "overhead" in row]
    if overheads:
        found.append(
            _target("at most 1.3 × (decoding + bare networks), at every length and size", max(overheads), MOST_OVERHEAD)
        )
    return found


def _shares(by_case: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    if "1080p/60s" in by_case:
        share = by_case["1080p/60s"]["seconds"] / 60
        yield _target("a 1080p clip of 60 s in at most 0.5 × its duration", share, MOST_OF_DURATION)


def bend(row: dict[str, Any]) -> float:
    """How far the seconds of the numbers of frames are from the straight line through them, at most, as a share."""
    frames, took = (np.array(values) for values in zip(*((int(n), t) for n, t in row["by_frames"].items()), strict=True))
    slope, start = np.polyfit(frames, took, 1)
    return float(np.abs(took / (start + slope * frames) - 1).max())


def _target(name: str, value: float, limit: float) -> dict[str, Any]:
    return {"target": name, "measured": round(value, 3), "limit": limit, "met": value <= limit}


def drawn(found: dict[str, Any]) -> str:
    rows = found["rows"]
    whens, loads = sorted(row["measured"] for row in rows), [row["load"] for row in rows]
    lines = [
        "# Speed and memory of video",
        "",
        f"Written by `{found['command']}` from {whens[0]} to {whens[-1]} (UTC); {found['machine']}; load of the machine",
        f"{min(loads)} to {max(loads)}, of which this command makes about 2. Read the ratios, each from one process, not the",
        "seconds, which other work on the machine lengthens.",
        "",
        "| clip | looked at | decoded | way | seconds | of duration | MB: own + decoder | decoding + nets | overhead | load |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        apart = f"{row['decode']:.1f} + {row['bare']:.1f} s | {row['overhead']:.2f} ×" if "overhead" in row else "– | –"
        lines.append(
            f"| {row['case']} | {row['samples']} | {row['decoded']} | {row['strategy']} "
            f"| {row['seconds']:.1f} | {row['seconds'] / row['duration']:.3f} × "
            f"| {row['own'] / 1e6:.0f} + {row['decoder'] / 1e6:.0f} | {apart} | {row['load']} |"
        )
    for row in rows:
        if "by_frames" in row:
            took = ", ".join(f"{frames}: {seconds:.1f} s" for frames, seconds in row["by_frames"].items())
            lines += ["", f"{row['case']}, frames looked at: {took}."]
    missing = [case for case in CASES if case not in {row["case"] for row in rows}]
    lines += ["", f"Not measured: {', '.join(missing)}."] if missing else []
    lines += ["", "| target | measured | met |", "|---|---|---|"]
    lines += [
        f"| {target['target']} | {target['measured']} | {'yes' if target['met'] else 'no'} |" for target in found["targets"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
