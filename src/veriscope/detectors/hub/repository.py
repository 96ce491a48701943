"""A model's files, each with the SHA-256 that it must have: what everything that opens a model from elsewhere starts from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType

from veriscope.detectors.hub import layout
from veriscope.detectors.hub.licences import Licence, front_matter, read_licence
from veriscope.detectors.hub.reference import FOLDER, Reference
from veriscope.errors import ChecksumMismatch, UnsafeModel, WeightsUnavailable
from veriscope.settings import MEBIBYTE, Settings

MAX_JSON_BYTES = 16 * MEBIBYTE  # an index of a thousand layers has one; a config with 21,000 labels has less
MAX_README_BYTES = 1 * MEBIBYTE


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
        with _readable(self.path, name) as file:
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
    """The files of a model, pinned.

    Raises:
        WeightsUnavailable: the folder does not exist or cannot be read.
        UnsafeModel: it holds no weights that can be opened safely, or is over `settings.limits.max_model_bytes`.
    """
    if reference.folder is None:
        raise WeightsUnavailable(
            f"{reference} cannot be fetched: only folders are supported yet. Download it and give the folder."
        )
    return _open_folder(reference, reference.folder, settings.limits.max_model_bytes)


def _open_folder(reference: Reference, folder: Path, max_bytes: int) -> Repository:
    """A folder of the user's: the same layout, pinned as it is now."""
    names = list(_listed(folder))
    kept = tuple(name for name in (*layout.DESCRIPTIONS, layout.README) if name in names) + layout.weights_among(names)
    total = sum(_size(folder / name) for name in kept)
    if total > max_bytes:
        raise UnsafeModel(f"The model has {total // MEBIBYTE} MiB, {max_bytes // MEBIBYTE} are allowed. Raise max_model_bytes.")
    files = {name: _pinned(folder, name) for name in kept}
    digest = hashlib.sha256("".join(f"{name}\0{files[name].sha256}\n" for name in sorted(files)).encode()).hexdigest()
    readme = files.get(layout.README)
    repository = Repository(reference, FOLDER + digest, MappingProxyType(files), _licence(readme))
    if layout.INDEX in repository:
        layout.check_index(repository.read_json(layout.INDEX), repository.weights)
    return repository


def _listed(folder: Path) -> Iterator[str]:
    """Files in a folder and one level below it, where `onnx/` is."""
    try:
        found = [*folder.iterdir(), *(folder / "onnx").glob("*.onnx")]
    except OSError as error:
        raise WeightsUnavailable(f"The folder {folder.name} cannot be read ({error.strerror}). Check its name.") from error
    for path in found:
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _pinned(folder: Path, name: str) -> PinnedFile:
    path = (folder / name).resolve()
    if not path.is_relative_to(_boundary(folder.resolve())):
        raise UnsafeModel(f"{name} is a link that leads out of the model's folder. Put the file itself there.")
    return PinnedFile(path, sha256_of(path, name), _size(path))


def _boundary(folder: Path) -> Path:
    """What a model's links may point into: the folder, or all of a repository in the Hub's own cache, whose files are links."""
    cached = folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--")
    return folder.parent.parent if cached else folder


def _licence(readme: PinnedFile | None) -> Licence:
    if readme is None:
        return Licence()
    with _readable(readme.path, layout.README) as file:
        return read_licence(front_matter(file.read(MAX_README_BYTES).decode("utf-8", "replace")))


def sha256_of(path: Path, name: str) -> str:
    with _readable(path, name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _readable(path: Path, name: str) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise WeightsUnavailable(f"{name} cannot be read ({error.strerror}). Check the model's folder.") from error


def _size(path: Path) -> int:
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
