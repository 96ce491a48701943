"""Any kind of pixel → RGB, 8 bit, sRGB.

What is lost on the way is lost for every detector alike, and each step that changed a pixel leaves a finding.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

from veriscope.domain import Finding
from veriscope.errors import UnsupportedMedia

if TYPE_CHECKING:
    from PIL import ImageCms

SAME = 2  # levels of 255 that two renderings may differ in and still count as the same colour
WHITE = (255, 255, 255)


def eight_bit(image: Image.Image, bits: int = 16) -> tuple[Image.Image, list[Finding]]:
    """The picture as L, LA, RGB, RGBA, CMYK or LAB with 8 bits per channel.

    `bits`: significant bits of a grey picture with more than eight.

    Raises:
        UnsupportedMedia: 32-bit or floating-point pixels, which no standard maps to what people see.
    """
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 instead of scaling; it reads 16-bit colour by its high byte, so does this.
        scale = 1 / (1 << (bits - 8))
        return image.convert("I").point(lambda value: value * scale).convert("L"), [_depth(bits)]
    if image.mode in ("I", "F"):
        raise UnsupportedMedia("The picture stores 32-bit numbers instead of colours. Save it with 8 or 16 bits per channel.")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return _with_colour_key(image), []
    plain = {"1": "L", "LA": "LA", "La": "LA", "RGBA": "RGBA", "RGBa": "RGBA", "PA": "RGBA"}
    default = "RGBA" if image.has_transparency_data else "RGB"  # palettes, YCbCr, HSV, RGBX
    return _converted(image, plain.get(image.mode, default)), []


def _depth(bits: int) -> Finding:
    return Finding("media.depth_reduced", {"bits": bits})


def _with_colour_key(image: Image.Image) -> Image.Image:
    """One colour may be declared transparent (PNG tRNS, GIF); of 16-bit colours only the high byte is left to compare."""
    key = image.info.get("transparency")
    if key is None or image.mode not in ("L", "RGB"):
        return image
    if max(key if isinstance(key, tuple) else (key,)) > 255:
        del image.info["transparency"]
        return image
    return image.convert("LA" if image.mode == "L" else "RGBA")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def to_srgb(image: Image.Image, icc: bytes) -> tuple[Image.Image, list[Finding]]:
    """The picture in sRGB, as L, LA, RGB or RGBA. Colour pictures are changed in place: they may be most of the memory.

    A profile that cannot be applied is left out, and a finding says so.
    """
    from PIL import ImageCms

    if image.mode == "LAB":
        return _from_lab(image), []
    notes: list[Finding] = []
    if icc:
        try:
            image, changed = _through_profile(image, icc)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes = [Finding("media.icc_unreadable")]
        else:
            notes = [Finding("media.colour_converted")] if changed else []
    return (image.convert("RGB") if image.mode == "CMYK" else image), notes


def _through_profile(image: Image.Image, icc: bytes) -> tuple[Image.Image, bool]:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    if image.mode in ("RGB", "RGBA"):
        if _is_srgb(profile):
            return image, False
        ImageCms.profileToProfile(image, profile, _srgb(), inPlace=True)
        return image, True
    if image.mode == "LA":
        colour, changed = _through_profile(image.getchannel("L"), icc)
        colour.putalpha(image.getchannel("A"))
        return colour, changed
    # Grey and CMYK have no room for the answer: a second picture is needed.
    converted = ImageCms.profileToProfile(image, profile, _srgb(), outputMode="RGB")
    return converted or image, True


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether a profile leaves a cube of colours as it is: measured, because names of profiles prove nothing.

    Most pictures carry some edition of sRGB, and converting those would only add rounding noise.
    """
    from PIL import ImageCms

    converted = ImageCms.profileToProfile(_probe(), profile, _srgb())
    if converted is None:
        return False
    levels = ImageChops.difference(_probe(), converted).histogram()  # 256 counts for each of three channels
    return not any(any(levels[start + SAME + 1 : start + 256]) for start in (0, 256, 512))


@functools.cache
def _probe() -> Image.Image:
    levels = [round(255 * step / 8) for step in range(9)]
    return Image.frombytes("RGB", (27, 27), bytes(value for r in levels for g in levels for b in levels for value in (r, g, b)))


@functools.cache
def _srgb() -> ImageCms.ImageCmsProfile:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    return ImageCms.profileToProfile(image, lab, _srgb(), outputMode="RGB") or image.convert("RGB")


def flattened(image: Image.Image) -> tuple[Image.Image, list[Finding]]:
    """The picture as RGB, on white where it is transparent. White is what most viewers and networks put behind it."""
    if image.mode not in ("LA", "RGBA"):
        return _converted(image, "RGB"), []
    if not any(image.getchannel("A").histogram()[:255]):
        return image.convert("RGB"), []
    canvas = Image.new("RGB", image.size, WHITE)
    canvas.paste(image, mask=image)
    return canvas, [Finding("media.alpha_flattened")]
