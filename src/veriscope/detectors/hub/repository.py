"""A model's files, each with the SHA-256 that it must have: what everything that opens a model from elsewhere starts from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path

from veriscope.detectors.hub import layout
from veriscope.detectors.hub.licences import Licence
from veriscope.detectors.hub.reference import FOLDER, Reference
from veriscope.errors import ChecksumMismatch, UnsafeModel, WeightsUnavailable
from veriscope.settings import MEBIBYTE, Settings

MAX_JSON_BYTES = 16 * MEBIBYTE  # an index of a thousand layers has one; a config with 21,000 labels has less


@dataclasses.dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file, and how to know it."""

    path: Path
    sha256: str
    size: int

    def read(self, name: str, remedy: str) -> bytes:
        """The bytes, checked: what is checked is what the caller opens, whatever becomes of the file meanwhile.

        Raises:
            WeightsUnavailable: the file cannot be read.
            ChecksumMismatch: the file is another one.
        """
        with readable(self.path, name) as file:
            data = file.read(self.size + 1)  # a file that has grown is another one; the rest need not be read
        self._check(hashlib.sha256(data).hexdigest(), name, remedy)
        return data

    def verify(self, name: str, remedy: str) -> None:
        """The check alone, without the file in memory. Raises as `read` does."""
        self._check(sha256_of(self.path, name), name, remedy)

    def _check(self, found: str, name: str, remedy: str) -> None:
        if found != self.sha256:
            raise ChecksumMismatch(
                f"{name} is not the file that was pinned (SHA-256 {found[:12]}…, expected {self.sha256[:12]}…). {remedy}"
            )


@dataclasses.dataclass(frozen=True, slots=True)
class Repository:
    """A model at one commit: names of files (as in the repository, with "/") → pinned files.

    Nothing of it has been checked yet: `read`, `read_json` and `verified_path` check the file that they give, every time.
    """

    reference: Reference
    commit: str  # 40 hex digits; of a folder "local:" and the SHA-256 over its files
    files: Mapping[str, PinnedFile]
    licence: Licence

    def __contains__(self, name: object) -> bool:
        return name in self.files

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    @property
    def id(self) -> str:
        """The detector's name in reports."""
        return self.reference.id

    @property
    def version(self) -> str:
        """Commit and weights, short: what a report says about the model that spoke."""
        first = next(name for name in self.weights if name != layout.INDEX)
        return f"{self.commit.removeprefix(FOLDER)[:12]} sha256:{self.files[first].sha256[:16]}"

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the weights, ONNX before safetensors; of a sharded model the index comes first."""
        return layout.weights_among(self.files)

    def read(self, name: str) -> bytes:
        """The checked bytes of a file.

        Raises:
            WeightsUnavailable: there is no such file, or it cannot be read.
            ChecksumMismatch: it is not the file that was pinned.
        """
        return self._file(name).read(name, self._remedy)

    def read_json(self, name: str) -> dict[str, object]:
        """A checked JSON object. A stranger's: its values may have any type. Raises `UnsafeModel`, and as `read` does."""
        if self._file(name).size > MAX_JSON_BYTES:
            raise UnsafeModel(f"{name} has more than {MAX_JSON_BYTES // MEBIBYTE} MiB. Ask whoever made the model.")
        return json_object(self.read(name), name)

    def verified_path(self, name: str) -> Path:
        """Where a checked file lies, for libraries that open files by themselves. Prefer `read`: it leaves no gap."""
        self._file(name).verify(name, self._remedy)
        return self.files[name].path

    def verify(self) -> None:
        """Checks every file. Raises `ChecksumMismatch` or `WeightsUnavailable` for the first that is not right."""
        for name in self.files:
            self.verified_path(name)

    def _file(self, name: str) -> PinnedFile:
        if name not in self.files:
            raise WeightsUnavailable(f"The model {self.id} has no file {name}. Ask whoever made the model.")
        return self.files[name]

    @property
    def _remedy(self) -> str:
        if self.reference.folder is not None:
            return "Leave the folder alone while it is used, and start again."
        return f"Find out who changed it; `veriscope models add {self.reference}` fetches the pinned file again."


def open_repository(reference: Reference, settings: Settings) -> Repository:
    """The files of a model, pinned: a folder's as they are now, a Hub model's as they were when it was first used.

    The first use of a model of the Hub fetches it, unless the settings or `HF_HUB_OFFLINE` forbid the network.

    Raises:
        WeightsUnavailable: it does not exist or cannot be read.
        UnsafeModel: it holds no weights that can be opened safely, or is over `settings.limits.max_model_bytes`.
        AccessRefused, RemoteError, LicenceRefused, DataError, MissingExtra: a model of the Hub, see `pinning.open_pinned`.
    """
    from veriscope.detectors.hub import folder, pinning

    if reference.folder is not None:
        return folder.open_folder(reference, reference.folder, settings.limits.max_model_bytes)
    return pinning.open_pinned(reference, settings)


def sha256_of(path: Path, name: str) -> str:
    with readable(path, name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def readable(path: Path, name: str) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise WeightsUnavailable(f"{name} cannot be read ({error.strerror}). Check the model's folder.") from error


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise WeightsUnavailable(f"{path.name} cannot be read ({error.strerror}). Check the model's folder.") from error


def json_object(data: bytes, name: str) -> dict[str, object]:
    """A stranger's JSON object. Raises `UnsafeModel` for anything else, also for what nests deeper than the parser goes."""
    try:
        value = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UnsafeModel(f"{name} is no valid JSON. Ask whoever made the model.") from None
    if not isinstance(value, dict):
        raise UnsafeModel(f"{name} holds no JSON object. Ask whoever made the model.")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(constant)  # NaN and Infinity are not JSON, and no size or mean of a picture
