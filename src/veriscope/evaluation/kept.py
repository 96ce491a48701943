"""Answers that were given already, on disk: a comparison that was stopped goes on, and a new detector costs only itself.

Kept are the SHA-256 of a file, the detector with its version, and its answer. No name, no pixel, no label.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from veriscope.domain import Status
from veriscope.errors import DataError
from veriscope.evaluation.asking import Answer

_log = logging.getLogger(__name__)

_TABLES = """
create table if not exists answers (
    sha256 text, detector text, version text, variant text,
    status text, reason text, logit real, error real, subjects integer,
    primary key (sha256, detector, version, variant)
) without rowid;
create table if not exists work (
    detector text, version text, jobs integer, pictures integer, seconds real, peak integer,
    primary key (detector, version, jobs)
) without rowid;
"""

Key = tuple[str, str]
"""SHA-256 of a file, and the variant of it that was looked at."""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """How fast a detector was, over all that it was asked with so many jobs."""

    jobs: int
    pictures: int
    seconds: float
    peak: int | None  # bytes, of the whole process

    @property
    def per_second(self) -> float:
        return self.pictures / self.seconds if self.seconds > 0 else 0.0


class Kept:
    """The answers in one folder, or in memory alone when there is none."""

    def __init__(self, folder: Path | None) -> None:
        """Opens `folder`/answers.sqlite; one that is damaged is put aside and begun again.

        Raises:
            DataError: the folder cannot be written.
        """
        self.notes: list[str] = []
        if folder is None:
            self._base = _opened(":memory:")
            return
        path = folder / "answers.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._base = self._sound(path)
        except (OSError, sqlite3.Error, ValueError) as error:
            told = f"The folder {folder} cannot keep answers ({error}). Choose another with --cache, or none with --no-cache."
            raise DataError(told) from error

    def close(self) -> None:
        self._base.close()

    def answers(self, detector: str, version: str) -> dict[Key, Answer]:
        """All that this version of a detector has answered; what cannot be read is as if it had not."""
        query = "select sha256, variant, status, reason, logit, error, subjects from answers where detector = ? and version = ?"
        found = {}
        for sha256, variant, *values in self._all(query, (detector, version)):
            with contextlib.suppress(ValueError, TypeError):
                found[str(sha256), str(variant)] = _answer(*values)
        return found

    def keep(self, detector: str, version: str, answers: Iterable[tuple[Key, Answer]]) -> None:
        """Stores answers at once, so that a kill loses none of them."""
        rows = [
            (sha256, detector, version, variant, one.status.value, one.reason, one.logit, one.error, one.subjects)
            for (sha256, variant), one in answers
        ]
        self._write("insert or replace into answers values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def worked(self, detector: str, version: str, work: Work) -> None:
        """Adds to what is known of a detector's speed."""
        row = (detector, version, work.jobs, work.pictures, work.seconds, work.peak)
        add = """insert into work values (?, ?, ?, ?, ?, ?) on conflict do update set pictures = pictures + excluded.pictures,
            seconds = seconds + excluded.seconds, peak = max(coalesce(peak, excluded.peak), coalesce(excluded.peak, peak))"""
        self._write(add, [row])

    def work(self, detector: str, version: str, jobs: int) -> Work | None:
        """Its speed with so many jobs, else with the number of jobs that most pictures were asked with."""
        query = """select jobs, pictures, seconds, peak from work where detector = ? and version = ?
            order by jobs = ? desc, pictures desc"""
        rows = self._all(query, (detector, version, jobs))
        return Work(*rows[0]) if rows else None

    def _sound(self, path: Path) -> sqlite3.Connection:
        try:
            return _opened(str(path))
        except sqlite3.DatabaseError:
            if not path.is_file():
                raise
            for number in range(1, 1000):
                aside = path.with_name(f"{path.name}.damaged-{number}")
                if not aside.exists():
                    break
            path.replace(aside)
            self.notes.append(
                f"The kept answers were damaged. They were put aside as {aside.name}, and everything is asked again."
            )
            return _opened(str(path))

    def _all(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._base.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._lost(error)
            return []

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        try:
            with self._base:
                self._base.executemany(statement, rows)
        except sqlite3.Error as error:
            self._lost(error)

    def _lost(self, error: sqlite3.Error) -> None:
        """A full disk or a fault in the file must not cost the hours of a comparison: it goes on and says so."""
        _log.debug("answers are no longer kept", exc_info=error)
        note = f"Answers can no longer be kept ({error}). The comparison goes on; it could not be resumed from here."
        if note not in self.notes:
            self.notes.append(note)


def _opened(place: str) -> sqlite3.Connection:
    base = sqlite3.connect(place, timeout=30)
    try:
        if base.execute("pragma quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("its pages do not agree")
        base.executescript(_TABLES)
        return base
    except sqlite3.Error:
        base.close()
        raise


def _answer(status: str, reason: object, logit: object, error: object, subjects: object) -> Answer:
    if logit is not None and not (isinstance(logit, float) and math.isfinite(logit)):
        raise ValueError("not a logit")
    if not (isinstance(error, float) and math.isfinite(error) and isinstance(subjects, int) and subjects > 0):
        raise ValueError("not an answer")
    return Answer(Status(status), str(reason), logit, error, subjects)


@contextlib.contextmanager
def opened(folder: Path | None) -> Iterator[Kept]:
    """`Kept` for a while."""
    kept = Kept(folder)
    try:
        yield kept
    finally:
        kept.close()
