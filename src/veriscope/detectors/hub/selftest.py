"""One real photograph and one altered copy of it, shown to a model when it is first used.

What this can show: that the network runs, gives finite numbers, and does not say the exact opposite of its labels about
both pictures. What it cannot show: that the model is any good, or that its labels are right. One photograph says nothing
about an error rate; many good models never saw a fake of this kind and call both real, and one that calls both fake may
only dislike this photograph. So the only outcome that a reader is told about is the plain contradiction, and nothing is ever
turned round because of it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PIL import Image, ImageEnhance, ImageFilter

from veriscope.runtime.plugins import packaged

if TYPE_CHECKING:
    from veriscope.detectors.hub.lock import Outcome
    from veriscope.detectors.hub.model import HubDetector

AS_LABELLED, UNDECIDED, SUSPECT = "as_labelled", "undecided", "suspect"

FACE = (172, 56, 270, 190)
"""The face in the photograph: NASA's portrait of the astronaut Eileen Collins (public domain), in pixels."""

_BOX = (178.3, 62.9, 90.2, 112.8)  # left, top, width, height as the face detector sees it; tests compare


def self_test(detector: HubDetector) -> Outcome:
    """How a model answers about the two pictures: its likelihood of "synthetic" for each, and what follows from them."""
    real, altered = (detector.opinion(logit, 0.0).raw for logit in detector.logits(_shown(detector)))
    outcome = AS_LABELLED if real < 0.5 <= altered else SUSPECT if altered < 0.5 <= real else UNDECIDED
    return {"outcome": outcome, "real": round(real, 4), "altered": round(altered, 4)}


def _shown(detector: HubDetector) -> list[Image.Image]:
    pictures = (photograph(), enlarged(with_other_face(photograph())))
    if detector.recipe is None:
        return [detector.plan.recipe.view(picture) for picture in pictures]
    left, top, width, height = _BOX
    half = detector.recipe.margin * max(width, height) / 2
    x, y = left + width / 2, top + height / 2
    size = detector.recipe.size
    box = (x - half, y - half, x + half, y + half)
    return [picture.resize((size, size), Image.Resampling.BICUBIC, box=box) for picture in pictures]


@cache
def photograph() -> Image.Image:
    """The known real one."""
    (path,) = packaged("detectors.hub.pictures", ".jpg")
    with Image.open(path) as image:
        return image.convert("RGB")


def with_other_face(person: Image.Image) -> Image.Image:
    """The portrait with another face, visibly blended in: her own, mirrored, recoloured and of lower resolution."""
    face = person.crop(FACE).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    small = face.resize((face.width // 2, face.height // 2), Image.Resampling.BILINEAR)
    face = ImageEnhance.Color(small.resize(face.size, Image.Resampling.BICUBIC)).enhance(0.35)
    oval = Image.radial_gradient("L").point(lambda value: 255 if value < 118 else 0).resize(face.size)
    changed = person.copy()
    changed.paste(face, FACE[:2], oval.filter(ImageFilter.GaussianBlur(3)))
    return changed


def enlarged(picture: Image.Image) -> Image.Image:
    """A picture made again from a quarter of its width and height: no noise of a sensor, and the grid of enlarging layers."""
    small = picture.reduce(4)
    for _ in range(2):
        small = small.resize((2 * small.width, 2 * small.height), Image.Resampling.NEAREST).filter(ImageFilter.SMOOTH)
    return small.resize(picture.size)
