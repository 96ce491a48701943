"""A report as one clear screen of text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from veriscope.domain import Clip, Failure, Grade, HelpReference, LawReference, Report
from veriscope.i18n import Catalogue
from veriscope.report import timeline
from veriscope.report.sentences import SHAPES, Evidence, badge, described, evidence, overdue, safe, score_line, sentences

_COLOURS = {
    Grade.DECLARED_SYNTHETIC: "bold magenta",
    Grade.STRONG_EVIDENCE: "bold red",
    Grade.SOME_EVIDENCE: "bold yellow",
    Grade.UNCERTAIN: "bold cyan",
    Grade.NO_EVIDENCE_FOUND: "bold green",
    Grade.NOT_ASSESSABLE: "bold white",
}
_MAX_HELP = 6  # per report; `veriscope law` lists all


def render(report: Report, words: Catalogue, width: int = 100, colour: bool = False) -> str:
    """The report as text of at most `width` columns; `colour` adds terminal colours."""
    return _printed(Group(*_blocks(report, words.about(report.media.kind))), width, colour)


def render_failures(failures: Sequence[Failure], words: Catalogue, width: int = 100, colour: bool = False) -> str:
    """What could not be analysed, each with its reason."""
    table = _grid()
    for failure in failures:
        table.add_row("✗", Text(safe(failure.source.name), "bold"), Text(safe(failure.message)))
    head = Text(words.text("cli.not_analysed", {"count": len(failures)}), "bold")
    return _printed(Group(head, Padding(table, (0, 0, 0, 2))), width, colour)


def render_law(
    law: Sequence[LawReference], assistance: Sequence[HelpReference], words: Catalogue, width: int = 100, colour: bool = False
) -> str:
    """Help first, then law; informs, and advises nobody."""
    return _printed(Group(*_law_blocks(law, assistance, words)), width, colour)


def _blocks(report: Report, words: Catalogue) -> Iterator[RenderableType]:
    grade = report.verdict.grade
    yield Rule(Text(safe(report.media.source.name), "bold"), align="left", style="dim")
    yield Text(f"{described(report.media)} · SHA-256 {report.media.sha256}", "dim")
    yield Text()
    yield Text(f" {SHAPES[grade]} {words.text(f'grade.{grade}')}", _COLOURS[grade])
    yield Text(f"   {score_line(report, words)}")
    yield Text()
    yield _section(words, "section.meaning", [words.text(f"meaning.{grade}")])
    yield _section(words, "section.action", [words.text(f"action.{grade}")])
    yield _section(words, "section.reasons", sentences(report.verdict.reasons, words))
    yield Text(words.text("section.evidence"), "bold")
    yield Padding(_evidence(report, words), (0, 0, 1, 2))
    if report.clip is not None:
        yield from _clip_blocks(report, report.clip, words)
    if report.media.notes:
        yield _section(words, "section.notes", sentences(report.media.notes, words))
    yield _section(words, "section.not_checked", sentences(report.not_checked, words))
    if report.law or report.help:
        yield Rule(style="dim")
        yield from _law_blocks(report.law, report.help[:_MAX_HELP], words)


def _clip_blocks(report: Report, clip: Clip, words: Catalogue) -> Iterator[RenderableType]:
    yield _section(words, "section.coverage", timeline.coverage(report.media, clip, words))
    rows = list(timeline.rows(report, clip, words))
    if rows:
        table = Table.grid(padding=(0, 1))
        table.add_column(overflow="fold", max_width=36)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        for name, blocks, score in rows:
            table.add_row(safe(name), blocks, score)
        yield Text(words.text("section.timeline"), "bold")
        yield Padding(table, (0, 0, 0, 2))
        yield Padding(Text(words.text("timeline.legend"), "dim"), (0, 0, 1, 2))
    if clip.telling:
        yield _section(words, "section.telling", timeline.telling(clip, words))


def _evidence(report: Report, words: Catalogue) -> Table:
    table = _grid()
    for signal in report.signals:
        said = evidence(signal, words)
        for number, line in enumerate(_lines(said, words)):
            table.add_row("•" if number == 0 else "", Text(said.name if number == 0 else "", "bold"), Text(line))
    return table


def _lines(said: Evidence, words: Catalogue) -> list[str]:
    lines = list(said.lines)
    if said.probability is not None and lines:
        lines[0] = f"{lines[0]} ({words.isolated(said.probability)})"
    return [*lines, said.rate] if said.rate is not None else lines


def _law_blocks(law: Sequence[LawReference], assistance: Sequence[HelpReference], words: Catalogue) -> Iterator[RenderableType]:
    if assistance:
        yield Text(words.text("section.help"), "bold")
        yield Padding(_help_table(assistance, words), (0, 0, 0, 2))
        if any(entry.minors for entry in assistance):
            yield Padding(Text(words.text("legal.minors.notice"), "yellow"), (0, 0, 0, 2))
        yield Text()
    yield Text(words.text("section.law"), "bold")
    if not law:
        yield Padding(Text(words.text("cli.law.none")), (0, 0, 0, 2))
    for reference in law:
        yield Padding(_law_entry(reference, words), (0, 0, 1, 2))
    for code in ("information", "evidence"):
        yield Padding(Text(words.text(f"legal.note.{code}"), "dim"), (0, 0, 0, 2))


def _help_table(assistance: Sequence[HelpReference], words: Catalogue) -> Table:
    table = _grid()
    for entry in assistance:
        purposes = " · ".join(words.text(f"legal.purpose.{purpose}") for purpose in entry.purposes)
        contact = " · ".join((*entry.phones, *((entry.url,) if entry.url else ())))
        table.add_row("•", Text(entry.name, "bold"), Text(f"{purposes}\n{contact}" if contact else purposes))
    return table


def _law_entry(reference: LawReference, words: Catalogue) -> Text:
    title = Text(f"[{reference.jurisdiction.upper()}] {reference.title}", "bold")
    lines = (
        reference.original_title,
        reference.citation,
        reference.summary,
        badge(reference, words),
        overdue(reference, words),
    )
    return title + Text("".join(f"\n{line}" for line in (*lines, reference.url) if line))


def _section(words: Catalogue, title: str, lines: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row("•" if len(lines) > 1 else " ", Text(safe(line)))
    return Group(Text(words.text(title), "bold"), Padding(table, (0, 0, 1, 2)))


def _grid() -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(max_width=28)
    table.add_column(overflow="fold")
    return table


def _printed(content: RenderableType, width: int, colour: bool) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False
    )
    console.print(content)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
