"""What happens to a picture between its making and our eyes: altered copies for the robustness curves."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

Alter = Callable[[Image.Image], Image.Image]


def saved(format_: str, quality: int) -> Alter:
    """Saved again: JPEG with 4:2:0 chroma, or WebP."""

    def alter(picture: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        options = {"subsampling": 2} if format_ == "JPEG" else {}
        picture.save(buffer, format_, quality=quality, **options)
        return Image.open(buffer).convert("RGB")

    return alter


def scaled(factor: float, kernel: Image.Resampling = Image.Resampling.LANCZOS) -> Alter:
    """Resized by a factor."""

    def alter(picture: Image.Image) -> Image.Image:
        return picture.resize((max(1, round(picture.width * factor)), max(1, round(picture.height * factor))), kernel)

    return alter


def blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(1.2))


def noised(picture: Image.Image) -> Image.Image:
    """Gaussian noise of σ = 6 of 255; the same for every picture of a size."""
    noise = np.random.default_rng(0).normal(0, 6, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def screenshot(picture: Image.Image) -> Image.Image:
    """Shown at another size by a browser, and captured without loss."""
    return scaled(0.77, Image.Resampling.BILINEAR)(picture)


def forwarded(picture: Image.Image) -> Image.Image:
    """Sent through two messengers: long side 1600 pixels at quality 75, then 1280 at 70."""
    for side, quality in ((1600, 75), (1280, 70)):
        factor = min(1.0, side / max(picture.size))
        picture = saved("JPEG", quality)(scaled(factor, Image.Resampling.BICUBIC)(picture) if factor < 1 else picture)
    return picture


def cropped(picture: Image.Image) -> Image.Image:
    """The middle 80 % of each side."""
    x, y = picture.width // 10, picture.height // 10
    return picture.crop((x, y, picture.width - x, picture.height - y))


def rotated(picture: Image.Image) -> Image.Image:
    """Turned by 3° and cut so that no empty corner remains."""
    turned = picture.rotate(3, Image.Resampling.BICUBIC)
    x, y = round(picture.width * 0.06), round(picture.height * 0.06)
    return turned.crop((x, y, picture.width - x, picture.height - y))


def common(picture: Image.Image) -> Image.Image:
    """The middle square at 512 pixels, JPEG quality 80: after it, size and encoder tell nothing about the source."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.resize((512, 512), Image.Resampling.BICUBIC, (left, top, left + side, top + side), reducing_gap=3.0)
    return saved("JPEG", 80)(square)


VARIANTS: dict[str, Alter] = {
    "jpeg90": saved("JPEG", 90),
    "jpeg70": saved("JPEG", 70),
    "jpeg50": saved("JPEG", 50),
    "jpeg30": saved("JPEG", 30),
    "webp75": saved("WEBP", 75),
    "half": scaled(0.5),
    "quarter": scaled(0.25),
    "blur": blurred,
    "noise": noised,
    "screenshot": screenshot,
    "forwarded": forwarded,
    "crop": cropped,
    "rotate": rotated,
    "common": common,
}
