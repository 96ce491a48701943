"""Finding what can be plugged in, without importing any of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

CARDS_GROUP = "veriscope.detectors"
"""Entry point group of other packages: each entry names a package whose `.toml` files are detector cards."""


def packaged(package: str, suffix: str) -> tuple[Path, ...]:
    """The files of one of our folders, by name."""
    folder = Path(str(files("veriscope"))).joinpath(*package.split("."))
    return tuple(sorted(path for path in folder.glob(f"*{suffix}") if not path.name.startswith("_")))


def foreign_cards() -> tuple[Path, ...]:
    """Card files that other installed packages offer. Reading them runs no code of theirs."""
    found: list[Path] = []
    for entry in entry_points(group=CARDS_GROUP):
        if entry.dist is not None:
            folder = Path(str(entry.dist.locate_file(entry.value.replace(".", "/"))))
            found.extend(sorted(folder.glob("*.toml")))
    return tuple(found)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean "…"?` for a name that nearly matches, else an empty string."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return f' Did you mean "{close[0]}"?' if close else ""
