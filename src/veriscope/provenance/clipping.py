"""Text from a file, made fit to be shown: files are hostile, and findings reach terminals and web pages."""

from __future__ import annotations

import unicodedata

MAX_SHOWN = 120


def clipped(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` on one line, at most `limit` characters, without control, format, surrogate or unassigned characters.

    Format characters go too, since a right-to-left override can turn a sentence of the report around.
    """
    visible = "".join(" " if char.isspace() else char for char in text[: 8 * limit] if _is_shown(char))
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _is_shown(char: str) -> bool:
    return char.isspace() or not unicodedata.category(char).startswith("C")
