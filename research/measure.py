"""Ask a judge about pictures outside training, unchanged and altered, through the product's own code.

    python -m research.measure --config research/configs/face.toml --data DATA --run RUN
    python -m research.measure --config research/configs/scene.toml --data DATA --run RUN --altered
    python -m research.measure --config research/configs/scene.toml --data DATA --run RUN --judge clip-probe=PEERS/1.1.0

Writes RUN/scores/<judge>.csv, or <judge>-altered.csv: one row per picture and copy, with the logit before calibration. What is
there already, for the same weights, is not asked again, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from research.datasets import CAPTIONED, COLLAGES, FAILED_RENDERS, Item
from research.judges import ClipProbe, Judge, Meso4, Ours, Swin
from research.prepare import chosen, pieces
from veriscope.domain import Frame
from veriscope.errors import InputError
from veriscope.evaluation.variants import VARIANTS
from veriscope.ingest import open_media
from veriscope.settings import Settings

HEADER = ("variant", "split", "label", "source", "kind", "status", "logit", "file")
PEERS: dict[str, Callable[[Path], Judge]] = {"clip-probe": ClipProbe, "swin": Swin, "meso4": Meso4}
Row = dict[str, str]


def wanted(config: dict[str, Any], data: Path, splits: tuple[str, ...], per_source: int) -> list[Item]:
    """Pictures of these splits, at most `per_source` of a split, source and kind (0 = all); collages are left out."""
    count: Counter[tuple[str, str, str]] = Counter()
    found = []
    for item in chosen(config, data, splits):
        key = (item.split, item.source, item.kind)
        count[key] += 1
        if item.source not in COLLAGES and (not per_source or count[key] <= per_source):
            found.append(item)
    return found


def answers(judge: Judge, item: Item, variants: list[str]) -> Iterator[tuple[str, str, float]]:
    """Variant, status and logit for each copy of one picture."""
    try:
        media = open_media(item.file, Settings())
    except InputError as error:
        yield from ((variant, error.code, 0.0) for variant in variants)
        return
    picture = media.frames[0].image
    if item.source in CAPTIONED:
        picture = pieces(item, picture)[0]
    for variant in variants:
        altered = VARIANTS[variant](picture) if variant in VARIANTS else picture
        yield (variant, *judge.ask(media, Frame(0, altered)))


def read(path: Path) -> list[Row]:
    """The rows of a scores file, without failed renders that an earlier measurement asked about."""
    if not path.is_file():
        return []
    with path.open(newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["kind"] not in FAILED_RENDERS]


def measure(judge: Judge, found: list[Item], variants: list[str], out: Path) -> None:
    """Append what is missing in a scores file."""
    done = {(row["file"], row["variant"]) for row in read(out)}
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", newline="") as table:
        writer = csv.writer(table)
        if not done:
            writer.writerow(HEADER)
        for number, item in enumerate(found):
            missing = [variant for variant in variants if (item.file.name, variant) not in done]
            for variant, status, logit in answers(judge, item, missing):
                known = (variant, item.split, item.label, item.source, item.kind)
                writer.writerow([*known, status, f"{logit:.5f}", item.file.name])
            if number % 500 == 0:
                table.flush()
                print(out.stem, number, len(found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="default: RUN/<kind>.onnx")
    parser.add_argument("--judge", default="ours", metavar="NAME=PATH", help=f"a peer instead: {', '.join(PEERS)}")
    parser.add_argument("--altered", action="store_true", help="altered copies of the unseen sources, for robustness")
    parser.add_argument("--per-source", type=int, default=0, help="at most so many of a split, source and kind")
    parser.add_argument("--split", action="append", help="default: calibrate, test and heldout")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    name, _, place = arguments.judge.partition("=")
    if name == "ours":
        model = arguments.model or arguments.run / f"{config['kind']}.onnx"
        judge: Judge = Ours(config, model)
        name = f"ours-{hashlib.sha256(model.read_bytes()).hexdigest()[:12]}"
    else:
        judge = PEERS[name](Path(place))
    splits = tuple(arguments.split or ("calibrate", "test", "heldout"))
    variants = ["clean", *VARIANTS] if arguments.altered else ["clean"]
    target = arguments.run / "scores" / (f"{name}-altered.csv" if arguments.altered else f"{name}.csv")
    measure(judge, wanted(config, arguments.data, splits, arguments.per_source), variants, target)
    print(target)


if __name__ == "__main__":
    main()
