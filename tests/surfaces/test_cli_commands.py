"""The other commands, help and completion."""

from __future__ import annotations

import re

import jsonschema
import pytest
from cli_runs import ANSI, Ended, Run

from veriscope import __version__


def test_version(run: Run) -> None:
    assert run("--version") == Ended(0, f"veriscope {__version__}\n", "")


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize(
    "command", [[], ["analyze"], ["detectors"], ["law"], ["schema"]], ids=lambda words: "".join(words) or "all"
)
def test_help(command: list[str], option: str, run: Run) -> None:
    ended = run(*command, option)
    assert ended.code == 0
    assert "Usage: veriscope" in ended.out


def test_help_names_every_option_and_exit_code_of_analyze(run: Run) -> None:
    out = run("analyze", "--help").out
    options = ["--format", "--output", "--recursive", "--detector", "--country", "--lang", "--offline", "--jobs"]
    assert [option for option in options if option not in out] == []
    assert re.search(r"0 all analysed; 2 wrong usage;\s+3 some", out)


def test_nothing_typed_shows_the_help(run: Run) -> None:
    ended = run()
    assert ended.code == 2
    assert "analyze" in ended.out + ended.err


@pytest.mark.parametrize(("typed", "meant"), [("analyse", "analyze"), ("detector", "detectors"), ("laws", "law")])
def test_a_mistyped_command_is_guessed(typed: str, meant: str, run: Run) -> None:
    ended = run(typed)
    assert ended.code == 2
    assert f"Did you mean '{meant}'" in ended.err


def test_detectors_show_their_error_rates(run: Run) -> None:
    out = run("detectors").out
    for said in ("face ", "scene ", "AUC", "EER", "1 % FPR", "real pictures flagged", "licence", "available  yes"):
        assert said in out


def test_detectors_as_data(run: Run) -> None:
    rows = run("detectors", "--format", "json").data
    assert [row["id"] for row in rows] == ["face", "scene"]
    assert all(row["available"] is True and 0 <= row["evidence"]["auc"] <= 1 for row in rows)
    assert run("detectors", "--format", "jsonl").lines == rows


def test_law_lists_all_codes(run: Run) -> None:
    codes = run("law").out.split()
    assert codes == sorted(codes)
    assert {"de", "eu", "us", "us-ca", "global"} <= set(codes)


def test_law_of_countries(run: Run) -> None:
    out = run("law", "DE", "US-CA").out
    assert out.index("get help") < out.index("[DE]")
    assert "[US-CA]" in out
    assert not ANSI.search(out)


def test_law_of_one_topic_is_less_than_of_all(run: Run) -> None:
    few, every = run("law", "DE", "--topic", "ncii").out, run("law", "DE").out
    assert 0 < few.count("[DE]") < every.count("[DE]")


def test_law_past_its_review_date(run: Run) -> None:
    ended = run("law", "--stale")
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(r"(\S+  .+  \d{4}-\d\d-\d\d\n)+|No record is past its review date\.\n", ended.out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["law", "zz"], "There is no law file for 'zz'"),
        (["law", "us-cal"], "us-ca"),
        (["law", "DE", "--topic", "elektions"], "Did you mean elections?"),
        (["law", "DE", "--lang", "xx"], "Choose one of"),
        (["detectors", "--format", "yaml"], "'text', 'json', 'jsonl'"),
        (["schema", "surplus"], "unexpected extra argument"),
    ],
    ids=" ".join,
)
def test_wrong_usage_of_other_commands(arguments: list[str], said: str, run: Run) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_the_schema_is_a_valid_schema(run: Run) -> None:
    schema = run("schema").data
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"]["const"] == "veriscope.report/1"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shown(shell: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))
    ended = run("--show-completion")
    assert ended.code == 0
    assert "_VERISCOPE_COMPLETE" in ended.out


def test_completion_completes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_VERISCOPE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "veriscope an")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run().out.split() == ["analyze"]


def test_well_known_hub_models_are_listed_with_their_warnings(run: Run) -> None:
    out = run("detectors", "--hub").out
    for said in (
        "hf:dima806/deepfake_vs_real_image_detection",
        "seven of ten real faces",
        "commercial use no",
        "not runnable here",
    ):
        assert said in " ".join(out.split())
    assert max(map(len, out.splitlines())) < 200


def test_well_known_hub_models_as_data(run: Run) -> None:
    rows = run("detectors", "--hub", "--format", "json").data
    assert all(row["warnings"] for row in rows)
    assert {row["id"]: row["runs"] for row in rows}["hf:yermandy/GenD_CLIP_L_14"] is False
    assert run("detectors", "--hub", "--format", "jsonl").lines == rows
