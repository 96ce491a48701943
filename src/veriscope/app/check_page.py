"""The page on which files are handed in and reports are read."""

from __future__ import annotations

import contextlib
import logging
import time

import streamlit as st

from veriscope.app import examples, pieces, result_view
from veriscope.app.browser import paste_button
from veriscope.app.desk import Checked, Desk, Ticket
from veriscope.app.shell import desk, words
from veriscope.app.visit import MAX_FILES, MAX_RESULTS, Visit, visit
from veriscope.domain import Failure, Source, SourceKind
from veriscope.errors import Busy, VeriscopeError
from veriscope.i18n import Catalogue
from veriscope.ingest import url
from veriscope.settings import MEBIBYTE

_log = logging.getLogger(__name__)

POLL = 0.1  # seconds between two looks at the queue
REDRAW = 1.0  # seconds after which the same sentence is drawn again: only then does Streamlit notice a visitor's next click


def show() -> None:
    """Draws the page: results first, then the ways to hand in more."""
    current, at = visit(), desk()
    _take_uploads(current, at)
    _wait(current)
    for notice in (*current.notices, *filter(None, [st.session_state.pop("deleted", "")])):
        st.info(notice)
    current.notices.clear()
    if current.results:
        st.html(pieces.unseen_title(words().text("app.check.title")))
        result_view.show(current)
        st.header(words().text("app.check.more"), divider="gray", anchor=False)
    else:
        _welcome(words())
    _ways_in(current, at, words())


def _welcome(current: Catalogue) -> None:
    st.title(current.text("app.check.title"), anchor=False)
    st.markdown(current.text("app.check.promise"))


def _ways_in(current: Visit, at: Desk, said: Catalogue) -> None:
    limit = at.settings.limits.max_bytes // MEBIBYTE
    st.file_uploader(
        said.text("app.check.upload"),
        accept_multiple_files=True,
        key=f"upload-{current.upload}",
    )
    st.caption(said.text("app.check.upload_help", {"count": MAX_FILES, "size": limit}))
    paste_button(said)
    _link_form(current, at, said)
    _examples(current, at, said)
    with st.expander(said.text("app.check.tips")):
        st.markdown("\n".join(f"- {said.text(f'app.tip.{tip}')}" for tip in ("original", "screenshot", "face", "minors")))


def _link_form(current: Visit, at: Desk, said: Catalogue) -> None:
    if at.settings.offline:
        st.caption(said.text("app.check.offline"))
        return
    with st.form("link-form", border=False, clear_on_submit=True), st.container(horizontal=True, vertical_alignment="bottom"):
        address = st.text_input(said.text("app.check.link"), placeholder="https://", key="address")
        asked = st.form_submit_button(said.text("app.check.fetch"), key="fetch")
    st.caption(said.text("app.check.fetch_help"))
    if asked and address.strip():
        with st.spinner(said.text("app.progress.fetching")):
            _fetch(address.strip(), current, at)
        st.rerun()


def _fetch(address: str, current: Visit, at: Desk) -> None:
    """Hands in what an address leads to. A text without a scheme is a name of a server, never a path on this machine."""
    full = address if url.is_address(address) else f"https://{address}"
    try:
        data = at.fetched(full)
    except Busy:
        current.notices.append(words().text("app.busy"))
    except VeriscopeError as error:
        current.keep(Checked(full, Failure(Source(SourceKind.URL, full), error.code, str(error))))
        current.chosen = len(current.results) - 1
    else:
        _hand_in(full, data, SourceKind.URL, current, at)


def _examples(current: Visit, at: Desk, said: Catalogue) -> None:
    st.subheader(said.text("app.check.examples"), anchor=False)
    with st.container(key="vs-examples"):
        columns = st.columns(len(examples.NAMES))
    for column, name in zip(columns, examples.NAMES, strict=True):
        with column:
            title = said.text(f"app.example.{name}")
            st.html(pieces.thumbnail(examples.thumbnail(name), ""))
            if st.button(title, key=f"example-{name}", width="stretch"):
                _hand_in(f"{name}.jpg", examples.data(name), SourceKind.BYTES, current, at)
                st.rerun()
    st.caption(said.text("app.example.source"))


def _take_uploads(current: Visit, at: Desk) -> None:
    files = st.session_state.get(f"upload-{current.upload}") or []
    if not files:
        return
    for file in files[:MAX_FILES]:
        _hand_in(file.name, file.getvalue(), SourceKind.BYTES, current, at)
    if len(files) > MAX_FILES:
        current.notices.append(words().text("app.limit.files", {"count": MAX_FILES}))
    current.forget_upload()


def _hand_in(name: str, data: bytes, kind: SourceKind, current: Visit, at: Desk) -> None:
    if len(current.waiting) >= MAX_FILES:
        current.notices.append(words().text("app.limit.files", {"count": MAX_FILES}))
        return
    try:
        current.waiting.append(at.hand_in(name, data, kind))
    except Busy:
        current.notices.append(words().text("app.busy"))


def _wait(current: Visit) -> None:
    """Shows how far the files are until all have a result. Leaving the page loses nothing: the next run waits on."""
    if not current.waiting:
        return
    place, shown, drawn = st.empty(), "", 0.0
    first = len(current.results)
    while current.waiting:
        ticket = current.waiting[0]
        with contextlib.suppress(TimeoutError):
            ticket.future.exception(POLL)
        if not ticket.future.done():
            sentence = _progress(ticket, words())
            if sentence != shown or time.monotonic() - drawn > REDRAW:
                place.html(pieces.progress(sentence))
                shown, drawn = sentence, time.monotonic()
            continue
        current.waiting.pop(0)
        if current.keep(_result(ticket)):
            current.notices.append(words().text("app.limit.session", {"count": MAX_RESULTS}))
    current.chosen = min(first, len(current.results) - 1)
    place.empty()


def _result(ticket: Ticket) -> Checked:
    problem = ticket.future.exception()
    if problem is None:
        return ticket.future.result()
    _log.error("an analysis failed", exc_info=problem)
    return Checked(ticket.name, Failure(Source(SourceKind.BYTES, ticket.name), "defect", type(problem).__name__))


def _progress(ticket: Ticket, said: Catalogue) -> str:
    if ticket.ahead:
        return said.text("app.progress.waiting", {"count": ticket.ahead})
    at = ticket.progress
    if at.seconds_left is not None:
        share, seconds = said.percent(round(at.fraction, 2)), round(at.seconds_left)
        return said.text("app.progress.left", {"name": ticket.name, "share": share, "seconds": seconds})
    return said.text("app.progress.working", {"name": ticket.name})
