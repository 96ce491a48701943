"""What all pages share: header, language, style, footer, and the one desk of this process."""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Callable
from importlib.resources import files

import streamlit as st
from PIL import Image, ImageDraw
from streamlit.navigation.page import StreamlitPage

from veriscope._version import __version__
from veriscope.app.browser import adapt
from veriscope.app.desk import Desk
from veriscope.i18n import FALLBACK, Catalogue, catalogue, languages
from veriscope.report import as_html
from veriscope.settings import Settings

_log = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The desk of this process: models are opened once, for all visitors."""
    settings = Settings.from_environment()
    _keep_uploads_in_memory(settings.limits.max_bytes)
    return Desk(settings)


def words() -> Catalogue:
    """The words of the language that is chosen."""
    return catalogue(st.session_state.get("language", FALLBACK))


@dataclasses.dataclass(frozen=True)
class _Page:
    name: str
    path: str
    draw: Callable[[], None]


def show() -> None:
    """Draws the page that the address asks for."""
    from veriscope.app import about_page, check_page, law_page, learn_page

    pages = (
        _Page("check", "", check_page.show),
        _Page("law", "law", law_page.show),
        _Page("learn", "learn", learn_page.show),
        _Page("about", "about", about_page.show),
    )
    desk()
    _set_language()
    current = words()
    st.set_page_config(page_title="Veriscope", page_icon=_icon(), layout="centered")
    st.html(f"<style>{as_html.style()}{_own_style()}{_mirrored(current)}</style>")
    links = [
        st.Page(page.draw, title=current.text(f"app.page.{page.name}"), url_path=page.path, default=not page.path)
        for page in pages
    ]
    chosen = st.navigation(links, position="hidden")
    _header(links, current)
    _draw(chosen, current)
    st.html(
        f'<footer class="vs vs-foot" lang="{current.language}">{current.text("app.footer", {"version": __version__})}</footer>'
    )
    adapt(current)


def _draw(page: StreamlitPage, current: Catalogue) -> None:
    """Draws a page; a defect becomes a sentence in the visitor's language, where Streamlit would show its own in English."""
    try:
        page.run()
    except Exception:  # noqa: BLE001 the border to the visitor
        _log.exception("a page failed")
        st.error(current.text("app.error.page"))


def _set_language() -> None:
    """The visitor's choice, else the one in the address, else the browser's."""
    if "language" not in st.session_state:
        asked = (st.query_params.get("lang"), st.context.locale)
        known = (str(code).split("-")[0].lower() for code in asked if code)
        st.session_state["language"] = next((code for code in known if code in languages()), FALLBACK)


def _header(links: list[StreamlitPage], current: Catalogue) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="vs-header"):
        st.html('<p class="vs-wordmark"><span aria-hidden="true"></span>Veriscope</p>', width="content")
        for link in links:
            st.page_link(link, width="content")
        st.selectbox(
            current.text("app.language"),
            languages(),
            key="language",
            format_func=lambda code: catalogue(code).name,
            label_visibility="collapsed",
            width=150,
            on_change=_note_language,
        )


def _note_language() -> None:
    st.query_params["lang"] = st.session_state["language"]


@st.cache_resource(show_spinner=False)
def _icon() -> Image.Image:
    """The browser tab's icon as a picture of ours: Streamlit would load a named one from elsewhere."""
    icon = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    draw = ImageDraw.Draw(icon)
    draw.ellipse((3, 3, 61, 61), outline="#0b5568", width=8)
    draw.ellipse((19, 19, 45, 45), fill="#0b5568")
    return icon


@functools.cache
def _own_style() -> str:
    return files("veriscope.app").joinpath("app.css").read_text("utf-8")


def _mirrored(current: Catalogue) -> str:
    return ".stApp { direction: rtl; }" if current.direction == "rtl" else ""


def _keep_uploads_in_memory(most: int) -> None:
    """Starlette writes uploads of more than a megabyte to a temporary file; we promise that nothing is stored."""
    from starlette.formparsers import MultiPartParser

    MultiPartParser.spool_max_size = most + 1024 * 1024
