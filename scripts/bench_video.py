"""How long the analysis of a clip takes and how much memory it needs, against decoding and the bare networks alone.

    python scripts/bench_video.py [--quick] [--out docs]          (or: make bench-video)

The clips are made here from scikit-image's astronaut: her head moved and turned before a wall, and a second version whose face
is swapped. Long clips repeat the packets of a ten-second one. Whatever is compared is measured in one run, because a machine
is never twice the same. The command never fails because of speed; it says which targets are met.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
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
LENGTHS = {"10 s": 10, "60 s": 60, "2 min": 120, "1 h": 3600}
RATE, SEGMENT = 30, 10
MOST_OF_DURATION, MOST_MEGABYTES, MOST_OVERHEAD, MOST_GROWTH = 0.5, 700, 1.3, 1.5
HEAD = (60, 0, 400, 340)

WORKER = """
import json, sys, time
from pathlib import Path
from veriscope.engine import Engine
from veriscope.ingest import open_media
from veriscope.settings import Sampling, Settings

path, frames, compare = sys.argv[1], int(sys.argv[2]) or None, sys.argv[3] == "compare"
sampling = Sampling(frames=frames)
engine = Engine(Settings(sampling=sampling))
engine._loaded()  # models are opened once per engine, not once per clip
engine.analyze(sys.argv[4])  # and warm
child = 0

def peak(pid):
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return 0

def children():
    me = str(Path("/proc/self").resolve().name)
    for task in Path("/proc/self/task").iterdir():
        yield from (task / "children").read_text().split()

def watch(step):
    global child
    child = max([child, *map(peak, children())])

began = time.perf_counter()
report = engine.analyze(path, progress=watch)
seconds = time.perf_counter() - began
found = {"seconds": seconds, "samples": len(report.clip.samples), "decoded": report.clip.decoded,
         "strategy": report.clip.strategy, "grade": report.verdict.grade, "score": report.verdict.score,
         "own": peak("self"), "decoder": child}
if compare:
    calls = []
    class Recorded:
        def __init__(self, session): self.session = session
        def run(self, outputs, feed):
            calls.append((self.session, outputs, feed))
            return self.session.run(outputs, feed)
        def __getattr__(self, name): return getattr(self.session, name)
    models, _ = engine._loaded()
    owners = [*models, engine._faces]
    for owner in owners: owner._session = Recorded(owner._session)
    times = []
    for turn in range(2):
        calls.clear()
        began = time.perf_counter(); engine.analyze(path); whole = time.perf_counter() - began
        began = time.perf_counter()
        for session, outputs, feed in calls: session.run(outputs, feed)
        bare = time.perf_counter() - began
        began = time.perf_counter()
        media = open_media(path, engine.settings, sampling=sampling)
        for frame in media.clip.sampled(): pass
        media.close()
        times.append((whole, time.perf_counter() - began, bare))
    whole, decode, bare = min(times, key=lambda t: t[0] / (t[1] + t[2]))
    found |= {"again": whole, "decode": decode, "bare": bare, "overhead": whole / (decode + bare)}
print(json.dumps(found))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="480p only, and nothing above two minutes")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measured(Path(folder), arguments.quick))
    found = {
        "command": "python scripts/bench_video.py" + (" --quick" if arguments.quick else ""),
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f} at the end",
        "rows": rows,
        "targets": targets(rows),
    }
    (arguments.out / "bench-video.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    text = drawn(found)
    (arguments.out / "bench-video.md").write_text(text, "utf-8")
    print(text)


def measured(folder: Path, quick: bool) -> Any:
    """One row for each clip and number of frames."""
    portrait = folder / "portrait.png"
    _photograph("astronaut.png").save(portrait)
    sizes = ["480p"] if quick else list(SIZES)
    lengths = ["10 s", "2 min"] if quick else list(LENGTHS)
    plan = [(sizes[0], length, "real", 0) for length in lengths]
    plan += [(size, "60 s", kind, 0) for size in sizes for kind in ("real", "swapped")]
    plan += [(sizes[min(1, len(sizes) - 1)], "60 s", "real", frames) for frames in (16, 32)]
    plan += [] if quick else [("1080p", length, "real", 0) for length in ("10 s", "2 min", "1 h")]
    for size, length, kind, frames in dict.fromkeys(plan):
        clip = made(folder, size, LENGTHS[length], kind)
        compare = "compare" if kind == "real" and length in ("60 s", "2 min") and not frames else "alone"
        command = [sys.executable, "-c", WORKER, str(clip), str(frames), compare, str(portrait)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{size} {length} {kind}: {done.stderr[-2000:]}")
        row = {"size": size, "length": length, "duration": LENGTHS[length], "kind": kind, "asked": frames}
        yield row | json.loads(done.stdout)
        print(row, done.stdout.strip(), flush=True)


def made(folder: Path, size: str, seconds: int, kind: str) -> Path:
    """A clip of H.264 in MP4; longer ones repeat the packets of a short one."""
    path = folder / f"{size}-{seconds}-{kind}.mp4"
    if path.exists():
        return path
    segment = folder / f"{size}-segment-{kind}.mp4"
    if not segment.exists():
        _encode(segment, SIZES[size], kind)
    with av.open(str(segment)) as source, av.open(str(path), "w") as out:
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
    return path


def _encode(path: Path, size: tuple[int, int], kind: str) -> None:
    head = _head(size[1] * 2 // 3, kind)
    width, height = size
    wall = _photograph("coffee.png").resize(size).filter(ImageFilter.GaussianBlur(height / 120))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(RATE))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "23"}
        for index in range(RATE * SEGMENT):
            frame = wall.copy()
            turned = head.rotate(8 * np.sin(index / 40), Image.Resampling.BILINEAR)
            frame.paste(turned, (round(width * (0.3 + 0.2 * np.sin(index / 60))), height // 8), turned)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")))
        out.mux(stream.encode(None))


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
    """Each target with what was measured; None where this run has no clip for it."""
    real = [row for row in rows if row["kind"] == "real"]
    default = {(row["size"], row["length"]): row for row in real if not row["asked"]}
    minute = default.get(("1080p", "60 s"))
    found = [
        _target(
            "a 1080p clip of 60 s in at most 0.5 × its duration", minute["seconds"] / 60 if minute else None, MOST_OF_DURATION
        ),
    ]
    for size in SIZES:
        short, long = default.get((size, "2 min")), default.get((size, "1 h"))
        growth = long["seconds"] / short["seconds"] if short and long else None
        found.append(_target(f"{size}: 1 h takes at most 1.5 × the time of 2 min at the same sampling", growth, MOST_GROWTH))
    megabytes = max((row["own"] + row["decoder"]) / 1e6 for row in rows)
    found.append(_target("at most 700 MB, both processes together, at every length and size", megabytes, MOST_MEGABYTES))
    overheads = [row["overhead"] for row in rows if "overhead" in row]
    found.append(_target("at most 1.3 × (decoding + bare networks)", max(overheads, default=None), MOST_OVERHEAD))
    return [target for target in found if target["measured"] is not None]


def _target(name: str, value: float | None, limit: float) -> dict[str, Any]:
    return {"target": name, "measured": value and round(value, 3), "limit": limit, "met": value is not None and value <= limit}


def drawn(found: dict[str, Any]) -> str:
    lines = [
        "# Speed and memory of video",
        "",
        f"Written by `{found['command']}` on {found['measured']}; {found['machine']}.",
        "One run: read the ratios, not the seconds.",
        "",
        "| clip | looked at | decoded | way | seconds | of duration | MB: analysis + decoder | decoding + nets | overhead |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        apart = f"{row['decode']:.1f} + {row['bare']:.1f} s | {row['overhead']:.2f} ×" if "overhead" in row else "– | –"
        lines.append(
            f"| {row['size']}, {row['length']}, {row['kind']} | {row['samples']} | {row['decoded']} | {row['strategy']} "
            f"| {row['seconds']:.1f} | {row['seconds'] / row['duration']:.3f} × "
            f"| {row['own'] / 1e6:.0f} + {row['decoder'] / 1e6:.0f} | {apart} |"
        )
    lines += ["", "| target | measured | met |", "|---|---|---|"]
    lines += [
        f"| {target['target']} | {target['measured']} | {'yes' if target['met'] else 'no'} |" for target in found["targets"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
