"""First use of a model of the Hub: which commit, which files, which licence; written down, and the same ever after."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from veriscope.detectors.hub import layout
from veriscope.detectors.hub.folder import open_folder
from veriscope.detectors.hub.licences import Licence, read_licence
from veriscope.detectors.hub.lock import Lock, LockedFile, LockedModel
from veriscope.detectors.hub.reference import Reference, is_commit
from veriscope.detectors.hub.repository import PinnedFile, Repository, readable, sha256_of
from veriscope.errors import ChecksumMismatch, LicenceRefused, UnsafeModel, WeightsUnavailable
from veriscope.runtime.hub import Hub, RemoteFile, RemoteModel, Tell, is_offline
from veriscope.settings import MEBIBYTE, Settings


def open_pinned(reference: Reference, settings: Settings, tell: Tell | None = None) -> Repository:
    """A model of the Hub at its pinned commit; pinned now when it never was. Asks nobody when the cache has all of it.

    Raises:
        WeightsUnavailable, AccessRefused, RemoteError: it cannot be had.
        UnsafeModel: nothing in it can be opened safely, or it is too large.
        LicenceRefused: the licence forbids commercial use, and nobody accepted it.
        DataError: the lock is damaged.
        MissingExtra: the extra `hf` is not installed.
    """
    lock, hub = Lock.of(settings), Hub(settings)
    model = lock.find(reference)
    if model is None:
        model = _pinned_offline(reference, settings, hub) if is_offline(settings) else _pin(reference, settings, hub, tell)
        lock.pin(reference, model)
    _check_licence(reference, model.licence, model.accepted or settings.accept_licences)
    return _reopened(reference, model, hub, tell)


def repair(reference: Reference, settings: Settings, tell: Tell | None = None) -> Repository:
    """The same, with every file checked, and fetched again where it is not the pinned one. Raises `ChecksumMismatch` too."""
    repository = open_pinned(reference, settings, tell)
    hub = Hub(settings)
    for name, file in repository.files.items():
        try:
            file.verify(name, "")
        except ChecksumMismatch:
            hub.fetch(reference.repository, repository.commit, name, file.size, tell, again=True)
    repository.verify()
    return repository


def add_all_weights(reference: Reference, settings: Settings, tell: Tell | None = None) -> None:
    """Pins safetensors beside ONNX, at the commit that is pinned already if there is one. Raises as `open_pinned` does."""
    lock, hub = Lock.of(settings), Hub(settings)
    known = lock.find(reference)
    at = reference if known is None else Reference(reference.repository, known.commit)
    accepted = settings.accept_licences or (known is not None and known.accepted)
    model = _pin(at, dataclasses.replace(settings, accept_licences=accepted), hub, tell, all_weights=True)
    if known is not None and any(model.files.get(name) != file for name, file in known.files.items()):
        raise ChecksumMismatch(
            f"The Hub now has other files at the pinned commit of {reference}. Find out why before using it."
        )
    lock.pin(reference, model)


def newest(reference: Reference, settings: Settings) -> str:
    """The commit that the reference's revision means on the Hub today. Raises as `open_pinned` does."""
    return Hub(settings).describe(reference.repository, reference.revision).commit


def _pin(reference: Reference, settings: Settings, hub: Hub, tell: Tell | None, all_weights: bool = False) -> LockedModel:
    remote = hub.describe(reference.repository, reference.revision)
    if reference.is_commit and remote.commit != reference.revision:
        raise UnsafeModel(f"The server answered with another commit than {reference}. Check HF_ENDPOINT.")
    licence = read_licence(remote.licence)
    _check_licence(reference, licence, settings.accept_licences)
    names = layout.wanted([file.name for file in remote.files], all_weights)
    files = _fetched(reference, remote, names, settings.limits.max_model_bytes, hub, tell)
    repository = Repository(reference, remote.commit, MappingProxyType(files), licence)
    if layout.INDEX in repository:
        layout.check_index(repository.read_json(layout.INDEX), repository.weights)
    return _locked(repository, settings)


def _pinned_offline(reference: Reference, settings: Settings, hub: Hub) -> LockedModel:
    """A model that the Hub's cache already holds, say because it was copied here: pinned as it lies there."""
    found = next(
        (path for name in layout.DESCRIPTIONS if (path := hub.cached(reference.repository, reference.revision, name))), None
    )
    if found is None or not is_commit(found.parent.name):
        raise WeightsUnavailable(
            f"{reference} is not on this machine, and nothing may be fetched (offline). Run `veriscope models add {reference}` "
            "once with the network, or copy the Hub's cache from a machine that has it."
        )
    repository = open_folder(Reference(folder=found.parent), found.parent, settings.limits.max_model_bytes)
    _check_licence(reference, repository.licence, settings.accept_licences)
    return _locked(Repository(reference, found.parent.name, repository.files, repository.licence), settings)


def _locked(repository: Repository, settings: Settings) -> LockedModel:
    return LockedModel(
        commit=repository.commit,
        files={name: LockedFile(sha256=file.sha256, bytes=file.size) for name, file in repository.files.items()},
        licence=repository.licence,
        accepted=repository.licence.commercial_use == "no" and settings.accept_licences,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _check_licence(reference: Reference, licence: Licence, accepted: bool) -> None:
    if licence.commercial_use == "no" and not accepted:
        raise LicenceRefused(
            f"The licence of {reference} forbids commercial use: {licence.name}. Read it on the model's page; if your use is "
            f"allowed, run `veriscope models add {reference} --accept-licence`."
        )


def _fetched(
    reference: Reference, remote: RemoteModel, names: Sequence[str], most: int, hub: Hub, tell: Tell | None
) -> dict[str, PinnedFile]:
    announced = {file.name: file for file in remote.files}
    total = sum(announced[name].size or 0 for name in names)
    if total > most:
        raise UnsafeModel(
            f"{reference} has {total // MEBIBYTE} MiB, {most // MEBIBYTE} are allowed. Choose a smaller one, or "
            "raise max_model_bytes."
        )
    files: dict[str, PinnedFile] = {}
    for name in names:
        files[name] = _one(reference, remote.commit, announced[name], most, hub, tell)
        most -= files[name].size
    return files


def _one(reference: Reference, commit: str, file: RemoteFile, most: int, hub: Hub, tell: Tell | None) -> PinnedFile:
    """One file, fetched again once when the cache holds another than the Hub announces."""
    for again in (False, True):
        path = hub.fetch(reference.repository, commit, file.name, most, tell, again)
        size, sha256 = path.stat().st_size, sha256_of(path, file.name)
        right = file.size in (None, size) and file.sha256 in (None, sha256)
        if right and (file.blob is None or file.blob == _blob(path, size)):
            return PinnedFile(path, sha256, size)
    with contextlib.suppress(OSError):
        path.resolve().unlink()  # so that the next attempt doesn't find it
    raise ChecksumMismatch(
        f"{file.name} of {reference} is not the file that the Hub announces, and was deleted. Try again; if it stays so, tell "
        "the model's author and use another one."
    )


def _blob(path: Path, size: int) -> str:
    """Git's name of a file, by which the Hub knows the small ones; the pin itself is a SHA-256."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with readable(path, path.name) as file:
        while part := file.read(1024 * 1024):
            digest.update(part)
    return digest.hexdigest()


def _reopened(reference: Reference, model: LockedModel, hub: Hub, tell: Tell | None) -> Repository:
    files = {
        name: PinnedFile(hub.fetch(reference.repository, model.commit, name, file.bytes, tell), file.sha256, file.bytes)
        for name, file in model.files.items()
    }
    return Repository(reference, model.commit, MappingProxyType(files), model.licence)
