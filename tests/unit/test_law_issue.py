"""The weekly job keeps one issue about law records that are due, and closes it when none is."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import pytest

import law_issue
from veriscope import legal

FRESH, LATER = date(2026, 11, 24), date(2031, 1, 1)

# A stand-in for GitHub's command: notes what it was asked, and knows one issue if the test says so.
GH = """#!{python}
import json, os, pathlib, sys
log = pathlib.Path({log!r})
with log.open("a") as file:
    file.write(json.dumps([sys.argv[1:], "" if sys.argv[1:3] == ["issue", "list"] else sys.stdin.read()]) + "\\n")
if sys.argv[1:3] == ["issue", "list"]:
    print({issues!r})
elif sys.argv[1:3] == ["issue", "create"]:
    print("https://example.org/issues/8")
"""


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    log = tmp_path / "asked.jsonl"
    command = tmp_path / "gh"
    command.write_text(GH.format(python=sys.executable, log=str(log), issues=json.dumps(request.param)))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return log


def asked(log: Path) -> list[tuple[list[str], str]]:
    return [(arguments, stdin) for arguments, stdin in map(json.loads, log.read_text().splitlines())]


@pytest.mark.parametrize("github", [[]], indirect=True)
def test_an_issue_is_opened_with_every_record_that_is_due(github: Path, capsys: pytest.CaptureFixture[str]) -> None:
    law_issue.main(["--on", LATER.isoformat()])
    (*_, (create, body)) = asked(github)
    assert create[:2] == ["issue", "create"]
    due = legal.stale(LATER)
    assert body.count("\n| ") == len(due) + 2
    assert all(f"| {row.jurisdiction} | {row.record} | {row.review_by} |" in body for row in due)
    assert "Opened https://example.org/issues/8" in capsys.readouterr().out


@pytest.mark.parametrize("github", [[{"number": 7}]], indirect=True)
def test_an_open_issue_is_edited_instead_of_a_second_one(github: Path) -> None:
    law_issue.main(["--on", LATER.isoformat()])
    assert [arguments[:3] for arguments, _ in asked(github)][1:] == [["issue", "edit", "7"]]


@pytest.mark.parametrize("github", [[{"number": 7}]], indirect=True)
def test_the_issue_is_closed_when_nothing_is_due(github: Path) -> None:
    law_issue.keep([], FRESH)
    assert [arguments[:3] for arguments, _ in asked(github)][1:] == [["issue", "close", "7"]]


@pytest.mark.parametrize("github", [[]], indirect=True)
def test_nothing_is_opened_when_nothing_is_due(github: Path) -> None:
    assert "no issue is open" in law_issue.keep([], FRESH)
    assert [arguments[:2] for arguments, _ in asked(github)] == [["issue", "list"]]


def test_the_text_can_be_read_before_anything_is_changed(capsys: pytest.CaptureFixture[str]) -> None:
    law_issue.main(["--print", "--on", LATER.isoformat()])
    assert "not confirmed" in capsys.readouterr().out
