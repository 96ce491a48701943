"""Where Veriscope keeps what a user asked it to keep. Nothing is made before something is to be written."""

from __future__ import annotations

from pathlib import Path

from veriscope.errors import MissingExtra
from veriscope.settings import Settings


def hub_folder(settings: Settings) -> Path:
    """The folder of the lock, of calibrations and ensembles: `settings.hub_folder`, or "veriscope" in the user's data folder.

    Raises:
        MissingExtra: no folder was set, and the package that knows the user's data folder is missing.
    """
    if settings.hub_folder is not None:
        return settings.hub_folder
    try:
        import platformdirs
    except ModuleNotFoundError:
        raise MissingExtra(
            "Models from elsewhere need the extra hf: pip install 'veriscope[hf]'. Or set VERISCOPE_HUB_FOLDER."
        ) from None
    return Path(platformdirs.user_data_dir("veriscope", appauthor=False))


def answers_folder() -> Path:
    """The folder of answers that detectors gave, in the user's cache: whatever is in it can be made again.

    Raises:
        MissingExtra: the package that knows the user's cache folder is missing.
    """
    try:
        import platformdirs
    except ModuleNotFoundError:
        raise MissingExtra(
            "The package platformdirs, which knows where this system keeps such files, is not installed. "
            "Run pip install 'veriscope[compare]', or say --cache FOLDER or --no-cache."
        ) from None
    return Path(platformdirs.user_cache_dir("veriscope", appauthor=False)) / "answers"
