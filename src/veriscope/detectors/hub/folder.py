"""A model in a folder of the user's, in the layout of the Hub: pinned as it is now, for as long as it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from veriscope.detectors.hub import layout
from veriscope.detectors.hub.licences import Licence, front_matter, read_licence
from veriscope.detectors.hub.reference import FOLDER, Reference
from veriscope.detectors.hub.repository import PinnedFile, Repository, readable, sha256_of, size_of
from veriscope.errors import UnsafeModel, WeightsUnavailable
from veriscope.settings import MEBIBYTE

MAX_README_BYTES = 1 * MEBIBYTE


def open_folder(reference: Reference, folder: Path, max_bytes: int) -> Repository:
    """A folder of the user's: the same layout, pinned as it is now."""
    names = list(_listed(folder))
    kept = layout.opened(names, layout.weights_among(names))
    total = sum(size_of(folder / name) for name in kept)
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
        found = [*folder.iterdir(), *(folder / "onnx").glob("*.onnx*")]
    except OSError as error:
        raise WeightsUnavailable(f"The folder {folder.name} cannot be read ({error.strerror}). Check its name.") from error
    for path in found:
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _pinned(folder: Path, name: str) -> PinnedFile:
    path = (folder / name).resolve()
    if not path.is_relative_to(_boundary(folder.resolve())):
        raise UnsafeModel(f"{name} is a link that leads out of the model's folder. Put the file itself there.")
    return PinnedFile(path, sha256_of(path, name), size_of(path))


def _boundary(folder: Path) -> Path:
    """What a model's links may point into: the folder, or all of a repository in the Hub's own cache, whose files are links."""
    cached = folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--")
    return folder.parent.parent if cached else folder


def _licence(readme: PinnedFile | None) -> Licence:
    if readme is None:
        return Licence()
    with readable(readme.path, layout.README) as file:
        return read_licence(front_matter(file.read(MAX_README_BYTES).decode("utf-8", "replace")))
