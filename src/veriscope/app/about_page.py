"""Which detectors answer here, under which licence, and in which version."""

from __future__ import annotations

from importlib.metadata import version

import streamlit as st

from veriscope._version import __version__
from veriscope.app import pieces
from veriscope.app.shell import desk, words
from veriscope.detectors import catalogue as cards
from veriscope.detectors.card import Card
from veriscope.i18n import Catalogue

LIBRARIES = ("onnxruntime", "pillow", "c2pa-python", "streamlit")


def show() -> None:
    """Draws the page."""
    said = words()
    st.title(said.text("app.about.title"), anchor=False)
    st.markdown(said.text("app.about.lead"))
    st.header(said.text("app.about.models"), anchor=False)
    for card in cards(desk().settings):
        with st.container(border=True):
            _card(card, said)
    st.header(said.text("app.about.versions"), anchor=False)
    st.markdown(said.text("app.about.program"))
    st.caption(" · ".join([f"Veriscope {__version__}", *(f"{name} {version(name)}" for name in LIBRARIES)]))


def _card(card: Card, said: Catalogue) -> None:
    """A card's own sentences are in English, whatever the page speaks, and are marked so."""
    st.subheader(f"{said.text(f'source.{card.id}')} {card.version}", anchor=False)
    facts = (
        ("app.about.licence", card.licence, "en"),
        ("app.about.terms", f"{card.commercial_use}; {card.terms}", "en"),
        ("app.about.weights", f"{said.number(round(card.weights.bytes / 1e6, 1))} MB", said.language),
        ("app.about.hash", card.weights.sha256, "en"),
        ("app.about.known", "; ".join(card.evidence.known_failures), "en"),
    )
    st.html(pieces.facts(card.summary, [(said.text(code), value, language) for code, value, language in facts], said))
