"""Law and help by country and topic, from one file per jurisdiction.

This informs and does not advise. It never sees a file, a score or a report: the user says which countries matter, because
the home of the person shown, the place of posting and the seat of the platform may all differ.

    for section in select(["de"], ["ncii"]):
        ...  # Germany, then the European Union, then international help

Listing reads no file, and asking for one country reads its file and those it inherits.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from importlib import resources
from importlib.resources.abc import Traversable

from veriscope.errors import DataError
from veriscope.legal.records import (
    Channel,
    Jurisdiction,
    Law,
    LegalSection,
    Link,
    Minors,
    Purpose,
    ShownLaw,
    StaleRecord,
    Status,
    Topic,
)
from veriscope.legal.references import help_references, law_references

__all__ = [
    "MINORS_NOTICE",
    "NOTES",
    "Channel",
    "Jurisdiction",
    "Law",
    "LegalSection",
    "Link",
    "Minors",
    "Purpose",
    "ShownLaw",
    "StaleRecord",
    "Status",
    "Topic",
    "help_references",
    "jurisdictions",
    "law_references",
    "load",
    "select",
    "stale",
]

INTERNATIONAL = "global"

MINORS_NOTICE = "legal.minors.notice"
"""Catalogue code of the warning that stands above every entry on people under 18."""

NOTES = ("legal.note.information", "legal.note.original_prevails", "legal.note.limits", "legal.note.evidence")
"""Catalogue codes of the notes that belong under every list of laws."""


def jurisdictions() -> tuple[str, ...]:
    """All codes in alphabetical order, "eu" and "global" included. Opens no file."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml") and not name.startswith("_")))


def load(code: str) -> Jurisdiction:
    """One jurisdiction with its own records only; case and "_" for "-" do not matter.

    Raises:
        DataError: no file for that code (the message suggests near ones), or the file is invalid.
    """
    wanted = code.strip().lower().replace("_", "-")
    if wanted not in jurisdictions():
        raise DataError(_unknown_country(wanted))
    return _read(wanted)


def select(countries: Sequence[str], topics: Sequence[str] = (), on: date | None = None) -> tuple[LegalSection, ...]:
    """What to show for some countries: theirs in the order asked, then inherited ones, then international help.

    Topics choose among the laws. Channels and the entry on people under 18 are always there. A law past its review date
    has the status `not_confirmed`, and `stale` says why.

    Args:
        countries: codes; none gives international help only.
        topics: values of `Topic`; none means all.
        on: the day of showing; today in UTC by default.

    Raises:
        DataError: unknown country or topic; the message suggests near ones.
    """
    day = on or datetime.now(UTC).date()
    wanted = frozenset(_topic(name) for name in topics) or frozenset(Topic)
    asked = _once(load(code) for code in countries)
    shown = _once([*asked, *_ancestors(asked), load(INTERNATIONAL)])
    sections = (_section(place, wanted, day, asked=place in asked) for place in shown)
    return tuple(section for section in sections if section.asked or section.channels or section.laws or section.minors)


def stale(on: date) -> tuple[StaleRecord, ...]:
    """Every law and channel whose review date has passed, by jurisdiction. Reads all files."""
    return tuple(
        StaleRecord(place.code, name, record.review_by)
        for place in map(_read, jurisdictions())
        for name, record in _named(place)
        if record.is_stale(on)
    )


def _named(place: Jurisdiction) -> list[tuple[str, Law | Channel]]:
    return [*((law.id, law) for law in place.laws), *((channel.name, channel) for channel in place.channels)]


def _folder() -> Traversable:
    return resources.files(__name__) / "data"


@functools.cache
def _read(code: str) -> Jurisdiction:
    from veriscope.legal import schema  # pydantic is slow to import and needed only here

    return schema.parse(code, (_folder() / f"{code}.toml").read_text("utf-8"))


def _once(places: Iterable[Jurisdiction]) -> tuple[Jurisdiction, ...]:
    return tuple({place.code: place for place in places}.values())


def _ancestors(places: Iterable[Jurisdiction]) -> list[Jurisdiction]:
    parents = [load(code) for place in places for code in place.inherits]
    return parents + (_ancestors(parents) if parents else [])


def _section(place: Jurisdiction, topics: frozenset[Topic], on: date, *, asked: bool) -> LegalSection:
    laws = tuple(ShownLaw(law, law.status_on(on), law.is_stale(on)) for law in place.laws)
    for_minors = Minors(
        channels=tuple(channel for channel in place.channels if channel.minors),
        laws=tuple(shown for shown in laws if shown.law.minors),
    )
    return LegalSection(
        code=place.code,
        name=place.name,
        asked=asked,
        parts=tuple(code for code in jurisdictions() if code.startswith(f"{place.code}-")),
        on=on,
        minors=for_minors if for_minors.channels or for_minors.laws else None,
        channels=place.channels,
        laws=tuple(shown for shown in laws if topics.intersection(shown.law.topics)),
    )


def _topic(name: str) -> Topic:
    wanted = name.strip().lower().replace("-", "_")
    if wanted in (values := [topic.value for topic in Topic]):
        return Topic(wanted)
    near = difflib.get_close_matches(wanted, values, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Choose from {', '.join(values)}."
    raise DataError(f"There is no legal topic {name!r}. {hint}")


def _unknown_country(wanted: str) -> str:
    words = {word.lower(): place for place in map(_read, jurisdictions()) for word in (place.code, place.name, *place.aliases)}
    parent = wanted.partition("-")[0]
    known = [word for word in (wanted, parent) if word in words][:1]
    near = known or difflib.get_close_matches(wanted, words, n=3, cutoff=0.7)
    hints = list(dict.fromkeys(f"{words[word].code} ({words[word].name})" for word in near))
    if hints:
        return f"There is no law file for {wanted!r}. Did you mean {' or '.join(hints)}?"
    return f"There is no law file for {wanted!r}. Choose from {', '.join(jurisdictions())}."
