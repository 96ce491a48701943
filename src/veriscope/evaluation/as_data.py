"""A comparison for programs: JSON with everything, CSV with a line a detector, and every answer as a table."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Sequence

from veriscope.domain import plain
from veriscope.evaluation.compare import Comparison, Contender, Judgement
from veriscope.evaluation.figures import Figure, Figures

FIGURES = tuple(field.name for field in dataclasses.fields(Figures) if field.name not in ("real", "synthetic"))
"""Names of the figures, in the order in which they are shown."""


def as_json(comparison: Comparison) -> str:
    """Everything, the schema first."""
    return json.dumps({"schema": comparison.schema, **_fields(comparison)}, indent=2, ensure_ascii=False) + "\n"


def _fields(comparison: Comparison) -> dict[str, object]:
    found = plain(comparison)
    if not isinstance(found, dict):
        raise TypeError("a comparison is a record")
    return dict(found)


def as_csv(comparison: Comparison) -> str:
    """One line for each detector; empty = not enough files, or not known."""
    ends = [name + end for name in FIGURES for end in ("", "_low", "_high")]
    head = (
        "detector",
        "version",
        "calibrated",
        "problem",
        "real",
        "synthetic",
        "coverage",
        *ends,
        "files_per_second",
        "peak_bytes",
    )
    return _table(head, [_line(contender) for contender in comparison.contenders])


def _line(contender: Contender) -> list[object]:
    line: list[object] = [contender.id, contender.version, contender.calibrated, contender.problem]
    if contender.figures is None or contender.coverage is None:
        return line
    line += [contender.figures.real, contender.figures.synthetic, _number(contender.coverage.share)]
    for name in FIGURES:
        figure: Figure | None = getattr(contender.figures, name)
        line += ["", "", ""] if figure is None else [_number(one) for one in (figure.value, figure.low, figure.high)]
    work = contender.work
    return [*line, *(("", "") if work is None else (_number(work.per_second), work.peak or ""))]


def answers_csv(judgements: Sequence[Judgement]) -> str:
    """Every answer of every detector, altered copies included."""
    head = ("file", "label", "generator", "kind", "group", "split", "sha256", "variant",
            "detector", "status", "reason", "logit", "probability", "flagged")  # fmt: skip
    return _table(head, [_answer_line(one) for one in judgements])


def _answer_line(one: Judgement) -> list[object]:
    example, answer = one.scored.example, one.scored.answer
    label = "fake" if example.label else "real"
    known = [_name(example.name), label, example.generator, example.kind, example.group, example.split, example.sha256]
    values = ["" if value is None else _number(value) for value in (answer.logit, one.probability)]
    flagged = "" if one.flagged is None else int(one.flagged)
    return [*known, one.scored.variant, one.detector, answer.status.value, answer.reason, *values, flagged]


def _name(name: str) -> str:
    """A relative name that no spreadsheet takes for a formula."""
    return f"./{name}" if name[:1] in "=+-@\t\r" else name


def _number(value: float) -> str:
    return f"{value:.6g}"


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([*line, *[""] * (len(head) - len(line))] for line in lines)
    return out.getvalue()
