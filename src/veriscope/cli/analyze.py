"""`veriscope analyze`: reports on pictures and clips."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veriscope.cli.elsewhere import check_models, fetch_models
from veriscope.cli.output import EXIT_SOME_FAILED, in_colour, target, to_standard_output, width
from veriscope.errors import DataError

if TYPE_CHECKING:
    from veriscope.domain import Failure, Progress, Report
    from veriscope.engine import AnySource
    from veriscope.i18n import Catalogue
    from veriscope.settings import Sampling, Settings


class ReportFormat(enum.StrEnum):
    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"


def analyze(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help='Files, folders, glob patterns, addresses, or "-" for standard input.'),
    ],
    output_format: Annotated[
        ReportFormat,
        typer.Option(
            "--format",
            help="text; json: one object, or an array when there are several inputs; jsonl: an object a line; "
            "html: one page on one input.",
        ),
    ] = ReportFormat.TEXT,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write here instead of standard output.")] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Also look into the folders of a folder.")] = False,
    detector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Use this detector: one of `veriscope detectors`, hf:OWNER/NAME or a folder; repeatable."
        ),
    ] = None,
    country: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Add law and help of this country or state (DE, US-CA); repeatable."),
    ] = None,
    lang: Annotated[str, typer.Option(metavar="CODE", help="Language of the text output.")] = "en",
    offline: Annotated[
        bool, typer.Option("--offline", help="Never fetch anything, not even an address that was given.")
    ] = False,
    use_calibration: Annotated[
        bool, typer.Option("--use-calibration", help="Use your own calibration of face, scene … (`veriscope calibrate`).")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Inputs analysed at the same time.")] = 1,
    frames: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Video: look at most at N frames (default 64), spread over the clip.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, metavar="N", help="Video: look at N frames per second of the clip instead.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(min=0.001, metavar="S", help="Video: look at the first S seconds only.")
    ] = None,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Video: keep small pictures of the telling frames in the report.")
    ] = False,
) -> None:
    """Analyse pictures and video clips and say what the evidence is."""
    from veriscope.engine import Engine
    from veriscope.i18n import catalogue
    from veriscope.ingest import discover
    from veriscope.settings import Sampling

    words = catalogue(lang)
    settings = _settings(detector or (), offline, jobs, Sampling(frames, fps, max_seconds, thumbnails))
    settings = dataclasses.replace(settings, use_calibration=use_calibration or settings.use_calibration)
    engine = Engine(settings)
    fetch_models(settings)
    check_models(engine)
    inputs = list(discover(sources, recursive))
    if output_format is ReportFormat.HTML and len(inputs) != 1:
        raise DataError(f"A page holds one report, and there are {len(inputs)} inputs. Give one, or use --format json.")
    countries = tuple(country or ())
    if countries:
        _check_countries(countries)
    with target(output) as write, _progress(len(inputs)) as tell:
        results = engine.analyze_many(inputs, jobs, countries, tell)
        failures = _WRITERS[output_format](results, len(inputs), write, words)
    if failures:
        _tell_failures(failures, words)
        raise typer.Exit(EXIT_SOME_FAILED)


def _settings(detectors: Iterable[str], offline: bool, jobs: int, sampling: Sampling) -> Settings:
    from veriscope.settings import Sampling, Settings

    settings = Settings.from_environment()
    # With several pictures at a time, one thread a model: more would only fight over the cores.
    threads = settings.threads or (1 if jobs > 1 else 0)
    return dataclasses.replace(
        settings,
        detectors=tuple(detectors) or settings.detectors,
        offline=offline or settings.offline,
        threads=threads,
        sampling=settings.sampling if sampling == Sampling() else sampling,
    )


def _check_countries(countries: tuple[str, ...]) -> None:
    """An unknown country is wrong usage, said before any picture is analysed."""
    from veriscope import legal

    legal.select(countries)


def _write_text(results: Iterator[Report | Failure], _: int, write: Callable[[str], object], words: Catalogue) -> list[Failure]:
    from veriscope.domain import Failure
    from veriscope.report.as_text import render

    failures = []
    colour = write is to_standard_output and in_colour(sys.stdout)
    for result in results:
        if isinstance(result, Failure):
            failures.append(result)
        else:
            write(render(result, words, width(), colour) + "\n")
    return failures


def _write_json(results: Iterator[Report | Failure], count: int, write: Callable[[str], object], _: Catalogue) -> list[Failure]:
    texts, failures = _as_json(results, indent=2)
    if count == 1:
        write(texts[0] + "\n")
    else:
        write("[\n" + ",\n".join(texts) + "\n]\n")
    return failures


def _write_jsonl(results: Iterator[Report | Failure], _: int, write: Callable[[str], object], __: Catalogue) -> list[Failure]:
    failures: list[Failure] = []
    for result in results:
        texts, failed = _as_json(iter([result]), indent=None)
        write(texts[0] + "\n")
        failures += failed
    return failures


def _write_html(results: Iterator[Report | Failure], _: int, write: Callable[[str], object], words: Catalogue) -> list[Failure]:
    from veriscope.domain import Failure
    from veriscope.report.as_html import render

    kept = list(results)
    for report in kept:
        if not isinstance(report, Failure):
            write(render(report, words))
    return [failure for failure in kept if isinstance(failure, Failure)]


_WRITERS = {
    ReportFormat.TEXT: _write_text,
    ReportFormat.JSON: _write_json,
    ReportFormat.JSONL: _write_jsonl,
    ReportFormat.HTML: _write_html,
}


def _as_json(results: Iterator[Report | Failure], indent: int | None) -> tuple[list[str], list[Failure]]:
    from veriscope.domain import Failure
    from veriscope.report.as_json import failure_json

    texts, failures = [], []
    for result in results:
        if isinstance(result, Failure):
            failures.append(result)
            texts.append(json.dumps(failure_json(result), indent=indent, ensure_ascii=False))
        else:
            texts.append(result.to_json(indent))
    return texts, failures


@contextlib.contextmanager
def _progress(count: int) -> Iterator[Callable[[AnySource | Failure, Progress], None] | None]:
    """A bar on a terminal for several inputs, or for one that takes its time; nothing when piped."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import console, progress

    # Redirected output goes to the bar's own stream: right on a shared terminal, a loss of all data in a pipe.
    bar = progress.Progress(console=console.Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())
    task = bar.add_task("Analysing", total=count)
    fractions: dict[int, float] = {}

    def tell(source: AnySource | Failure, step: Progress) -> None:
        fractions[id(source)] = step.fraction
        if count > 1 or step.seconds_left is not None:
            bar.start()
        bar.update(task, completed=sum(fractions.values()))

    try:
        yield tell
    finally:
        bar.stop()


def _tell_failures(failures: list[Failure], words: Catalogue) -> None:
    from veriscope.report.as_text import render_failures

    typer.echo(render_failures(failures, words, width(), in_colour(sys.stderr)), err=True, nl=False)
