"""A report as one self-contained HTML page, and as the pieces that the app shows.

The page loads nothing and runs nothing: its own policy forbids both, pictures are part of it, and everything that came from
a file is escaped. It prints on paper as it stands.
"""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from veriscope.domain import (
    Box,
    DenseMap,
    Failure,
    HelpReference,
    LawReference,
    MediaFacts,
    MediaKind,
    Report,
    Scalar,
    SignalKind,
    Status,
)
from veriscope.i18n import Catalogue
from veriscope.report import timeline
from veriscope.report.sentences import badge, described, evidence, overdue, safe, score_line, sentences, shown, source_name

if TYPE_CHECKING:
    from jinja2 import Environment

PIECES = ("verdict", "picture", "people", "reasons", "clip", "blocks", "evidence", "maps", "gaps", "details")
"""The pieces of a page in their order; `pieces` draws them."""

INTERNATIONAL = "global"

View = dict[str, object]


def render(report: Report, words: Catalogue, picture: bytes | None = None, places: Mapping[str, str] | None = None) -> str:
    """The whole page.

    Args:
        report: what to show; its law, if any, stands apart at the end.
        words: the language.
        picture: a JPEG of the upright picture to draw the findings on; None = the page shows no picture.
        places: names of jurisdictions by code; one without a name is shown as its code.
    """
    words = words.about(report.media.kind)
    panel = _panel(report.law, report.help, words, places or {}) if report.law or report.help else None
    page = templates().get_template("report.html.j2")
    return page.render(view=_view(report, words, picture), panel=panel, words=words, style=style())


def pieces(report: Report, words: Catalogue, picture: bytes | None = None) -> dict[str, str]:
    """All of `PIECES` as HTML fragments, by name; empty where the report has nothing for one."""
    words = words.about(report.media.kind)
    view = _view(report, words, picture)
    return {name: _drawn(name, words, view) for name in PIECES}


def law(laws: Sequence[LawReference], assistance: Sequence[HelpReference], words: Catalogue, places: Mapping[str, str]) -> str:
    """Help first, then law, by jurisdiction; knows of no report."""
    return _drawn("law", words, _panel(laws, assistance, words, places))


def comparison(results: Sequence[tuple[str, Report | Failure]], words: Catalogue) -> str:
    """Several results under their names as one table."""
    return _drawn("comparison", words, [_row(name, result, words) for name, result in results])


@functools.cache
def style() -> str:
    """The style sheet of all pieces."""
    return files("veriscope.report").joinpath("templates", "report.css").read_text("utf-8")


@functools.cache
def templates(package: str = "veriscope.report") -> Environment:
    """The templates of a package; what they are given is escaped, and a name that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _drawn(macro: str, words: Catalogue, content: object) -> str:
    parts = templates().get_template("parts.html.j2").make_module({"words": words})
    return str(getattr(parts, macro)(content)).strip()


def _view(report: Report, words: Catalogue, picture: bytes | None) -> View:
    grade = report.verdict.grade
    return {
        "language": words.language,
        "direction": words.direction,
        "name": safe(report.media.source.name),
        "created": report.created,
        "grade": grade.value,
        "grade_words": words.text(f"grade.{grade}"),
        "likelihood": score_line(report, words),
        "scale": _scale(report),
        "meaning": words.text(f"meaning.{grade}"),
        "action": words.text(f"action.{grade}"),
        "reasons": sentences(report.verdict.reasons, words),
        "evidence": [evidence(signal, words) for signal in report.signals],
        "people": _people(report, words),
        "maps": _maps(report, words),
        "gaps": sentences(report.not_checked, words),
        "notes": sentences(report.media.notes, words),
        "facts": _facts(report, words),
        "picture": _data("image/jpeg", picture) if picture else None,
        "clip": _clip(report, words),
    }


def _clip(report: Report, words: Catalogue) -> View | None:
    """What a moving picture adds: how much was looked at, the timeline in blocks, and the frames to look at first."""
    clip = report.clip
    if clip is None:
        return None
    frames = sorted(clip.telling, key=lambda frame: frame.time)
    return {
        "coverage": timeline.coverage(report.media, clip, words),
        "rows": [(safe(name), blocks, score) for name, blocks, score in timeline.rows(report, clip, words)],
        "telling": [
            {"line": safe(line), "image": f"data:image/jpeg;base64,{frame.thumbnail}" if frame.thumbnail else None}
            for line, frame in zip(timeline.telling(clip, words), frames, strict=True)
        ],
    }


def _scale(report: Report) -> dict[str, float] | None:
    if report.verdict.score is None or report.verdict.interval is None:
        return None
    low, high = report.verdict.interval
    return {
        "low": round(100 * low, 1),
        "width": round(100 * (high - low), 1),
        "score": round(100 * report.verdict.score, 1),
    }


def _people(report: Report, words: Catalogue) -> list[View]:
    """Faces of a picture. Those of a clip lie on many frames, and no single picture shows them."""
    if report.media.kind is not MediaKind.IMAGE:
        return []
    scores = {score.face: score.probability for signal in report.signals for score in signal.scores if score.face is not None}
    people: list[View] = []
    for face in report.faces:
        params: dict[str, Scalar] = {"face": face.id}
        if face.reason is not None:
            sentence = words.text("html.person.not_judged", {**params, "reason": words.text(face.reason)})
        elif face.id in scores:
            sentence = words.text("html.person.judged", {**params, "score": words.percent(shown(scores[face.id]))})
        else:
            sentence = words.text("html.person.found", params)
        people.append(
            {
                "id": face.id,
                "sentence": sentence,
                "assessable": "yes" if face.assessable else "no",
                "place": _place(face.box, report.media),
            }
        )
    return people


def _maps(report: Report, words: Catalogue) -> list[View]:
    """Where detectors looked, only of those that are not clear: a map of a picture without signs would suggest some."""
    if report.media.kind is not MediaKind.IMAGE:
        return []
    found: list[View] = []
    for signal in report.signals:
        unclear = signal.kind is SignalKind.MODEL and signal.points and (signal.probability or 0.0) >= signal.points.clear
        if signal.status is Status.OK and unclear and signal.maps:
            grid = max(signal.maps, key=lambda entry: entry.box.width * entry.box.height)
            label = source_name(signal.source, words)
            found.append({"image": _heat(grid), "place": _place(grid.box, report.media), "label": label})
    return found


def _heat(grid: DenseMap) -> str:
    """A map as a small picture, more opaque where the detector found more; the browser enlarges it."""
    from PIL import Image

    cells = b"".join(bytes((224, 79, 23, round(210 * value))) for value in grid.values)
    out = io.BytesIO()
    Image.frombytes("RGBA", (grid.columns, grid.rows), cells).save(out, "PNG")
    return _data("image/png", out.getvalue())


def _place(box: Box, facts: MediaFacts) -> str:
    """A box as percentages of the picture, so that it fits any size at which the picture is shown."""
    left, top = 100 * box.x / facts.width, 100 * box.y / facts.height
    width, height = 100 * box.width / facts.width, 100 * box.height / facts.height
    return f"left: {left:.2f}%; top: {top:.2f}%; width: {width:.2f}%; height: {height:.2f}%"


def _facts(report: Report, words: Catalogue) -> list[tuple[str, str]]:
    versions = report.versions
    seconds = sum(report.timings.values())
    rows = [
        (words.text("html.fact.sha256"), report.media.sha256),
        (words.text("html.fact.file"), described(report.media)),
        (words.text("html.fact.created"), report.created),
        (words.text("html.fact.seconds"), words.number(round(seconds, 2))),
        (words.text("html.fact.version"), f"Veriscope {versions.veriscope}"),
        *((source_name(name, words), version) for name, version in versions.detectors.items()),
        (words.text("html.fact.libraries"), ", ".join(f"{name} {version}" for name, version in versions.libraries.items())),
        (words.text("html.fact.schema"), report.schema),
    ]
    return [(label, safe(value)) for label, value in rows]


def _panel(
    laws: Sequence[LawReference], assistance: Sequence[HelpReference], words: Catalogue, places: Mapping[str, str]
) -> View:
    names = {code: safe(name) for code, name in places.items()}
    return {
        "language": words.language,
        "direction": words.direction,
        "help": [
            {
                "name": _place_name(code, names, words),
                "entries": [_help(entry, words) for entry in assistance if entry.jurisdiction == code],
            }
            for code in dict.fromkeys(entry.jurisdiction for entry in assistance)
        ],
        "law": [
            {
                "name": _place_name(code, names, words),
                "entries": [_law(entry, words) for entry in laws if entry.jurisdiction == code],
            }
            for code in dict.fromkeys(entry.jurisdiction for entry in laws)
        ],
        "asked": bool(laws) or any(entry.jurisdiction != INTERNATIONAL for entry in assistance),
        "notes": [words.text(f"legal.note.{name}") for name in ("information", "original_prevails", "limits", "evidence")],
    }


def _place_name(code: str, names: Mapping[str, str], words: Catalogue) -> str:
    if code == INTERNATIONAL:
        return words.text("legal.section.global")
    return names.get(code) or words.territory(code)


def _help(entry: HelpReference, words: Catalogue) -> View:
    return {
        "name": entry.name,
        "purposes": " · ".join(words.text(f"legal.purpose.{purpose}") for purpose in entry.purposes),
        "about": entry.about,
        "phones": entry.phones,
        "url": _linkable(entry.url),
        "host": urlsplit(entry.url).netloc if entry.url else "",
    }


def _law(entry: LawReference, words: Catalogue) -> View:
    return {
        "title": entry.title,
        "original_title": entry.original_title,
        "citation": entry.citation,
        "status": entry.status,
        "badge": badge(entry, words),
        "overdue": overdue(entry, words),
        "summary": entry.summary,
        "checked": words.text("legal.checked", {"date": entry.checked}),
        "url": _linkable(entry.url) or "",
        "link": words.text("html.source", {"host": urlsplit(entry.url).netloc}),
    }


def _linkable(url: str | None) -> str | None:
    """An address that may become a link: a report from elsewhere could hold `javascript:`."""
    return url if url and url.startswith("https://") else None


def _row(name: str, result: Report | Failure, words: Catalogue) -> View:
    if isinstance(result, Failure):
        return {"grade": "failed", "name": safe(name), "answer": words.text("html.not_analysed"), "likelihood": "–"}
    score = result.verdict.score
    return {
        "grade": result.verdict.grade.value,
        "name": safe(name),
        "answer": words.text(f"grade.{result.verdict.grade}"),
        "likelihood": "–" if score is None else words.percent(score),
    }


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
