"""How fast a model of the Hub is run here, against transformers' own pipeline: same model, same pictures, one run.

    python scripts/bench_hub.py [--rounds 7] [--threads N] [--quick] [--out docs]          (or: make bench-hub)

The model is a ViT-B/16 with random weights that the script makes, saved as safetensors and as ONNX; the pictures are
photographs of scikit-image, decoded before the clock starts. The three ways are asked in turns in every round (A B C, B C A,
C A B …), because a machine is never twice the same; a ratio is the median over the rounds. Beside the time on the clock stands
the processor time, which other work on the machine disturbs less. The command fails only when the answers differ.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import skimage.data
from PIL import Image

from veriscope.detectors.hub.model import HubDetector, open_model
from veriscope.detectors.hub.reference import Reference
from veriscope.domain import Frame
from veriscope.settings import Settings

ROOT = Path(__file__).parents[1]
PIPELINE, ONNX, TORCH = "pipeline", "ours, ONNX", "ours, PyTorch"
TARGETS = {(ONNX, 1): 1.0, (ONNX, 8): 1.5}
"""Times as fast as the pipeline, at least: never slower for one picture, half as fast again for eight."""

TOLERANCE = 1e-4  # of a probability
NAMES = ("astronaut", "coffee", "chelsea", "rocket", "retina", "immunohistochemistry", "cat", "hubble_deep_field")

Ask = Callable[[Sequence[Image.Image]], list[float]]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--threads", type=int, default=0, help="threads of each way; 0 = as each does by itself")
    options.add_argument("--quick", action="store_true", help="a tiny network: tries the script, measures nothing")
    options.add_argument("--out", type=Path, default=ROOT / "docs")
    options.add_argument("--again", action="store_true", help="only write the page anew from bench-hub.json")
    chosen = options.parse_args()
    if chosen.again:
        kept = json.loads((chosen.out / "bench-hub.json").read_text("utf-8"))
        (chosen.out / "bench-hub.md").write_text(page(kept), "utf-8")
        return 0
    pictures = [_photograph(name) for name in NAMES]
    with tempfile.TemporaryDirectory() as place:
        make_models(Path(place), chosen.quick)
        ways = open_ways(Path(place), chosen.threads)
        for ask in ways.values():
            ask(pictures[:1])  # the first run of a network is slower
        load = os.getloadavg()[0]
        rows = [row for batch in (1, 8) for row in measured(ways, pictures, batch, chosen.rounds)]
    difference = max(row["difference"] for row in rows)
    if difference > TOLERANCE:
        print(f"answers differ by {difference:.1e}: these times compare nothing", file=sys.stderr)
        return 1
    result = {**about(chosen.rounds, chosen.threads, load), "largest_difference": difference, "rows": rows}
    print(page(result))
    if not chosen.quick:
        (chosen.out / "bench-hub.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        (chosen.out / "bench-hub.md").write_text(page(result), "utf-8")
    return 0


def make_models(folder: Path, quick: bool) -> None:
    """The same ViT-B/16 twice: `folder`/torch with safetensors only, `folder`/onnx with an ONNX file only."""
    import torch
    import transformers

    torch.manual_seed(1)
    sizes: dict[str, Any] = {"num_hidden_layers": 1, "image_size": 64} if quick else {}
    model = transformers.ViTForImageClassification(transformers.ViTConfig(id2label={0: "real", 1: "fake"}, **sizes)).eval()
    side = model.config.image_size
    model.save_pretrained(folder / "torch")
    for name in ("torch", "onnx"):
        transformers.ViTImageProcessorPil(size={"height": side, "width": side}).save_pretrained(folder / name)
    model.config.save_pretrained(folder / "onnx")

    class Logits(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> Any:
            return self.model(pixel_values=pixels).logits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what tracing says about every network
        torch.onnx.export(
            Logits(),
            (torch.randn(2, 3, side, side),),
            str(folder / "onnx" / "model.onnx"),
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_axes={"pixel_values": {0: "batch"}, "logits": {0: "batch"}},
            dynamo=False,
            opset_version=17,
        )


def open_ways(folder: Path, threads: int) -> dict[str, Ask]:
    """Name → asks for P(fake) of pictures, with so many threads each."""
    import torch as pytorch
    import transformers

    if threads:
        pytorch.set_num_threads(threads)

    pipe = transformers.pipeline("image-classification", model=str(folder / "torch"), device="cpu")

    def ask_pipeline(pictures: Sequence[Image.Image]) -> list[float]:
        answers = pipe(list(pictures), batch_size=len(pictures))
        return [next(entry["score"] for entry in answer if entry["label"] == "fake") for answer in answers]

    settings = Settings(hub_folder=folder / "hub", threads=threads)
    onnx, torch = (open_model(Reference(folder=folder / name), settings) for name in ("onnx", "torch"))
    return {PIPELINE: ask_pipeline, ONNX: _asking(onnx), TORCH: _asking(torch)}


def _asking(detector: HubDetector) -> Ask:
    def ask(pictures: Sequence[Image.Image]) -> list[float]:
        views = [view for number, picture in enumerate(pictures) for view, _ in detector.pieces(Frame(number, picture))]
        return [detector.opinion(logit, 0.0).raw for logit in detector.logits(views)]

    return ask


def measured(ways: dict[str, Ask], pictures: Sequence[Image.Image], batch: int, rounds: int) -> list[dict[str, Any]]:
    """Seconds of each way per round, on the clock and of the processor, and how far its answers are from the pipeline's."""
    clock: dict[str, list[float]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}
    apart = dict.fromkeys(ways, 0.0)
    order = list(ways)
    for number in range(rounds):
        asked = [pictures[(number + place) % len(pictures)] for place in range(batch)]
        answers = {}
        for name in order[number % len(order) :] + order[: number % len(order)]:
            began, worked = time.perf_counter(), time.process_time()
            answers[name] = ways[name](asked)
            clock[name].append(time.perf_counter() - began)
            work[name].append(time.process_time() - worked)
        for name, said in answers.items():
            differences = [abs(one - other) for one, other in zip(said, answers[PIPELINE], strict=True)]
            apart[name] = max(apart[name], *differences)
        print(f"{batch} at a time: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return [
        {
            "way": name,
            "batch": batch,
            "seconds": [round(value, 4) for value in clock[name]],
            "ratios": _times_as_fast(clock, name),
            "processor_seconds": [round(value, 4) for value in work[name]],
            "processor_ratios": _times_as_fast(work, name),
            "difference": apart[name],
            "target": TARGETS.get((name, batch)),
        }
        for name in ways
    ]


def _times_as_fast(times: dict[str, list[float]], name: str) -> list[float]:
    return [round(theirs / own, 3) for theirs, own in zip(times[PIPELINE], times[name], strict=True)]


def about(rounds: int, threads: int, load: float) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "rounds": rounds,
        "threads": threads,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
        "versions": {
            name: importlib.metadata.version(name) for name in ("torch", "transformers", "onnxruntime", "pillow", "numpy")
        },
    }


def page(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    busy = max(result["load"]) > 1.5 * (os.cpu_count() or 1)
    lines = [
        "# Models of the Hub: speed",
        "",
        "Written by `scripts/bench_hub.py`: a ViT-B/16 with random weights, run by transformers' `pipeline` and here, in turns",
        "in one run. Decoding is left out, preparing the pictures is in. A ratio is the pipeline's time ÷ ours in that round;",
        "medians, smallest and largest value in brackets. A target is met when clock and processor time both reach it.",
        "",
        f"* {result['date']}, {result['machine']}; {versions}",
        f"* `python scripts/bench_hub.py --rounds {result['rounds']} --threads {result['threads']}` (0 threads: all cores)",
        f"* processes that wanted a core: {result['load'][0]} at the start, {result['load'][1]} at the end",
        *(["* **the machine was busy with other work: times are too long, and ratios are less sure**"] if busy else []),
        f"* largest difference of a probability: {result['largest_difference']:.1e}",
        "",
        "| way | pictures at a time | seconds | times as fast as the pipeline | by processor time | target |",
        "|---|--:|--:|--:|--:|---|",
        *map(_line, result["rows"]),
    ]
    return "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    target = "–"
    if row["target"] is not None:
        # Both must reach it: on a busy machine the clock alone can favour either side.
        met = min(statistics.median(row[name]) for name in ("ratios", "processor_ratios")) >= row["target"]
        target = f"≥ {row['target']:g}: {'met' if met else '**not met**'}"
    ratios = [_spread(row[name]) for name in ("ratios", "processor_ratios")] if row["way"] != PIPELINE else ["1", "1"]
    return f"| {row['way']} | {row['batch']} | {_spread(row['seconds'])} | {ratios[0]} | {ratios[1]} | {target} |"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def _photograph(name: str) -> Image.Image:
    return Image.fromarray(getattr(skimage.data, name)()).convert("RGB")


if __name__ == "__main__":
    sys.exit(main())
