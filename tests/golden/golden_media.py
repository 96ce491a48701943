"""Small pictures of every format, made here: the same pixels on every run, up to what a codec's version changes."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

AI_TERM = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'ext:DigitalSourceType="{AI_TERM}"/></rdf:RDF></x:xmpmeta>'
)
WEBUI = (
    "a harbour at dusk\nNegative prompt: blurry\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123456, Size: 512x512, Model: example-model"
)


def package_file(package: str, name: str) -> bytes:
    return Path(str(files(package)), name).read_bytes()


def _photo(name: str) -> Image.Image:
    """A photograph without its metadata, which would travel into every copy."""
    image = Image.open(io.BytesIO(package_file("sklearn.datasets.images", name))).convert("RGB")
    image.info = {}
    return image


@functools.cache
def _china() -> Image.Image:
    return _photo("china.jpg")


@functools.cache
def _flower() -> Image.Image:
    return _photo("flower.jpg")


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    packed = io.BytesIO()
    image.save(packed, kind, **options)
    return packed.getvalue()


def _camera_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Example", "Camera 1", 6  # maker, model, orientation
    return _saved(_china().crop((40, 60, 360, 300)), "JPEG", quality=92, exif=exif.tobytes())


def _webui_png() -> bytes:
    texts = PngInfo()
    texts.add_text("parameters", WEBUI)
    return _saved(_flower().crop((180, 80, 436, 336)), "PNG", pnginfo=texts)


def _transparent_png() -> bytes:
    image = _flower().crop((0, 0, 320, 240))
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return _saved(image, "PNG")


def _animation() -> bytes:
    frames = [_china().crop((x, 100, x + 160, 220)).quantize(64) for x in (200, 210)]
    return _saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


def _deep_tiff() -> bytes:
    grey = _china().convert("L").crop((100, 100, 356, 292))
    return _saved(grey.convert("I").point(lambda value: value * 257).convert("I;16"), "TIFF", compression="tiff_lzw")


MEDIA: dict[str, Callable[[], bytes]] = {
    "photo.jpg": lambda: package_file("sklearn.datasets.images", "china.jpg"),
    "portrait.png": lambda: package_file("skimage.data", "astronaut.png"),
    "page.png": lambda: package_file("skimage.data", "page.png"),
    "camera.jpg": _camera_jpeg,
    "declared.jpg": lambda: _saved(_flower().crop((150, 50, 470, 290)), "JPEG", quality=92, xmp=XMP.encode()),
    "webui.png": _webui_png,
    "transparent.png": _transparent_png,
    "lossless.webp": lambda: _saved(_china().crop((300, 150, 556, 342)), "WEBP", lossless=True),
    "animation.gif": _animation,
    "plain.bmp": lambda: _saved(_china().crop((0, 0, 240, 180)), "BMP"),
    "deep.tif": _deep_tiff,
    "phone.heic": lambda: _saved(_flower().crop((100, 40, 420, 280)), "HEIF", quality=95),
    "picture.avif": lambda: _saved(_china().crop((0, 160, 256, 352)), "AVIF", quality=95),
    "tiny.png": lambda: _saved(_flower().crop((200, 100, 248, 140)), "PNG"),
}
"""File name → its bytes."""
