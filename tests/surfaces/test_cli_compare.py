"""`veriscope compare`, from the command line to the files that it writes."""

from __future__ import annotations

import csv
import io
import re
import sys
from pathlib import Path

import pytest
from cli_runs import Run
from hub_made import classifier, make_folder
from labelled_made import made_set, offer_detectors

from veriscope.evaluation.variants import VARIANTS
from veriscope.runtime import folders


@pytest.fixture(autouse=True)
def made_detectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_detectors(tmp_path / "packages", monkeypatch)
    monkeypatch.setenv("VERISCOPE_ALLOW_PLUGINS", "1")
    monkeypatch.setenv("VERISCOPE_THREADS", "1")
    monkeypatch.setattr(folders, "answers_folder", lambda: tmp_path / "user" / "answers")


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return made_set(tmp_path / "set")


BOTH = ("--detector", "bright", "--detector", "dark")


def test_a_table_of_figures_for_people(run: Run, labelled: Path) -> None:
    ended = run("compare", labelled, *BOTH)
    assert ended.code == 0
    assert "3 real and 3 AI-made or altered files" in ended.out
    assert ended.out.index("bright") < ended.out.index("dark")
    assert "1.000" in ended.out
    assert str(labelled.parent) not in ended.out, "the folders of this machine are nobody's business"


def test_figures_for_programs(run: Run, labelled: Path) -> None:
    found = run("compare", labelled, *BOTH, "--format", "json").data
    assert [one["figures"]["auc"]["value"] for one in found["contenders"]] == [1.0, 0.0]
    assert found["source"] == "set"
    rows = list(csv.DictReader(io.StringIO(run("compare", labelled, *BOTH, "--format", "csv").out)))
    assert [row["detector"] for row in rows] == ["bright", "dark"]


def test_further_files_are_written(run: Run, labelled: Path, tmp_path: Path) -> None:
    page, answers, table = tmp_path / "page.html", tmp_path / "answers.csv", tmp_path / "table.txt"
    ended = run("compare", labelled, *BOTH, "--html", page, "--answers", answers, "--output", table)
    assert (ended.code, ended.out) == (0, "")
    assert page.read_text("utf-8").lstrip().startswith("<!doctype html>")
    assert "data:image/jpeg" not in page.read_text("utf-8")
    assert len(answers.read_text("utf-8").splitlines()) == 13
    assert "bright" in table.read_text("utf-8")
    run("compare", labelled, *BOTH, "--html", page, "--thumbnails")
    assert "data:image/jpeg" in page.read_text("utf-8")


def test_a_sweep_asks_about_every_altered_copy(run: Run, labelled: Path) -> None:
    found = run("compare", labelled, "--detector", "bright", "--sweep", "--format", "json").data
    assert [one["variant"] for one in found["contenders"][0]["altered"]] == ["clean", *VARIANTS]


def test_answers_are_kept_for_the_next_time_unless_forbidden(run: Run, labelled: Path, tmp_path: Path) -> None:
    run("compare", labelled, *BOTH, "--no-cache")
    assert not (tmp_path / "user").exists()
    run("compare", labelled, *BOTH)
    assert (tmp_path / "user" / "answers" / "answers.sqlite").is_file()
    run("compare", labelled, *BOTH, "--cache", tmp_path / "mine")
    assert (tmp_path / "mine" / "answers.sqlite").is_file()


def test_one_split_alone(run: Run, labelled: Path) -> None:
    table = labelled / "t.csv"
    table.write_text(
        "file,label,split\nreal/camera/000.png,real,test\nfake/gan/000.png,fake,test\nfake/gan/001.png,fake,train\n"
    )
    found = run("compare", table, "--detector", "bright", "--split", "test", "--format", "json").data
    assert (found["real"], found["synthetic"]) == (1, 1)
    ended = run("compare", table, "--detector", "bright", "--split", "dev")
    assert ended.code == 2
    assert "The splits here are: test, train." in ended.err


def test_the_language_of_the_text(run: Run, labelled: Path) -> None:
    assert "Detektoren im Vergleich" in run("compare", labelled, "--detector", "bright", "--lang", "de").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--detector", "brigth"], 'Did you mean "bright"?', id="unknown detector"),
        pytest.param(["--cache", "x", "--no-cache"], "contradict", id="cache and none"),
        pytest.param(["--lang", "xx"], "no words", id="language"),
        pytest.param(["--html", "nowhere/page.html"], "does not exist", id="folder of the page"),
    ],
)
def test_wrong_usage_is_said_before_any_work(run: Run, labelled: Path, arguments: list[str], says: str) -> None:
    ended = (
        run("compare", labelled, "--no-cache", *arguments)
        if "--cache" not in arguments
        else run("compare", labelled, *arguments)
    )
    assert ended.code == 2
    assert says in ended.err
    assert ended.out == ""


def test_a_missing_folder_is_named(run: Run, tmp_path: Path) -> None:
    ended = run("compare", tmp_path / "nowhere", "--no-cache")
    assert ended.code == 2
    assert "There is no folder or table" in ended.err


def test_when_no_detector_runs_the_command_fails(run: Run, labelled: Path, tmp_path: Path) -> None:
    (tmp_path / "packages" / "made_cards" / "cards" / "bright.onnx").write_bytes(b"spoilt")
    ended = run("compare", labelled, "--detector", "bright")
    assert ended.code == 2
    assert "No detector could run" in ended.err


def test_without_the_extra_the_command_says_what_to_do(monkeypatch: pytest.MonkeyPatch, run: Run, labelled: Path) -> None:
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    ended = run("compare", labelled)
    assert ended.code == 2
    assert "pip install 'veriscope[compare]'" in ended.err
    assert "--no-cache" in ended.err


def test_every_option_is_documented(run: Run) -> None:
    text = (Path(__file__).parents[2] / "docs" / "compare.md").read_text("utf-8")
    options = set(re.findall(r"--[a-z][a-z-]+", run("compare", "--help").out)) - {"--help"}
    assert len(options) > 12
    assert {option for option in options if option not in text} == set()


def test_a_model_of_ones_own_beside_ours(run: Run, labelled: Path, tmp_path: Path) -> None:
    """Nobody has calibrated it, so it is marked, and its threshold is one half."""
    make_folder(tmp_path / "my-model", network=classifier((-6.0, 6.0)))
    arguments = ("compare", labelled, "--detector", str(tmp_path / "my-model"), "--detector", "bright")
    own, bright = run(*arguments, "--format", "json").data["contenders"]
    assert (own["id"], own["calibrated"], bright["calibrated"]) == ("local:my-model", False, True)
    assert own["figures"]["auc"]["value"] == 1.0
    assert own["figures"]["balanced_accuracy"]["value"] == 1.0
    assert "local:my-model is not calibrated" in " ".join(run(*arguments).out.split())


def test_a_model_that_is_none_does_not_stop_the_others(run: Run, labelled: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ("compare", labelled, "--detector", str(tmp_path / "empty"), "--detector", "bright")
    found = run(*arguments, "--format", "json").data["contenders"]
    assert found[0]["problem"]
    assert found[0]["figures"] is None
    assert found[1]["figures"]["auc"]["value"] == 1.0
