"""How detection works, how often it errs, and how to check by other means."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from veriscope.app import pieces, rates_view
from veriscope.app.shell import desk, words
from veriscope.detectors import catalogue as cards
from veriscope.detectors.card import Card
from veriscope.i18n import Catalogue

SEARCHES = (
    ("Google Lens", "https://lens.google.com/"),
    ("TinEye", "https://tineye.com/"),
    ("Bing", "https://www.bing.com/visualsearch"),
    ("Yandex", "https://yandex.com/images/"),
)
PORTALS = (
    ("Content Credentials", "https://contentcredentials.org/verify"),
    ("SynthID (Google)", "https://deepmind.google/science/synthid/"),
)
TERMS = ("likelihood", "interval", "credentials", "metadata", "deepfake")


def show() -> None:
    """Draws the page."""
    said = words()
    st.title(said.text("app.learn.title"), anchor=False)
    steps = ("file", "detectors", "again", "origin", "verdict")
    _list(said.text("app.learn.how"), [said.text(f"app.learn.how.{step}") for step in steps], "1.")
    limits = ("new", "flagged", "small", "context")
    _list(said.text("app.learn.limits"), [said.text(f"app.learn.limits.{limit}") for limit in limits], "-")
    st.header(said.text("app.learn.rates"), anchor=False)
    st.markdown(said.text("app.learn.rates.lead"))
    rates_view.show(said)
    with st.expander(said.text("app.learn.rates.overall")):
        st.html(pieces.table(_rates(cards(desk().settings), said), said.text("app.learn.rates"), said.language, said.direction))
    _verify(said)
    st.header(said.text("app.learn.glossary"), anchor=False)
    for term in TERMS:
        st.markdown(f"**{said.text(f'app.term.{term}')}**  \n{said.text(f'app.term.{term}.text')}")


def _list(title: str, items: Sequence[str], mark: str) -> None:
    st.header(title, anchor=False)
    st.markdown("\n".join(f"{mark} {item}" for item in items))


def _rates(shown: Sequence[Card], said: Catalogue) -> list[dict[str, str]]:
    """The cards' measurements: the same numbers as `veriscope detectors` prints."""
    return [
        {
            said.text("app.learn.rates.detector"): f"{said.text(f'source.{card.id}')} {card.version}",
            said.text("app.learn.rates.pictures"): said.text(
                "app.learn.rates.counts", {"real": card.evidence.real, "synthetic": card.evidence.synthetic}
            ),
            said.text("app.learn.rates.found"): said.percent(card.evidence.tpr_at_fpr_1),
            said.text("app.learn.rates.flagged"): said.percent(card.evidence.fpr_some),
            said.text("app.learn.rates.strict"): said.percent(card.evidence.fpr_strong),
            said.text("app.learn.rates.measured"): card.evidence.measured.isoformat(),
        }
        for card in shown
    ]


def _verify(said: Catalogue) -> None:
    st.header(said.text("app.learn.verify"), anchor=False)
    st.markdown(
        f"- {said.text('app.learn.verify.people')}\n"
        f"- {said.text('app.learn.verify.search')} {_links(SEARCHES)}\n"
        f"- {said.text('app.learn.verify.origin')} {_links(PORTALS)}"
    )


def _links(places: Sequence[tuple[str, str]]) -> str:
    return " · ".join(f"[{name}]({address})" for name, address in places)
