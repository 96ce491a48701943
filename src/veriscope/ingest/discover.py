"""What the user typed → one entry per picture or clip, in an order that does not depend on the file system."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from veriscope.domain import Failure, Source, SourceKind
from veriscope.errors import UnreadableSource
from veriscope.ingest import url
from veriscope.ingest.container import CLIP_SUFFIXES, SUFFIXES

_KNOWN = SUFFIXES.keys() | CLIP_SUFFIXES.keys()


def discover(sources: Sequence[str], recursive: bool) -> list[str | Failure]:
    """Paths and addresses to analyse, each once, in the order given; within a folder or pattern sorted by name.

    A folder gives its files with a known suffix of a picture or video, hidden ones left out, with `recursive` also those of its
    subfolders (links to folders are not followed). A glob pattern gives the files that it matches. Anything else, "-" and
    addresses included, passes through, and `open_media` judges it. A folder or pattern without one becomes a
    `Failure`, so that the rest of a batch goes on.
    """
    found: dict[str, str | Failure] = {}
    for source in sources:
        for item in _expanded(source, recursive):
            found.setdefault(item if isinstance(item, str) else f"\0{item.source.name}", item)
    return list(found.values())


def _expanded(source: str, recursive: bool) -> Sequence[str | Failure]:
    if source == "-" or url.is_address(source):
        return [source]
    try:
        if Path(source).is_dir():
            more = "" if recursive else " Its subfolders were not searched: add --recursive for that."
            return sorted(_in_folder(source, recursive)) or [
                _failure(source, f"The folder {source} contains no picture or video.{more}")
            ]
        if glob.has_magic(source) and not Path(source).exists():
            return sorted(_matching(source)) or [_failure(source, f"No file matches {source}. Check the pattern.")]
    except (OSError, ValueError) as error:
        return [_failure(source, f"{source!r} cannot be searched ({error}). Check the name and its permissions.")]
    return [source]


def _matching(pattern: str) -> Iterator[str]:
    # Path.glob rather than glob.glob: its ** stays away from links to folders, which may lead in circles.
    parts = Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    base = Path(*parts[:fixed])
    hidden = any(part.startswith(".") for part in parts[fixed:])
    for path in base.glob("/".join(parts[fixed:])):
        below = path.relative_to(base).parts
        if path.is_file() and (hidden or not any(part.startswith(".") for part in below)):
            yield str(path)


def _in_folder(folder: str, recursive: bool) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        if error.filename == folder:
            raise error

    for base, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        for name in names:
            path = Path(base, name)
            if not name.startswith(".") and path.suffix.lower() in _KNOWN and path.is_file():
                yield str(path)


def _failure(name: str, message: str) -> Failure:
    return Failure(Source(SourceKind.FILE, name), UnreadableSource.code, message)
