"""What one visitor has on the screen: results, files on their way, choices. It lives as long as the tab."""

from __future__ import annotations

import dataclasses
import uuid

import streamlit as st

from veriscope.app.desk import Checked, Ticket

MAX_FILES = 10  # handed in at a time
MAX_RESULTS = 20  # kept on the screen


def _fresh() -> str:
    return uuid.uuid4().hex


@dataclasses.dataclass
class Visit:
    """Changed in place by the pages. `upload`: key of the file chooser; a new one makes an empty chooser."""

    results: list[Checked] = dataclasses.field(default_factory=list)
    waiting: list[Ticket] = dataclasses.field(default_factory=list)
    notices: list[str] = dataclasses.field(default_factory=list)  # sentences to show once
    countries: list[str] = dataclasses.field(default_factory=list)
    topics: list[str] = dataclasses.field(default_factory=list)
    chosen: int = 0  # which result is shown
    upload: str = dataclasses.field(default_factory=_fresh)

    def keep(self, checked: Checked) -> bool:
        """Adds a result and shows it; says whether an older one had to go."""
        self.results.append(checked)
        dropped = len(self.results) > MAX_RESULTS
        del self.results[:-MAX_RESULTS]
        return dropped

    def forget_upload(self) -> None:
        """Frees what the chooser holds: Streamlit itself would keep it until the visitor leaves."""
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        context = get_script_run_ctx()
        if context is not None and context.uploaded_file_mgr is not None:
            context.uploaded_file_mgr.remove_session_files(context.session_id)
        self.upload = _fresh()


def visit() -> Visit:
    """The visit of this session."""
    if "visit" not in st.session_state:
        st.session_state["visit"] = Visit()
    found: Visit = st.session_state["visit"]
    return found


def end() -> None:
    """Deletes everything of this session but the language."""
    current = visit()
    for ticket in current.waiting:
        ticket.drop()
    current.forget_upload()
    language = st.session_state.get("language")
    st.session_state.clear()
    if language is not None:
        st.session_state["language"] = language
