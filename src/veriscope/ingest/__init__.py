"""Source → Media: path, address, bytes and stream end in the same object."""

from __future__ import annotations

import contextlib
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
from veriscope.settings import MEBIBYTE, Limits, Settings

__all__ = ["described", "discover", "halved", "open_media", "reencoded"]

STDIN = "-"


def open_media(source: str | Path | bytes | BinaryIO, settings: Settings, fetcher: url.Fetches | None = None) -> Media:
    """A decoded picture with its original bytes.

    Args:
        source: a path, an http(s) address, "-" for standard input, the bytes themselves, or a binary stream.
        settings: limits, and whether addresses may be fetched.
        fetcher: fetches addresses; None = from public addresses only.

    Raises:
        UnreadableSource: missing, a directory, a device, protected, empty, or an address while offline.
        UnsupportedMedia: not a picture that is read here, a damaged one, or one too small to judge.
        TooLarge: over one of `settings.limits`.
        UnsafeUrl, RemoteError: see `veriscope.runtime.net`.
    """
    from veriscope.ingest import image

    named, data = _read(source, settings, fetcher)
    if not data:
        raise UnreadableSource("The source is empty (0 bytes). Get the file again.")
    decoded = image.decode(data, settings.limits)
    width, height = decoded.image.size
    facts = MediaFacts(
        source=named,
        kind=MediaKind.IMAGE,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        format=decoded.format,
        width=width,
        height=height,
        frames=decoded.frames,
        notes=(*_name_notes(named, decoded.format), *decoded.notes),
    )
    return Media(facts, data, (Frame(0, decoded.image),), decoded.exif)


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


def _read(source: str | Path | bytes | BinaryIO, settings: Settings, fetcher: url.Fetches | None) -> tuple[Source, bytes]:
    limits, named = settings.limits, described(source)
    match source:
        case bytes() | bytearray() | memoryview():
            return named, _within_limit(bytes(source), limits)
        case str() if named.kind is SourceKind.STREAM:
            return named, _read_stream(sys.stdin.buffer, limits)
        case str() if named.kind is SourceKind.URL:
            return named, _read_address(source, settings, fetcher)
        case str() | Path():
            return named, _read_file(source, limits)
        case _:
            return named, _read_stream(source, limits)


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
            raise _too_large(limits)
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
        raise UnreadableSource(f"{path} is a folder. Give the pictures in it, or let the command search it.") from None
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
        raise _too_large(limits)
    return data


def _too_large(limits: Limits) -> TooLarge:
    return TooLarge(f"The source has more than {limits.max_bytes / MEBIBYTE:g} MiB. Use a smaller copy, or raise max_bytes.")


def _name_notes(source: Source, kind: str) -> Iterator[Finding]:
    name = unquote(urlsplit(source.name).path) if source.kind is SourceKind.URL else source.name
    suffix = PurePosixPath(name).suffix.lower() if source.kind is SourceKind.URL else Path(name).suffix.lower()
    if source.kind in (SourceKind.FILE, SourceKind.URL) and container.SUFFIXES.get(suffix, kind) != kind:
        yield Finding("media.extension_differs", {"extension": suffix, "format": kind})
