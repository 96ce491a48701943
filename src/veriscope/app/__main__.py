"""Starts the app: `python -m veriscope.app --port 8501`. `veriscope app` does the same."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from veriscope.errors import MissingExtra, VeriscopeError
from veriscope.settings import MEBIBYTE, Settings

SCRIPT = Path(__file__).with_name("main.py")
LOCAL = "127.0.0.1"

SWITCH_SECONDS = 0.0005
"""How long a thread may draw while one that examines waits to go on: with Python's 0.005 s, ten visitors waited longer
(docs/decisions/0025-where-the-app-spends-its-time.md)."""

LIGHT = {
    "primaryColor": "#0b5568",
    "backgroundColor": "#fbfaf7",
    "secondaryBackgroundColor": "#f1eee7",
    "textColor": "#1d2126",
    "borderColor": "#d9d4c8",
    "linkColor": "#0b5568",
}
DARK = {
    "primaryColor": "#8cc7d8",
    "backgroundColor": "#14181c",
    "secondaryBackgroundColor": "#1f252b",
    "textColor": "#e9e6df",
    "borderColor": "#343b43",
    "linkColor": "#8cc7d8",
}


def options(settings: Settings, address: str, port: int) -> list[str]:
    """Streamlit's options: nothing is counted, watched or loaded from elsewhere, and errors tell strangers nothing."""
    chosen = {
        "server.address": address,
        "server.port": port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.maxUploadSize": max(1, settings.limits.max_bytes // MEBIBYTE),
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "logger.level": "warning",
        "runner.postScriptGC": "false",  # docs/decisions/0025-where-the-app-spends-its-time.md
        "theme.font": "sans-serif",
        "theme.headingFont": "serif",
        "theme.baseRadius": "small",
        "theme.linkUnderline": "true",
        "theme.showWidgetBorder": "true",
        **{f"theme.light.{name}": colour for name, colour in LIGHT.items()},
        **{f"theme.dark.{name}": colour for name, colour in DARK.items()},
    }
    return [f"--{name}={value}" for name, value in chosen.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the app until it is stopped.

    Raises:
        MissingExtra: Streamlit is not installed.
    """
    parser = argparse.ArgumentParser(prog="veriscope app", description="Serve the web app.")
    parser.add_argument("--address", default=LOCAL, help="Who may connect: 127.0.0.1 = this machine only, 0.0.0.0 = everybody.")
    parser.add_argument("--port", type=int, default=8501)
    given = parser.parse_args(arguments)
    try:
        from streamlit.web import cli
    except ModuleNotFoundError:
        message = "The app needs Streamlit, which is not installed. Install it: pip install 'veriscope[app]'"
        raise MissingExtra(message) from None
    sys.setswitchinterval(SWITCH_SECONDS)
    cli.main(["run", str(SCRIPT), *options(Settings.from_environment(), given.address, given.port)], prog_name="veriscope app")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VeriscopeError as error:
        sys.exit(f"veriscope: {error}")
