"""What a fine-tuning shall do: every choice of the user's in one frozen object."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Literal

from veriscope.errors import DataError

Layers = int | Literal["all", "head"]
"""Which layers learn: all, the head alone, or the head and so many of the last blocks."""

Task = Literal["face", "scene"]

_RATES = {"all": 2e-5, "head": 1e-3}
_RATE_OF_LAST = 5e-5  # fewer weights may move, so each may move further
_EMBEDDED_RATE = 1e-4  # small convolutional networks learn at a higher rate than transformers (docs/training.md)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """One fine-tuning. The defaults suit a few thousand pictures."""

    base: str  # hf:OWNER/NAME, a folder, embedded:face or embedded:scene
    data: Path  # a folder with real/ and fake/, or a CSV table
    output: Path
    root: Path | None = None  # files of a table must lie below it; None = the table's folder
    layers: Layers = "all"
    epochs: int = 10  # at most: one epoch draws as many pictures as the training part holds
    batch: int = 16
    rate: float | None = None  # learning rate at its highest; None = what suits base and layers
    patience: int = 3  # epochs without a better validation AUC after which training ends
    seed: int = 0
    workers: int = 2  # processes or threads that prepare pictures
    by_folder: bool = False  # pictures of one folder belong together, as a person's or a clip's do
    new_head: bool = False  # forget what the base's outputs mean, and begin with a new last layer
    gradient_checkpointing: bool = False  # less memory, a third more time
    task: Task | None = None  # what the base looks at, when nothing that is known of it says so

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "patience"):
            if getattr(self, name) < 1:
                raise DataError(f"{name} must be at least 1, not {getattr(self, name)}. Correct it, or leave it out.")
        if self.rate is not None and not 0 < self.rate < 1:
            raise DataError(f"The learning rate must lie between 0 and 1, not {self.rate:g}. Leave it out to get a sane one.")
        if self.workers < 0:
            raise DataError("workers must not be negative. 0 prepares pictures in the training process itself.")

    @property
    def learning_rate(self) -> float:
        if self.rate is not None:
            return self.rate
        if self.layers == "head":
            return _RATES["head"]
        if self.base.startswith(EMBEDDED):
            return _EMBEDDED_RATE
        return _RATES["all"] if self.layers == "all" else _RATE_OF_LAST

    def fingerprint(self, commit: str, pictures: str) -> str:
        """Names everything that decides the result: a run may only go on when it is still the same.

        Args:
            commit: which files the base is.
            pictures: digest of the labelled pictures and of how they are cut.
        """
        free = ("output", "data", "root", "workers")  # where things lie and how fast they come changes nothing
        chosen = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in free}
        text = json.dumps({**chosen, "commit": commit, "pictures": pictures}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


EMBEDDED = "embedded:"


def parse_layers(text: str) -> Layers:
    """`head`, `all` or `last-N`; `DataError` for anything else."""
    if text == "all":
        return "all"
    if text == "head":
        return "head"
    match = re.fullmatch(r"last-([1-9]\d{0,2})", text)
    if match is None:
        raise DataError(f'"{text}" names no layers. Write head, all, or last-N as in last-2.')
    return int(match[1])
