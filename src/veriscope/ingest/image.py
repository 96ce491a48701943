"""Bytes of a picture → one upright RGB picture with notes on what was done to it.

Limits are checked on the header, before a pixel is decoded. A picture is decoded whole or not at all: half a picture
would be judged as if the grey rest had been seen.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator

from PIL import ExifTags, Image

from veriscope.domain import Finding
from veriscope.errors import TooLarge, UnsupportedMedia
from veriscope.ingest import colour, container
from veriscope.settings import Limits

# EXIF 2.32, tag 0x0112: what must be done to make the picture upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
DNG_VERSION = 50706
REDUCED_COPY = 254  # NewSubfileType, bit 0: camera raw files begin with a preview

# Whatever Pillow's decoders are known to raise on damaged files; the last three are slips of theirs, not of ours.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
    TypeError,
    AttributeError,
    AssertionError,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Decoded:
    """A picture as RGB, 8 bit, sRGB, upright."""

    image: Image.Image
    format: str
    frames: int
    exif: bytes
    notes: tuple[Finding, ...]


def decode(data: bytes, limits: Limits) -> Decoded:
    """The first or main picture of a file.

    Raises:
        UnsupportedMedia: not a picture that is read here, a damaged one, or one too small to judge.
        TooLarge: over a limit.
    """
    kind = container.identify(data)
    with translated():
        image = _opened(data, kind)
        frames = _check_header(image, data, kind, limits)
        tiff_orientation = _orientation(image) if kind == "TIFF" else None  # its decoder turns it, and forgets
        image.load()
        _check_size(image.size, limits)  # HEIF headers can differ from what is decoded
        exif = _exif(image)
        orientation = _orientation(image)
        upright, notes = _normalised(image, tiff_orientation or orientation, turned=kind == "TIFF")
    if orientation is None:
        notes.append(Finding("media.exif_unreadable"))
    return Decoded(upright, kind, frames, exif, (*_container_notes(data, kind, frames), *notes))


def _opened(data: bytes, kind: str) -> Image.Image:
    if kind == "HEIF":
        _register_heif()
    return Image.open(io.BytesIO(data), formats=[kind])


@functools.cache
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _check_header(image: Image.Image, data: bytes, kind: str, limits: Limits) -> int:
    """Frames that the file claims, when everything it claims is within limits."""
    _check_size(image.size, limits)
    if kind == "TIFF":
        _refuse_raw(image)
    frames = container.count_frames(data, kind, limits.max_frames) if kind in ("GIF", "TIFF") else getattr(image, "n_frames", 1)
    if frames > limits.max_frames:
        raise TooLarge(f"The file holds more than {limits.max_frames} pictures. Save the one in question by itself.")
    return int(frames)


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width > limits.max_side or height > limits.max_side or width * height > limits.max_pixels:
        raise TooLarge(
            f"The picture has {width} × {height} pixels; {limits.max_pixels / 1e6:g} megapixels and sides of {limits.max_side} "
            "are allowed. Use a smaller copy, or raise max_pixels and max_side."
        )
    if min(size) < limits.min_side:
        raise UnsupportedMedia(
            f"The picture has only {width} × {height} pixels: too few to judge. "
            f"Use one with at least {limits.min_side} on each side."
        )


def _refuse_raw(image: Image.Image) -> None:
    tags = getattr(image, "tag_v2", {})
    if DNG_VERSION in tags or int(tags.get(REDUCED_COPY, 0)) & 1:
        raise container.camera_raw()


def _normalised(image: Image.Image, orientation: int | None, turned: bool) -> tuple[Image.Image, list[Finding]]:
    icc = image.info.get("icc_profile") or b""
    bits = 12 if getattr(image, "tag_v2", {}).get(258) == (12,) else 16
    image, depth = colour.eight_bit(image, bits)
    image, profile = colour.to_srgb(image, icc)
    image, alpha = colour.flattened(image)
    notes = [*depth, *profile, *alpha]
    if orientation in UPRIGHT:
        notes.append(Finding("media.oriented", {"orientation": orientation}))
        image = image if turned else image.transpose(UPRIGHT[orientation])
    image.info = {}  # or a crop saved as PNG would carry the profile that was just applied
    return image, notes


def _exif(image: Image.Image) -> bytes:
    raw = image.info.get("exif")
    return raw if isinstance(raw, bytes) else b""


def _orientation(image: Image.Image) -> int | None:
    """EXIF orientation, 1 if there is none, None if the EXIF block is damaged: that alone is no reason to refuse."""
    try:
        with translated():
            value = image.info.get("original_orientation") or image.getexif().get(ExifTags.Base.Orientation, 1)
    except UnsupportedMedia:
        return None
    return value if isinstance(value, int) else 1


def _container_notes(data: bytes, kind: str, frames: int) -> Iterator[Finding]:
    if frames > 1:
        yield Finding("media.first_frame", {"frames": frames})
    extra = container.trailing_bytes(data, kind)
    if extra:
        yield Finding("media.trailing_data", {"bytes": extra})


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Errors of the decoders as ours, their warnings silenced: the one place that knows them."""
    try:
        with _QUIET:
            yield
    except Image.DecompressionBombError as error:
        raise TooLarge("The picture claims far more pixels than any camera makes. Use a smaller copy.") from error
    except MemoryError as error:
        raise TooLarge("The picture does not fit into memory. Use a smaller copy.") from error
    except DECODER_ERRORS as error:
        raise UnsupportedMedia(
            "The picture is damaged or incomplete and cannot be decoded whole. Get the file again, or open it in an editor "
            "and save a copy."
        ) from error


class _Quiet:
    """Silences Pillow's warnings while any thread decodes.

    `warnings.catch_warnings` swaps a list that all threads share: overlapping uses would restore it in the wrong order and
    leave the filter of one of them behind for ever. So the first thread in sets the filter and the last one out removes it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._caught.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)\b")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.close()


_QUIET = _Quiet()
