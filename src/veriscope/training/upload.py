"""Giving the result to others through the Hub: only the files of the model, and only when the user asked."""

from __future__ import annotations

from pathlib import Path

from veriscope.detectors.hub.reference import HUB, Reference
from veriscope.errors import DataError
from veriscope.runtime.hub import Hub, is_offline
from veriscope.settings import Settings
from veriscope.training.place import MODEL_FILES


def check_wanted(repository: str, settings: Settings) -> None:
    """Says now what would be said after hours: a name that no repository can have, or an upload while offline.

    Raises:
        DataError: either.
        MissingExtra: the Hub's library is missing.
    """
    reference = Reference.parse(HUB + repository)
    if reference.revision is not None:
        raise DataError(f"--push names a repository without a revision: {reference.repository}.")
    if is_offline(settings):
        raise DataError("--push needs the network, and nothing may be sent (offline). Leave one of them out.")
    Hub(settings)


def what(folder: Path) -> tuple[str, ...]:
    """The files that would be uploaded: those of the model that are there, and never one about the pictures."""
    return tuple(name for name in MODEL_FILES if (folder / name).is_file())


def upload(folder: Path, repository: str, private: bool, settings: Settings) -> str:
    """Uploads the model in one commit; the address of the repository.

    Raises:
        AccessRefused: the token is missing or may not write.
        RemoteError: the network or the Hub failed.
    """
    return Hub(settings).upload(repository, {name: folder / name for name in what(folder)}, private)
