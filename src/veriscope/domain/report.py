"""Signals → Verdict → Report: the answer, and everything that a reader needs to repeat it."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import TypeAlias

from veriscope.domain.clip import Clip
from veriscope.domain.finding import Finding
from veriscope.domain.media import Face, MediaFacts, Source
from veriscope.domain.signal import Signal

SCHEMA = "veriscope.report/1"


SHOWN_MIN, SHOWN_MAX = 0.01, 0.99
"""Scores shown to people are clipped to 1–99 %: no measurement of ours supports certainty."""


class Grade(enum.StrEnum):
    DECLARED_SYNTHETIC = "declared_synthetic"
    STRONG_EVIDENCE = "strong_evidence"
    SOME_EVIDENCE = "some_evidence"
    UNCERTAIN = "uncertain"
    NO_EVIDENCE_FOUND = "no_evidence_found"
    NOT_ASSESSABLE = "not_assessable"


Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The published answer beside the raw one.

    `score` is clipped to 0.01–0.99 and None when no score should be read (declared, not assessable).
    `raw_grade` is what the strongest signal alone would give; `reasons` say why the published grade differs.
    """

    grade: Grade
    score: float | None
    interval: tuple[float, float] | None
    reasons: tuple[Finding, ...]
    raw_grade: Grade
    raw_score: float | None

    def __post_init__(self) -> None:
        if self.score is not None and not SHOWN_MIN <= self.score <= SHOWN_MAX:
            raise ValueError(f"a shown score lies between {SHOWN_MIN} and {SHOWN_MAX}")
        if (self.score is None) != (self.interval is None):
            raise ValueError("score and interval come together")


@dataclasses.dataclass(frozen=True, slots=True)
class LawReference:
    """A law to read, shown apart from the verdict and never derived from it."""

    jurisdiction: str  # "de", "eu", "us-ca"
    id: str
    title: str  # English
    original_title: str | None
    citation: str
    topics: tuple[str, ...]
    status: str  # badge on the day of the report: "in_force", "enacted", "planned", "struck_down", "not_confirmed"
    summary: str
    url: str
    checked: str  # ISO date
    starts: str | None = None  # ISO date or the beginning of one: when an enacted law begins to apply
    overdue: str | None = None  # ISO date: the check that was due then was not made, and therefore the badge is "not_confirmed"


@dataclasses.dataclass(frozen=True, slots=True)
class HelpReference:
    """A place to report to or get help from."""

    jurisdiction: str
    name: str
    purposes: tuple[str, ...]
    about: str | None
    phones: tuple[str, ...]
    url: str | None
    minors: bool  # for people under 18
    checked: str


@dataclasses.dataclass(frozen=True, slots=True)
class Versions:
    """What produced a report: enough to repeat it."""

    veriscope: str
    detectors: Mapping[str, str]  # id → "version sha256"
    libraries: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """Everything that one analysis found, as plain data without a sentence in it."""

    schema: str = dataclasses.field(default=SCHEMA, kw_only=True)  # first, so that a file says at once what it is
    media: MediaFacts
    verdict: Verdict
    signals: tuple[Signal, ...]
    faces: tuple[Face, ...]
    not_checked: tuple[Finding, ...]
    versions: Versions
    timings: Mapping[str, float]  # step → seconds
    created: str  # ISO 8601, UTC
    law: tuple[LawReference, ...] = ()  # only for the countries that were asked for
    help: tuple[HelpReference, ...] = ()
    clip: Clip | None = None  # of what moves: samples, tracks, telling frames

    def to_json(self, indent: int | None = None) -> str:
        """The report as JSON; `veriscope schema` prints the schema that it satisfies."""
        return json.dumps(plain(self), indent=indent, ensure_ascii=False, allow_nan=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """An input that could not be analysed: the batch goes on."""

    source: Source
    code: str  # `VeriscopeError.code`
    message: str


def plain(value: object) -> Plain:
    """A domain value as JSON types, field by field."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in a report")
