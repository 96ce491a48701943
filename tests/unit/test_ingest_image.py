"""Pictures of every kind → RGB, 8 bit, sRGB, upright."""

from __future__ import annotations

import contextlib
import io
import struct
import threading
import warnings
import zlib
from collections.abc import Callable

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image, ImageCms

from veriscope.domain import Finding, Media
from veriscope.errors import InputError, TooLarge, UnsupportedMedia
from veriscope.ingest import open_media
from veriscope.settings import Limits, Settings

pillow_heif.register_heif_opener()

RED, GREEN, BLUE, GREY = (220, 30, 40), (20, 200, 60), (30, 40, 210), (128, 128, 128)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")


def quarters(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Red, green / blue, grey: every turn and mirror image of it differs."""
    image = Image.new("RGB", size, RED)
    width, height = size
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(GREY, (width // 2, height // 2, width, height))
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    packed = io.BytesIO()
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0, **options}
    image.save(packed, kind, **options)
    return packed.getvalue()


def opened(data: bytes, limits: Limits | None = None) -> Media:
    return open_media(data, Settings(limits=limits or Limits()))


def codes(media: Media) -> list[str]:
    return [note.code for note in media.facts.notes]


def pixel(media: Media, x: int, y: int) -> tuple[int, ...]:
    value = media.frames[0].image.getpixel((x, y))
    assert isinstance(value, tuple)
    return tuple(int(band) for band in value)


def assert_upright_quarters(media: Media, tolerance: int = 12) -> None:
    width, height = media.frames[0].image.size
    spots = [(width // 4, height // 4), (3 * width // 4, height // 4), (width // 4, 3 * height // 4)]
    for spot, wanted in zip(spots, (RED, GREEN, BLUE), strict=True):
        assert np.abs(np.subtract(pixel(media, *spot), wanted)).max() <= tolerance


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_an_rgb_picture_and_its_facts(kind: str) -> None:
    data = saved(quarters(), kind)
    media = opened(data)
    assert media.facts.format == kind
    assert (media.facts.width, media.facts.height, media.facts.frames) == (64, 48, 1)
    assert media.frames[0].image.mode == "RGB"
    assert media.frames[0].image.size == (64, 48)
    assert media.data == data
    assert media.facts.size_bytes == len(data)
    assert media.facts.notes == ()
    assert_upright_quarters(media, 20)


def turned(orientation: int) -> Image.Image:
    """`quarters` as a camera stores it when it is held so that EXIF says `orientation`."""
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return quarters().transpose(inverse[orientation])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_pictures_are_turned_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    media = opened(saved(turned(orientation), kind, exif=exif))
    assert media.frames[0].image.size == (64, 48)
    assert_upright_quarters(media, 20)
    if kind != "HEIF":  # its decoder turns the picture by the container's own instruction and hides that
        assert codes(media) == ["media.oriented"]


def test_the_exif_block_is_kept_as_found() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    assert b"Maker" in opened(saved(quarters(), "JPEG", exif=exif)).exif


def test_a_damaged_exif_block_is_noted_and_the_picture_read() -> None:
    media = opened(saved(quarters(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + b"\xff" * 40))
    assert set(codes(media)) <= {"media.exif_unreadable"}
    assert_upright_quarters(media)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_transparency_is_put_on_white(kind: str) -> None:
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 24))
    image.paste((0, 0, 0, 128), (32, 0, 64, 24))
    media = opened(saved(image, kind, **({"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "AVIF" else {})))
    assert codes(media) == ["media.alpha_flattened"]
    assert min(pixel(media, 8, 8)) >= 250
    assert all(120 <= band <= 135 for band in pixel(media, 48, 8))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_opaque_alpha_channel_is_nothing_to_mention(mode: str) -> None:
    media = opened(saved(quarters().convert(mode), "PNG"))
    assert codes(media) == []
    assert media.frames[0].image.mode == "RGB"


def palette_with_transparency() -> bytes:
    image = quarters().quantize(8)
    return saved(image, "PNG", transparency=int(np.asarray(image)[5, 5]))


def grey_key() -> bytes:
    return saved(Image.new("L", (32, 32), 90), "PNG", transparency=90)


def colour_key() -> bytes:
    return saved(quarters(), "PNG", transparency=RED)


@pytest.mark.parametrize("make", [palette_with_transparency, grey_key, colour_key], ids=lambda make: str(make.__name__))
def test_colours_declared_transparent_become_white(make: Callable[[], bytes]) -> None:
    media = opened(make())
    assert codes(media) == ["media.alpha_flattened"]
    assert pixel(media, 5, 5) == (255, 255, 255)


@pytest.mark.parametrize(
    ("mode", "kind", "wanted"),
    [
        ("1", "PNG", (255, 255, 255)),
        ("L", "JPEG", (200, 200, 200)),
        ("P", "PNG", (200, 200, 200)),
        ("LA", "PNG", (200, 200, 200)),
        ("CMYK", "JPEG", (200, 200, 200)),
        ("CMYK", "TIFF", (200, 200, 200)),
        ("YCbCr", "JPEG", (200, 200, 200)),
        ("YCbCr", "TIFF", (200, 200, 200)),
    ],
)
def test_every_mode_becomes_rgb(mode: str, kind: str, wanted: tuple[int, ...]) -> None:
    image = Image.new("RGB", (32, 32), (200, 200, 200))
    converted = image.convert("L").convert("LA") if mode == "LA" else image.convert(mode, dither=Image.Dither.NONE)
    media = opened(saved(converted, kind))
    assert media.frames[0].image.mode == "RGB"
    assert np.abs(np.subtract(pixel(media, 9, 9), wanted)).max() <= 4


def test_lab_becomes_the_colour_it_means() -> None:
    # L* 53.2, a* 80.1, b* 67.2 is sRGB red.
    media = opened(saved(Image.new("LAB", (32, 32), (136, 208, 195)), "TIFF"))
    red, green, blue = pixel(media, 4, 4)
    assert red > 240
    assert green < 30
    assert blue < 30


RAMP = np.linspace(0, 65535, 64 * 32).astype(np.uint16).reshape(32, 64)


def png16(array: np.ndarray, colour: int) -> bytes:
    """A 16-bit PNG by hand: Pillow writes 16-bit grey only."""
    height, width = array.shape[:2]
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in array)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff16(array: np.ndarray, order: str) -> bytes:
    packed = io.BytesIO()
    tifffile.imwrite(packed, array, byteorder=order, photometric="rgb" if array.ndim == 3 else "minisblack")  # type: ignore[arg-type]
    return packed.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png16(RAMP, 0), id="png-grey"),
        pytest.param(png16(np.stack([RAMP] * 3, -1), 2), id="png-colour"),
        pytest.param(png16(np.stack([RAMP] * 3 + [np.full_like(RAMP, 65535)], -1), 6), id="png-alpha"),
        pytest.param(tiff16(RAMP, "<"), id="tiff-grey-little"),
        pytest.param(tiff16(RAMP, ">"), id="tiff-grey-big"),
        pytest.param(tiff16(np.stack([RAMP] * 3, -1), "<"), id="tiff-colour-little"),
        pytest.param(tiff16(np.stack([RAMP] * 3, -1), ">"), id="tiff-colour-big"),
    ],
)
def test_sixteen_bits_are_scaled_not_clipped(data: bytes) -> None:
    found = np.asarray(opened(data).frames[0].image)
    assert np.abs(found.astype(int) - (RAMP >> 8)[..., None]).max() <= 1


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """sRGB with the primaries of red and green exchanged: whoever applies it sees red as green."""
    return srgb_profile().replace(b"rXYZ", b"swap").replace(b"gXYZ", b"rXYZ").replace(b"swap", b"gXYZ")


def grey_profile() -> bytes:
    """A grey profile with linear light: 188 is what sRGB calls 50 % light (128 of 255, linear)."""
    curve = b"curv\0\0\0\0\0\0\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    body_at = 128 + 4 + 2 * 12
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", body_at, len(white), b"kTRC", body_at + len(white), len(curve))
    head = bytearray(128)
    struct.pack_into(">I4sI4s4s4s", head, 0, body_at + len(white) + len(curve), b"lcms", 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    head[36:40] = b"acsp"
    struct.pack_into(">3i", head, 68, 0xF6D6, 0x10000, 0xD32D)
    return bytes(head) + tags + white + curve


def test_another_colour_space_is_converted() -> None:
    media = opened(saved(quarters(), "JPEG", icc_profile=swapped_profile()))
    assert codes(media) == ["media.colour_converted"]
    red, green, _ = pixel(media, 8, 8)
    assert green > 150
    assert red < 80


def test_conversion_keeps_transparency() -> None:
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (32, 24, 64, 48))
    media = opened(saved(image, "PNG", icc_profile=swapped_profile()))
    assert codes(media) == ["media.colour_converted", "media.alpha_flattened"]
    assert pixel(media, 60, 40) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_profiles_are_applied(mode: str) -> None:
    media = opened(saved(Image.new("L", (32, 32), 128).convert(mode), "PNG", icc_profile=grey_profile()))
    assert codes(media) == ["media.colour_converted"]
    assert abs(pixel(media, 3, 3)[0] - 188) <= 2


def test_grey_profiles_keep_transparency() -> None:
    image = Image.new("LA", (32, 32), (128, 255))
    image.paste((128, 0), (0, 0, 16, 32))
    media = opened(saved(image, "PNG", icc_profile=grey_profile()))
    assert pixel(media, 3, 3) == (255, 255, 255)
    assert abs(pixel(media, 20, 3)[0] - 188) <= 2


def test_a_profile_that_is_srgb_changes_no_pixel() -> None:
    plain = opened(saved(quarters(), "PNG"))
    profiled = opened(saved(quarters(), "PNG", icc_profile=srgb_profile()))
    assert codes(profiled) == []
    assert profiled.frames[0].image.tobytes() == plain.frames[0].image.tobytes()
    assert profiled.frames[0].image.info == {}


@pytest.mark.parametrize(
    ("mode", "icc"),
    [("RGB", b"not a profile"), ("RGB", srgb_profile()[:200]), ("CMYK", b"not a profile"), ("CMYK", srgb_profile())],
    ids=["text", "cut", "cmyk-text", "for-other-pixels"],
)
def test_a_profile_that_cannot_be_applied_is_noted_and_left_out(mode: str, icc: bytes) -> None:
    media = opened(saved(quarters().convert(mode), "JPEG", icc_profile=icc))
    assert codes(media) == ["media.icc_unreadable"]
    assert_upright_quarters(media, 25)


@pytest.mark.parametrize("kind", ["TIFF", "HEIF", "MPO"])
def test_of_several_frames_the_first_is_read(kind: str) -> None:
    others = [Image.new("RGB", (64, 48), colour) for colour in (GREEN, BLUE)]
    media = opened(saved(quarters(), kind, save_all=True, append_images=others))
    assert media.facts.frames == 3
    assert media.facts.notes == (Finding("media.first_frame", {"frames": 3}),)
    assert_upright_quarters(media, 20)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_too_many_frames_are_refused(kind: str) -> None:
    others = [Image.new("RGB", (64, 48), colour) for colour in (GREEN, BLUE)]
    data = saved(quarters(), kind, save_all=True, append_images=others)
    with contextlib.closing(opened(data, Limits(max_frames=3))) as media:
        assert media.facts.frames == 3
    with pytest.raises(TooLarge, match="more than 2 pictures"):
        opened(data, Limits(max_frames=2))


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (Limits(max_pixels=64 * 48 - 1), TooLarge),
        (Limits(max_side=63), TooLarge),
        (Limits(max_bytes=100), TooLarge),
        (Limits(min_side=49), UnsupportedMedia),
    ],
    ids=["pixels", "side", "bytes", "small"],
)
@pytest.mark.parametrize("kind", FORMATS)
def test_limits_hold_for_every_format(kind: str, limits: Limits, error: type[InputError]) -> None:
    data = saved(quarters(), kind)
    assert opened(data, Limits(max_pixels=64 * 48, max_side=64, max_bytes=len(data), min_side=48))
    with pytest.raises(error):
        opened(data, limits)


def test_size_is_refused_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Image.Image) -> None:
        raise AssertionError("decoded")

    data = saved(quarters(), "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    with pytest.raises(TooLarge):
        opened(data, Limits(max_pixels=100))


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 255, (96, 128, 3), dtype=np.uint8))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95], ids=str)
@pytest.mark.parametrize("kind", [*FORMATS, "progressive", "tiff-deflate"])
def test_half_a_picture_is_not_read(kind: str, share: float) -> None:
    special: dict[str, tuple[str, dict[str, object]]] = {
        "progressive": ("JPEG", {"progressive": True}),
        "tiff-deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    }
    name, options = special.get(kind, (kind, {}))
    data = saved(noise(), name, **options)
    with pytest.raises(UnsupportedMedia, match="damaged or incomplete"):
        opened(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("tail", "noted"), [(b"PK\x03\x04" + b"x" * 96, 100), (b"", 0), (b"\x00" * 50, 0)], ids=["zip", "none", "padding"]
)
def test_data_after_the_end_is_noted(kind: str, tail: bytes, noted: int) -> None:
    media = opened(saved(noise(), kind) + tail)
    assert media.facts.notes == ((Finding("media.trailing_data", {"bytes": noted}),) if noted else ())


def test_data_after_a_progressive_picture_is_noted() -> None:
    media = opened(saved(noise(), "JPEG", progressive=True) + b"more")
    assert media.facts.notes == (Finding("media.trailing_data", {"bytes": 4}),)


def test_a_thumbnail_in_the_metadata_does_not_end_the_picture() -> None:
    thumbnail = saved(quarters((32, 32)), "JPEG")
    assert opened(saved(noise(), "JPEG", comment=thumbnail)).facts.notes == ()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + thumbnail
    assert opened(saved(noise(), "JPEG", exif=exif)).facts.notes == ()


def test_warnings_of_the_decoder_stay_inside_also_across_threads() -> None:
    data = saved(noise(), "TIFF")
    broken = data[:-40] + b"\xff" * 40
    before = list(warnings.filters)

    def work() -> None:
        for _ in range(30):
            try:
                opened(broken)
            except InputError:
                continue

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
