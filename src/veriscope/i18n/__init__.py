"""Codes become words here: one catalogue file per language in `catalogs/`."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from babel import Locale
from babel.numbers import format_decimal, format_percent

from veriscope.domain import Finding, MediaKind, Scalar
from veriscope.errors import DataError

FALLBACK = "en"

_FOLDER = Path(str(files("veriscope.i18n"))) / "catalogs"

Entry = str | Mapping[str, str]
Direction = Literal["ltr", "rtl"]

# Marks that steer the order of characters (https://www.unicode.org/reports/tr9/): in a value from a file they could make
# a signer or a file name read backwards.
_STEERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The words of one language. `entries`: code → sentence, or plural category (CLDR) → sentence, chosen by `count`."""

    language: str
    entries: Mapping[str, Entry]

    def text(self, code: str, params: Mapping[str, Scalar] | None = None) -> str:
        """The sentence for a code; a code without a sentence raises `DataError`."""
        entry = self.entries.get(code)
        if entry is None:
            raise DataError(
                f'The catalogue "{self.language}" has no words for "{code}". Add them to catalogs/{self.language}.toml.'
            )
        values = dict(params or {})
        if not isinstance(entry, str):
            category = Locale.parse(self.language).plural_form(float(values.get("count", 0)))
            entry = entry.get(category, entry["other"])
        try:
            return entry.format_map({name: self._placed(value) for name, value in values.items()})
        except KeyError as error:
            raise DataError(
                f'The words for "{code}" in "{self.language}" want {error}, which the finding does not give.'
            ) from error

    def finding(self, finding: Finding) -> str:
        """The sentence for a finding; a parameter that is a code itself (`variant` = "half") gets its own words."""
        params = {name: self._worded(name, value) for name, value in finding.params.items()}
        return self.text(finding.code, params)

    def _worded(self, name: str, value: Scalar) -> Scalar:
        entry = self.entries.get(f"{name}.{value}")
        return entry if isinstance(entry, str) else value

    def _placed(self, value: Scalar) -> Scalar:
        return self.isolated(_STEERING.sub("\N{REPLACEMENT CHARACTER}", value)) if isinstance(value, str) else value

    def isolated(self, text: str) -> str:
        """Text that keeps its own order inside a sentence of this language.

        In Arabic a date, a per cent or a Latin name would otherwise be shown in another order (2026-11-24 as 24-11-2026).
        In a language from left to right the text is returned as it is.
        """
        return f"{_ISOLATE}{text}{_END_OF_ISOLATE}" if self.direction == "rtl" else text

    @property
    def direction(self) -> Direction:
        """Where lines of this language begin, as the attribute `dir` of HTML says it."""
        return direction(self.language)

    @property
    def name(self) -> str:
        """What the language calls itself, for a list to choose from: "Deutsch", "العربية"."""
        name = str(Locale.parse(self.language).get_display_name())
        return name[:1].upper() + name[1:]

    def territory(self, code: str, otherwise: str | None = None) -> str:
        """The name of a country in this language.

        Args:
            code: code of a jurisdiction: "de", "eu", "us-ca".
            otherwise: what to call a place that has no name there, such as a state or a province: the name in its law
                record. None: its code in capitals.
        """
        return str(Locale.parse(self.language).territories.get(code.upper(), otherwise or code.upper()))

    def about(self, kind: MediaKind) -> Catalogue:
        """The words for one kind of medium: of a clip, "video.x" stands for "x" where the sentence speaks of a picture."""
        prefix = f"{kind}."
        own = {code.removeprefix(prefix): entry for code, entry in self.entries.items() if code.startswith(prefix)}
        return dataclasses.replace(self, entries={**self.entries, **own}) if own else self

    def has(self, code: str) -> bool:
        return code in self.entries

    def percent(self, share: float) -> str:
        """A share of 0–1 as the language writes per cents: "7%", "7 %"; 0.004 has a decimal, because "0%" would be untrue."""
        rounded = round(share, 2 if share >= 0.01 else 3)
        return str(format_percent(rounded, locale=self.language, decimal_quantization=False))

    def number(self, value: float) -> str:
        return str(format_decimal(value, locale=self.language))

    def fixed(self, value: float, places: int) -> str:
        """A number with so many decimals, zeros included, so that a column of them can be read."""
        return str(format_decimal(value, format=f"#,##0.{'0' * places}", locale=self.language))


@cache
def languages() -> tuple[str, ...]:
    """Codes of all languages that have a catalogue."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def direction(language: str) -> Direction:
    """Where lines of a language with a catalogue begin: "rtl" for Arabic, "ltr" for the others."""
    return "rtl" if Locale.parse(language).character_order == "right-to-left" else "ltr"


@cache
def catalogue(language: str = FALLBACK) -> Catalogue:
    """The catalogue of a language ("de", "pt-BR" → "pt"); an unknown one raises `DataError` that names the known ones."""
    code = language.replace("_", "-").split("-")[0].lower()
    if code not in languages():
        raise DataError(f'There are no words in "{language}" yet. Choose one of: {", ".join(languages())}.')
    return Catalogue(code, tomllib.loads((_FOLDER / f"{code}.toml").read_text("utf-8")))
