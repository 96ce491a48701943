"""The command line. Data goes to standard output, everything for people beside the data to standard error.

A module for each command; this one lists them.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from veriscope._version import __version__
from veriscope.cli.analyze import analyze
from veriscope.cli.calibrate import calibrate
from veriscope.cli.compare import compare
from veriscope.cli.detectors import detectors
from veriscope.cli.doors import schema, serve
from veriscope.cli.finetune import finetune
from veriscope.cli.law import law
from veriscope.cli.models import models
from veriscope.cli.output import encode, stop, to_standard_output
from veriscope.errors import VeriscopeError

app = typer.Typer(
    help="Is this picture or video authentic or manipulated? Evidence with measured error rates, offline by default.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(epilog="Exit codes: 0 all analysed; 2 wrong usage; 3 some inputs could not be analysed (the others were).")(analyze)
app.command()(calibrate)
app.command()(compare)
app.command()(detectors)
app.command()(finetune)
app.command()(law)
app.add_typer(models, name="models")
app.command()(schema)
app.command(name="app")(serve)


def main() -> None:
    """Runs the command line; our own errors become one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        encode(stream)
    try:
        app()
    except VeriscopeError as error:
        stop(str(error))


def _version(wanted: bool) -> None:
    if wanted:
        to_standard_output(f"veriscope {__version__}\n")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...
