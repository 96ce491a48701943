"""A result on the screen: the answer first, then why, then law apart from it, then what may be taken along."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import streamlit as st

from veriscope import legal
from veriscope.app import clip_view, law_page, pieces
from veriscope.app.desk import Checked
from veriscope.app.shell import words
from veriscope.app.visit import Visit, end
from veriscope.domain import Failure, Report
from veriscope.i18n import Catalogue
from veriscope.report import as_html
from veriscope.report.sentences import safe


def show(current: Visit) -> None:
    """Draws the chosen result, and the others beside it."""
    said = words()
    current.chosen = min(current.chosen, len(current.results) - 1)
    place = st.container()
    if len(current.results) > 1:
        _choice(current, said)
    checked = current.results[current.chosen]
    with place:
        if isinstance(checked.result, Failure):
            _failure(checked.name, checked.result, said)
        else:
            st.html(checked.pieces(checked.result, said)["verdict"])
    if isinstance(checked.result, Report):
        _evidence(checked, checked.result, said)
        _law(current, said)
        _downloads(checked, checked.result, current, said)
    st.button(said.text("app.result.delete"), key="delete", on_click=_delete, args=(said,), icon=":material/delete:")


def _choice(current: Visit, said: Catalogue) -> None:
    st.subheader(said.text("html.comparison"), anchor=False)
    st.html(as_html.comparison([(checked.name, checked.result) for checked in current.results], said))
    names = [f"{number}. {safe(checked.name)}" for number, checked in enumerate(current.results, 1)]
    st.session_state["chosen"] = current.chosen
    st.selectbox(
        said.text("app.result.choose"),
        range(len(names)),
        key="chosen",
        format_func=lambda number: names[number],
        on_change=lambda: setattr(current, "chosen", st.session_state["chosen"]),
    )


def _failure(name: str, failure: Failure, said: Catalogue) -> None:
    code = f"app.error.{failure.code}"
    sentence = said.text(code if said.has(code) else "app.error.defect")
    st.html(
        pieces.failure(safe(name), said.text("app.result.failed"), sentence, said.text("app.result.reason"), failure.message)
    )


def _evidence(checked: Checked, report: Report, said: Catalogue) -> None:
    pieces = checked.pieces(report, said)
    st.html(pieces["reasons"])
    if report.clip is not None:
        clip_view.show(checked, report, report.clip, said)
    if checked.preview is not None:
        st.html(pieces["picture"])
        st.html(pieces["people"] or "<span></span>")
    st.html(pieces["evidence"])
    if pieces["maps"]:
        with st.expander(said.text("app.result.look")):
            st.html(pieces["maps"])
    st.html(pieces["gaps"])
    with st.expander(said.text("html.details")):
        st.html(pieces["details"])


def _law(current: Visit, said: Catalogue) -> None:
    """A panel of its own: it is the same whatever the report says, and nothing of the report reaches it."""
    fold = st.expander(said.text("app.result.law"), icon=":material/balance:", key="law-fold", on_change="rerun")
    if fold.open:
        with fold:
            st.caption(said.text("app.law.apart"))
            law_page.panel(current, said)


def _downloads(checked: Checked, report: Report, current: Visit, said: Catalogue) -> None:
    """Both forms are made when they are asked for, not on every click of the page."""
    st.subheader(said.text("app.result.download"), anchor=False)
    name = _file_name(checked.name)
    pictured = checked.preview is not None and st.checkbox(said.text("app.result.with_picture"), key="with-picture")
    if pictured:
        st.caption(said.text("app.result.picture_note"))
    picture, countries, topics = checked.preview if pictured else None, tuple(current.countries), tuple(current.topics)
    with st.container(horizontal=True):
        st.download_button(
            said.text("app.result.html"),
            lambda: _page(report, said, picture, countries, topics),
            f"{name}.html",
            "text/html",
            on_click="ignore",
            key="html",
        )
        st.download_button(
            said.text("app.result.json"),
            lambda: _with_law(report, countries, topics).to_json(2),
            f"{name}.json",
            "application/json",
            on_click="ignore",
            key="json",
        )


def _page(report: Report, said: Catalogue, picture: bytes | None, countries: Sequence[str], topics: Sequence[str]) -> str:
    return as_html.render(_with_law(report, countries, topics), said, picture, law_page.names(countries, said))


def _with_law(report: Report, countries: Sequence[str], topics: Sequence[str]) -> Report:
    if not countries:
        return report
    sections = legal.select(countries, topics)
    return dataclasses.replace(report, law=legal.law_references(sections), help=legal.help_references(sections))


def _file_name(name: str) -> str:
    """A harmless name for the visitor's disk."""
    last = re.split(r"[/\\]", name)[-1].rsplit(".", 1)[0]
    return f"veriscope-{re.sub(r'[^A-Za-z0-9]+', '-', last).strip('-')[:40] or 'report'}"


def _delete(said: Catalogue) -> None:
    end()
    st.session_state["deleted"] = said.text("app.result.deleted")
