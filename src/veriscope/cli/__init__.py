"""The command line: `commands` lists them, and each has a module of its own."""

from veriscope.cli.commands import main

__all__ = ["main"]
