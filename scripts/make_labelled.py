"""A small labelled set to try `veriscope compare` on, from photographs that scikit-image and scikit-learn carry.

    python scripts/make_labelled.py FOLDER
    veriscope compare FOLDER/table.csv

Writes real pieces of photographs, and two sorts of made pictures that no generator of today is behind: "plasma" (coloured
1/f noise) and "paste" (a soft-edged piece of another photograph). So the figures show what the command says, and nothing of
how well a detector does on pictures of generators. Pieces of one photograph form one group: they are not independent.
"""

from __future__ import annotations

import argparse
import csv
from importlib.resources import files
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFilter

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "retina", "immunohistochemistry")
SIDE = 224
PIECES = 6  # of each photograph
PLASMA = 24
HEADER = ("file", "label", "generator", "kind", "group")


def photographs() -> dict[str, Image.Image]:
    """Photographs by name, RGB."""
    found = {name: Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in PHOTOGRAPHS}
    for name in ("china", "flower"):
        with Image.open(Path(str(files("sklearn.datasets.images"))) / f"{name}.jpg") as picture:
            found[name] = picture.convert("RGB")
    return found


def piece(picture: Image.Image, chance: np.random.Generator) -> Image.Image:
    """A square somewhere in a picture."""
    left, top = (int(chance.integers(0, max(1, side - SIDE + 1))) for side in picture.size)
    return picture.crop((left, top, left + SIDE, top + SIDE))


def plasma(chance: np.random.Generator) -> Image.Image:
    """Coloured noise whose amplitude falls with frequency, as that of photographs does."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    frequency[0, 0] = 1 / SIDE
    planes = [np.fft.ifft2(np.fft.fft2(chance.normal(size=(SIDE, SIDE))) / frequency).real for _ in range(3)]
    colours = np.stack([127 + 55 * plane / plane.std() for plane in planes], axis=-1)
    return Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))


def pasted(ground: Image.Image, other: Image.Image) -> Image.Image:
    """An ellipse of one picture in the middle of another, its edge softened."""
    mask = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(mask).ellipse((50, 60, 174, 164), fill=255)
    return Image.composite(other, ground, mask.filter(ImageFilter.GaussianBlur(6)))


def write(folder: Path) -> None:
    """All pictures and the table; always the same."""
    chance, rows, photos = np.random.default_rng(0), [], photographs()
    names = list(photos)
    for place, (name, photo) in enumerate(photos.items()):
        other = photos[names[(place + 1) % len(names)]]
        for number in range(PIECES):
            real = piece(photo, chance)
            rows.append(_save(real, folder, f"real/{name}-{number}.png", ("real", "", "photograph", name)))
            changed = pasted(piece(photo, chance), piece(other, chance))
            rows.append(_save(changed, folder, f"fake/paste-{name}-{number}.png", ("fake", "paste", "", name)))
    known = ("fake", "plasma", "", "")
    rows += [_save(plasma(chance), folder, f"fake/plasma-{number}.png", known) for number in range(PLASMA)]
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([HEADER, *rows])


def _save(picture: Image.Image, folder: Path, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    picture.save(folder / name)
    return (name, *known)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
