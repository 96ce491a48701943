"""`veriscope compare`: several detectors on the same labelled files."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veriscope.cli.output import in_colour, target, to_standard_output, width
from veriscope.errors import DataError

if TYPE_CHECKING:
    from veriscope.evaluation.asking import Alter
    from veriscope.evaluation.compare import Comparison
    from veriscope.evaluation.labelled import Labelled
    from veriscope.evaluation.scoring import Step
    from veriscope.i18n import Catalogue
    from veriscope.settings import Settings


class TableFormat(enum.StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def compare(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|TABLE.csv",
            help="A folder with real/ and fake/ inside, or a table with the columns file, label and, if you like, "
            "generator, kind, group, split.",
        ),
    ],
    detector: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Compare this detector; repeatable. None: the defaults. See `veriscope detectors`."),
    ] = None,
    output_format: Annotated[
        TableFormat, typer.Option("--format", help="text; json: everything; csv: a line for each detector.")
    ] = TableFormat.TEXT,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there instead of standard output.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write one self-contained page with plots.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write every answer about every file, as CSV.")
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also ask about altered copies (saved again, shrunk, blurred …); takes long.")
    ] = False,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Put small pictures of the worst errors into the page.")
    ] = False,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Use only this split, such as test.")] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The files of a table may lie anywhere in this folder.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Batches asked at the same time.")] = 1,
    batch: Annotated[int, typer.Option(min=1, max=256, help="Pictures that go through a model together.")] = 8,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep answers here, so that a stopped comparison goes on. Default: the user's cache."),
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no answers.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Never fetch anything, not even a model.")] = False,
    lang: Annotated[str, typer.Option(metavar="CODE", help="Language of the text and the page.")] = "en",
) -> None:
    """Measure detectors on labelled pictures and clips: how well they rank, how often they err, and where."""
    from veriscope.evaluation.compare import Options
    from veriscope.evaluation.compare import compare as run
    from veriscope.i18n import catalogue
    from veriscope.settings import Settings

    words = catalogue(lang)
    settings = Settings.from_environment()
    threads = settings.threads or (1 if jobs > 1 else 0)  # as in `analyze`: more would only fight over the cores
    settings = dataclasses.replace(settings, threads=threads, offline=offline or settings.offline)
    options = Options(answers_folder(cache, no_cache), jobs, batch, _variants(sweep))
    names = _names(detector, settings)
    with target(output) as write, _second(html) as write_page, _second(answers) as write_answers, progress_bars() as tell:
        labelled = labelled_files(source, root, split, tell)
        found, judgements = run(source.resolve().name, labelled, names, settings, options, tell)
        write(_shown(found, output_format, words, write is to_standard_output))
        if write_page is not None:
            from veriscope.evaluation import as_html

            write_page(as_html.render(found, words, _thumbnails(found, labelled, settings) if thumbnails else None))
        if write_answers is not None:
            from veriscope.evaluation.as_data import answers_csv

            write_answers(answers_csv(judgements))
    if all(contender.problem for contender in found.contenders):
        raise DataError(f"No detector could run. {found.contenders[0].problem}")


def _names(wanted: list[str] | None, settings: Settings) -> list[str]:
    """The detectors' names; an unknown one is wrong usage, said before any file is read."""
    from veriscope import detectors

    names = tuple(wanted or settings.detectors)
    cards = detectors.chosen(dataclasses.replace(settings, detectors=names))
    return list(names) or [card.id for card in cards]


def answers_folder(cache: Path | None, no_cache: bool) -> Path | None:
    from veriscope.runtime import folders

    if no_cache:
        if cache is not None:
            raise DataError("--cache and --no-cache contradict each other. Give one of them.")
        return None
    return cache if cache is not None else folders.answers_folder()


def _variants(sweep: bool) -> Mapping[str, Alter]:
    if not sweep:
        return {}
    from veriscope.evaluation.variants import VARIANTS

    return VARIANTS


def labelled_files(source: Path, root: Path | None, split: str | None, tell: Callable[[str, Step], object]) -> Labelled:
    from veriscope.evaluation.labelled import read_labelled, split_names
    from veriscope.evaluation.scoring import Step

    labelled = read_labelled(source, root, lambda done, total: tell("", Step(done, total)))
    if split is None:
        return labelled
    part = labelled.of_split(split)
    if not part.examples:
        known = ", ".join(split_names(labelled.examples)) or "none"
        raise DataError(f'No file belongs to the split "{split}". The splits here are: {known}.')
    return part


def _shown(found: Comparison, output_format: TableFormat, words: Catalogue, on_screen: bool) -> str:
    from veriscope.evaluation import as_data, as_text

    if output_format is TableFormat.JSON:
        return as_data.as_json(found)
    if output_format is TableFormat.CSV:
        return as_data.as_csv(found)
    return as_text.render(found, words, width(), on_screen and in_colour(sys.stdout))


def _thumbnails(found: Comparison, labelled: Labelled, settings: Settings) -> dict[str, str]:
    from veriscope.evaluation.worst import thumbnails

    return thumbnails(found, labelled.examples, settings)


@contextlib.contextmanager
def _second(path: Path | None) -> Iterator[Callable[[str], object] | None]:
    """A further file to write, if there is one."""
    if path is None:
        yield None
        return
    with target(path) as write:
        yield write


@contextlib.contextmanager
def progress_bars() -> Iterator[Callable[[str, Step], object]]:
    """A bar for each detector on a terminal; nothing when piped."""
    if not sys.stderr.isatty():
        yield lambda _name, _step: None
        return
    from rich import console, progress

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[left]}", markup=False),
    )
    bar = progress.Progress(*columns, console=console.Console(stderr=True), transient=True, redirect_stdout=False)
    tasks: dict[str, progress.TaskID] = {}

    def tell(name: str, step: Step) -> None:
        if name not in tasks:
            tasks[name] = bar.add_task(name or "Reading", total=step.total, left="")
        left = "" if step.seconds_left is None else _duration(step.seconds_left)
        bar.update(tasks[name], completed=step.done, left=left)

    with bar:
        yield tell


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"
