"""A tiny data set that anyone can make, to walk the whole recipe in minutes: what it shows is that the steps fit together.

    python -m research.generated --out DATA

Pictures come from scikit-image's own samples. "Synthetic" pictures are the same contents with the traces of a crude
upsampler, and faces whose inner part was blended over. Writes DATA/generated-scene and DATA/generated-face with index.csv
files shaped like the real manifests.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from research.augment import blended

SIDE = 288
_SCENES = ("astronaut", "chelsea", "coffee", "rocket")
_FACE = (169, 40, 295, 166)  # the astronaut's head: left, top, right, bottom
Row = dict[str, str]


def scenes(count: int) -> Iterator[tuple[Row, Image.Image]]:
    """Real crops and upsampled twins, in equal numbers, of three sources and generators, one of each held out."""
    pictures = [Image.fromarray(getattr(data, name)()).convert("RGB") for name in _SCENES]
    for number in range(count):
        chance = random.Random(number)
        picture = chance.choice(pictures)
        side = chance.randint(200, min(picture.size))
        left, top = chance.randint(0, picture.width - side), chance.randint(0, picture.height - side)
        crop = picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
        source = ("BIDS/BSDS500", "alexeygrigorev/clothing-dataset", "google/dreambooth")[number % 3]
        yield {"class": "real", "generator": "", "repo": source, "path": f"{number}.png"}, crop
        generator = ("upsampler-a", "upsampler-b", "FLUX-like upsampler")[number % 3]
        made = {"class": "ai", "generator": generator, "repo": "generated/upsampled", "path": f"{number}-made.png"}
        yield made, _upsampled(crop, number)


def _upsampled(crop: Image.Image, number: int) -> Image.Image:
    small = crop.resize((SIDE // 2, SIDE // 2), Image.Resampling.BOX)
    large = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.NEAREST), np.int16)
    pattern = 6 * ((np.indices((SIDE, SIDE)).sum(0) + number) % 2)[..., None]
    return Image.fromarray(np.clip(large + pattern, 0, 255).astype(np.uint8))


def faces(count: int) -> Iterator[tuple[Row, Image.Image]]:
    """One real face in many lights and sizes, and the same with its inner part blended over."""
    head = Image.fromarray(data.astronaut()).crop(_FACE)
    for number in range(count):
        chance = random.Random(number)
        side = chance.randint(160, 260)
        turned = head.rotate(chance.uniform(-5, 5), Image.Resampling.BICUBIC).resize((side, side), Image.Resampling.BICUBIC)
        face = Image.fromarray(np.clip(np.asarray(turned) * chance.uniform(0.7, 1.2), 0, 255).astype(np.uint8))
        held_out = number % 4 == 3
        source = "ecuador" if held_out else ("ushouse", "fossasia")[number % 2]
        yield {"label": "real", "kind": "", "source": source, "group": f"{number}", "path": f"{number}.png"}, _framed(face)
        mixed, _ = blended(face, None, chance)
        made = {"label": "fake", "kind": "blend", "source": "omi_cfd" if held_out else "dfdc224", "group": f"{number}"}
        yield {**made, "path": f"{number}-made.png"}, _framed(mixed)


def _framed(face: Image.Image) -> Image.Image:
    frame = Image.new("RGB", (360, 360), (96, 104, 112))
    frame.paste(face, ((360 - face.width) // 2, (300 - face.height) // 2))
    return frame


def write(rows: Iterator[tuple[Row, Image.Image]], out: Path) -> None:
    """Pictures and index.csv."""
    out.mkdir(parents=True, exist_ok=True)
    index: list[Row] = []
    for row, picture in rows:
        name = hashlib.sha256(picture.tobytes()).hexdigest()[:40]
        picture.save(out / f"{name}.png")
        index.append({"file": f"{name}.png", "blob": name, **row})
    with (out / "index.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(index[0]))
        writer.writeheader()
        writer.writerows(index)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=150)
    arguments = parser.parse_args()
    write(scenes(arguments.count), arguments.out / "generated-scene")
    write(faces(arguments.count), arguments.out / "generated-face")


if __name__ == "__main__":
    main()
