"""How often the detectors err, as measured and published: bars and counts that need no statistics to be read."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import streamlit as st
from pydantic import TypeAdapter

from veriscope.i18n import Catalogue


@dataclasses.dataclass(frozen=True, slots=True)
class RealKind:
    """Real pictures of one kind. `at_most`: the share that is not exceeded with 95 % certainty, 0–1."""

    kind: str
    pictures: int
    flagged: int
    at_most: float


@dataclasses.dataclass(frozen=True, slots=True)
class Generator:
    """Pictures made or altered by one generator. `unseen`: training held none of its pictures from there."""

    generator: str
    unseen: bool
    pictures: int
    found: int


@dataclasses.dataclass(frozen=True, slots=True)
class DetectorRates:
    """What was measured for one version of a detector."""

    id: str
    version: str
    measured: str
    real: tuple[RealKind, ...]
    made: tuple[Generator, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorRates:
    """All of it. `least`: kinds with fewer pictures than this are left out."""

    least: int
    detectors: tuple[DetectorRates, ...]


@functools.cache
def published() -> ErrorRates:
    """The figures of docs/evaluation-*.json, as `python -m research.publish` put them into the package."""
    return TypeAdapter(ErrorRates).validate_json(files("veriscope.app").joinpath("error_rates.json").read_text("utf-8"))


def show(said: Catalogue) -> None:
    """Draws both tables for each detector."""
    rates = published()
    for detector in rates.detectors:
        st.subheader(f"{said.text(f'source.{detector.id}')} {detector.version}", anchor=False)
        st.html(_real(detector, said))
        with st.expander(said.text("app.learn.made", {"count": len(detector.made)})):
            st.html(_made(detector, said))
    st.caption(said.text("app.learn.real.note"))
    st.caption(said.text("app.learn.rates.least", {"count": rates.least}))


def _real(detector: DetectorRates, said: Catalogue) -> str:
    """Of 1,000 real pictures of a kind, how many are flagged; the largest error comes first."""
    head = ("app.learn.real.kind", "app.learn.real.flagged", "app.learn.real.at_most", "app.learn.rates.pictures")
    rows = [
        (
            _kind(row.kind, said),
            _bar(row.flagged / row.pictures, _thousand(row.flagged / row.pictures, said), "real"),
            _thousand(row.at_most, said),
            said.number(row.pictures),
        )
        for row in detector.real
    ]
    return _table(said.text("app.learn.real"), [said.text(code) for code in head], rows, said)


def _made(detector: DetectorRates, said: Catalogue) -> str:
    """Of 100 pictures of a generator, how many are found."""
    head = ("app.learn.made.generator", "app.learn.made.found", "app.learn.made.seen", "app.learn.rates.pictures")
    rows = [
        (
            f"<bdi>{escape(_generator(row.generator, said))}</bdi>",
            _bar(row.found / row.pictures, said.number(round(100 * row.found / row.pictures)), "made"),
            escape(said.text("app.learn.made.no" if row.unseen else "app.learn.made.yes")),
            said.number(row.pictures),
        )
        for row in detector.made
    ]
    return _table(said.text("app.learn.made", {"count": len(detector.made)}), [said.text(code) for code in head], rows, said)


def _kind(kind: str, said: Catalogue) -> str:
    """Words for a kind of picture; one that was measured after these words were written keeps its own name."""
    code = f"app.kind.{_slug(kind)}"
    return escape(said.text(code)) if said.has(code) else f'<bdi lang="en">{escape(kind)}</bdi>'


def _generator(name: str, said: Catalogue) -> str:
    """What people call a generator: without its maker's account, and in words where its name is a way of working."""
    code = f"app.generator.{_slug(name)}"
    return said.text(code) if said.has(code) else name.rsplit("_", 1)[-1]


def _slug(name: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", name.lower()))


def _thousand(share: float, said: Catalogue) -> str:
    return said.number(round(1000 * share))


def _bar(share: float, number: str, tone: str) -> str:
    return (
        f'<span class="vs-rate" data-tone="{tone}"><span class="vs-figure">{number}</span>'
        f'<span class="vs-rate-line" aria-hidden="true"><span style="inline-size: {100 * share:.1f}%"></span></span></span>'
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], said: Catalogue) -> str:
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in rows
    )
    return (
        f'<div class="vs vs-scroll" role="region" tabindex="0" aria-label="{escape(title)}" lang="{said.language}" '
        f'dir="{said.direction}"><table class="vs-table vs-rates"><caption>{escape(title)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"
    )
