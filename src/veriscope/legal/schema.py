"""What a law file may contain: everything else in it is an error.

The date of review is computed, never written: `checked` plus `review_months` (for channels, `CHANNEL_REVIEW_MONTHS`).
"""

from __future__ import annotations

import calendar
import tomllib
from datetime import date
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from veriscope.errors import DataError
from veriscope.legal import records

CHANNEL_REVIEW_MONTHS = 6

Code = Annotated[str, Field(pattern=r"^([a-z]{2}(-[a-z]{2,3})?|global)$")]
Text = Annotated[str, Field(min_length=2, max_length=500, pattern=r"^\S(.*\S)?$")]
Sentence = Annotated[str, Field(min_length=10, max_length=500, pattern=r"^[A-Z0-9#](.*\S)?\.$")]
Phone = Annotated[str, Field(pattern=r"^[+#]?[0-9][0-9 -]*$")]
PartialDate = Annotated[str, Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$")]

# TOML has no enumerations: their values are read from strings, everything else must have its exact type.
Topic = Annotated[records.Topic, Field(strict=False)]
Status = Annotated[records.Status, Field(strict=False)]
Purpose = Annotated[records.Purpose, Field(strict=False)]
Basis = Annotated[records.Basis, Field(strict=False)]
Reach = Annotated[records.Reach, Field(strict=False)]
Address = Annotated[records.Address, Field(strict=False)]
Evidence = Annotated[records.Evidence, Field(strict=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class LinkModel(_Strict):
    url: str
    basis: Basis
    reach: Reach
    address: Address

    @field_validator("url")
    @classmethod
    def _is_plain_https(cls, url: str) -> str:
        parts = urlsplit(url)
        host = parts.hostname or ""
        well_formed = parts.scheme == "https" and "." in host and parts.netloc == host and not parts.fragment
        if not (well_formed and url.isascii() and url.isprintable() and " " not in url):
            raise ValueError("a link is https://host/path in ASCII, without user, port or fragment")
        return url

    def record(self) -> records.Link:
        return records.Link(self.url, self.basis, self.reach, self.address)


class LawModel(_Strict):
    id: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]+)*$")]
    title: Text | None = None
    title_en: Text
    citation: Text
    topics: Annotated[list[Topic], Field(min_length=1)]
    status: Status
    last_seen: Status | None = None
    in_force: PartialDate | None = None
    applies_from: PartialDate | None = None
    checked: date
    review_months: Annotated[int, Field(ge=1, le=12)]
    evidence: Evidence
    minors: bool = False
    summary: Sentence
    timing: Sentence | None = None
    link: LinkModel

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len(set(self.topics)) != len(self.topics):
            raise ValueError("a topic is named twice")
        if (self.status is records.Status.NOT_CONFIRMED) != (self.last_seen is not None):
            raise ValueError("last_seen is given exactly when the status is not_confirmed")
        if self.status is records.Status.ENACTED or self.last_seen is records.Status.NOT_CONFIRMED:
            raise ValueError("enacted is computed from applies_from; last_seen names a state that was seen")
        if records.Status.PLANNED in (self.status, self.last_seen) and (self.in_force or self.applies_from):
            raise ValueError("a planned law has no date in force")
        return self

    def record(self) -> records.Law:
        return records.Law(
            id=self.id,
            title_en=self.title_en,
            title=self.title,
            citation=self.citation,
            topics=tuple(self.topics),
            status=self.status,
            last_seen=self.last_seen,
            in_force=self.in_force,
            applies_from=self.applies_from,
            checked=self.checked,
            review_by=months_later(self.checked, self.review_months),
            evidence=self.evidence,
            minors=self.minors,
            summary=self.summary,
            timing=self.timing,
            link=self.link.record(),
        )


class ChannelModel(_Strict):
    name: Text
    purposes: Annotated[list[Purpose], Field(min_length=1)]
    about: Sentence | None = None
    phones: list[Phone] = []
    checked: date
    link: LinkModel | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if len(set(self.purposes)) != len(self.purposes):
            raise ValueError("a purpose is named twice")
        if not self.phones and self.link is None:
            raise ValueError("a channel has a link or a phone number")
        return self

    def record(self) -> records.Channel:
        return records.Channel(
            name=self.name,
            purposes=tuple(self.purposes),
            about=self.about,
            phones=tuple(self.phones),
            link=self.link.record() if self.link else None,
            checked=self.checked,
            review_by=months_later(self.checked, CHANNEL_REVIEW_MONTHS),
        )


class JurisdictionModel(_Strict):
    code: Code
    name: Text
    aliases: list[Text] = []
    inherits: list[Code] = []
    channels: list[ChannelModel] = []
    laws: list[LawModel] = []

    def record(self) -> records.Jurisdiction:
        return records.Jurisdiction(
            code=self.code,
            name=self.name,
            aliases=tuple(self.aliases),
            inherits=tuple(self.inherits),
            channels=tuple(channel.record() for channel in self.channels),
            laws=tuple(law.record() for law in self.laws),
        )


def parse(code: str, text: str) -> records.Jurisdiction:
    """The jurisdiction that the text of `<code>.toml` describes.

    Raises:
        DataError: the text is no TOML, breaks a rule of this module, or speaks of another code.
    """
    try:
        model = JurisdictionModel.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise DataError(
            f"The law file {code}.toml is invalid: {_first_fault(error)}. Correct it, or install veriscope again."
        ) from error
    if model.code != code:
        raise DataError(f"The law file {code}.toml says that its code is {model.code!r}. Rename the file or correct its code.")
    return model.record()


def months_later(day: date, months: int) -> date:
    """The same day some months later, or the last day of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _first_fault(error: tomllib.TOMLDecodeError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False)[0]
        return f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
    return str(error)
