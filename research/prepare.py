"""Cut the collected pictures into one array of small crops, the same way for both classes.

    python -m research.prepare --config research/configs/scene.toml --data DATA --out RUN

DATA holds folders written by a collector, each with an `index.csv` of manifest rows and a `file` column. RUN receives
`crops.npy` (N, 256, 256, 3) uint8 and `crops.csv` (label, source, kind, split, scale per crop).

Faces go through `veriscope.faces`, the code of the product, so that training and analysis cut alike. Whole pictures
give `crops_per_picture` squares that cover a random share of the short side: the same distribution for synthetic and
real pictures, whose native sizes differ so much that size alone would tell them apart.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import math
import multiprocessing
import random
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from research.datasets import Item, face_item, fraction, scene_item
from veriscope.domain import CropRecipe, Frame
from veriscope.faces import FaceDetector, crop_face

SIDE = 256
_COLLAGES = {"SupaGruen/StableDiffusion-CheatSheet"}  # 2 × 2 pictures in one file
_CAPTIONED = {"dina"}  # the synthetic half carries a caption in the lowest 48 pixels


@dataclasses.dataclass(frozen=True)
class Crop:
    pixels: bytes
    scale: float  # picture pixels per crop pixel: above 1 the crop was shrunk


def face_crops(item: Item, picture: Image.Image, settings: dict[str, float], detector: FaceDetector) -> Iterator[Crop]:
    """The largest assessable face, with room around it for shifts in training."""
    if item.source in _CAPTIONED:
        picture = picture.crop((0, 0, picture.width, picture.height - 48))
    faces = [face for face in detector.detect(Frame(0, picture), limit=3) if face.reason != "face.too_small"]
    for face in faces[:1]:
        recipe = CropRecipe(SIDE, settings["margin"] * SIDE / settings["input"])
        scale = recipe.margin * max(face.box.width, face.box.height) / SIDE
        yield Crop(crop_face(picture, face, recipe).tobytes(), scale)


def scene_crops(item: Item, picture: Image.Image, settings: dict[str, float], _: object) -> Iterator[Crop]:
    """Random squares between `least_share` and all of the short side."""
    chance = random.Random(fraction(item.file.name))
    pieces = _quarters(picture) if item.source in _COLLAGES else [picture]
    for number in range(int(settings["crops_per_picture"])):
        piece = pieces[number % len(pieces)]
        short = min(piece.size)
        least = min(1.0, max(settings["least_share"], SIDE / short))
        side = short * math.exp(chance.uniform(math.log(least), 0.0))
        left, top = chance.uniform(0, piece.width - side), chance.uniform(0, piece.height - side)
        box = tuple(round(value) for value in (left, top, left + side, top + side))
        if box[2] - box[0] != SIDE:
            piece = piece.resize((SIDE, SIDE), chance.choice(_FILTERS), box=box, reducing_gap=3.0)
        else:
            piece = piece.crop(box)
        yield Crop(piece.tobytes(), side / SIDE)


_FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)


def _quarters(picture: Image.Image) -> list[Image.Image]:
    x, y = picture.width // 2, picture.height // 2
    return [picture.crop((a, b, a + x, b + y)) for a in (0, x) for b in (0, y)]


def _worker(task: tuple[Item, dict[str, float], str]) -> tuple[Item, list[Crop]]:
    item, settings, kind = task
    make: Callable[..., Iterator[Crop]] = face_crops if kind == "face" else scene_crops
    try:
        with Image.open(item.file) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        if min(picture.size) < settings["min_side"]:
            return item, []
        return item, list(make(item, picture, settings, _detector() if kind == "face" else None))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        print(f"skipped {item.file.name}: {error}", file=sys.stderr)
        return item, []


_detectors: list[FaceDetector] = []


def _detector() -> FaceDetector:
    if not _detectors:
        _detectors.append(FaceDetector(threads=1))
    return _detectors[0]


def items(folders: list[Path], kind: str) -> list[Item]:
    """Every collected picture as an item; a face manifest has a `label` column, a picture manifest a `class` column."""
    found = []
    for folder in folders:
        with (folder / "index.csv").open(newline="") as handle:
            for row in csv.DictReader(handle):
                file = folder / row["file"]
                item = face_item(row, file) if "label" in row else scene_item(row, file)
                if kind == "scene" or "label" in row:
                    found.append(item)
    return sorted(found, key=lambda item: item.file.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    settings = config["prepare"]
    folders = [arguments.data / name for name in settings["folders"]]
    tasks = [(item, settings, config["kind"]) for item in items(folders, config["kind"])]
    dropped = set(settings.get("without", []))
    tasks = [task for task in tasks if task[0].source not in dropped]
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (
        multiprocessing.Pool(settings.get("processes", 2)) as pool,
        (arguments.out / "crops.raw").open("wb") as pixels,
        (arguments.out / "crops.csv").open("w", newline="") as table,
    ):
        writer = csv.writer(table)
        writer.writerow(["label", "source", "kind", "split", "scale", "file"])
        count = 0
        for item, crops in pool.imap(_worker, tasks, chunksize=16):
            for crop in crops:
                pixels.write(crop.pixels)
                writer.writerow([item.label, item.source, item.kind, item.split, f"{crop.scale:.4f}", item.file.name])
                count += 1
                if count % 2000 == 0:
                    print(count, flush=True)
    print(f"{count} crops from {len(tasks)} pictures")


def load(run: Path) -> tuple[np.ndarray, list[dict[str, str]]]:
    """The crops (N, 256, 256, 3) uint8, mapped from disk, and their rows."""
    with (run / "crops.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    return np.memmap(run / "crops.raw", np.uint8, "r", shape=(len(rows), SIDE, SIDE, 3)), rows


if __name__ == "__main__":
    main()
