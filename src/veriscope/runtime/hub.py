"""The one place that talks to the Hugging Face Hub, through its own library, and puts that library's errors into ours.

What is asked: which commit a revision is, which files it has, and single files at a commit, into the Hub's own cache.
The address is the Hub's, or the mirror that the user chose (`HF_ENDPOINT`); a stranger chooses the name of a model, never the
host. The user's token is found and sent by the library; no message or log of ours holds it, because none holds a text of the
library or of the server.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import importlib.util
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from veriscope._version import __version__
from veriscope.errors import AccessRefused, MissingExtra, RemoteError, UnsafeModel, VeriscopeError, WeightsUnavailable
from veriscope.settings import Settings

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo
    from huggingface_hub.hf_api import RepoSibling

Tell: TypeAlias = Callable[[int], object]
"""Is told how many bytes have arrived since it was last called."""

LICENCE_KEYS = ("license", "license_name", "license_link")

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# The library uses the server's ETag as the name of a file: a mirror must not choose another folder with it.
_ETAG = re.compile(r"(?!\.)[\w.+=-]{1,200}", re.ASCII)
_TRUE = ("1", "ON", "YES", "TRUE")


@dataclasses.dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the Hub announces it."""

    name: str  # a stranger's text: check it before it becomes a path
    size: int | None
    sha256: str | None  # of large files only …
    blob: str | None  # … of the others git's hash: SHA-1 over "blob SIZE", a zero byte and the content


@dataclasses.dataclass(frozen=True, slots=True)
class RemoteModel:
    """A repository at one commit, as the Hub describes it."""

    commit: str
    files: tuple[RemoteFile, ...]
    licence: Mapping[str, object]  # the model card's values of `LICENCE_KEYS`, of any type


def is_offline(settings: Settings) -> bool:
    """Whether nothing may be asked: by our setting or by the Hub's own variable."""
    asked = (os.environ.get(name, "").upper() for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    return settings.offline or any(value in _TRUE for value in asked)


class Hub:
    """Asks the Hub within the limits of the settings. Holds no connection and no token."""

    def __init__(self, settings: Settings) -> None:
        """Raises `MissingExtra` where the Hub's library is not installed."""
        self._library = _library()
        self._offline = is_offline(settings)
        self._seconds = settings.limits.hub_seconds
        self._endpoint = os.environ.get("HF_ENDPOINT") or None
        self._cache = _cache_folder()

    def describe(self, repository: str, revision: str | None) -> RemoteModel:
        """What a repository is now: its commit, files and licence.

        Raises:
            WeightsUnavailable: there is no such repository or revision, or nothing may be asked.
            AccessRefused: it is private or gated.
            RemoteError: the network or the Hub failed.
        """
        self._check_online(repository)
        api = self._library.HfApi(endpoint=self._endpoint, library_name="veriscope", library_version=__version__)
        with self._translated(repository):
            try:
                return _remote_model(api.model_info(repository, revision=revision, files_metadata=True, timeout=self._seconds))
            except (AttributeError, KeyError, TypeError, RecursionError):
                # The library trusts the types in the server's JSON.
                raise ValueError("an answer of the wrong form") from None

    def fetch(self, repository: str, commit: str, name: str, most: int, tell: Tell | None = None, again: bool = False) -> Path:
        """One file at a commit, from the cache or into it. What arrives is not checked here: whoever pins it hashes it.

        Args:
            repository: "OWNER/NAME".
            commit: 40 hex digits.
            name: of the file; must have been checked.
            most: bytes that may arrive, whatever was announced.
            tell: progress.
            again: fetch it even though the cache has one.

        Raises:
            WeightsUnavailable: the file does not exist, the disk is full, or nothing may be asked.
            AccessRefused, RemoteError: as `describe`.
            UnsafeModel: more than `most` bytes, or an answer that would write somewhere else.
        """
        kept = self.cached(repository, commit, name)
        if kept is not None and not again:
            return kept
        self._check_online(repository)
        with self._translated(repository):
            self._check_head(repository, commit, name, most)
            path = self._library.hf_hub_download(
                repository,
                name,
                revision=commit,
                cache_dir=self._cache,
                endpoint=self._endpoint,
                etag_timeout=self._seconds,
                force_download=again,
                tqdm_class=_counter(name, most, tell),
                library_name="veriscope",
                library_version=__version__,
            )
        return Path(path)

    def cached(self, repository: str, revision: str | None, name: str) -> Path | None:
        """Where the cache has a file, without asking anybody."""
        found = self._library.try_to_load_from_cache(repository, name, cache_dir=self._cache, revision=revision)
        return Path(found) if isinstance(found, str) else None

    def upload(self, repository: str, files: Mapping[str, Path], private: bool) -> str:
        """Puts files into a repository of the user's in one commit, and makes the repository if there is none; its address.

        Args:
            repository: "OWNER/NAME".
            files: name in the repository → file.
            private: of a repository that is made now; one that exists stays as it is.

        Raises:
            AccessRefused: the token is missing, or may not write there.
            RemoteError: the network or the Hub failed.
            WeightsUnavailable: nothing may be sent, or a file cannot be read.
        """
        self._check_online(repository)
        api = self._library.HfApi(endpoint=self._endpoint, library_name="veriscope", library_version=__version__)
        with self._translated(repository):
            api.create_repo(repository, private=private, exist_ok=True)
            parts = [self._library.CommitOperationAdd(name, str(path)) for name, path in files.items()]
            api.create_commit(repository, parts, commit_message="Add a detector fine-tuned with Veriscope")
        return f"{self._endpoint or 'https://huggingface.co'}/{repository}"

    def _check_online(self, repository: str) -> None:
        if self._offline:
            raise WeightsUnavailable(
                f"hf:{repository} is not on this machine, and nothing may be fetched (offline). Allow the network once, or "
                "copy the Hub's cache from a machine that has it."
            )

    def _check_head(self, repository: str, commit: str, name: str, most: int) -> None:
        # The library would retry a failing server for half a minute; asked first, it answers or fails at once.
        url = self._library.hf_hub_url(repository, name, revision=commit, endpoint=self._endpoint)
        head = self._library.get_hf_file_metadata(
            url, timeout=self._seconds, endpoint=self._endpoint, library_name="veriscope", library_version=__version__
        )
        if head.commit_hash != commit or not _ETAG.fullmatch(head.etag or ""):
            raise UnsafeModel(f"The server's answer about {name} of hf:{repository} is not one of a Hub. Check HF_ENDPOINT.")
        if (head.size or 0) > most:
            raise _too_large(name, most)

    @contextlib.contextmanager
    def _translated(self, repository: str) -> Iterator[None]:
        """The library's errors as ours. Of theirs only the kind and the HTTP status are used: their texts quote requests."""
        import httpx2
        from huggingface_hub import errors as theirs

        try:
            with _quiet():
                yield
        except theirs.GatedRepoError:
            raise AccessRefused(_gated(repository)) from None
        except (theirs.RepositoryNotFoundError, theirs.RevisionNotFoundError, theirs.RemoteEntryNotFoundError) as error:
            raise WeightsUnavailable(_not_found(repository, isinstance(error, theirs.RepositoryNotFoundError))) from None
        except theirs.HfHubHTTPError as error:
            raise _refused(repository, error.response.status_code) from None
        except (httpx2.HTTPError, theirs.LocalEntryNotFoundError) as error:
            raise RemoteError(self._no_answer(repository, isinstance(error, httpx2.TimeoutException))) from None
        except OSError as error:
            raise _disk(repository, error) from None
        except ValueError:
            raise RemoteError(f"What the server says about hf:{repository} is no answer of a Hub. Check HF_ENDPOINT.") from None

    def _no_answer(self, repository: str, late: bool) -> str:
        what = f"did not answer within {self._seconds:g} seconds" if late else "cannot be reached, or broke off"
        return f"The Hub {what} (asked for hf:{repository}). Check the network, and try again."


def _library() -> ModuleType:
    """The Hub's library, without its telemetry and without its second protocol."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtra("Models of the Hub need the extra hf: pip install 'veriscope[hf]'.")
    # Read once, when the library is first imported. Xet is a second downloader with a cache and a log of its own, which
    # cannot be stopped at a limit.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    import huggingface_hub

    return huggingface_hub


def _cache_folder() -> Path:
    """The Hub's own cache: the variables as they are now, else as they were when the library was imported."""
    from huggingface_hub import constants

    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    return Path(home, "hub") if (home := os.environ.get("HF_HOME")) else Path(constants.HF_HUB_CACHE)


def _remote_model(info: ModelInfo) -> RemoteModel:
    if not _COMMIT.fullmatch(info.sha or ""):
        raise ValueError("no commit")
    files = tuple(_remote_file(file) for file in info.siblings or ())
    card: Mapping[str, object] = {key: info.card_data.get(key) for key in LICENCE_KEYS} if info.card_data else {}
    if not card.get("license"):
        tagged = [str(tag).removeprefix("license:") for tag in info.tags or () if str(tag).startswith("license:")]
        card = {**card, "license": tagged}
    return RemoteModel(str(info.sha), files, card)


def _remote_file(file: RepoSibling) -> RemoteFile:
    size = file.size if isinstance(file.size, int) and file.size >= 0 else None
    if file.lfs:
        return RemoteFile(str(file.rfilename), size, _hash(file.lfs.sha256, _SHA256), None)
    return RemoteFile(str(file.rfilename), size, None, _hash(file.blob_id, _COMMIT))


def _hash(value: object, form: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and form.fullmatch(value) else None


def _counter(name: str, most: int, tell: Tell | None) -> type:
    """A class in the place of the library's progress bar: tells, and ends a download that grows over what is allowed."""

    class Counter:
        def __init__(self, *_: Any, initial: int = 0, **__: Any) -> None:
            self._arrived = initial

        def __enter__(self) -> Counter:
            return self

        def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
            return None

        def update(self, count: int = 1) -> None:
            self._arrived += count
            if self._arrived > most:
                raise _too_large(name, most)
            if tell is not None:
                tell(count)

    return Counter


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warnings, which quote addresses; signed ones open what they name."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _too_large(name: str, most: int) -> UnsafeModel:
    return UnsafeModel(f"{name} has more than the {most} bytes that it may have. If that is right, raise max_model_bytes.")


def _gated(repository: str) -> str:
    return (
        f"The owner of hf:{repository} wants terms to be accepted first. Open https://huggingface.co/{repository} in a "
        "browser, sign in and ask for access; then run `hf auth login`, or set HF_TOKEN to a token of yours that may read it."
    )


def _not_found(repository: str, whole: bool) -> str:
    if whole:
        return (
            f"The Hub has no model hf:{repository}, or hides it from you. Check the spelling; for a private one run "
            "`hf auth login`, or set HF_TOKEN."
        )
    return f"hf:{repository} has no such revision or file on the Hub. Look at its page, and name a revision that is there."


def _refused(repository: str, status: int) -> VeriscopeError:
    if status in (401, 403):
        return AccessRefused(
            f"The Hub refuses hf:{repository} (HTTP {status}). Check that the token is valid and may read it: `hf auth login`."
        )
    when = "Wait some minutes" if status == 429 else "Try again later"
    return RemoteError(
        f"The Hub answered HTTP {status} when asked for hf:{repository}. {when}; what is on this machine goes on."
    )


def _disk(repository: str, error: OSError) -> VeriscopeError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WeightsUnavailable(
            f"The disk is full; hf:{repository} was not fetched. Make room, or set HF_HUB_CACHE to a folder with more."
        )
    if error.errno is not None:
        return WeightsUnavailable(
            f"hf:{repository} cannot be written to the cache ({error.strerror}). Check its permissions, or set HF_HUB_CACHE."
        )
    return RemoteError(f"hf:{repository} arrived incomplete. Try again.")  # the library's check of the length
