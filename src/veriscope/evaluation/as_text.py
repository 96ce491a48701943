"""A comparison as text: one table of figures, and what must be known to read it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from veriscope.evaluation import sentences
from veriscope.evaluation.compare import Comparison, Contender
from veriscope.i18n import Catalogue
from veriscope.report.sentences import safe

_SHOWN = 20  # problems, generators or kinds: the others are on the page and in the data


def render(comparison: Comparison, words: Catalogue, width: int = 100, colour: bool = False) -> str:
    """The comparison as text of at most `width` columns; `colour` adds terminal colours."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, no_color=not colour, highlight=False, markup=False, emoji=False
    )
    console.print(Group(*_blocks(comparison, words)))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _blocks(comparison: Comparison, words: Catalogue) -> Iterator[RenderableType]:
    yield Text(words.text("compare.title"), "bold")
    yield Text(" · ".join(sentences.summary(comparison, words)), "dim")
    yield from _problems(comparison, words)
    for names, ending in ((sentences.RANKING, True), (sentences.AT_THRESHOLD, False)):
        yield _figures(comparison, names, ending, words)
    for label, head in ((1, "compare.generators"), (0, "compare.kinds")):
        yield from _groups(comparison.contenders, label, words.text(head), words)
    yield from _altered(comparison.contenders, words)
    if comparison.differences:
        yield Text(words.text("compare.differences"), "bold")
        yield _list([sentences.difference(one, words) for one in comparison.differences])
        yield Text()
    yield _list(list(sentences.notes(comparison, words)))


def _problems(comparison: Comparison, words: Catalogue) -> Iterator[RenderableType]:
    head, lines = sentences.problems(comparison, words)
    if lines:
        yield Text(head)
        more = len(lines) - _SHOWN
        yield _list([*lines[:_SHOWN], *([f"… + {more}"] if more > 0 else [])])


def _figures(comparison: Comparison, names: Sequence[str], ending: bool, words: Catalogue) -> Table:
    table = _table(words.text("compare.detector"))
    for name in names:
        table.add_column(sentences.title(name, words))
    for name in ("coverage", "speed", "memory") if ending else ():
        table.add_column(words.text(f"compare.{name}"))
    for contender in comparison.contenders:
        cells = ["\n".join(sentences.value(name, getattr(contender.figures, name, None), words)) for name in names]
        table.add_row(safe(contender.id), *cells, *(sentences.rest(contender, words) if ending else ()))
    return table


def _groups(contenders: Sequence[Contender], label: int, head: str, words: Catalogue) -> Iterator[RenderableType]:
    """A line for each generator or kind; nothing when no file names one."""
    found = [(contender, contender.generators if label else contender.kinds) for contender in contenders]
    names = list(dict.fromkeys((group.name, group.count) for _, groups in found for group in groups))
    if not any(name for name, _ in names):
        return
    table = _table(head)
    table.add_column(words.text("compare.count"), justify="right")
    for contender, _ in found:
        table.add_column(f"{safe(contender.id)}: {words.text('compare.flagged')}")
    for name, count in names[:_SHOWN]:
        cells = [{group.name: group for group in groups}.get(name) for _, groups in found]
        shares = [sentences.share("found", cell.flagged if cell else None, words) for cell in cells]
        table.add_row(sentences.group_name(name, words), str(count), *shares)
    if len(names) > _SHOWN:
        table.add_row(f"… + {len(names) - _SHOWN}")
    yield table


def _altered(contenders: Sequence[Contender], words: Catalogue) -> Iterator[RenderableType]:
    for contender in contenders:
        if contender.altered:
            table = _table(f"{words.text('compare.altered')}: {safe(contender.id)}")
            for column in (words.text("compare.count"), "AUC", words.text("compare.false_alarms"), words.text("compare.found")):
                table.add_column(column)
            for one in contender.altered:
                shares = (sentences.share(name, getattr(one, name), words) for name in ("auc", "false_alarms", "found"))
                table.add_row(sentences.copy_name(one.variant, words), f"{one.judged}/{one.count}", *shares)
            yield table


def _table(first: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column(first, overflow="fold")
    return table


def _list(lines: Sequence[str]) -> Padding:
    table = Table.grid(padding=(0, 1))
    for line in lines:
        table.add_row("·", line)
    return Padding(table, (0, 0, 0, 1))
