"""Skin tone of the real faces outside training, so that false alarms can be compared between groups of people.

    python -m research.people --config research/configs/face.toml --data DATA --run RUN

The data name nobody's origin, so a measured tone has to do: the individual typology angle (Chardon et al. 1991; used for data
sets of faces by Merler et al. 2019), atan((L* − 50) / b*) in degrees, median over both cheeks; higher is lighter. Light and
white balance move it, so it orders groups, it does not describe a person. Writes RUN/scores/people.csv.
"""

from __future__ import annotations

import argparse
import csv
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.color import rgb2lab

from research.datasets import CAPTIONED
from research.measure import wanted
from research.prepare import pieces
from veriscope.domain import CropRecipe, Frame
from veriscope.errors import InputError
from veriscope.faces import FaceDetector, crop_face
from veriscope.ingest import open_media
from veriscope.settings import Settings

_RECIPE = CropRecipe(96, 1.0, rotate=True)
_CHEEKS = ((slice(52, 66), slice(20, 34)), (slice(52, 66), slice(62, 76)))  # rows, columns of the upright 96-pixel face


def angle(face: Image.Image) -> float:
    """Individual typology angle in degrees of an upright 96-pixel face crop."""
    lab = rgb2lab(np.asarray(face))
    cheeks = np.concatenate([lab[place].reshape(-1, 3) for place in _CHEEKS])
    lightness, _, yellow = np.median(cheeks, axis=0)
    return float(np.degrees(np.arctan2(lightness - 50, max(yellow, 1e-3))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    detector = FaceDetector(threads=1)
    target = arguments.run / "scores" / "people.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["file", "ita"])
        for item in wanted(config, arguments.data, ("test", "heldout"), 0):
            if item.label:
                continue
            try:
                picture = open_media(item.file, Settings()).frames[0].image
            except InputError:
                continue
            if item.source in CAPTIONED:
                picture = pieces(item, picture)[0]
            faces = [face for face in detector.detect(Frame(0, picture)) if face.assessable]
            if faces:
                writer.writerow([item.file.name, f"{angle(crop_face(picture, faces[0], _RECIPE)):.2f}"])
    print(target)


if __name__ == "__main__":
    main()
