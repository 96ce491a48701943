"""Clips made for tests: a real face from scikit-image that moves, and plain frames."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from domain_made import photograph
from PIL import Image

HEAD = (140, 0, 310, 170)  # the astronaut's, in pixels of her portrait


@cache
def astronaut() -> Image.Image:
    return photograph("astronaut")


def face_frames(count: int, size: tuple[int, int] = (320, 240), side: int = 200, way: int = 2) -> list[Image.Image]:
    """The astronaut's head before a plain wall, going `way` pixels to the right with every frame."""
    head = astronaut().crop(HEAD).resize((side, side))
    frames = []
    for index in range(count):
        frame = Image.new("RGB", size, (90, 110, 120))
        frame.paste(head, (10 + way * index, 20))
        frames.append(frame)
    return frames


def plain_frames(count: int, size: tuple[int, int] = (160, 120)) -> list[Image.Image]:
    """Frames that all differ and show nobody: one large cat, wandering."""
    cat = photograph("chelsea")
    return [cat.crop((index, index // 2, index + size[0], index // 2 + size[1])) for index in range(count)]


def clip(
    frames: Sequence[Image.Image],
    rate: int = 10,
    container: str = "mp4",
    codec: str = "libx264",
    times: Sequence[int] | None = None,
    tags: dict[str, str] | None = None,
    gop: int = 12,
) -> bytes:
    """The frames as a video file. `times`: when each is shown, in steps of 1 / `rate` seconds."""
    packed = io.BytesIO()
    options = {"movflags": "use_metadata_tags"} if container in ("mp4", "mov") else {}
    with av.open(packed, "w", format=container, options=options) as out:
        out.metadata.update(tags or {})
        stream = out.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = frames[0].size
        stream.pix_fmt, stream.gop_size = "yuv420p", gop
        if codec == "libx264":
            stream.options = {"preset": "veryfast", "crf": "16"}
        stream.codec_context.time_base = Fraction(1, rate)
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            frame.pts, frame.time_base = (times[index] if times else index), Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return packed.getvalue()


def repeated(data: bytes, turns: int, rate: int = 10, container: str = "mp4") -> bytes:
    """A clip many times in a row, without encoding it again: an hour of small frames takes a second to make."""
    packed = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(packed, "w", format=container) as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        length = round(len(packets) / (rate * (stream.time_base or Fraction(1, rate))))
        for turn in range(turns):
            for original in packets:
                packet = av.Packet(bytes(original))
                packet.pts, packet.dts = (original.pts or 0) + turn * length, (original.dts or 0) + turn * length
                packet.time_base, packet.is_keyframe, packet.stream = original.time_base, original.is_keyframe, copy
                out.mux(packet)
    return packed.getvalue()


def with_sound(data: bytes, seconds: float) -> bytes:
    """A clip with a hum of so many seconds beside it."""
    packed = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(packed, "w", format="mp4") as out:
        stream = source.streams.video[0]
        copy, sound = out.add_stream_from_template(stream), out.add_stream("aac", rate=8000)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                out.mux(packet)
        for start in range(0, round(8000 * seconds), 1000):
            wave = np.sin(np.arange(start, start + 1000) / 9).astype(np.float32)[None] / 8
            frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return packed.getvalue()


@cache
def face_clip() -> bytes:
    """Three seconds of one face."""
    return clip(face_frames(30))


@cache
def plain_clip() -> bytes:
    return clip(plain_frames(24))


def children(doing: str) -> set[int]:
    """Processes that this one has started, with a word in their command, and that are still there."""
    me, found = os.getpid(), set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        fields = _read(status).rpartition(")")[2].split()
        if len(fields) > 1 and int(fields[1]) == me and fields[0] != "Z" and doing in _read(status.with_name("cmdline")):
            found.add(int(status.parent.name))
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended meanwhile
        return ""
