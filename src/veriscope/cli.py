"""The command line. Data goes to standard output, everything for people beside the data to standard error."""

from __future__ import annotations

import contextlib
import enum
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO

import typer

from veriscope._version import __version__
from veriscope.errors import DataError, VeriscopeError

if TYPE_CHECKING:
    from veriscope.detectors.card import Card
    from veriscope.domain import Failure, Progress, Report
    from veriscope.engine import AnySource
    from veriscope.i18n import Catalogue
    from veriscope.settings import Sampling, Settings

EXIT_USAGE = 2
EXIT_SOME_FAILED = 3

app = typer.Typer(
    help="Is this picture or video authentic or manipulated? Evidence with measured error rates, offline by default.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(enum.StrEnum):
    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


class ReportFormat(enum.StrEnum):
    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"


def main() -> None:
    """Runs the command line; our own errors become one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        _encode(stream)
    try:
        app()
    except VeriscopeError as error:
        _stop(str(error))


def _encode(stream: TextIO) -> None:
    """UTF-8 into files and pipes, whatever the locale; a terminal keeps its encoding, and shows "?" for what it lacks."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def _stop(message: str) -> NoReturn:
    typer.echo(f"veriscope: {message}", err=True)
    raise SystemExit(EXIT_USAGE)


def _version(wanted: bool) -> None:
    if wanted:
        _to_standard_output(f"veriscope {__version__}\n")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...


@app.command(epilog="Exit codes: 0 all analysed; 2 wrong usage; 3 some inputs could not be analysed (the others were).")
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
        list[str] | None, typer.Option(metavar="ID", help="Use this detector; repeatable. See `veriscope detectors`.")
    ] = None,
    country: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Add law and help of this country or state (DE, US-CA); repeatable."),
    ] = None,
    lang: Annotated[str, typer.Option(metavar="CODE", help="Language of the text output.")] = "en",
    offline: Annotated[
        bool, typer.Option("--offline", help="Never fetch anything, not even an address that was given.")
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
    engine = Engine(_settings(detector or (), offline, jobs, Sampling(frames, fps, max_seconds, thumbnails)))
    inputs = list(discover(sources, recursive))
    if output_format is ReportFormat.HTML and len(inputs) != 1:
        raise DataError(f"A page holds one report, and there are {len(inputs)} inputs. Give one, or use --format json.")
    countries = tuple(country or ())
    if countries:
        _check_countries(countries)
    with _target(output) as write, _progress(len(inputs)) as tell:
        results = engine.analyze_many(inputs, jobs, countries, tell)
        failures = _WRITERS[output_format](results, len(inputs), write, words)
    if failures:
        _tell_failures(failures, words)
        raise typer.Exit(EXIT_SOME_FAILED)


def _settings(detectors: Iterable[str], offline: bool, jobs: int, sampling: Sampling) -> Settings:
    import dataclasses

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


@contextlib.contextmanager
def _target(path: Path | None) -> Iterator[Callable[[str], object]]:
    """Standard output, or a file that appears whole or not at all."""
    if path is None:
        yield _to_standard_output
        return
    if not path.resolve().parent.is_dir():
        raise DataError(f"The folder of {path} does not exist. Create it first.")
    if os.path.isdir(path):  # noqa: PTH112 unlike Path.is_dir, this does not raise for a name that is too long
        raise DataError(f"{path} is a folder. Give the name of a file in it.")
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("w", encoding="utf-8") as file:  # before the first picture: a batch must not run for nothing
            yield file.write
        unfinished.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}). Choose another place.") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _to_standard_output(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: Click ends the command quietly
        raise
    except OSError as error:
        raise DataError(f"The results cannot be written ({error.strerror}). Make room, or choose another place.") from error


def _write_text(results: Iterator[Report | Failure], _: int, write: Callable[[str], object], words: Catalogue) -> list[Failure]:
    from veriscope.domain import Failure
    from veriscope.report.as_text import render

    failures = []
    colour = write is _to_standard_output and _colour(sys.stdout)
    for result in results:
        if isinstance(result, Failure):
            failures.append(result)
        else:
            write(render(result, words, _width(), colour) + "\n")
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

    typer.echo(render_failures(failures, words, _width(), _colour(sys.stderr)), err=True, nl=False)


def _width() -> int:
    return min(shutil.get_terminal_size((100, 24)).columns, 110)


def _colour(stream: object) -> bool:
    """Colour on a terminal, unless the user asked for none (https://no-color.org)."""
    return bool(getattr(stream, "isatty", lambda: False)()) and not os.environ.get("NO_COLOR")


@app.command()
def detectors(
    output_format: Annotated[Format, typer.Option("--format", help="text, json or jsonl.")] = Format.TEXT,
) -> None:
    """List detectors with their measured error rates. Opens no model."""
    from veriscope.detectors import catalogue, why_unavailable
    from veriscope.settings import Settings

    cards = catalogue(Settings.from_environment())
    if output_format is Format.TEXT:
        _to_standard_output("\n\n".join(_card_text(card, why_unavailable(card)) for card in cards) + "\n")
        return
    rows = [{**card.model_dump(mode="json"), "available": not why_unavailable(card)} for card in cards]
    if output_format is Format.JSON:
        _to_standard_output(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        _to_standard_output("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _card_text(card: Card, problem: str) -> str:
    measured = card.evidence
    lines = (
        f"{card.id} {card.version} – {card.name}{' (default)' if card.default else ''}",
        f"  {card.summary}",
        f"  task       {card.task}",
        f"  licence    {card.licence}; commercial use {card.commercial_use}: {card.terms}",
        f"  size       {card.weights.bytes / 1e6:.1f} MB",
        f"  measured   {measured.measured}, {measured.real} real and {measured.synthetic} synthetic pictures it never saw",
        f"  finds      AUC {measured.auc:.3f}, EER {measured.eer:.3f}",
        f"             TPR {measured.tpr_at_fpr_1:.1%} at 1 % FPR, {measured.tpr_at_fpr_5:.1%} at 5 % FPR",
        f"  errs       real pictures flagged: {measured.fpr_some:.1%}, above the strict threshold: {measured.fpr_strong:.1%}",
        f"  available  {'no: ' + problem if problem else 'yes'}",
    )
    return "\n".join(lines)


@app.command()
def law(
    countries: Annotated[
        list[str] | None, typer.Argument(metavar="[COUNTRY...]", help="DE, US-CA, EU …; none: list all codes.")
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option(metavar="TOPIC", help="Only this topic; repeatable: ncii, elections …")
    ] = None,
    stale: Annotated[bool, typer.Option("--stale", help="List the records whose review date has passed.")] = False,
    lang: Annotated[str, typer.Option(metavar="CODE", help="Language of the labels.")] = "en",
) -> None:
    """What the law of a country says, and where to report. General information, not legal advice."""
    from datetime import UTC, datetime

    from veriscope import legal
    from veriscope.i18n import catalogue
    from veriscope.report.as_text import render_law

    words = catalogue(lang)
    if stale:
        rows = [f"{row.jurisdiction}  {row.record}  {row.review_by}" for row in legal.stale(datetime.now(UTC).date())]
        _to_standard_output(("\n".join(rows) or words.text("cli.law.stale_none")) + "\n")
    elif countries:
        sections = legal.select(countries, topic or ())
        references = legal.law_references(sections), legal.help_references(sections)
        _to_standard_output(render_law(*references, words, _width(), _colour(sys.stdout)))
    else:
        _to_standard_output(" ".join(legal.jurisdictions()) + "\n")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a report."""
    from veriscope.report.as_json import schema_text

    _to_standard_output(schema_text() + "\n")


@app.command(name="app")
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    address: Annotated[
        str, typer.Option(help="Who may connect: 127.0.0.1 = this machine only, 0.0.0.0 = everybody.")
    ] = "127.0.0.1",
) -> None:
    """Serve the web app. Needs the extra `app`: pip install 'veriscope[app]'."""
    from importlib import import_module

    # By name: surfaces don't import each other, and without the extra the command line still works.
    import_module("veriscope.app.__main__").main(["--port", str(port), "--address", address])
