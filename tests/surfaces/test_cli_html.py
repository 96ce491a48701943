"""A report as a page from the command line, and the command that serves the app."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Run

from veriscope.i18n import catalogue


def test_a_page_is_written_in_the_language(run: Run, photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    ended = run("analyze", photo, "--format", "html", "--lang", "de", "--output", target)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    page = target.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert catalogue("de").text("section.meaning") in page
    assert "<script" not in page


def test_a_page_holds_one_report(run: Run, photo: Path, pictures: Path) -> None:
    ended = run("analyze", photo, pictures, "--format", "html")
    assert (ended.code, ended.out) == (2, "")
    assert "--format json" in ended.err


def test_a_failed_input_has_no_page(run: Run, damaged: Path) -> None:
    ended = run("analyze", damaged, "--format", "html")
    assert (ended.code, ended.out) == (3, "")
    assert "damaged" in ended.err


@pytest.mark.parametrize("option", ["--port", "--address"])
def test_the_app_says_how_it_is_started(option: str, run: Run) -> None:
    assert option in run("app", "--help").out


@pytest.mark.parametrize("port", ["0", "65536", "many"])
def test_an_impossible_port_is_wrong_usage(port: str, run: Run) -> None:
    assert run("app", "--port", port).code == 2


def test_the_app_is_served_as_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def serve(arguments: list[str], **_: object) -> None:
        started.extend(arguments)
        sys.exit(0)

    monkeypatch.setattr("streamlit.web.cli.main", serve)
    assert run("app", "--port", "8123").code == 0
    assert {"--server.port=8123", "--server.address=127.0.0.1"} <= set(started)
