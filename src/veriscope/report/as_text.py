"""A report as one clear screen of text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from veriscope.domain import Clip, Failure, Grade, HelpReference, LawReference, MediaFacts, Report, Signal, Status
from veriscope.i18n import Catalogue
from veriscope.report import timeline

# Shape, word and colour say the same, so that none of them has to be seen.
_LOOK = {
    Grade.DECLARED_SYNTHETIC: ("◆", "bold magenta"),
    Grade.STRONG_EVIDENCE: ("▲", "bold red"),
    Grade.SOME_EVIDENCE: ("△", "bold yellow"),
    Grade.UNCERTAIN: ("◐", "bold cyan"),
    Grade.NO_EVIDENCE_FOUND: ("○", "bold green"),
    Grade.NOT_ASSESSABLE: ("–", "bold white"),
}
# Typography that Python calls unprintable: no-break spaces of French, Spanish and German, and the isolates around values
# in Arabic. File names may hold isolates too; unlike overrides they cannot turn Latin text around.
_KEPT = "\u00a0\u202f\u2068\u2069"
_MAX_HELP = 6  # per report; `veriscope law` lists all


def render(report: Report, words: Catalogue, width: int = 100, colour: bool = False) -> str:
    """The report as text of at most `width` columns; `colour` adds terminal colours."""
    return _printed(Group(*_blocks(report, words.about(report.media.kind))), width, colour)


def render_failures(failures: Sequence[Failure], words: Catalogue, width: int = 100, colour: bool = False) -> str:
    """What could not be analysed, each with its reason."""
    table = _grid()
    for failure in failures:
        table.add_row("✗", Text(_safe(failure.source.name), "bold"), Text(_safe(failure.message)))
    head = Text(words.text("cli.not_analysed", {"count": len(failures)}), "bold")
    return _printed(Group(head, Padding(table, (0, 0, 0, 2))), width, colour)


def render_law(
    law: Sequence[LawReference], assistance: Sequence[HelpReference], words: Catalogue, width: int = 100, colour: bool = False
) -> str:
    """Help first, then law; informs, and advises nobody."""
    return _printed(Group(*_law_blocks(law, assistance, words)), width, colour)


def _blocks(report: Report, words: Catalogue) -> Iterator[RenderableType]:
    shape, style = _LOOK[report.verdict.grade]
    grade = report.verdict.grade
    yield Rule(Text(_safe(report.media.source.name), "bold"), align="left", style="dim")
    yield Text(_described(report.media), "dim")
    yield Text()
    yield Text(f" {shape} {words.text(f'grade.{grade}')}", style)
    yield Text(f"   {_score_line(report, words)}")
    yield Text()
    yield _section(words, "section.meaning", [words.text(f"meaning.{grade}")])
    yield _section(words, "section.action", [words.text(f"action.{grade}")])
    yield _section(words, "section.reasons", [words.finding(reason) for reason in report.verdict.reasons])
    yield Text(words.text("section.evidence"), "bold")
    yield Padding(_evidence(report, words), (0, 0, 1, 2))
    if report.clip is not None:
        yield from _clip_blocks(report, report.clip, words)
    if report.media.notes:
        yield _section(words, "section.notes", [words.finding(note) for note in report.media.notes])
    yield _section(words, "section.not_checked", [words.finding(gap) for gap in report.not_checked])
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
            table.add_row(_safe(name), blocks, score)
        yield Text(words.text("section.timeline"), "bold")
        yield Padding(table, (0, 0, 0, 2))
        yield Padding(Text(words.text("timeline.legend"), "dim"), (0, 0, 1, 2))
    if clip.telling:
        yield _section(words, "section.telling", timeline.telling(clip, words))


def _score_line(report: Report, words: Catalogue) -> str:
    score, interval = report.verdict.score, report.verdict.interval
    if score is None or interval is None:
        return words.text("score.none")
    low, high = interval
    return words.text("score.line", {"score": words.percent(score), "low": words.percent(low), "high": words.percent(high)})


def _evidence(report: Report, words: Catalogue) -> Table:
    table = _grid()
    for signal in report.signals:
        for number, line in enumerate(_lines(signal, words)):
            name = words.text(f"source.{signal.source}") if words.has(f"source.{signal.source}") else signal.source
            table.add_row("•" if number == 0 else "", Text(_safe(name) if number == 0 else "", "bold"), Text(_safe(line)))
    return table


def _lines(signal: Signal, words: Catalogue) -> list[str]:
    if signal.status is not Status.OK and signal.reason is not None:
        return [words.finding(signal.reason)]
    lines = [words.finding(finding) for finding in signal.findings]
    if signal.probability is not None and lines:
        lines[0] = f"{lines[0]} ({words.isolated(words.percent(min(max(signal.probability, 0.01), 0.99)))})"
        if signal.points is not None and signal.probability >= signal.points.some:
            rate = signal.points.fpr_strong if signal.probability >= signal.points.strong else signal.points.fpr_some
            lines.append(words.text("score.rate", {"rate": words.percent(rate)}))
    return lines


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
    # An enacted law shows when it begins to apply, every other one when it was checked.
    date = reference.starts if reference.status == "enacted" and reference.starts else reference.checked
    status = words.text(f"legal.status.{reference.status}", {"date": date})
    title = Text(f"[{reference.jurisdiction.upper()}] {reference.title}", "bold")
    original = f"\n{reference.original_title}" if reference.original_title else ""
    return title + Text(f"{original}\n{reference.citation}\n{reference.summary}\n{status}\n{reference.url}")


def _section(words: Catalogue, title: str, lines: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row("•" if len(lines) > 1 else " ", Text(_safe(line)))
    return Group(Text(words.text(title), "bold"), Padding(table, (0, 0, 1, 2)))


def _grid() -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(max_width=28)
    table.add_column(overflow="fold")
    return table


def _described(facts: MediaFacts) -> str:
    size = f"{facts.size_bytes / 1000:,.0f} kB" if facts.size_bytes < 1_000_000 else f"{facts.size_bytes / 1_000_000:,.1f} MB"
    length = f" · {timeline.clock(facts.duration)} · {facts.video.codec}" if facts.video and facts.duration else ""
    return f"{facts.format} · {facts.width} × {facts.height}{length} · {size} · SHA-256 {facts.sha256}"


def _safe(text: str) -> str:
    """Without control characters: a file name or a metadata field must not steer the reader's terminal."""
    return "".join(character if character.isprintable() or character in _KEPT else "�" for character in text)


def _printed(content: RenderableType, width: int, colour: bool) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False
    )
    console.print(content)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
