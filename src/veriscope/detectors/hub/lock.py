"""The lock file: which commit of a model is used here, and the SHA-256 of each of its files.

A name on the Hub can mean other files tomorrow. What was fetched first stays, until the user removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from veriscope.detectors.hub.layout import is_plain
from veriscope.detectors.hub.licences import Licence
from veriscope.detectors.hub.reference import Reference
from veriscope.detectors.hub.repository import Repository
from veriscope.errors import DataError, MissingExtra
from veriscope.runtime.folders import hub_folder
from veriscope.settings import MEBIBYTE, Settings

NAME = "models.lock.json"
WAIT_SECONDS = 10.0  # for another process that is writing

Outcome = Mapping[str, str | float | bool]
"""What a self-test found; flat, so that it can be read in the file."""

_MAX_BYTES = 64 * MEBIBYTE


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LockedFile(_Part):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class LockedModel(_Part):
    """One model as it was when it was first used."""

    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    files: Annotated[dict[str, LockedFile], Field(min_length=1)]
    licence: Licence
    accepted: bool = False  # the user accepted a licence that forbids commercial use
    added: str  # UTC, to the second

    @field_validator("files")
    @classmethod
    def _plain(cls, files: dict[str, LockedFile]) -> dict[str, LockedFile]:
        if not all(map(is_plain, files)):
            raise ValueError("a file's name leads out of the model")
        return files


class _LockFile(_Part):
    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    models: dict[str, LockedModel] = {}  # by reference, as the user writes it
    selftests: dict[str, dict[str, bool | float | str]] = {}  # by commit


class Lock:
    """The lock file of one folder. Reads it anew each time; writes whole files, one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    @classmethod
    def of(cls, settings: Settings) -> Lock:
        """The lock that the settings mean. Raises `MissingExtra` as `hub_folder` does."""
        return cls(hub_folder(settings))

    def models(self) -> Mapping[str, LockedModel]:
        """All models, by reference. Raises `DataError` for a file that cannot be trusted: it is never replaced silently."""
        return MappingProxyType(dict(sorted(self._read().models.items())))

    def find(self, reference: Reference) -> LockedModel | None:
        return self._read().models.get(str(reference))

    def pin(self, reference: Reference, model: LockedModel) -> None:
        with self._changed() as content:
            content.models[str(reference)] = model

    def remove(self, reference: Reference) -> bool:
        """Forgets a model and its self-test; whether it was there."""
        with self._changed() as content:
            model = content.models.pop(str(reference), None)
            if model is not None and all(other.commit != model.commit for other in content.models.values()):
                content.selftests.pop(model.commit, None)
        return model is not None

    def selftest(self, repository: Repository) -> Outcome | None:
        """What the self-test of exactly these files found; None when it has not been made."""
        return self.selftest_of(repository.commit)

    def selftest_of(self, commit: str) -> Outcome | None:
        """The same by commit."""
        found = self._read().selftests.get(commit)
        return None if found is None else MappingProxyType(found)

    def record_selftest(self, repository: Repository, outcome: Outcome) -> None:
        with self._changed() as content:
            content.selftests[repository.commit] = dict(outcome)

    def _read(self) -> _LockFile:
        try:
            with self.path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return _LockFile()
        except OSError as error:
            raise DataError(f"The lock {NAME} cannot be read ({error.strerror}). Check its permissions.") from error
        try:
            if len(data) > _MAX_BYTES:
                raise ValueError("too large")
            return _LockFile.model_validate(json.loads(data))
        except (ValidationError, ValueError, RecursionError):
            raise DataError(
                f"The lock {self.path} is damaged, or of a newer Veriscope. Restore it from a copy; or delete it, and "
                "every model is pinned anew as it is on that day."
            ) from None

    @contextlib.contextmanager
    def _changed(self) -> Iterator[_LockFile]:
        """The content, which is written when the block ends well."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.path):
                content = self._read()
                yield content
                self._write(content)
        except OSError as error:
            raise DataError(f"The lock {self.path} cannot be written ({error.strerror}). Check the folder.") from error

    def _write(self, content: _LockFile) -> None:
        text = json.dumps(content.model_dump(mode="json", by_alias=True), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        unfinished = self.path.with_name(f"{NAME}.{uuid.uuid4().hex[:8]}.part")
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    try:
        import filelock
    except ModuleNotFoundError:
        raise MissingExtra("Models from elsewhere need the extra hf: pip install 'veriscope[hf]'.") from None
    try:
        with filelock.FileLock(path.with_suffix(".busy"), timeout=WAIT_SECONDS):
            yield
    except filelock.Timeout:
        raise DataError(
            f"Another process has been writing {NAME} for {WAIT_SECONDS:g} seconds. Try again when it is done."
        ) from None
