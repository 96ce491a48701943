"""What only the browser can do: a pasted picture reaches the file chooser, and the page says in which language it is."""

from __future__ import annotations

from importlib.resources import files

import streamlit as st

from veriscope.i18n import Catalogue


def adapt(words: Catalogue) -> None:
    """Language and direction of the page, words of the file chooser, and pasting with the keyboard."""
    _mount("adapt", {"language": words.language, "direction": words.direction, "choose": words.text("app.check.browse")})


def paste_button(words: Catalogue) -> None:
    """A button that takes a picture from the clipboard, for phones and for everybody without a keyboard shortcut."""
    _mount("paste", {"label": words.text("app.check.paste"), "empty": words.text("app.check.paste_empty")})


def _mount(name: str, data: dict[str, str]) -> None:
    script = files("veriscope.app").joinpath("browser_scripts", f"{name}.js").read_text("utf-8")
    style = files("veriscope.app").joinpath("browser_scripts", "paste.css").read_text("utf-8") if name == "paste" else None
    st.components.v2.component(f"veriscope_{name}", js=script, css=style)(key=f"browser-{name}", data=data)
