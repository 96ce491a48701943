"""What only the browser can do: pasting into the file chooser, the page's language, bars that can be chosen."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import streamlit as st

from veriscope.i18n import Catalogue

WIDGETS = {
    "Skip to main content": "skip",
    "Open": "open",
    "Choose an option": "choose",
    "Choose options": "choose",
    "No results": "none",
    "{} options available.": "options",
    "{} option available.": "options",
    "Select all": "all",
    "Select {} matches": "matches",
    "Selected values": "selected",
    "Remove {}": "remove",
    "Clear all": "clear",
    "Press Enter to submit form": "submit",
    "Press Enter to apply": "submit",
    "Drag and drop files here": "drop",
    "Add files": "add",
    "Error:": "problem",
    "File must be {} or smaller.": "too_large",
    "Upload failed": "failed",
    "Connection error": "lost",
    "Streamlit server is not responding. Are you connected to the internet?": "lost_text",
    "Is Streamlit still running? If you accidentally stopped Streamlit, just restart it in your terminal:": "lost_text",
    "Cannot connect to Streamlit{}": "lost_text",
    "Close": "close",
    "Dismiss": "close",
}
"""What Streamlit's widgets say in English only, and which words of ours (`app.widget.*`) take its place; {} = what varies."""


def adapt(words: Catalogue) -> None:
    """Language and direction of the page, words of Streamlit's widgets, and pasting with the keyboard."""
    said = {english: words.text(f"app.widget.{name}", {"value": "{}"}) for english, name in WIDGETS.items()}
    _mount(
        "adapt",
        {"language": words.language, "direction": words.direction, "choose": words.text("app.check.browse"), "widgets": said},
    )


def paste_button(words: Catalogue) -> None:
    """A button that takes a picture from the clipboard, for phones and for everybody without a keyboard shortcut."""
    _mount("paste", {"label": words.text("app.check.paste"), "empty": words.text("app.check.paste_empty")})


def timeline_bars(rows: Sequence[Mapping[str, object]], words: Catalogue, key: str) -> float | None:
    """Rows of bars over time; the seconds of a bar that was chosen just now."""
    result = _mount("timeline", {"rows": rows, "direction": words.direction}, key, on_seek_change=_nothing)
    chosen: float | None = result.seek
    return chosen


def _nothing() -> None:
    """Streamlit wants a callback for whatever a component may send."""


@functools.cache
def _script(name: str) -> tuple[str, str | None]:
    """What the browser runs, and its style sheet."""
    folder = files("veriscope.app").joinpath("browser_scripts")
    style = folder.joinpath(f"{name}.css")
    return folder.joinpath(f"{name}.js").read_text("utf-8"), style.read_text("utf-8") if style.is_file() else None


def _mount(name: str, data: Mapping[str, object], key: str = "", **callbacks: Any) -> Any:
    script, style = _script(name)
    component = st.components.v2.component(f"veriscope_{name}", js=script, css=style)
    return component(key=key or f"browser-{name}", data=dict(data), **callbacks)
