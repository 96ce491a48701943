"""Running the command line in this process, and pictures for it."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from veriscope import cli

ANSI = re.compile(r"\x1b\[")


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*(name for name in os.environ if name.startswith("VERISCOPE_")), "NO_COLOR", "FORCE_COLOR", "COLUMNS"]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, from its entry point to its exit code."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "argv", ["veriscope", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert left.value.code is None or isinstance(left.value.code, int)
        return Ended(left.value.code or 0, out, err)

    return run


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real photograph."""
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    with Image.open(Path(str(files("sklearn.datasets.images")), "china.jpg")) as china:
        china.crop((100, 150, 260, 270)).save(path)
    return path


@pytest.fixture
def pictures(tmp_path: Path, photo: Path) -> Path:
    """A folder: two pictures, a damaged one, a text file, a hidden picture and a subfolder with one more."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    with Image.open(photo) as image:
        image.save(folder / "a.png")
        image.rotate(180).save(folder / "b.jpg")
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "sub" / "c.webp")
        image.save(folder / ".hidden.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def damaged(tmp_path: Path, photo: Path) -> Path:
    path = tmp_path / "damaged.png"
    path.write_bytes(photo.read_bytes()[:2000])
    return path


def name_of(report: dict[str, Any]) -> str:
    source = report["media"]["source"] if "media" in report else report["source"]
    return Path(source["name"]).name
