"""A comparison as one self-contained HTML page, in the look of a report.

The page loads nothing and runs nothing. Plots are drawn here as SVG: two shapes with the page's own colours, which follow
light and dark and print sharply, are less than a plotting library's settings for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from veriscope.evaluation import sentences
from veriscope.evaluation.compare import Comparison, Contender
from veriscope.evaluation.figures import Error, Figure, Group
from veriscope.i18n import Catalogue
from veriscope.report import as_html
from veriscope.report.sentences import safe

SIDE = 240  # of a plot, in units of its own
STYLES = 8  # lines that look different

View = dict[str, object]


def render(comparison: Comparison, words: Catalogue, thumbnails: Mapping[str, str] | None = None) -> str:
    """The whole page.

    Args:
        comparison: what to show.
        words: the language.
        thumbnails: SHA-256 of a file → a small JPEG of it as base64, for the worst errors; None = names alone.
    """
    page = as_html.templates("veriscope.evaluation").get_template("comparison.html.j2")
    own = files("veriscope.evaluation").joinpath("templates", "comparison.css").read_text("utf-8")
    return page.render(view=_view(comparison, words, thumbnails or {}), words=words, style=as_html.style() + own, side=SIDE)


def _view(comparison: Comparison, words: Catalogue, thumbnails: Mapping[str, str]) -> View:
    ran = [one for one in comparison.contenders if one.figures is not None]
    head, problems = sentences.problems(comparison, words)
    return {
        "language": words.language,
        "direction": words.direction,
        "name": safe(comparison.source),
        "created": comparison.created,
        "version": comparison.veriscope,
        "summary": sentences.summary(comparison, words),
        "problems_head": head,
        "problems": problems,
        "columns": [sentences.title(name, words) for name in (*sentences.RANKING, *sentences.AT_THRESHOLD)]
        + [words.text(f"compare.{name}") for name in ("coverage", "speed", "memory")],
        "rows": [_row(one, words) for one in comparison.contenders],
        "notes": list(sentences.notes(comparison, words)),
        "differences": [sentences.difference(one, words) for one in comparison.differences],
        "curves": [
            {"name": safe(one.id), "style": place % STYLES, "points": _path(one.curve), "auc": _text("auc", one, words)}
            for place, one in enumerate(ran)
            if one.curve
        ],
        "reliability": [
            {"name": safe(one.id), "ece": _text("ece", one, words), "dots": _dots(one)} for one in ran if one.reliability
        ],
        "detectors": [safe(one.id) for one in ran],
        "generators": _groups(ran, lambda one: one.generators, words),
        "kinds": _groups(ran, lambda one: one.kinds, words),
        "altered": [{"name": safe(one.id), "lines": _altered(one, words)} for one in ran if one.altered],
        "worst": [
            {
                "name": safe(one.id),
                "accused": [_error(error, words, thumbnails) for error in one.accused],
                "missed": [_error(error, words, thumbnails) for error in one.missed],
            }
            for one in ran
        ],
    }


def _row(contender: Contender, words: Catalogue) -> View:
    cells = [
        sentences.value(name, getattr(contender.figures, name, None), words)
        for name in (*sentences.RANKING, *sentences.AT_THRESHOLD)
    ]
    return {
        "name": safe(contender.id),
        "version": safe(contender.version),
        "cells": [*cells, *((text, "") for text in sentences.rest(contender, words))],
    }


def _text(name: str, contender: Contender, words: Catalogue) -> str:
    figure: Figure | None = getattr(contender.figures, name, None)
    return sentences.share(name, figure, words)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Points of 0–1 as those of a plot, whose origin is at the bottom left."""
    return " ".join(f"{SIDE * x:.1f},{SIDE * (1 - y):.1f}" for x, y in points)


def _dots(contender: Contender) -> list[View]:
    """A dot for each tenth of likelihoods, its area the share of files in it."""
    return [
        {"x": round(SIDE * said, 1), "y": round(SIDE * (1 - true), 1), "r": round(3 + 14 * part**0.5, 1)}
        for said, true, part in contender.reliability
    ]


def _groups(ran: Sequence[Contender], groups_of: Callable[[Contender], Sequence[Group]], words: Catalogue) -> list[View]:
    """A line for each generator or kind, with a cell for each detector; none when no file names one."""
    found = [{group.name: group for group in groups_of(one)} for one in ran]
    names = dict.fromkeys((group.name, group.count) for groups in found for group in groups.values())
    if not any(name for name, _ in names):
        return []
    return [
        {
            "name": sentences.group_name(name, words),
            "count": count,
            "cells": [_cell(groups.get(name), words) for groups in found],
        }
        for name, count in names
    ]


def _cell(group: Group | None, words: Catalogue) -> list[str]:
    if group is None or group.flagged is None:
        return ["–"]
    lines = [*sentences.value("found", group.flagged, words)]
    return lines if group.auc is None else [*lines, f"AUC {words.fixed(group.auc.value, 3)}"]


def _altered(contender: Contender, words: Catalogue) -> list[View]:
    return [
        {
            "name": sentences.copy_name(one.variant, words),
            "count": f"{one.judged}/{one.count}",
            "cells": [sentences.value(name, getattr(one, name), words) for name in ("auc", "false_alarms", "found")],
        }
        for one in contender.altered
    ]


def _error(error: Error, words: Catalogue, thumbnails: Mapping[str, str]) -> View:
    return {
        "name": safe(error.name),
        "group": safe(error.group),
        "likelihood": words.percent(error.probability),
        "image": f"data:image/jpeg;base64,{thumbnails[error.sha256]}" if error.sha256 in thumbnails else None,
    }
