"""Labelled folders and tables, also hostile ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from labelled_made import made_set, write_pictures

from veriscope.errors import DataError
from veriscope.evaluation.labelled import Labelled, classes, label_of, read_labelled, split_names


def by_name(labelled: Labelled) -> dict[str, tuple[int, str, str, str]]:
    return {one.name: (one.label, one.generator, one.kind, one.split) for one in labelled.examples}


def table(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four different pictures a.png … d.png."""
    for path, name in zip(write_pictures(tmp_path / "set", [50, 100, 150, 200]), "abcd", strict=True):
        path.rename(path.with_name(f"{name}.png"))
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("word", "label"),
    [("real", 0), ("REAL", 0), ("0_real", 0), ("authentic", 0), ("0", 0), ("fake", 1), ("AI-generated", 1), ("1_fake", 1),
     ("Synthetic", 1), ("1", 1), ("maybe", None), ("", None), ("unreal", None)],
)  # fmt: skip
def test_words_for_the_two_classes(word: str, label: int | None) -> None:
    assert label_of(word) == label


def test_a_folder_names_class_generator_kind_and_split(tmp_path: Path) -> None:
    for number, folder in enumerate(
        ("real", "fake/sdxl", "real/camera/Nikon", "test/fake/flux", "progan/0_real", "progan/1_fake", "train/AI/x")
    ):
        write_pictures(tmp_path / folder, [100], seed=number)
    found = by_name(read_labelled(tmp_path))
    assert {str(Path(name).parent): values for name, values in found.items()} == {
        "real": (0, "", "", ""),
        "fake/sdxl": (1, "sdxl", "", ""),
        "real/camera/Nikon": (0, "", "camera", ""),
        "test/fake/flux": (1, "flux", "", "test"),
        "progan/0_real": (0, "", "progan", ""),
        "progan/1_fake": (1, "progan", "", ""),
        "train/AI/x": (1, "x", "", "train"),
    }


def test_a_file_without_or_with_two_classes_is_told_and_left_out(tmp_path: Path) -> None:
    made_set(tmp_path)
    write_pictures(tmp_path / "fake" / "real", [120], seed=50)
    write_pictures(tmp_path / "elsewhere", [121], seed=51)
    found = read_labelled(tmp_path)
    assert classes(found.examples) == (3, 3)
    assert [problem.entry for problem in found.problems] == ["elsewhere/000.png", "fake/real/000.png"]


def test_hidden_and_foreign_files_are_not_looked_at(tmp_path: Path) -> None:
    made_set(tmp_path)
    (tmp_path / "real" / "notes.txt").write_text("no picture")
    shutil.copy(tmp_path / "real" / "camera" / "000.png", tmp_path / "real" / ".hidden.png")
    found = read_labelled(tmp_path)
    assert (len(found.examples), found.problems, found.duplicates) == (6, (), 0)


def test_the_order_does_not_depend_on_the_file_system(tmp_path: Path) -> None:
    names = [one.name for one in read_labelled(made_set(tmp_path)).examples]
    assert names == sorted(names)


def test_copies_count_once(tmp_path: Path) -> None:
    made_set(tmp_path)
    shutil.copy(tmp_path / "real" / "camera" / "000.png", tmp_path / "real" / "copy.png")
    found = read_labelled(tmp_path)
    assert (len(found.examples), found.duplicates) == (6, 1)


def test_one_file_with_two_labels_counts_for_neither(tmp_path: Path) -> None:
    made_set(tmp_path)
    shutil.copy(tmp_path / "real" / "camera" / "000.png", tmp_path / "fake" / "same.png")
    found = read_labelled(tmp_path)
    assert classes(found.examples) == (2, 3)
    assert "labelled real and fake" in found.problems[0].message


def test_a_table_with_every_column(pictures: Path) -> None:
    text = "file,label,generator,kind,group,split\na.png,real,,camera,anna,val\nb.png,fake,sdxl,,,Test\n"
    first, second = read_labelled(table(pictures, text)).examples
    assert (first.label, first.kind, first.group, first.split) == (0, "camera", "anna", "validation")
    assert (second.label, second.generator, second.split) == (1, "sdxl", "test")


@pytest.mark.parametrize("mark", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_spreadsheets_write_tables_in_several_ways(pictures: Path, mark: str) -> None:
    lines = [["Label", " FILE "], ["1", "a.png"], ["0", "b.png"]]
    path = pictures / "table.csv"
    path.write_text("\r\n".join(mark.join(line) for line in lines), "utf-8-sig")
    assert [one.label for one in read_labelled(path).examples] == [1, 0]


def test_bad_rows_are_told_and_the_others_count(pictures: Path) -> None:
    (pictures / "folder").mkdir()
    rows = ["a.png,real", "b.png,perhaps", ",fake", "missing.png,fake", "https://example.org/x.png,fake", "folder,fake",
            "c\0.png,fake", f"{'x' * 5000}.png,fake", "d.png,fake", "c.png"]  # fmt: skip
    found = read_labelled(table(pictures, "file,label\n" + "\n".join(rows) + "\n"))
    assert [one.name for one in found.examples] == ["a.png", "d.png"]
    assert len(found.problems) == len(rows) - 2
    assert all(problem.message.endswith(".") for problem in found.problems)
    told = {problem.entry.split(": ")[-1]: problem.message for problem in found.problems}
    assert "nothing is fetched" in told["https://example.org/x.png"]
    assert "unknown" in told["b.png"]
    assert "no such file" in told["missing.png"]


@pytest.mark.parametrize("way", ["up", "absolute", "link"])
def test_a_table_cannot_reach_outside_its_folder(pictures: Path, tmp_path: Path, way: str) -> None:
    """A table from a stranger must not bring a private picture into a page that is passed on."""
    (secret,) = write_pictures(tmp_path / "private", [90], seed=77)
    (pictures / "link.png").symlink_to(secret)
    name = {"up": "../private/000.png", "absolute": str(secret), "link": "link.png"}[way]
    found = read_labelled(table(pictures, f"file,label\na.png,real\n{name},fake\n"))
    assert [one.name for one in found.examples] == ["a.png"]
    assert "outside" in found.problems[0].message


def test_the_user_may_allow_another_folder(pictures: Path, tmp_path: Path) -> None:
    where = table(tmp_path, f"file,label\n{pictures / 'a.png'},real\nset/b.png,fake\n")
    assert [one.name for one in read_labelled(where, root=pictures).examples] == ["a.png", "set/b.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(pictures: Path) -> None:
    os.mkfifo(pictures / "pipe.png")
    found = read_labelled(table(pictures, "file,label\na.png,real\npipe.png,fake\n"))
    assert "no ordinary file" in found.problems[0].message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("name,label\na.png,real\n", "no columns file and label", id="columns"),
        pytest.param("", "no columns file and label", id="empty"),
        pytest.param("file,label\n", "nothing to measure", id="no rows"),
        pytest.param("file,label\nz.png,real\n", "no such file", id="no good row"),
    ],
)
def test_a_table_that_gives_nothing_is_refused_with_the_reason(pictures: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_labelled(table(pictures, text))


@pytest.mark.parametrize("data", [b"file,label\n\xff\xfe,real\n", b'file,label\n"' + b"x" * 200_000 + b'",real\n'])
def test_a_table_that_is_no_text_is_refused(pictures: Path, data: bytes) -> None:
    path = pictures / "table.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        read_labelled(path)


def test_what_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder or table"):
        read_labelled(tmp_path / "nowhere")
    with pytest.raises(DataError, match="cannot be opened"):
        read_labelled(Path("nul\0.csv"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="contains no picture"):
        read_labelled(tmp_path / "empty")


def test_one_split_alone(pictures: Path) -> None:
    labelled = read_labelled(table(pictures, "file,label,split\na.png,real,train\nb.png,fake,test\nc.png,fake,x\n"))
    assert list(split_names(labelled.examples)) == ["test", "train", "x"]
    assert [one.name for one in labelled.of_split("testing").examples] == ["b.png"]
    assert labelled.of_split("other").examples == ()


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    read_labelled(made_set(tmp_path), progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 6) for number in range(1, 7)]
