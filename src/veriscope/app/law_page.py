"""Law and help: the visitor says where, help comes first, and no result is known here."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import streamlit as st

from veriscope import legal
from veriscope.app.shell import words
from veriscope.app.visit import Visit, visit
from veriscope.i18n import Catalogue
from veriscope.legal import Topic
from veriscope.report import as_html


def show() -> None:
    """Draws the page."""
    said = words()
    st.title(said.text("app.law.title"), anchor=False)
    st.markdown(said.text("app.law.lead"))
    panel(visit(), said)


def panel(current: Visit, said: Catalogue) -> None:
    """Choice of places and topics, then help and law for them. The same on its page and beside a result."""
    choices = _places(said)
    current.countries = _remembered("countries", current.countries)
    current.topics = _remembered("topics", current.topics)
    current.countries = st.multiselect(
        said.text("app.law.countries"),
        sorted(choices, key=lambda code: choices[code].casefold()),
        key="countries",
        format_func=lambda code: choices[code],
        placeholder="",
    )
    current.topics = st.pills(
        said.text("app.law.topics"),
        [topic.value for topic in Topic],
        key="topics",
        selection_mode="multi",
        format_func=lambda topic: said.text(f"legal.topic.{topic}"),
    )
    if not current.countries:
        st.caption(said.text("app.law.none_chosen"))
    sections = legal.select(current.countries, current.topics)
    _offer_parts(sections, said)
    laws, assistance = legal.law_references(sections), legal.help_references(sections)
    st.caption(said.text("app.law.dates"))
    st.html(as_html.law(laws, assistance, said, names([section.code for section in sections], said)))
    if said.language != "en":
        st.caption(said.text("app.law.english"))


def names(codes: Sequence[str], said: Catalogue) -> dict[str, str]:
    """What places are called, in the visitor's language where it has a name for them."""
    every = _places(said)
    return {code: every.get(code, said.territory(code)) for code in codes if code != legal.INTERNATIONAL}


def _remembered(key: str, value: list[str]) -> list[str]:
    """Streamlit forgets a choice when its page is left."""
    st.session_state.setdefault(key, value)
    found: list[str] = st.session_state[key]
    return found


def _places(said: Catalogue) -> dict[str, str]:
    return {code: _place(code, english, said) for code, english in _english_names().items()}


def _place(code: str, english: str, said: Catalogue) -> str:
    country, _, part = code.partition("-")
    return f"{english} ({said.territory(country)})" if part else said.territory(code)


@functools.cache
def _english_names() -> dict[str, str]:
    return {code: legal.load(code).name for code in legal.jurisdictions() if code != legal.INTERNATIONAL}


def _offer_parts(sections: Sequence[legal.LegalSection], said: Catalogue) -> None:
    every = _places(said)
    for section in sections:
        if section.asked and section.parts:
            parts = ", ".join(every[code] for code in section.parts)
            st.caption(said.text("app.law.parts", {"name": every[section.code], "parts": parts}))
