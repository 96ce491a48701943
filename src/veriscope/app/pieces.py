"""Small fragments of HTML of the app's own; those of a report come from `veriscope.report.as_html`."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from html import escape

from veriscope.i18n import Catalogue


def progress(sentence: str) -> str:
    """A line that says what is happening; screen readers hear it."""
    return f'<div class="vs vs-progress" role="status"><span aria-hidden="true"></span><p>{escape(sentence)}</p></div>'


def unseen_title(sentence: str) -> str:
    """The page's title for screen readers, where the answer takes its place on the screen."""
    return f'<h1 class="vs-unseen">{escape(sentence)}</h1>'


@functools.cache
def thumbnail(jpeg: bytes, alternative: str) -> str:
    """A small picture that stands by itself: no address leads to it."""
    picture = base64.b64encode(jpeg).decode("ascii")
    return f'<img class="vs-thumbnail" src="data:image/jpeg;base64,{picture}" alt="{escape(alternative)}">'


def table(rows: Sequence[Mapping[str, str]], title: str, language: str, direction: str) -> str:
    """Rows of equal keys, which become the head; wide ones scroll, also with the keyboard."""
    head = "".join(f'<th scope="col">{escape(key)}</th>' for key in rows[0])
    lines = "".join(f"<tr>{''.join(f'<td>{escape(value)}</td>' for value in row.values())}</tr>" for row in rows)
    return (
        f'<div class="vs vs-scroll" role="region" tabindex="0" aria-label="{escape(title)}" lang="{language}" '
        f'dir="{direction}">'
        f'<table class="vs-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def facts(summary: str, rows: Sequence[tuple[str, str, str]], words: Catalogue) -> str:
    """An English summary, and names with values; each value says its language, because many are in English."""
    lines = "".join(
        f'<dt>{escape(name)}</dt><dd lang="{language}" dir="auto">{escape(value)}</dd>' for name, value, language in rows
    )
    return (
        f'<div class="vs" lang="{words.language}" dir="{words.direction}"><p lang="en" dir="auto">{escape(summary)}</p>'
        f'<dl class="vs-facts vs-words">{lines}</dl></div>'
    )


def failure(name: str, title: str, sentence: str, detail_title: str, detail: str) -> str:
    """What went wrong with one file: for people first, the program's own words folded away."""
    return (
        f'<section class="vs vs-verdict" data-grade="failed"><p class="vs-file"><bdi>{escape(name)}</bdi></p>'
        f'<h2 class="vs-grade"><span class="vs-shape" aria-hidden="true"></span><span>{escape(title)}</span></h2>'
        f'<p class="vs-likelihood">{escape(sentence)}</p>'
        f'<details class="vs-quiet"><summary>{escape(detail_title)}</summary>'
        f'<p lang="en" dir="auto">{escape(detail)}</p></details></section>'
    )
