"""What the decoding process and its reader say to each other: a length, a JSON header, and for frames the pixels."""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import IO, Any, Literal, TypeAlias

_LENGTHS = struct.Struct(">II")
MAX_HEADER = 16 << 20
ALIVE_EVERY, MAX_ALIVE = 1_000, 20_000  # packets read between two signs of life; signs before the reader loses patience

Header: TypeAlias = dict[str, Any]
"""`kind` is "alive", "facts", "frame", "end" or "error". The reader believes none of it and checks every field."""


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """What the process is to do, and within which limits."""

    backend: Literal["streams", "pictures"]
    demuxer: str  # FFmpeg's name of the container, or Pillow's of the format: nothing is guessed from the content again
    frames: int | None = None
    fps: float | None = None
    max_seconds: float | None = None
    times: tuple[float, ...] | None = None  # exactly these frames once more, instead of a plan
    threads: int = 1
    max_samples: int = 2000
    max_pixels: int = 36_000_000
    max_side: int = 16_384
    min_side: int = 16
    max_bytes: int = 3 << 30  # address space
    max_seconds_cpu: int = 1800

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        values = json.loads(text)
        times = values.pop("times")
        return cls(**values, times=None if times is None else tuple(times))


def send(out: IO[bytes], header: Header, payload: bytes | memoryview = b"") -> None:
    packed = json.dumps(header).encode()
    out.write(_LENGTHS.pack(len(packed), len(payload)))
    out.write(packed)
    out.write(payload)
    out.flush()


def receive(source: IO[bytes], max_payload: int) -> tuple[Header, bytes] | None:
    """The next message; None when the other side has gone away, also in the middle of one.

    Raises:
        ValueError: what comes is no message, or a larger one than was agreed.
    """
    lengths = source.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_size, payload_size = _LENGTHS.unpack(lengths)
    if header_size > MAX_HEADER or payload_size > max_payload:
        raise ValueError("a message is larger than was agreed")
    packed = source.read(header_size)
    payload = source.read(payload_size)
    if len(packed) < header_size or len(payload) < payload_size:
        return None
    header = json.loads(packed)
    if not isinstance(header, dict):
        raise ValueError("a header is no object")
    return header, payload
