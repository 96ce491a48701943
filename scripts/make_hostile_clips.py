"""Write damaged, odd and hostile video files into a folder.

    python scripts/make_hostile_clips.py OUT_DIR

All are made here, from noise and gradients: truncated at each box, wrong durations, huge dimensions in headers, zero frames,
only sound, rotated, with variable rate, one frame, one pixel, and so on. The same files on every run of one FFmpeg.
"""

from __future__ import annotations

import io
import random
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from make_hostile import Hostile, write_out

SEED = 7
CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta"}


def picture(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """A gradient that moves, with a bright square that moves the other way."""
    y, x = np.mgrid[:height, :width]
    red = (x * 255 // max(1, width - 1) + 3 * index) % 256
    green = (y * 255 // max(1, height - 1) + 5 * index) % 256
    array = np.stack([red, green, np.full_like(red, 90)], axis=2).astype(np.uint8)
    at = (7 * index) % max(1, width - 16)
    array[height // 3 : height // 3 + 16, at : at + 16] = 250
    return array


def made(
    frames: int = 24,
    size: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    container: str = "mp4",
    pixels: str = "yuv420p",
    rate: int = 12,
    times: list[int] | None = None,
    sound: bool = False,
    options: dict[str, str] | None = None,
    faststart: bool = False,
    tags: dict[str, str] | None = None,
    draw: Callable[[int, int, int], NDArray[np.uint8]] = picture,
    gop: int = 8,
) -> bytes:
    """A small clip. `times`: presentation times in steps of 1 / rate, when they are not 0, 1, 2 …"""
    flags = {"movflags": "+faststart+use_metadata_tags"} if faststart else {"movflags": "use_metadata_tags"}
    with (
        tempfile.NamedTemporaryFile() as file,
        av.open(  # FFmpeg opens it again to move the index to its beginning
            file.name, "w", format=container, options=flags if container in ("mp4", "mov") else {}
        ) as out,
    ):
        out.metadata.update(tags or {})
        noise = out.add_stream("aac" if container in ("mp4", "mov") else "pcm_s16le", rate=8000) if sound else None
        if codec:
            stream = out.add_stream(codec, rate=rate)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = *size, pixels
            stream.gop_size = gop
            stream.options = {**(options or ({"preset": "ultrafast"} if codec == "libx264" else {}))}
            stream.codec_context.time_base = Fraction(1, rate)
            for index in range(frames):
                frame = av.VideoFrame.from_ndarray(draw(index, *size), format="rgb24")
                frame.pts, frame.time_base = (times[index] if times else index), Fraction(1, rate)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        if noise is not None:
            assert isinstance(noise, av.AudioStream)
            samples = np.random.default_rng(SEED).integers(-3000, 3000, (1, 8000), dtype=np.int16)
            heard = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            heard.sample_rate, heard.pts = 8000, 0
            out.mux(noise.encode(heard))
            out.mux(noise.encode(None))
        out.close()
        return Path(file.name).read_bytes()


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of every box of an MP4, those inside others too."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, name = int.from_bytes(data[start : start + 4]), data[start + 4 : start + 8]
        stop = start + size if size >= 8 else end
        yield name, start, min(stop, end)
        if name in CONTAINERS:
            yield from boxes(data, start + 8, min(stop, end))
        start = stop


def box(data: bytes, name: bytes) -> tuple[int, int]:
    return next((start, end) for found, start, end in boxes(data) if found == name)


def patched(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def corpus() -> list[Hostile]:
    return [*_truncated(), *_headers(), *_odd(), *_codecs(), *_strangers(), *_animations()]


def _truncated() -> Iterator[Hostile]:
    """Cut at the start of each box, the index at the end of the file and at its beginning."""
    for label, data in (("last", made()), ("first", made(faststart=True))):
        seen = set[bytes]()
        for name, start, _ in boxes(data):
            if name not in seen and start:
                seen.add(name)
                yield f"cut-{label}-{name.decode('latin-1').strip()}.mp4", data[:start]
    data = made(frames=48, faststart=True)
    start, end = box(data, b"mdat")
    for share in (10, 50, 90):
        yield f"cut-data-{share}.mp4", data[: start + (end - start) * share // 100]
    for kind, codec in (("matroska", "libx264"), ("webm", "libvpx"), ("avi", "mpeg4"), ("mpegts", "mpeg2video")):
        data = made(frames=48, container=kind, codec=codec)
        yield f"cut-half.{kind}", data[: len(data) // 2]
        yield f"cut-head.{kind}", data[:300]


def _headers() -> Iterator[Hostile]:
    """Headers that lie."""
    data = made()
    mvhd, tkhd, mdhd = (box(data, name)[0] for name in (b"mvhd", b"tkhd", b"mdhd"))
    yield "duration-zero.mp4", patched(patched(data, mvhd + 24, bytes(4)), mdhd + 24, bytes(4))
    yield "duration-days.mp4", patched(patched(data, mvhd + 24, b"\x7f\xff\xff\xff"), mdhd + 24, b"\x7f\xff\xff\xff")
    yield "timescale-zero.mp4", patched(patched(data, mvhd + 20, bytes(4)), mdhd + 20, bytes(4))
    yield "timescale-huge.mp4", patched(data, mdhd + 20, b"\xff\xff\xff\xff")
    avc = data.index(b"avc1")
    yield "size-huge-sample-entry.mp4", patched(data, avc + 28, b"\xff\xff\xff\xff")
    yield "size-huge-track.mp4", patched(data, tkhd + 84, struct.pack(">II", 0x7FFF0000, 0x7FFF0000))
    stts, stsz, stco, stsc = (box(data, name)[0] for name in (b"stts", b"stsz", b"stco", b"stsc"))
    yield "frames-claimed.mp4", patched(data, stsz + 16, b"\x7f\xff\xff\xff")
    yield "frames-none.mp4", patched(data, stsz + 16, bytes(4))
    yield "steps-none.mp4", patched(data, stts + 12, bytes(4))
    yield "step-backwards.mp4", patched(data, stts + 20, b"\xff\xff\xff\x00")
    yield "offset-outside.mp4", patched(data, stco + 16, b"\x7f\xff\xff\xff")
    yield "chunks-none.mp4", patched(data, stsc + 12, bytes(4))
    yield "box-size-zero.mp4", patched(data, box(data, b"trak")[0], bytes(4))
    yield "box-size-one.mp4", patched(data, box(data, b"trak")[0], b"\0\0\0\1")
    yield "box-deep.mp4", data[:32] + b"".join(struct.pack(">I4s", 0x7FFFFFFF, b"moov") for _ in range(5000))
    for degrees, matrix in (("90", (0, 1, -1, 0)), ("180", (-1, 0, 0, -1)), ("270", (0, -1, 1, 0))):
        a, b, c, d = (value << 16 for value in matrix)
        yield f"rotated-{degrees}.mp4", patched(data, tkhd + 48, struct.pack(">iiiiiiiii", a, b, 0, c, d, 0, 0, 0, 1 << 30))
    yield "avcc-damaged.mp4", patched(data, data.index(b"avcC") + 4, b"\xff" * 12)
    chance = random.Random(SEED)
    start, end = box(data, b"mdat")
    for count in (3, 40):
        noisy = bytearray(data)
        for _ in range(count):
            noisy[chance.randrange(start + 40, end)] = chance.randrange(256)
        yield f"bits-{count}.mp4", bytes(noisy)
    yield "data-zero.mp4", data[: start + 8] + bytes(end - start - 8) + data[end:]
    huge = made(codec="mjpeg", container="avi", pixels="yuvj420p", frames=4)
    sof = huge.index(b"\xff\xc0")
    yield "size-huge-jpeg.avi", patched(huge, sof + 5, b"\xff\xdc\xff\xdc")
    strf = huge.index(b"strf")
    yield "size-huge-header.avi", patched(huge, strf + 12, struct.pack("<ii", 60_000, 60_000))


def _odd() -> Iterator[Hostile]:
    """Unusual, and right."""
    yield "one-frame.mp4", made(frames=1)
    yield "two-frames.mp4", made(frames=2)
    yield "one-pixel.avi", made(frames=3, size=(1, 1), codec="rawvideo", container="avi", pixels="bgr24")
    yield "narrow.avi", made(frames=3, size=(8, 200), codec="rawvideo", container="avi", pixels="bgr24")
    yield "odd-sides.mkv", made(size=(97, 61), codec="ffv1", container="matroska", pixels="yuv444p")
    yield (
        "variable-rate.mp4",
        made(times=[0, 1, 2, 3, 20, 21, 22, 60, 61, 62, 63, 64, 65, 100, 101, 102, 103, 104, 130, 131, 132, 133, 134, 135]),
    )
    yield "slow.mp4", made(frames=6, times=[0, 600, 1200, 1800, 2400, 3000])
    yield "only-sound.mp4", made(codec="", sound=True)
    yield "only-sound.mkv", made(codec="", sound=True, container="matroska")
    yield "with-sound.mp4", made(sound=True)
    yield "interlaced.mpg", made(codec="mpeg2video", container="mpeg", rate=25, options={"flags": "+ildct+ilme"})
    yield "ten-bit.mp4", made(codec="libx264", pixels="yuv420p10le")
    hdr = {"x264-params": "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc", "preset": "ultrafast"}
    yield "hdr.mp4", made(codec="libx264", pixels="yuv420p10le", options=hdr)
    yield "alpha.mov", made(codec="qtrle", container="mov", pixels="argb")
    yield "black.mp4", made(draw=lambda _, width, height: np.zeros((height, width, 3), np.uint8))
    yield "tags-long.mp4", made(faststart=True, tags={"comment": "x" * 100_000, "title": "a\x00b\x1b[31m"})
    data = made(faststart=True)
    yield "trailing.mp4", data + bytes(1000) + b"PK\x03\x04"
    yield "twice.mp4", data + data
    yield "under-another-name.webm", data
    fragmented = io.BytesIO()
    with av.open(fragmented, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as out:
        stream = out.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 96, 64, "yuv420p", 8
        for index in range(24):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index, 96, 64), format="rgb24")))
        out.mux(stream.encode(None))
    whole = fragmented.getvalue()
    yield "fragmented.mp4", whole
    yield "fragmented-cut.mp4", whole[: len(whole) * 2 // 3]


def _codecs() -> Iterator[Hostile]:
    for name, codec, container, pixels in (
        ("vp8.webm", "libvpx", "webm", "yuv420p"),
        ("vp9.webm", "libvpx-vp9", "webm", "yuv420p"),
        ("av1.mp4", "libsvtav1", "mp4", "yuv420p"),
        ("hevc.mp4", "libx265", "mp4", "yuv420p"),
        ("mpeg4.avi", "mpeg4", "avi", "yuv420p"),
        ("mjpeg.avi", "mjpeg", "avi", "yuvj420p"),
        ("prores.mov", "prores_ks", "mov", "yuv422p10le"),
        ("flash.flv", "flv", "flv", "yuv420p"),
        ("transport.ts", "mpeg2video", "mpegts", "yuv420p"),
        ("windows.wmv", "wmv2", "asf", "yuv420p"),
    ):
        yield name, made(codec=codec, container=container, pixels=pixels, rate=25, options={})


def _strangers() -> Iterator[Hostile]:
    yield "empty.mp4", b""
    yield "one-byte.mp4", b"\0"
    yield "zeros.mp4", bytes(50_000)
    yield "only-ftyp.mp4", made()[:32]
    yield "noise-behind-ftyp.mp4", made()[:32] + random.Random(SEED).randbytes(50_000)
    yield "playlist.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    yield "concat.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"
    yield "reference.mov", _reference()
    yield "page.mp4", b"<!DOCTYPE html><html></html>"
    yield "noise.webm", b"\x1aE\xdf\xa3" + random.Random(SEED).randbytes(5_000)
    yield "noise.avi", b"RIFF\xff\xff\xff\x7fAVI LIST" + random.Random(SEED).randbytes(5_000)


def _reference() -> bytes:
    """A QuickTime file whose media lies in another file, which must not be opened."""
    data = made(container="mov")
    at = data.index(b"dref")
    return patched(data, at + 12, b"\0\0\0\x0calis\0\0\0\0")


def _animations() -> Iterator[Hostile]:
    frames = [Image.fromarray(picture(index, 96, 64)) for index in range(8)]

    def saved(kind: str, **options: object) -> bytes:
        packed = io.BytesIO()
        frames[0].save(packed, kind, save_all=True, append_images=frames[1:], **options)
        return packed.getvalue()

    animations = {"gif": saved("GIF", duration=80), "webp": saved("WEBP", duration=80), "png": saved("PNG", duration=80)}
    for suffix, data in animations.items():
        yield f"moving.{suffix}", data
        yield f"moving-cut.{suffix}", data[: len(data) * 6 // 10]
    yield "no-durations.gif", saved("GIF", duration=0)


if __name__ == "__main__":
    write_out(sys.argv[1:], "make_hostile_clips", corpus)
