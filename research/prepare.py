"""Cut the collected pictures into one array of small crops, the same way for both classes.

    python -m research.prepare --config research/configs/scene.toml --data DATA --out RUN

DATA holds the folders that `python -m research.collect` wrote. RUN receives `crops.raw` (N, 256, 256, 3) uint8 and `crops.csv`
(label, source, kind, split, scale, file per crop).

Faces go through `veriscope.faces`, the code of the product, so that training and analysis cut alike. Of a whole picture
come squares as the product will look at it (at native size, and the whole shrunk) and squares that cover a random share
of the short side: the same distribution for synthetic and real pictures, whose native sizes differ so much that size
alone would tell them apart.
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
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from research.datasets import CAPTIONED, COLLAGES, Item, fraction, items
from veriscope.domain import CropRecipe, Frame
from veriscope.faces import FaceDetector, crop_face

SIDE = 256
_FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)
_CAPTION = 48  # pixels


@dataclasses.dataclass(frozen=True)
class Crop:
    pixels: bytes
    scale: float  # picture pixels per crop pixel: above 1 the crop was shrunk


def pieces(item: Item, picture: Image.Image) -> list[Image.Image]:
    """The pictures in a file: all of it, the quarters of a collage, or what a caption leaves."""
    if item.source in COLLAGES:
        x, y = picture.width // 2, picture.height // 2
        return [picture.crop((a, b, a + x, b + y)) for a in (0, x) for b in (0, y)]
    if item.source in CAPTIONED:
        return [picture.crop((0, 0, picture.width, picture.height - _CAPTION))]
    return [picture]


def face_crops(_: Item, found: list[Image.Image], settings: dict[str, Any]) -> Iterator[Crop]:
    """The largest assessable faces, with room around them for shifts in training."""
    recipe = CropRecipe(SIDE, settings["margin"] * SIDE / settings["input"])
    for picture in found:
        faces = _detector().detect(Frame(0, picture), limit=int(settings.get("faces_per_picture", 1)) + 2)
        assessable = [face for face in faces if face.reason != "face.too_small"]
        for face in assessable[: int(settings.get("faces_per_picture", 1))]:
            scale = recipe.margin * max(face.box.width, face.box.height) / SIDE
            yield Crop(crop_face(picture, face, recipe).tobytes(), scale)


def scene_crops(item: Item, found: list[Image.Image], settings: dict[str, Any]) -> Iterator[Crop]:
    """Squares by turns at native size, of nearly the whole, and of a random share between `least_share` and all."""
    chance = random.Random(fraction(item.file.name))
    for number in range(int(settings["crops_per_picture"])):
        picture = found[number % len(found)]
        short = min(picture.size)
        least = min(1.0, max(settings["least_share"], SIDE / short))
        match number % 3:
            case 0:
                side = float(min(SIDE, short))
            case 1:
                side = short * chance.uniform(0.85, 1.0)
            case _:
                side = short * math.exp(chance.uniform(math.log(least), 0.0))
        left, top = (round(chance.uniform(0, length - side)) for length in picture.size)
        length = round(side)
        box = (left, top, min(left + length, picture.width), min(top + length, picture.height))
        if length == SIDE:
            picture = picture.crop(box)
        else:
            picture = picture.resize((SIDE, SIDE), chance.choice(_FILTERS), box=box, reducing_gap=3.0)
        yield Crop(picture.tobytes(), side / SIDE)


def _worker(task: tuple[Item, dict[str, Any], str]) -> tuple[Item, list[Crop]]:
    item, settings, kind = task
    make: Callable[[Item, list[Image.Image], dict[str, Any]], Iterator[Crop]] = face_crops if kind == "face" else scene_crops
    try:
        with Image.open(item.file) as opened:
            if kind == "face":
                opened.draft("RGB", (1600, 1600))  # a 24-megapixel photograph need not be decoded whole to find faces
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        if min(picture.size) < settings["min_side"]:
            return item, []
        return item, list(make(item, pieces(item, picture), settings))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        print(f"skipped {item.file.name}: {error}", file=sys.stderr)
        return item, []


_detectors: list[FaceDetector] = []


def _detector() -> FaceDetector:
    if not _detectors:
        _detectors.append(FaceDetector(threads=1))
    return _detectors[0]


def chosen(config: dict[str, Any], data: Path, split: tuple[str, ...]) -> list[Item]:
    """The items of a configuration's folders that are in one of the splits."""
    settings = config["prepare"]
    places = [data / name for name in settings["folders"]]
    moved = settings.get("held_out", ()), settings.get("all_train", ())
    found = items(places, settings.get("without", ()), settings.get("at_most"), *moved)
    return [item for item in found if item.split in split]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--without", action="append", default=[], metavar="SOURCE", help="leave out this source, repeatable")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    settings = config["prepare"]
    settings["without"] = [*settings.get("without", []), *arguments.without]
    tasks = [(item, settings, config["kind"]) for item in chosen(config, arguments.data, ("train", "calibrate"))]
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
