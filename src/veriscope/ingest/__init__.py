"""Source → Media: path, address, bytes and stream end in the same object."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from veriscope.domain import Finding, Frame, Media, MediaFacts, MediaKind, Source, SourceKind
from veriscope.errors import TooLarge, UnreadableSource
from veriscope.ingest import container, url
from veriscope.ingest.discover import discover
from veriscope.ingest.variants import halved, reencoded
from veriscope.settings import MEBIBYTE, Limits, Sampling, Settings

__all__ = ["described", "discover", "halved", "open_media", "reencoded"]

STDIN = "-"
_ENDINGS = container.SUFFIXES | container.CLIP_SUFFIXES


def open_media(
    source: str | Path | bytes | BinaryIO,
    settings: Settings,
    fetcher: url.Fetches | None = None,
    sampling: Sampling | None = None,
) -> Media:
    """A decoded picture, or a clip that is ready to be decoded, with its original bytes. Close it after use.

    Args:
        source: a path, an http(s) address, "-" for standard input, the bytes themselves, or a binary stream.
        settings: limits, and whether addresses may be fetched.
        fetcher: fetches addresses; None = from public addresses only.
        sampling: which frames of a clip are looked at; None = as the settings say.

    Raises:
        UnreadableSource: missing, a directory, a device, protected, empty, or an address while offline.
        UnsupportedMedia: neither picture nor video that is read here, a damaged one, or one too small to judge.
        TooLarge: over one of `settings.limits`.
        UnsafeUrl, RemoteError: see `veriscope.runtime.net`.
    """
    named, wanted = described(source), sampling or settings.sampling
    if named.kind is SourceKind.FILE and isinstance(source, str | Path):
        clip = _clip_file(named, source, settings, wanted)
        if clip is not None:
            return clip
    data = _read(source, named, settings, fetcher)
    if not data:
        raise UnreadableSource("The source is empty (0 bytes). Get the file again.")
    kind = container.clip_kind(data[: container.HEAD])
    if kind is not None:
        origin = _Origin(named, kind, hashlib.sha256(data).hexdigest(), len(data), data=data)
        return _clip(origin, "streams", settings, wanted)
    return _picture(named, data, settings, wanted)


def _picture(named: Source, data: bytes, settings: Settings, sampling: Sampling) -> Media:
    from veriscope.ingest import image

    decoded = image.decode(data, settings.limits)
    sha256 = hashlib.sha256(data).hexdigest()
    if decoded.frames > 1 and decoded.format in container.MOVING:
        return _clip(_Origin(named, decoded.format, sha256, len(data), data=data), "pictures", settings, sampling)
    width, height = decoded.image.size
    facts = MediaFacts(
        source=named,
        kind=MediaKind.IMAGE,
        sha256=sha256,
        size_bytes=len(data),
        format=decoded.format,
        width=width,
        height=height,
        frames=decoded.frames,
        notes=(*_name_notes(named, decoded.format), *decoded.notes),
    )
    return Media(facts, data, (Frame(0, decoded.image),), decoded.exif)


@dataclasses.dataclass(frozen=True, slots=True)
class _Origin:
    """The original of a clip: its bytes, or the path of a file that is never read into memory as a whole."""

    source: Source
    kind: str
    sha256: str
    size: int
    data: bytes = b""
    path: Path | None = None
    file: BinaryIO | None = None


def _clip_file(named: Source, path: str | Path, settings: Settings, sampling: Sampling) -> Media | None:
    """A clip that is a file on disk; None when the file is something else."""
    with contextlib.ExitStack() as closing:
        with _file_errors(named.name):
            file = closing.enter_context(open(path, "rb", opener=_opener))
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                return None
            kind = container.clip_kind(file.read(container.HEAD))
            if kind is None:
                return None
            if facts.st_size > settings.limits.max_clip_bytes:
                raise _too_large(settings.limits.max_clip_bytes, "max_clip_bytes")
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        closing.pop_all()  # the clip closes it
    origin = _Origin(named, kind, sha256, facts.st_size, path=Path(path).absolute(), file=file)
    return _clip(origin, "streams", settings, sampling)


def _clip(origin: _Origin, backend: str, settings: Settings, sampling: Sampling) -> Media:
    from veriscope.ingest.clip import ClipReader, anonymous

    file = origin.file or anonymous(origin.data)
    reader = ClipReader(file, backend, container.CLIPS.get(origin.kind, origin.kind), settings, sampling)
    opened = reader.opened
    facts = MediaFacts(
        source=origin.source,
        kind=MediaKind.VIDEO,
        sha256=origin.sha256,
        size_bytes=origin.size,
        format=origin.kind,
        width=opened.width,
        height=opened.height,
        frames=opened.frames,
        duration=opened.duration,
        notes=(*_name_notes(origin.source, origin.kind), *opened.notes),
        video=opened.video,
    )
    return Media(facts, origin.data, (), clip=reader, path=origin.path, tags=opened.tags)


def described(source: str | Path | bytes | BinaryIO) -> Source:
    """What kind of source it is and what to call it, without opening it."""
    match source:
        case bytes() | bytearray() | memoryview():
            return Source(SourceKind.BYTES, "bytes")
        case str() if source == STDIN:
            return Source(SourceKind.STREAM, STDIN)
        case str() if url.is_address(source.strip()):
            return Source(SourceKind.URL, source)
        case str() | Path():
            return Source(SourceKind.FILE, _shown(source))
        case _:
            return Source(SourceKind.STREAM, "stream")


def _read(source: str | Path | bytes | BinaryIO, named: Source, settings: Settings, fetcher: url.Fetches | None) -> bytes:
    limits = settings.limits
    match source:
        case bytes() | bytearray() | memoryview():
            return _within_limit(bytes(source), limits)
        case str() if named.kind is SourceKind.STREAM:
            return _read_stream(sys.stdin.buffer, limits)
        case str() if named.kind is SourceKind.URL:
            return _read_address(source, settings, fetcher)
        case str() | Path():
            return _read_file(source, limits)
        case _:
            return _read_stream(source, limits)


def _read_address(source: str, settings: Settings, fetcher: url.Fetches | None) -> bytes:
    if settings.offline:
        raise url.offline(source)
    if fetcher is None:
        from veriscope.runtime.net import Fetcher

        fetcher = Fetcher(settings.limits)
    return url.download(source, fetcher)


def _read_file(path: str | Path, limits: Limits) -> bytes:
    with _file_errors(_shown(path)), open(path, "rb", opener=_opener) as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise UnreadableSource(f"{_shown(path)} is a device or pipe, not an ordinary file. Use - to read standard input.")
        if facts.st_size > limits.max_bytes:
            raise _too_large(limits.max_bytes, "max_bytes")
        return file.read(facts.st_size)


def _opener(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a named pipe waits for a writer that may never come.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _shown(path: str | Path) -> str:
    """A file name as text that can be printed and stored: names on disk need not be valid UTF-8."""
    return str(path).encode("utf-8", "replace").decode()


@contextlib.contextmanager
def _file_errors(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UnreadableSource(f"There is no file {path}. Check the name.") from None
    except IsADirectoryError:
        raise UnreadableSource(f"{path} is a folder. Give the files in it, or let the command search it.") from None
    except PermissionError:
        raise UnreadableSource(f"{path} may not be read by this user. Change its permissions or copy it.") from None
    except OSError as error:
        raise UnreadableSource(f"{path} cannot be read ({error.strerror}). Copy the file to this machine first.") from error
    except ValueError:  # a null character in the name
        raise UnreadableSource("The name of the file contains characters that no file can have. Check the name.") from None


def _read_stream(stream: BinaryIO, limits: Limits) -> bytes:
    parts: list[bytes] = []
    left = limits.max_bytes + 1
    while left > 0:
        try:
            part = stream.read(left)
        except (OSError, ValueError) as error:
            raise UnreadableSource(f"The stream cannot be read ({error}). Open it for reading in binary mode.") from error
        if not isinstance(part, bytes):
            raise UnreadableSource("The stream yields no bytes. Open it in binary mode, without a non-blocking flag.")
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return _within_limit(b"".join(parts), limits)


def _within_limit(data: bytes, limits: Limits) -> bytes:
    if len(data) > limits.max_bytes:
        raise _too_large(limits.max_bytes, "max_bytes")
    return data


def _too_large(limit: int, name: str) -> TooLarge:
    return TooLarge(f"The source has more than {limit / MEBIBYTE:g} MiB. Use a smaller copy, or raise {name}.")


def _name_notes(source: Source, kind: str) -> Iterator[Finding]:
    name = unquote(urlsplit(source.name).path) if source.kind is SourceKind.URL else source.name
    suffix = PurePosixPath(name).suffix.lower() if source.kind is SourceKind.URL else Path(name).suffix.lower()
    if source.kind in (SourceKind.FILE, SourceKind.URL) and _ENDINGS.get(suffix, kind) != kind:
        yield Finding("media.extension_differs", {"extension": suffix, "format": kind})
