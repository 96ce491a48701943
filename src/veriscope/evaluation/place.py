"""Where answers are kept when the user names no folder."""

from __future__ import annotations

from pathlib import Path

from veriscope.errors import MissingExtra


def cache_folder() -> Path:
    """The folder for what can be made again, as this system has it.

    Raises:
        MissingExtra: platformdirs, which knows the system's rules, is not installed.
    """
    try:
        import platformdirs
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "The package platformdirs, which knows where this system keeps such files, is not installed. "
            "Run pip install 'veriscope[compare]', or say --cache FOLDER or --no-cache."
        ) from error
    return platformdirs.user_cache_path("veriscope", appauthor=False) / "answers"
