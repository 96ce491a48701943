"""Folders, patterns and names → a list in an order that does not depend on the file system."""

from __future__ import annotations

from pathlib import Path

import pytest

from veriscope.domain import Failure
from veriscope.ingest import discover

FILES = (
    "b.jpg",
    "a.PNG",
    "c[1].webp",
    "notes.txt",
    ".hidden.jpg",
    "sub/d.heic",
    "sub/deep/e.avif",
    ".git/f.jpg",
    "none/readme.md",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "sub" / "again").symlink_to(tmp_path)
    (tmp_path / "folder.jpg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("sources", "recursive", "wanted"),
    [
        (["."], False, ["a.PNG", "b.jpg", "c[1].webp"]),
        (["."], True, ["a.PNG", "b.jpg", "c[1].webp", "sub/d.heic", "sub/deep/e.avif"]),
        (["sub"], False, ["sub/d.heic"]),
        (["*.jpg"], False, ["b.jpg"]),
        ([".h*.jpg"], False, [".hidden.jpg"]),
        (["**/*.jp*"], False, ["b.jpg"]),
        (["sub/**/*.avif"], False, ["sub/deep/e.avif"]),
        (["[ab].*"], False, ["a.PNG", "b.jpg"]),
        (["c[1].webp"], False, ["c[1].webp"]),
        (["notes.txt", "missing.jpg"], False, ["notes.txt", "missing.jpg"]),
        (["b.jpg", "*.jpg", "b.jpg"], False, ["b.jpg"]),
        (["-", "https://pictures.example/[a]*.jpg"], True, ["-", "https://pictures.example/[a]*.jpg"]),
        ([], True, []),
    ],
    ids=[
        "folder",
        "recursive",
        "subfolder",
        "pattern",
        "hidden",
        "all",
        "stars",
        "set",
        "literal",
        "names",
        "once",
        "passed-through",
        "nothing",
    ],
)
def test_what_is_found(folder: Path, sources: list[str], recursive: bool, wanted: list[str]) -> None:
    assert discover(sources, recursive) == wanted


@pytest.mark.parametrize(
    ("source", "words"),
    [("*.gif", "No file matches"), ("none", "contains no picture"), ("folder.j*", "No file matches")],
    ids=["pattern", "folder", "pattern-of-folders"],
)
def test_what_matches_nothing_becomes_a_failure_and_the_rest_goes_on(folder: Path, source: str, words: str) -> None:
    failure, found = discover([source, "b.jpg"], recursive=False)
    assert isinstance(failure, Failure)
    assert failure.code == "unreadable_source"
    assert failure.source.name == source
    assert words in failure.message
    assert found == "b.jpg"


def test_the_advice_to_search_subfolders_is_given_only_where_it_helps(folder: Path) -> None:
    (shallow,) = discover(["none"], recursive=False)
    (deep,) = discover(["none"], recursive=True)
    assert isinstance(shallow, Failure)
    assert isinstance(deep, Failure)
    assert "--recursive" in shallow.message
    assert "--recursive" not in deep.message


def test_a_name_that_no_file_can_have_becomes_a_failure() -> None:
    (failure,) = discover(["a\0*.jpg"], recursive=False)
    assert isinstance(failure, Failure)
    assert failure.code == "unreadable_source"


def test_absolute_patterns_and_patterns_upwards_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert discover([f"{folder}/*.jpg"], recursive=False) == [str(folder / "b.jpg")]
    monkeypatch.chdir(folder / "sub")
    assert discover(["../*.jpg"], recursive=False) == ["../b.jpg"]
