"""Where a command writes: data to standard output or a file, words for people to standard error."""

from __future__ import annotations

import contextlib
import enum
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TextIO

import typer

from veriscope.errors import DataError

EXIT_USAGE = 2
EXIT_SOME_FAILED = 3


class Format(enum.StrEnum):
    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


def encode(stream: TextIO) -> None:
    """UTF-8 into files and pipes, whatever the locale; a terminal keeps its encoding, and shows "?" for what it lacks."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def stop(message: str) -> NoReturn:
    typer.echo(f"veriscope: {message}", err=True)
    raise SystemExit(EXIT_USAGE)


@contextlib.contextmanager
def target(path: Path | None) -> Iterator[Callable[[str], object]]:
    """Standard output, or a file that appears whole or not at all."""
    if path is None:
        yield to_standard_output
        return
    if not path.resolve().parent.is_dir():
        raise DataError(f"The folder of {path} does not exist. Create it first.")
    if os.path.isdir(path):  # noqa: PTH112 unlike Path.is_dir, this does not raise for a name that is too long
        raise DataError(f"{path} is a folder. Give the name of a file in it.")
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("w", encoding="utf-8") as file:  # before the first picture: a batch must not run for nothing
            yield file.write
        unfinished.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}). Choose another place.") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def to_standard_output(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: Click ends the command quietly
        raise
    except OSError as error:
        raise DataError(f"The results cannot be written ({error.strerror}). Make room, or choose another place.") from error


def width() -> int:
    return min(shutil.get_terminal_size((100, 24)).columns, 110)


def in_colour(stream: object) -> bool:
    """Colour on a terminal, unless the user asked for none (https://no-color.org)."""
    return bool(getattr(stream, "isatty", lambda: False)()) and not os.environ.get("NO_COLOR")
