"""`veriscope app` and `veriscope schema`: doors to the other surfaces."""

from __future__ import annotations

from typing import Annotated

import typer

from veriscope.cli.output import to_standard_output


def schema() -> None:
    """Print the JSON Schema of a report."""
    from veriscope.report.as_json import schema_text

    to_standard_output(schema_text() + "\n")


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
