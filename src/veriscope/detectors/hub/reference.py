"""Which model a user means: "hf:OWNER/NAME[@REVISION]", or a folder such as "./my-model"."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from veriscope.errors import DataError

HUB = "hf:"
FOLDER = "local:"

# What the Hub allows in a name; "--" and ".." are its own marks in caches and paths.
_PART = r"(?!.*(?:--|\.\.))\w(?:[\w.-]{0,94}[\w])?"
_REPOSITORY = re.compile(rf"{_PART}/{_PART}", re.ASCII)
# A branch, a tag, "refs/pr/1" or a commit. Git allows more; nothing here needs it.
_REVISION = re.compile(r"(?!.*\.\.)[A-Za-z0-9][\w./-]{0,199}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A repository of the Hub, perhaps at a revision; or a folder. Exactly one of the two."""

    repository: str = ""  # "OWNER/NAME"
    revision: str | None = None  # branch, tag or commit, as the user wrote it; None = whatever is newest when it is pinned
    folder: Path | None = None

    def __post_init__(self) -> None:
        if bool(self.repository) == (self.folder is not None):
            raise ValueError("a reference names either a repository or a folder")

    @classmethod
    def parse(cls, text: str) -> Reference:
        """What the text names; `DataError` says how references are written. Looks at no file and no network."""
        if not is_reference(text):
            raise DataError(
                f"{text!r} names no model. Write hf:OWNER/NAME, hf:OWNER/NAME@REVISION or a folder like ./my-model."
            )
        if not text.startswith(HUB):
            return cls(folder=Path(text).expanduser())
        repository, at, revision = text.removeprefix(HUB).partition("@")
        if not _REPOSITORY.fullmatch(repository) or len(repository) > 96:
            raise DataError(f"{text!r} names no repository of the Hub. Write hf:OWNER/NAME as in the address of its page.")
        if at and not _REVISION.fullmatch(revision):
            raise DataError(f"{text!r} names no revision after the @. Give a branch, a tag or a commit.")
        return cls(repository, revision or None)

    @property
    def id(self) -> str:
        """The detector's name in reports: "hf:OWNER/NAME", or "local:" with the folder's own name and nothing above it."""
        return f"{HUB}{self.repository}" if self.folder is None else f"{FOLDER}{self.folder.resolve().name}"

    @property
    def is_commit(self) -> bool:
        """Whether the revision is a commit, which can never move."""
        return is_commit(self.revision or "")

    def __str__(self) -> str:
        """As a user writes it; `parse` reads it again."""
        if self.folder is not None:
            text = str(self.folder)
            return text if is_reference(text) else f"./{text}"
        return f"{HUB}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def is_commit(text: str) -> bool:
    return bool(_COMMIT.fullmatch(text))


def is_reference(text: str) -> bool:
    """Whether a detector's name means a model from elsewhere: "hf:…", or something that is written like a path."""
    return text.startswith((HUB, ".", "~")) or "/" in text or "\\" in text
