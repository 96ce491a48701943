"""Makes a corpus of damaged and hostile picture files, the same on every run.

    python scripts/make_hostile.py OUT_DIR

Each file begins as a small valid picture of ours or as a hand-written header; nothing here is taken from elsewhere. None is
dangerous to keep: the bombs are small files that only claim to be large.
"""

from __future__ import annotations

import functools
import io
import random
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image

SEED = 20_240_607
FLIPPED_COPIES = 9
CUTS = 9
HUGE = 30_000
Hostile = tuple[str, bytes]


def corpus() -> list[Hostile]:
    """(name, bytes) of every hostile file, at least 200."""
    valid = _valid()
    jpeg, png = valid["jpg"], valid["png"]
    damaged = [_flipped(valid), _cut(valid), _cut_at_markers(jpeg), _cut_at_chunks(png), _broken_chunks(png)]
    absurd = [_headers(valid), _bombs(), _many_frames(valid), _tiffs(), _riffs(valid["webp"]), _boxes(valid)]
    odd = [_metadata(valid), _polyglots(valid), _strangers(valid)]
    found = [file for makers in (damaged, absurd, odd) for files in makers for file in files]
    assert len({name for name, _ in found}) == len(found)
    return found


def _picture() -> Image.Image:
    """Smooth and noisy parts, so that every coding tool of a codec has work."""
    chance = random.Random(SEED)
    noise = Image.frombytes("L", (96, 72), chance.randbytes(96 * 72))
    ramp = Image.linear_gradient("L").resize((96, 72))
    return Image.merge("RGB", (ramp, noise, Image.radial_gradient("L").resize((96, 72))))


def _saved(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    packed = io.BytesIO()
    (image or _picture()).save(packed, kind, **options)
    return packed.getvalue()


def _valid() -> dict[str, bytes]:
    import pillow_heif

    pillow_heif.register_heif_opener()
    others = [Image.new("RGB", (96, 72), colour) for colour in ("red", "blue")]
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    return {
        "jpg": _saved("JPEG", exif=exif),
        "progressive.jpg": _saved("JPEG", progressive=True),
        "cmyk.jpg": _saved("JPEG", _picture().convert("CMYK")),
        "png": _saved("PNG", exif=exif),
        "palette.png": _saved("PNG", _picture().quantize(16)),
        "animated.png": _saved("PNG", save_all=True, append_images=others),
        "webp": _saved("WEBP"),
        "lossless.webp": _saved("WEBP", _picture().convert("RGBA"), lossless=True, exif=exif),
        "animated.webp": _saved("WEBP", save_all=True, append_images=others),
        "gif": _saved("GIF", save_all=True, append_images=others),
        "bmp": _saved("BMP"),
        "tif": _saved("TIFF", save_all=True, append_images=others),
        "deflate.tif": _saved("TIFF", compression="tiff_adobe_deflate"),
        "lzw.tif": _saved("TIFF", compression="tiff_lzw"),
        "heic": _saved("HEIF"),
        "avif": _saved("AVIF", speed=10),
    }


def _flipped(valid: dict[str, bytes]) -> Iterator[Hostile]:
    """Bits flipped at random: all over, and in the first bytes, where headers are."""
    chance = random.Random(SEED + 1)
    for suffix, data in valid.items():
        for copy in range(FLIPPED_COPIES):
            damaged = bytearray(data)
            reach = len(damaged) if copy % 2 else min(200, len(damaged))
            for _ in range(1 + copy * 3):
                damaged[chance.randrange(8, reach)] ^= 1 << chance.randrange(8)
            yield f"flipped-{copy}.{suffix}", bytes(damaged)


def _cut(valid: dict[str, bytes]) -> Iterator[Hostile]:
    for suffix, data in valid.items():
        for part in range(1, CUTS):
            yield f"cut-{part}.{suffix}", data[: len(data) * part // CUTS]


def _cut_at_markers(data: bytes) -> Iterator[Hostile]:
    position = 2
    while data[position] == 0xFF:
        yield f"marker-{position}-{data[position + 1]:02x}.jpg", data[:position]
        yield f"marker-{position}-half.jpg", data[: position + 3]
        if data[position + 1] == 0xDA:
            break
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    yield "ended-early.jpg", data[: len(data) // 2] + b"\xff\xd9"
    yield "no-end.jpg", data[:-2]


def _chunks(data: bytes) -> list[bytes]:
    chunks, position = [], 8
    while position < len(data):
        size = 12 + int.from_bytes(data[position : position + 4], "big")
        chunks.append(data[position : position + size])
        position += size
    return chunks


def _chunk(kind: bytes, data: bytes, claimed: int | None = None) -> bytes:
    size = len(data) if claimed is None else claimed
    return struct.pack(">I", size) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = b"\x89PNG\r\n\x1a\n"


def _ihdr(width: int, height: int, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def _cut_at_chunks(data: bytes) -> Iterator[Hostile]:
    position = 8
    for number, chunk in enumerate(_chunks(data)):
        yield f"chunk-{number}-before.png", data[:position]
        yield f"chunk-{number}-inside.png", data[: position + min(10, len(chunk) - 1)]
        position += len(chunk)


def _broken_chunks(data: bytes) -> Iterator[Hostile]:
    chunks = _chunks(data)
    head, end = chunks[0], chunks[-1]
    pixels = next(chunk for chunk in chunks if chunk[4:8] == b"IDAT")
    yield "crc.png", PNG + head[:-1] + b"\x00" + pixels + end
    yield "two-heads.png", PNG + head + head + pixels + end
    yield "no-pixels.png", PNG + head + end
    yield "pixels-first.png", PNG + pixels + head + end
    yield "endless-chunk.png", PNG + head + _chunk(b"IDAT", b"", 0xFFFFFFFF)
    yield "negative-chunk.png", PNG + head + _chunk(b"tEXt", b"a\0b", 0x80000000) + pixels + end
    yield "unknown-critical.png", PNG + head + _chunk(b"EVIL", b"x" * 99) + pixels + end
    yield "bad-zlib.png", PNG + head + _chunk(b"IDAT", b"\x78\x9c" + b"\xff" * 500) + end
    yield "too-few-rows.png", PNG + head + _chunk(b"IDAT", zlib.compress(bytes(289 * 10))) + end
    yield "many-empty-chunks.png", PNG + head + _chunk(b"IDAT", b"") * 20_000 + pixels + end
    yield "palette-missing.png", PNG + _ihdr(32, 32, 8, 3) + _chunk(b"IDAT", zlib.compress(bytes(33 * 32))) + end
    yield "animation-claims.png", PNG + head + _chunk(b"acTL", struct.pack(">II", 0x7FFFFFFF, 0)) + pixels + end
    yield "animation-zero.png", PNG + head + _chunk(b"acTL", struct.pack(">II", 0, 0)) + pixels + end
    outside = _chunk(b"acTL", struct.pack(">II", 2, 0)) + _chunk(
        b"fcTL", struct.pack(">5I2H2B", 0, 500, 500, 90, 90, 1, 1, 0, 0)
    )
    yield "animation-frame-outside.png", PNG + head + outside + pixels + end


def _headers(valid: dict[str, bytes]) -> Iterator[Hostile]:
    """Sizes that are zero, negative or absurd."""
    sizes = [(0, 0), (0, 72), (1, 1), (1, 1 << 30), (HUGE, HUGE), (65_500, 65_500), (0x7FFFFFFF, 0x7FFFFFFF), (0xFFFFFFFF, 1)]
    for width, height in sizes:
        pixels = _chunk(b"IDAT", zlib.compress(bytes(1000)))
        yield f"size-{width}x{height}.png", PNG + _ihdr(width, height) + pixels + _chunk(b"IEND", b"")
        yield f"size-{width}x{height}.bmp", valid["bmp"][:18] + struct.pack("<II", width, height) + valid["bmp"][26:]
        short = (width & 0xFFFF, height & 0xFFFF)
        yield f"size-{width}x{height}.gif", valid["gif"][:6] + struct.pack("<HH", *short) + valid["gif"][10:]
        yield f"size-{width}x{height}.jpg", _jpeg_size(valid["jpg"], *short)
    for depth, colour in ((0, 2), (3, 2), (16, 3), (32, 0), (8, 1), (8, 7), (255, 255)):
        yield f"depth-{depth}-{colour}.png", PNG + _ihdr(32, 32, depth, colour) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b"")
    for bits in (0, 2, 7, 16, 64, 65_535):
        yield f"bits-{bits}.bmp", valid["bmp"][:28] + struct.pack("<H", bits) + valid["bmp"][30:]
    for compression in (1, 2, 3, 4, 5, 99):
        yield f"compression-{compression}.bmp", valid["bmp"][:30] + struct.pack("<I", compression) + valid["bmp"][34:]


def _jpeg_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def _bombs() -> Iterator[Hostile]:
    """Small files that unpack into gigabytes."""
    yield "bomb-zeros.png", _zeros_png(HUGE, HUGE, 1, 0)
    yield "bomb-colour.png", _zeros_png(20_000, 5_000, 8, 2)
    yield "bomb-within-limits.png", _zeros_png(8_000, 6_000, 8, 2)
    yield "bomb-palette.png", _zeros_png(20_000, 20_000, 1, 0)
    yield "bomb-more-than-claimed.png", PNG + _ihdr(32, 32) + _chunk(b"IDAT", _zeros(50_000_000)) + _chunk(b"IEND", b"")
    small = PNG + _ihdr(32, 32)
    pixels = _chunk(b"IDAT", zlib.compress(bytes(97 * 32))) + _chunk(b"IEND", b"")
    yield "bomb-text.png", small + _chunk(b"zTXt", b"a\0\0" + _zeros(60_000_000)) + pixels
    yield "bomb-many-texts.png", small + _chunk(b"zTXt", b"a\0\0" + _zeros(900_000)) * 90 + pixels
    yield "bomb-icc.png", small + _chunk(b"iCCP", b"a\0\0" + _zeros(60_000_000)) + pixels
    yield "bomb-xmp.png", small + _chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + _zeros(60_000_000)) + pixels


@functools.cache
def _zeros(count: int) -> bytes:
    packer = zlib.compressobj(1)
    return (
        b"".join(packer.compress(bytes(min(1_000_000, count - done))) for done in range(0, count, 1_000_000)) + packer.flush()
    )


def _zeros_png(width: int, height: int, depth: int, colour: int) -> bytes:
    row = 1 + (width * depth * (3 if colour == 2 else 1) + 7) // 8
    return PNG + _ihdr(width, height, depth, colour) + _chunk(b"IDAT", _zeros(row * height)) + _chunk(b"IEND", b"")


def _many_frames(valid: dict[str, bytes]) -> Iterator[Hostile]:
    table = b"\x00" * 6
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", 32, 32, 0x80, 0, 0) + table
    yield "frames-20000.gif", head + frame * 20_000 + b";"
    yield "frames-outside.gif", head + b"\x2c" + struct.pack("<HHHHB", 60_000, 60_000, 60_000, 60_000, 0) + frame[10:] + b";"
    yield "no-frame.gif", head + b";"
    yield "extension-endless.gif", head + b"\x21\xfe" + b"\x01x" * 100_000
    yield "code-size.gif", head + frame[:10] + b"\xff\x02\x44\x01\x00;"
    yield "trailing-frames.gif", valid["gif"] + frame * 50


def _ifd(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + body + struct.pack("<I", following)


def _tiffs() -> Iterator[Hostile]:
    usual = {"bits": 8, "compression": 1, "photometric": 1, "offset": 8, "samples": 1, "rows": 32, "count": 1024}

    def plain(width: int = 32, height: int = 32, **changed: int) -> list[tuple[int, int, int, int]]:
        tags = zip((258, 259, 262, 273, 277, 278, 279), (usual | changed).values(), strict=True)
        sizes = [(256, 4, 1, width), (257, 4, 1, height)]
        return [*sizes, *((tag, 3 if value < 65_536 and tag != 273 else 4, 1, value) for tag, value in tags)]

    def tiff(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
        return b"II*\0" + struct.pack("<I", 8 + 1024) + bytes(1024) + _ifd(entries, following)

    yield "circular.tif", tiff(plain(), 8 + 1024)
    yield "circular-two.tif", tiff(plain(), 8 + 1024 + 114) + _ifd(plain(), 8 + 1024)
    yield "ifd-outside.tif", b"II*\0\xff\xff\xff\xff" + bytes(100)
    yield "ifd-at-zero.tif", b"II*\0\0\0\0\0" + bytes(100)
    yield "ifd-in-header.tif", b"II*\0\4\0\0\0" + bytes(100)
    yield "entries-65535.tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(1000)
    odd = {"offset": [0xFFFFFFF0], "count": [0xFFFFFFFF], "samples": [60_000], "bits": [60_000], "rows": [0]}
    odd |= {"photometric": [32_803], "compression": [3, 6, 7, 34_925, 65_535]}  # fax, both kinds of JPEG, LZMA, unknown
    for field, values in odd.items():
        for value in values:
            yield f"tag-{field}-{value}.tif", tiff(plain(**{field: value}))
    yield "huge.tif", tiff(plain(0xFFFFFFFF, 0xFFFFFFFF))
    yield "zero.tif", tiff(plain(0, 0))
    yield "claims-too-much.tif", tiff(plain(10_000, 10_000))
    yield "count-huge.tif", tiff([*plain(), (330, 4, 0xFFFFFFFF, 8)])
    yield "text-huge.tif", tiff([*plain(), (270, 2, 0x7FFFFFFF, 8)])
    yield "exif-circular.tif", tiff([*plain(), (34_665, 4, 1, 8 + 1024)])
    yield "types-unknown.tif", tiff([(tag, 99, 5, 5) for tag in range(256, 300)])
    yield "big.tif", b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + b"\xff" * 64
    yield "big-count.tif", b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1 << 60) + bytes(64)


def _riffs(data: bytes) -> Iterator[Hostile]:
    for size in (0, 1, 8, len(data) * 2, 0x7FFFFFFF, 0xFFFFFFFF):
        yield f"riff-{size}.webp", data[:4] + struct.pack("<I", size) + data[8:]
        yield f"inner-{size}.webp", data[:16] + struct.pack("<I", size) + data[20:]
    yield "empty.webp", b"RIFF\4\0\0\0WEBP"
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff" * 6
    yield "canvas-largest.webp", b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas
    yield "animation-empty.webp", b"RIFF" + struct.pack("<I", 32) + b"WEBP" + canvas + b"ANIM" + struct.pack("<IIH", 6, 0, 0)


def _boxes(valid: dict[str, bytes]) -> Iterator[Hostile]:
    """ISO base media boxes of HEIC and AVIF with wrong sizes, and item sizes that are absurd."""
    for suffix in ("heic", "avif"):
        data = valid[suffix]
        for kind in (b"meta", b"iloc", b"iprp", b"ispe", b"mdat", b"pitm"):
            at = data.find(kind) - 4
            for size in (0, 1, 7, 0xFFFFFFFF):
                yield f"box-{kind.decode()}-{size}.{suffix}", data[:at] + struct.pack(">I", size) + data[at + 4 :]
        at = data.find(b"ispe") + 8
        yield f"ispe-huge.{suffix}", data[:at] + struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF) + data[at + 8 :]
        yield f"ispe-wide.{suffix}", data[:at] + struct.pack(">II", 30_001, 17) + data[at + 8 :]
        yield f"ispe-zero.{suffix}", data[:at] + struct.pack(">II", 0, 0) + data[at + 8 :]
        yield f"only-brand.{suffix}", data[:24]
        yield f"deep.{suffix}", data[:24] + struct.pack(">I4s", 0x7FFFFFFF, b"meta") * 5_000


def _segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", min(0xFFFF, len(data) + 2)) + data


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{level + 1} "{f"&a{level};" * 10}">' for level in range(12))
    + "]><x:xmpmeta xmlns:x='adobe:ns:meta/'>&a12;</x:xmpmeta>"
).encode()
OUTSIDE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&f;</x:xmpmeta>'


def _metadata(valid: dict[str, bytes]) -> Iterator[Hostile]:
    """Sound pictures with hostile metadata: these must not be lost to what they carry."""
    jpeg = valid["progressive.jpg"]
    chunks = _chunks(valid["png"])

    def in_jpeg(*segments: bytes) -> bytes:
        return jpeg[:2] + b"".join(segments) + jpeg[2:]

    def in_png(*extra: bytes) -> bytes:
        return PNG + chunks[0] + b"".join(extra) + b"".join(chunk for chunk in chunks[1:] if chunk[4:8] != b"eXIf")

    for name, xmp in (("laughs", LAUGHS), ("outside", OUTSIDE), ("deep", b"<a>" * 20_000), ("not-xml", b"\xff\xfe" * 500)):
        yield f"xmp-{name}.jpg", in_jpeg(_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp[:65_000]))
        yield f"xmp-{name}.png", in_png(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    exifs = {
        "circular": b"II*\0\x08\0\0\0" + _ifd([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8)], 8),
        "nested": b"II*\0\x08\0\0\0" + b"".join(_ifd([(0x8769, 4, 1, 8 + 18 * (level + 1))]) for level in range(2_000)),
        "count": b"II*\0\x08\0\0\0" + _ifd([(0x0112, 3, 0xFFFFFFFF, 6), (0x010F, 2, 0x7FFFFFFF, 8)]),
        "orientation-text": b"II*\0\x08\0\0\0" + _ifd([(0x0112, 2, 4, 0x41414141)]),
        "orientation-99": b"II*\0\x08\0\0\0" + _ifd([(0x0112, 3, 1, 99)]),
        "rational-zero": b"II*\0\x08\0\0\0" + _ifd([(0x011A, 5, 1, 26)]) + bytes(8),
        "noise": b"MM\0*" + random.Random(SEED + 2).randbytes(5_000),
        "empty": b"",
        "giant": b"II*\0\x08\0\0\0" + _ifd([(0x9286, 7, 64_000, 26)]) + b"x" * 65_000,
    }
    for name, exif in exifs.items():
        yield f"exif-{name}.jpg", in_jpeg(_segment(0xE1, (b"Exif\0\0" + exif)[:65_533]))
        yield f"exif-{name}.png", in_png(_chunk(b"eXIf", exif))
    yield "exif-many.jpg", in_jpeg(*[_segment(0xE1, b"Exif\0\0" + b"x" * 65_000)] * 200)
    yield "exif-raw-profile.png", in_png(_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 99\nzz"))
    for name, icc in (("noise", random.Random(SEED + 3).randbytes(3_000)), ("zeros", bytes(500)), ("tags", _endless_icc())):
        yield f"icc-{name}.jpg", in_jpeg(_segment(0xE2, b"ICC_PROFILE\0\1\1" + icc))
        yield f"icc-{name}.png", in_png(_chunk(b"iCCP", b"a\0\0" + zlib.compress(icc)))
    yield "icc-parts.jpg", in_jpeg(*[_segment(0xE2, b"ICC_PROFILE\0" + bytes([part, 255]) + b"x" * 900) for part in range(200)])
    yield "mpf-noise.jpg", in_jpeg(_segment(0xE2, b"MPF\0II*\0\x08\0\0\0" + b"\xff" * 200))
    yield "mpf-outside.jpg", in_jpeg(_segment(0xE2, _mpf()))
    yield "photoshop.jpg", in_jpeg(_segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff"))
    yield "comments.jpg", in_jpeg(*[_segment(0xFE, b"x" * 10)] * 50_000)


def _endless_icc() -> bytes:
    head = bytearray(128)
    struct.pack_into(">I4sI4s4s4s", head, 0, 0x7FFFFFFF, b"lcms", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head[36:40] = b"acsp"
    return bytes(head) + struct.pack(">I", 90) + struct.pack(">4sII", b"rTRC", 0x7FFFFFF0, 0x7FFFFFFF) * 90


def _mpf() -> bytes:
    entries = struct.pack("<IIIHH", 0x030000, 100, 0, 0, 0) + struct.pack("<IIIHH", 0, 0xFFFFFFF, 0xFFFFFFF, 0, 0)
    return b"MPF\0II*\0\x08\0\0\0" + _ifd([(0xB000, 7, 4, 0x30303130), (0xB001, 4, 1, 2), (0xB002, 7, 32, 50)]) + entries


def _polyglots(valid: dict[str, bytes]) -> Iterator[Hostile]:
    page = b"<html><body><script>alert(1)</script></body></html>"
    for suffix in ("jpg", "png", "gif", "webp", "bmp", "tif"):
        yield f"with-page.{suffix}", valid[suffix] + page
        yield f"with-zip.{suffix}", valid[suffix] + b"PK\x05\x06" + bytes(18)
        yield f"with-picture.{suffix}", valid[suffix] + valid["jpg"]
        yield f"page-first.{suffix}", page + valid[suffix]
    yield "pdf-first.jpg", b"%PDF-1.4\n" + valid["jpg"]
    yield "script.gif", b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)"
    yield "mp4-behind.heic", valid["heic"] + b"\0\0\0\x18ftypisom" + bytes(12)


def _strangers(valid: dict[str, bytes]) -> Iterator[Hostile]:
    """Not pictures at all, under the names of pictures."""
    yield "empty.jpg", b""
    yield "one-byte.png", b"\x89"
    yield "zeros.jpg", bytes(100_000)
    yield "noise.jpg", random.Random(SEED + 4).randbytes(50_000)
    yield "page.jpg", b"<!DOCTYPE html><html><head><title>404</title></head></html>"
    yield "page-spaces.jpg", b" " * 200_000 + b"<html>"
    yield "comment-endless.svg", b"<!--" * 5_000
    yield "text.png", b"hello, this is text\n" * 100
    yield "video.jpg", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(500)
    yield "line-ends.png", valid["png"].replace(b"\r\n", b"\n")
    yield "as-text.jpg", valid["jpg"].decode("latin-1").encode("utf-8")
    for suffix in ("jpg", "png", "gif", "webp", "bmp", "tif", "heic", "avif"):
        yield f"magic-only.{suffix}", valid[suffix][:16]
        yield f"magic-and-noise.{suffix}", valid[suffix][:16] + random.Random(SEED + 5).randbytes(2_000)


def write_out(arguments: list[str], script: str, files: Callable[[], Sequence[tuple[str, bytes]]]) -> None:
    """Writes a corpus into the folder that the command line names."""
    if len(arguments) != 1:
        sys.exit(f"usage: python scripts/{script}.py OUT_DIR")
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    made = files()
    for name, data in made:
        (folder / name).write_bytes(data)
    print(f"{len(made)} files in {folder}")


if __name__ == "__main__":
    write_out(sys.argv[1:], "make_hostile", corpus)
