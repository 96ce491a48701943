"""Which licences forbid commercial use. What cannot be known is said to be unknown, never guessed to be free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_NAME = 120  # characters of a licence's name that are kept: it is a stranger's text

# Identifiers of the Hub's list of licences that allow commercial use; some under conditions, such as copyleft or rules of use.
_ALLOWED = re.compile(
    r"mit|apache-2\.0|isc|zlib|unlicense|wtfpl|ncsa|postgresql|ms-pl|bsl-1\.0|afl-3\.0|artistic-2\.0|osl-3\.0|ecl-2\.0"
    r"|bsd(-[23]-clause(-clear)?)?|0bsd|(a|l)?gpl(-[23]\.[01])?|mpl-2\.0|eupl-1\.[12]|epl-[12]\.0|openmdw(-1\.[01])?"
    r"|cc0-1\.0|pddl|cc-by(-sa|-nd)?-[234]\.[05]|odc-by|odbl|etalab-2\.0|cdla-permissive-[12]\.0|cdla-sharing-1\.0"
    r"|(bigscience-|creativeml-|bigcode-)?openrail(-m|\+\+)?|bigscience-bloom-rail-1\.0"
)
# Letters "nc" standing alone, and the words in which authors say the same. An address may hold "research" for other reasons.
_NON_COMMERCIAL = r"(?<![a-z])nc(?![a-z])|non-?_?commercial"
_FORBIDDEN = re.compile(
    _NON_COMMERCIAL + r"|(?<![a-z])research|(?<![a-z])academi|educational|evaluation[ -]only|personal[ -]use"
    r"|apple-amlr|deepfloyd-if-license"
)
_FORBIDDEN_IN_LINK = re.compile(_NON_COMMERCIAL)


class Licence(BaseModel):
    """A model's licence as its card states it, and whether it allows commercial use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=MAX_NAME)] = ""  # empty = the card names none
    commercial_use: Literal["yes", "no", "unclear", "unknown"] = "unknown"  # unclear: named, but not among those we know

    def __str__(self) -> str:
        use = {"yes": "allows commercial use", "no": "forbids commercial use", "unclear": "commercial use unclear"}
        return f"{self.name} ({use[self.commercial_use]})" if self.name else "unknown: the model's card names none"


def read_licence(metadata: Mapping[str, object]) -> Licence:
    """The licence that a model card's metadata name (keys `license`, `license_name`, `license_link`).

    A list counts as its strictest member: all of its licences may apply.
    """
    stated = metadata.get("license")
    names = [_clean(item) for item in (stated if isinstance(stated, list) else [stated])]
    names = [name for name in names if name and name.lower() not in ("unknown", "none")]
    if not names:
        return Licence()
    own_name, link = (_clean(metadata.get(key)) for key in ("license_name", "license_link"))
    uses = {_use(name.lower(), own_name.lower(), link.lower()) for name in names}
    strictest = next(use for use in ("no", "unclear", "yes") if use in uses)
    shown = ", ".join(names) + (f": {own_name}" if own_name else "")
    return Licence.model_validate({"name": shown[:MAX_NAME], "commercial_use": strictest})


def _use(name: str, own_name: str, link: str) -> str:
    if _FORBIDDEN.search(f"{name} {own_name}") or _FORBIDDEN_IN_LINK.search(link):
        return "no"
    return "yes" if _ALLOWED.fullmatch(name) else "unclear"


def _clean(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return re.sub(r"[^\x20-\x7e]", "", value).strip()[:MAX_NAME]


def front_matter(readme: str) -> Mapping[str, object]:
    """The licence lines of the metadata that open a model card; everything else in them is left aside.

    Three flat keys need no YAML reader, and a stranger's YAML can be made to grow without end.
    """
    lines = readme.removeprefix("﻿").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    found: dict[str, object] = {}
    last = ""
    for line in lines[1:500]:
        if line.strip() == "---":
            return found
        if match := re.fullmatch(r"(license|license_name|license_link)\s*:\s*(.*)", line):
            last = match[1]
            found[last] = _scalar(match[2])
        elif last and (match := re.fullmatch(r"\s*-\s+(.*)", line)):
            found[last] = [*_listed(found[last]), _scalar(match[1])]
        else:
            last = ""
    return {}  # never closed: no metadata


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _scalar(text: str) -> str:
    return re.sub(r"\s+#.*$", "", text).strip().strip("'\"[]")
