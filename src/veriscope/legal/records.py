"""What a jurisdiction says, as plain frozen records.

A record holds facts and one English sentence; labels of topics, states and purposes are codes (`legal.topic.ncii`), which
the catalogues turn into words. Nothing here knows of a detector or a score: the law panel and the result stay apart.
"""

from __future__ import annotations

import dataclasses
import enum
from datetime import date


class Topic(enum.StrEnum):
    """What a law is about."""

    NCII = "ncii"  # intimate images without consent
    IMPERSONATION = "impersonation"  # and fraud
    ELECTIONS = "elections"
    LABELLING = "labelling"
    IMAGE_RIGHTS = "image_rights"
    DEFAMATION = "defamation"
    DATA_PROTECTION = "data_protection"
    PLATFORMS = "platforms"


class Status(enum.StrEnum):
    """The badge of a law. A file never says `enacted` of a confirmed law: that follows from `applies_from` and the date."""

    IN_FORCE = "in_force"
    ENACTED = "enacted"  # passed, but the rule that matters here does not apply yet
    PLANNED = "planned"
    STRUCK_DOWN = "struck_down"  # a court says that it cannot be enforced
    NOT_CONFIRMED = "not_confirmed"


class Purpose(enum.StrEnum):
    """What a reporting channel is for."""

    EMERGENCY = "emergency"
    MINORS = "minors"
    REMOVAL = "removal"
    SUPPORT = "support"
    POLICE = "police"
    PLATFORM = "platform"
    DATA_PROTECTION = "data_protection"
    FRAUD = "fraud"
    DIRECTORY = "directory"


class Basis(enum.StrEnum):
    """Who publishes what a link opens."""

    OFFICIAL = "official"  # the state, the authority or, for a channel, the organisation itself
    ARCHIVED = "archived"  # another organisation keeps a copy, because no official address is known


class Reach(enum.StrEnum):
    """How far a link leads."""

    PAGE = "page"  # to the text, form or page itself
    PORTAL = "portal"  # to the front of a collection


class Address(enum.StrEnum):
    """How the address of a link is known. None of them was opened when the records were made."""

    SEEN = "seen"  # a stored page prints it
    KNOWN = "known"  # a stable address of the publisher
    DERIVED = "derived"  # built from the publisher's address scheme
    UNCONFIRMED = "unconfirmed"


class Evidence(enum.StrEnum):
    """What a law's facts rest on."""

    SEEN = "seen"  # read in stored sources
    MIXED = "mixed"
    KNOWLEDGE = "knowledge"  # general knowledge, no source read


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    url: str  # https
    basis: Basis
    reach: Reach
    address: Address


@dataclasses.dataclass(frozen=True, slots=True)
class Law:
    """One act or bill. Partial dates are ISO 8601 prefixes: "2013", "2022-06", "2025-10-10"."""

    id: str
    title_en: str
    title: str | None  # official title in the original language; None when that is English or not recorded
    citation: str
    topics: tuple[Topic, ...]
    status: Status  # as recorded on `checked`
    last_seen: Status | None  # for a not confirmed law: what it was when last seen
    in_force: str | None
    applies_from: str | None  # only where the rule that matters here starts later than the act
    checked: date
    review_by: date  # last day on which `status` may be shown
    evidence: Evidence
    minors: bool  # also protects people under 18, or forbids sexual material of them
    summary: str  # one plain English sentence
    timing: str | None  # one more, about dates and phases
    link: Link

    def is_stale(self, on: date) -> bool:
        return on > self.review_by

    def status_on(self, on: date) -> Status:
        """The badge to show on a day: a record past its review date is not confirmed, whatever it said."""
        if self.is_stale(on):
            return Status.NOT_CONFIRMED
        starts = self.applies_from or self.in_force
        if self.status is Status.IN_FORCE and starts is not None and not _has_begun(starts, on):
            return Status.ENACTED
        return self.status


@dataclasses.dataclass(frozen=True, slots=True)
class Channel:
    """Where to report or find help."""

    name: str
    purposes: tuple[Purpose, ...]
    about: str | None  # one plain English sentence
    phones: tuple[str, ...]
    link: Link | None
    checked: date
    review_by: date

    @property
    def minors(self) -> bool:
        return Purpose.MINORS in self.purposes

    def is_stale(self, on: date) -> bool:
        return on > self.review_by


@dataclasses.dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One file of `data`."""

    code: str  # ISO 3166-1 alpha-2 with subdivision in lower case ("de", "us-ca"), "eu" or "global"
    name: str  # English
    aliases: tuple[str, ...]  # other words that people type for it
    inherits: tuple[str, ...]  # codes whose law applies as well
    channels: tuple[Channel, ...]
    laws: tuple[Law, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ShownLaw:
    """A law with its badge on the day it is shown."""

    law: Law
    status: Status
    stale: bool  # True: `status` is not confirmed because the review date has passed


@dataclasses.dataclass(frozen=True, slots=True)
class Minors:
    """The fixed entry on people under 18, which no choice of topics removes."""

    channels: tuple[Channel, ...]
    laws: tuple[ShownLaw, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class LegalSection:
    """What is shown for one jurisdiction; help comes before law."""

    code: str
    name: str
    asked: bool  # False: it is here because another one inherits it, or because it is international
    parts: tuple[str, ...]  # codes of states or provinces that have own files, to offer
    on: date
    minors: Minors | None
    channels: tuple[Channel, ...]
    laws: tuple[ShownLaw, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class StaleRecord:
    """A law (by id) or channel (by name) whose review date has passed."""

    jurisdiction: str
    record: str
    review_by: date


def _has_begun(starts: str, on: date) -> bool:
    """Whether a partial date is over or reached; a month or year counts from its end, to be on the safe side."""
    day = on.isoformat()
    return day >= starts if len(starts) == len(day) else day[: len(starts)] > starts
