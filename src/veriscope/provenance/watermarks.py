"""The open invisible watermark that reference code of Stable Diffusion and FLUX writes into its pictures.

Method "dwtDct" of the package invisible-watermark (github.com/ShieldMnt/invisible-watermark, MIT): the picture's U channel
is averaged over 2 × 2 pixels (one Haar step), and in every 4 × 4 block of the result the largest coefficient carries one
bit of a repeated message in its remainder. Decoded here in a few lines, because the package needs torch and OpenCV.

It speaks only when it is found: saving as JPEG, scaling or turning a picture destroys the mark, and most generators never
write it. Watermarks with secret keys (SynthID, Stable Signature) cannot be read here
(docs/decisions/0006-watermarks.md).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from PIL import Image

from veriscope.domain import Finding, Signal, SignalKind, Status, Tendency, Views
from veriscope.settings import Settings

MIN_SIDE = 256  # the writers leave smaller pictures alone
MAX_PIXELS = 1_200_000  # the message repeats, so the top of a large picture is enough: over a hundred votes for each bit

_STEP = 36.0  # distance between the values that stand for the same bit


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A published message. `errors`: wrong bits allowed, so that chance matches fewer than one in 10⁹ random messages."""

    generator: str
    bits: str
    errors: int
    reference: str


def _spelled(text: str) -> str:
    return "".join(f"{byte:08b}" for byte in text.encode())


MARKS = (
    Mark("Stable Diffusion 1", _spelled("StableDiffusionV1"), 27, "github.com/CompVis/stable-diffusion scripts/txt2img.py"),
    Mark("Stable Diffusion 2", _spelled("SDV2"), 0, "github.com/Stability-AI/stablediffusion scripts/txt2img.py"),
    Mark(
        "Stable Diffusion XL",
        "101100111110110010010000011110111011000110011110",
        4,
        "github.com/huggingface/diffusers pipelines/stable_diffusion_xl/watermark.py",
    ),
    Mark(
        "FLUX",
        "1010101111111010000111100111001111010100101110",  # 46 bits: the writer drops the leading zeros of its 48
        3,
        "github.com/black-forest-labs/flux src/flux/util.py",
    ),
)


class Watermarks:
    """Looks for the published messages of `MARKS`."""

    id = "watermarks"
    kind = SignalKind.PROVENANCE

    def __init__(self, settings: Settings) -> None:
        """Takes the settings as every analyser does, and needs none of them."""
        del settings

    def analyze(self, views: Views) -> Signal:
        """One finding for each mark found, or "watermark.none", which proves nothing. JPEG wipes the marks out: skipped."""
        if views.media.clip is not None:
            return Signal(self.id, self.kind, Status.SKIPPED, reason=Finding("watermark.clip"))
        image = views.frames[0].image if views.frames else None
        if image is None or min(image.size) < MIN_SIDE:
            return Signal(self.id, self.kind, Status.SKIPPED, reason=Finding("watermark.too_small", {"pixels": MIN_SIDE}))
        if views.media.facts.format == "JPEG":
            return Signal(self.id, self.kind, Status.SKIPPED, reason=Finding("watermark.jpeg"))
        votes = _votes(image)
        found = tuple(finding for mark in MARKS if (finding := _match(votes, mark)))
        return Signal(self.id, self.kind, Status.OK, findings=found or (Finding("watermark.none"),))


def _votes(image: Image.Image) -> npt.NDArray[np.bool_]:
    """One bit for each block of 8 × 8 pixels, row by row."""
    rows = min(image.height, MAX_PIXELS // image.width) // 8 * 8
    bands = image.crop((0, 0, image.width // 8 * 8, rows)).split()
    red, green, blue = (np.asarray(band, dtype=np.float32) for band in bands)
    u = blue - (red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114))
    u = np.rint(u * np.float32(0.492) + np.float32(128))  # as 8-bit OpenCV rounds it; never outside 0–255
    halved = (u[0::2, 0::2] + u[1::2, 0::2] + u[0::2, 1::2] + u[1::2, 1::2]) / 2  # sums of positive numbers: no sign to lose
    largest = halved[0::4, 1::4].copy()
    for place in range(2, 16):  # a block is 4 × 4 numbers, of which the first carries nothing
        np.maximum(largest, halved[place // 4 :: 4, place % 4 :: 4], out=largest)
    votes: npt.NDArray[np.bool_] = (largest % _STEP > _STEP / 2).reshape(-1)
    return votes


def _match(votes: npt.NDArray[np.bool_], mark: Mark) -> Finding | None:
    size = len(mark.bits)
    if len(votes) < 2 * size:
        return None
    message = np.array([bit == "1" for bit in mark.bits])
    shares = votes[: len(votes) // size * size].reshape(-1, size).mean(axis=0)
    agreeing = int(((shares > 0.498) == message).sum())  # the reference decoder's border: 127 / 255
    if agreeing < size - mark.errors:
        return None
    return Finding(
        "watermark.found", {"generator": mark.generator, "agreeing": agreeing, "bits": size}, Tendency.SYNTHETIC_CLAIMED
    )
