"""Makes the examples of the app again.

    python scripts/make_examples.py [FOLDER]

The portrait is NASA's picture of Eileen Collins (public domain) and the rocket SpaceX's picture of a Falcon 9 (CC0); both
come with scikit-image. The changed portrait is made from the first one here, and the landscape is drawn by this script (CC0).
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from veriscope.detectors.hub.selftest import with_other_face

FOLDER = Path(__file__).parents[1] / "src" / "veriscope" / "app" / "examples"
SELF_TEST = FOLDER.parents[1] / "detectors" / "hub" / "pictures"  # the same portrait, for the self-test of models
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ext:DigitalSourceType='
    '"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/></rdf:RDF></x:xmpmeta>'
)


def main(folder: Path, self_test: Path | None = None) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    person = portrait()
    person.save(folder / "portrait.jpg", quality=92)
    if self_test is not None:
        person.save(self_test / "portrait.jpg", quality=92)
    with_other_face(person).save(folder / "altered.jpg", quality=92)
    landscape().save(folder / "declared.jpg", quality=88, xmp=XMP.encode())
    rocket().save(folder / "rocket.jpg", quality=92)
    return 0


def portrait() -> Image.Image:
    with Image.open(Path(str(files("skimage.data")), "astronaut.png")) as image:
        return image.convert("RGB")


def landscape(width: int = 900, height: int = 600) -> Image.Image:
    """Hills in mist, drawn by arithmetic; its metadata say that AI made it, which nobody can check."""
    random = np.random.default_rng(20261124)
    rows = np.linspace(0, 1, height)[:, None, None]
    picture = (1 - rows) * np.array([118, 156, 190.0]) + rows * np.array([244, 226, 200.0])
    picture = np.broadcast_to(picture, (height, width, 3)).copy()
    across = np.arange(width)
    for depth in range(5):
        waves = sum(
            np.sin(across / width * np.pi * 2 ** (octave + 1) + random.uniform(0, 6.3)) * 46 / 1.8**octave
            for octave in range(7)
        )
        edge = height * (0.42 + 0.12 * depth) + waves * (0.6 + 0.15 * depth)
        colour = np.array([150, 168, 176.0]) * (1 - depth / 5.5) + np.array([22, 40, 38.0]) * depth / 5.5
        picture[np.arange(height)[:, None] > edge[None, :]] = colour
    picture += random.normal(0, 3.0, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


def rocket() -> Image.Image:
    with Image.open(Path(str(files("skimage.data")), "rocket.jpg")) as image:
        return image.convert("RGB")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) if len(sys.argv) > 1 else main(FOLDER, SELF_TEST))
