"""The output folder: what is the model, what is private, and what a killed run left to go on with."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from veriscope.errors import DataError
from veriscope.evaluation.labelled import Example, Problem
from veriscope.training.split import Split

README = "README.md"
MODEL_FILES = ("config.json", "model.safetensors", "preprocessor_config.json", "model.onnx", README)
"""What the model is, and all that is ever uploaded. Everything else in the folder speaks of the user's pictures."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """OUTPUT holds the model; OUTPUT/training what only its maker needs; OUTPUT/training/work goes when all is done."""

    folder: Path

    @property
    def private(self) -> Path:
        return self.folder / "training"

    @property
    def work(self) -> Path:
        return self.private / "work"

    @property
    def logs(self) -> Path:
        return self.private / "logs"

    def open(self) -> bool:
        """Makes the folders; whether an unfinished run lies in them.

        Raises:
            DataError: the folder holds a finished model or other things, or cannot be written.
        """
        try:
            unfinished = self.work.is_dir()
            others = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
            if others and not unfinished:
                what = "a model already" if "config.json" in others else f"other files ({min(others)})"
                raise DataError(f"The folder {self.folder} holds {what}. Choose another --output, or empty it first.")
            self.work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self.folder} cannot be written ({error.strerror}). Choose another --output.") from error
        return unfinished

    def claim(self, fingerprint: str) -> None:
        """Marks whose run this is. Raises `DataError` when an unfinished run of other pictures or options lies here."""
        mark = self.work / "run.json"
        try:
            found = json.loads(mark.read_text("utf-8"))["run"]
        except (OSError, ValueError, KeyError, TypeError):
            found = None
        if found not in (None, fingerprint):
            raise DataError(
                f"{self.folder} holds an unfinished run with other pictures or options. Repeat its command to go on with it, "
                "or remove the folder."
            )
        mark.write_text(json.dumps({"run": fingerprint}), "utf-8")

    def write_split(self, examples: Iterable[Example], split: Split) -> None:
        """Which file was in which part, as a table that `veriscope compare` reads."""
        with (self.private / "split.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["file", "label", "generator", "kind", "group", "split", "sha256"])
            for one, part, group in zip(examples, split.parts, split.groups, strict=True):
                label = "fake" if one.label else "real"
                writer.writerow([one.path, label, one.generator, one.kind, group, part or "left out", one.sha256])

    def write_problems(self, problems: Iterable[Problem]) -> None:
        """Which files were not used, and why."""
        with (self.private / "skipped.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["file", "reason"])
            writer.writerows([problem.entry, problem.message] for problem in problems)

    def keep(self, result: Path) -> None:
        """Moves the finished model into its place, config.json last: without it nothing takes the folder for a model."""
        names = [path.name for path in result.iterdir()]
        for name in sorted(names, key=lambda name: name == "config.json"):
            (result / name).replace(self.folder / name)

    def close(self) -> None:
        """Removes checkpoints and prepared pictures."""
        shutil.rmtree(self.work)
