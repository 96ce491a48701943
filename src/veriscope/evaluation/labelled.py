"""Labelled pictures and clips: a folder with `real` and `fake` inside, or a table in CSV.

Nothing here is trusted: a table may come from anybody. Only ordinary files below its own folder (or below `root`) are
taken, links that lead elsewhere and addresses are not; what is wrong with a row is told, and the others go on.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from veriscope.domain import Failure
from veriscope.errors import DataError
from veriscope.ingest import discover

_REAL = (
    "real",
    "reals",
    "authentic",
    "genuine",
    "original",
    "originals",
    "pristine",
    "natural",
    "nature",
    "human",
    "photo",
    "photos",
)
_FAKE = (
    "fake",
    "fakes",
    "synthetic",
    "generated",
    "ai",
    "aigenerated",
    "deepfake",
    "deepfakes",
    "manipulated",
    "altered",
    "forged",
)
_LABELS = {**dict.fromkeys((*_REAL, "0", "0real"), 0), **dict.fromkeys((*_FAKE, "1", "1fake"), 1)}
_SPLITS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
           "test": "test", "testing": "test"}  # fmt: skip
_COLUMNS = ("generator", "kind", "group", "split")
_MAX_ROWS = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """One file with what is known about it. Empty text = not said."""

    path: Path
    name: str  # relative to the folder or table, for people
    label: int  # 1 = synthetic or manipulated, 0 = real
    sha256: str  # of the whole file, hex
    generator: str = ""  # of a synthetic one: what made it
    kind: str = ""  # of a real one: what sort of picture it is
    group: str = ""  # pictures that belong together (a person, a clip): they are drawn together
    split: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """An entry that cannot count, and why: what happened, then what to do."""

    entry: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class Labelled:
    """The examples, each different file once and sorted by name, and what could not be used."""

    examples: tuple[Example, ...]
    problems: tuple[Problem, ...] = ()
    duplicates: int = 0  # further copies of a file that counts once

    def of_split(self, name: str) -> Labelled:
        """Only the examples of one split: "train", "validation", "test" or a table's own word."""
        wanted = _SPLITS.get(name.lower(), name)
        return dataclasses.replace(self, examples=tuple(one for one in self.examples if one.split == wanted))


def read_labelled(source: Path, root: Path | None = None, progress: Callable[[int, int], object] | None = None) -> Labelled:
    """What a folder or a CSV table labels.

    Args:
        source: a folder with `real` and `fake` (or words that mean the same) at any depth, whose own folders name the
            generator or the kind; or a table with the columns file, label and, if it likes, generator, kind, group, split.
        root: files of a table must lie below it; None = the folder of the table.
        progress: is told how many files of how many are read.

    Raises:
        DataError: there is no such folder or table, or not one usable entry in it.
    """
    base = _resolved(source)
    if base.is_dir():
        rows, problems = _from_folder(base)
        limit = base
    elif base.is_file():
        rows, problems = _from_table(base)
        limit = _resolved(root) if root is not None else base.parent
    else:
        raise DataError(f"There is no folder or table {source}. Give a folder with real/ and fake/ inside, or a CSV file.")
    return _checked(rows, problems, limit, source, progress)


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """An entry before its file was looked at."""

    path: Path
    name: str
    label: int
    generator: str = ""
    kind: str = ""
    group: str = ""
    split: str = ""


def label_of(word: str) -> int | None:
    """What a word says: 1 = synthetic or manipulated, 0 = real, None = neither."""
    return _LABELS.get(re.sub(r"[\s_-]", "", word.strip().lower()))


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{str(path)!r} cannot be opened ({error}). Check the name.") from error


def _from_folder(base: Path) -> tuple[list[_Row], list[Problem]]:
    rows, problems = [], []
    for found in discover([str(base)], recursive=True):
        if isinstance(found, Failure):
            raise DataError(found.message)
        path = Path(found)
        name = path.relative_to(base)
        row = _placed(path, name)
        if row is None:
            told = "Its folders do not say whether it is real or fake. Put it below one that is called real or fake."
            problems.append(Problem(str(name), told))
        else:
            rows.append(row)
    return rows, problems


def _placed(path: Path, name: Path) -> _Row | None:
    """The row of a file in a folder; None when its folders name no class, or both."""
    folders = list(name.parts[:-1])
    labels = [(place, label) for place, label in enumerate(map(_folder_label, folders)) if label is not None]
    if len(labels) != 1:
        return None
    place, label = labels[0]
    splits = [_SPLITS[folder.lower()] for folder in folders if folder.lower() in _SPLITS]
    named = [folder for folder in (*folders[place + 1 :], *reversed(folders[:place])) if folder.lower() not in _SPLITS]
    what = named[0] if named else ""
    return _Row(path, str(name), label, what if label else "", "" if label else what, split=splits[0] if splits else "")


def _folder_label(folder: str) -> int | None:
    return None if folder in ("0", "1") else label_of(folder)


def _from_table(table: Path) -> tuple[list[_Row], list[Problem]]:
    rows: list[_Row] = []
    problems: list[Problem] = []
    try:
        with table.open(encoding="utf-8-sig", newline="") as handle:
            head = handle.readline()
            handle.seek(0)
            reader = csv.DictReader(handle, delimiter=max(",;\t", key=head.count))
            fields = {(field or "").strip().lower(): field for field in reader.fieldnames or ()}
            if not {"file", "label"} <= fields.keys():
                raise DataError(f"The table {table.name} has no columns file and label. Its first line must name them.")
            for row in reader:
                _take(table, f"line {reader.line_num}", {known: row.get(raw) for known, raw in fields.items()}, rows, problems)
                if len(rows) + len(problems) > _MAX_ROWS:
                    raise DataError(f"The table {table.name} has more than {_MAX_ROWS} rows. Split it.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"The table {table.name} cannot be read ({error}). Save it as CSV in UTF-8.") from error
    return rows, problems


def _take(table: Path, place: str, row: dict[str, str | None], rows: list[_Row], problems: list[Problem]) -> None:
    name, word = (row["file"] or "").strip(), (row["label"] or "").strip()
    label = label_of(word)
    if not name:
        problems.append(Problem(place, "It names no file. Fill the column file."))
    elif label is None:
        problems.append(Problem(f"{place}: {name}", f'The label "{word[:40]}" is unknown. Write real or fake.'))
    elif "://" in name:
        problems.append(Problem(f"{place}: {name}", "It is an address, and nothing is fetched here. Download the file first."))
    else:
        said = {column: (row.get(column) or "").strip() for column in _COLUMNS}
        said["split"] = _SPLITS.get(said["split"].lower(), said["split"])
        rows.append(_Row(table.parent / name, name, label, **said))


def _checked(
    rows: Sequence[_Row],
    problems: Sequence[Problem],
    root: Path,
    source: Path,
    progress: Callable[[int, int], object] | None,
) -> Labelled:
    """Rows whose file may be read, each content once; one content with two labels counts for neither."""
    told = list(problems)
    by_content: dict[str, list[Example]] = {}
    for number, row in enumerate(rows, 1):
        found = _looked_at(row, root)
        if isinstance(found, Problem):
            told.append(found)
        else:
            by_content.setdefault(found.sha256, []).append(found)
        if progress is not None:
            progress(number, len(rows))
    examples, duplicates = [], 0
    for copies in by_content.values():
        if len({copy.label for copy in copies}) > 1:
            names = ", ".join(copy.name for copy in copies[:3])
            told.append(Problem(names, "The same file is labelled real and fake. Correct one of the labels."))
        else:
            examples.append(copies[0])
            duplicates += len(copies) - 1
    if not examples:
        raise DataError(f"There is nothing to measure in {source}. {_first_reason(told)}")
    return Labelled(tuple(sorted(examples, key=lambda one: one.name)), tuple(told), duplicates)


def _first_reason(problems: Sequence[Problem]) -> str:
    if not problems:
        return "Give a folder with real/ and fake/ inside, or a CSV file with the columns file and label."
    return f"{len(problems)} entries cannot be used; the first is {problems[0].entry}: {problems[0].message}"


def _looked_at(row: _Row, root: Path) -> Example | Problem:
    try:
        path = row.path.resolve(strict=True)
        if not path.is_relative_to(root):
            return Problem(row.name, f"It lies outside {root}. Move it there, or allow its folder with --root.")
        if not stat.S_ISREG(path.stat().st_mode):
            return Problem(row.name, "It is no ordinary file. Name a picture or clip.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return Problem(row.name, "There is no such file. Correct the name.")
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its name cannot be used"
        return Problem(row.name, f"It cannot be read ({reason}). Check its name and permissions.")
    # An absolute name would carry the folders of this machine into a page that is passed on.
    name = str(path.relative_to(root)) if Path(row.name).is_absolute() else row.name
    return Example(path, name, row.label, digest, row.generator, row.kind, row.group, row.split)


def classes(examples: Sequence[Example]) -> tuple[int, int]:
    """How many are real, and how many synthetic."""
    synthetic = sum(example.label for example in examples)
    return len(examples) - synthetic, synthetic


def split_names(examples: Sequence[Example]) -> Iterator[str]:
    """The splits that occur, by name."""
    yield from sorted({example.split for example in examples if example.split})
