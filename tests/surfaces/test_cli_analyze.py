"""`veriscope analyze` as a user meets it: what it prints where, what it writes, and how it ends."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cli_runs import ANSI, Run, name_of

from veriscope.cli.output import EXIT_SOME_FAILED, EXIT_USAGE
from veriscope.i18n import catalogue, languages


def test_text_says_what_the_evidence_is(run: Run, photo: Path) -> None:
    ended = run("analyze", photo)
    assert ended.code == 0
    assert ended.err == ""
    for said in (str(photo), "PNG · 160 × 120", "What this means", "What to do now", "Evidence", "Not checked"):
        assert said in ended.out
    assert "uthentic." not in ended.out.replace("does not prove that the picture is authentic.", "")


def test_text_in_a_pipe_has_no_colour_and_no_progress(run: Run, pictures: Path) -> None:
    ended = run("analyze", pictures)
    assert not ANSI.search(ended.out + ended.err)
    assert "Analysing" not in ended.out + ended.err
    assert ended.out.count("What this means") == 2


def test_json_of_one_input_is_one_object_that_satisfies_the_schema(run: Run, photo: Path) -> None:
    ended = run("analyze", photo, "--format", "json")
    assert ended.code == 0
    jsonschema.validate(ended.data, run("schema").data)
    assert name_of(ended.data) == "photo.png"


def test_json_of_several_inputs_is_an_array(run: Run, pictures: Path) -> None:
    assert [name_of(report) for report in run("analyze", pictures, "--format", "json").data] == ["a.png", "b.jpg"]


def test_jsonl_is_one_object_a_line(run: Run, pictures: Path) -> None:
    ended = run("analyze", "--format", "jsonl", pictures)
    assert ended.out.endswith("\n")
    assert [name_of(report) for report in ended.lines] == ["a.png", "b.jpg"]


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_a_missing_file_among_good_ones_costs_only_itself(form: str, run: Run, pictures: Path) -> None:
    ended = run("analyze", pictures / "a.png", pictures / "missing.png", pictures / "b.jpg", "--format", form)
    assert ended.code == EXIT_SOME_FAILED == 3
    assert "One input could not be analysed" in ended.err
    assert "missing.png" in ended.err
    assert "There is no file" in ended.err.replace("\n", " ")
    if form == "text":
        assert ended.out.count("What this means") == 2
        assert "missing.png" not in ended.out
    else:
        reports = ended.data if form == "json" else ended.lines
        assert [name_of(report) for report in reports] == ["a.png", "missing.png", "b.jpg"]
        assert reports[1]["error"]["code"] == "unreadable_source"
        assert reports[1]["schema"] == reports[0]["schema"]


def test_a_failed_single_input_is_still_one_json_object(run: Run, damaged: Path) -> None:
    ended = run("analyze", damaged, "--format", "json")
    assert ended.code == 3
    assert ended.data["error"]["code"] == "unsupported_media"
    assert "damaged" in ended.data["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["."], ["a.png", "b.jpg"]),
        ([".", "--recursive"], ["a.png", "b.jpg", "c.webp"]),
        ([".", "-r"], ["a.png", "b.jpg", "c.webp"]),
        (["*.png"], ["a.png"]),
        (["**/*.webp"], ["c.webp"]),
        (["b.jpg", "*"], ["b.jpg", "a.png"]),
        (["a.png", "a.png"], ["a.png"]),
        ([".hidden.png"], [".hidden.png"]),
    ],
    ids=["folder", "recursive", "-r", "pattern", "deep pattern", "order given", "twice", "hidden by name"],
)
def test_which_pictures_are_analysed(
    arguments: list[str], found: list[str], run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    ended = run("analyze", *arguments, "--format", "jsonl", "--detector", "face")
    assert [name_of(line) for line in ended.lines if "media" in line] == found


@pytest.mark.parametrize("source", ["sub/nothing", "*.tif", "empty"])
def test_a_source_without_a_picture_is_a_failure_with_advice(
    source: str, run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pictures / "empty").mkdir()
    monkeypatch.chdir(pictures)
    ended = run("analyze", source)
    assert ended.code == 3
    assert ended.out == ""
    assert source in ended.err


def test_standard_input_is_read(run: Run, photo: Path) -> None:
    ended = run("analyze", "-", "--format", "json", stdin=photo.read_bytes())
    assert ended.code == 0
    assert ended.data["media"]["source"] == {"kind": "stream", "name": "-"}


@pytest.mark.parametrize("data", [b"", b"no picture at all"], ids=["empty", "text"])
def test_standard_input_without_a_picture_is_a_failure(data: bytes, run: Run) -> None:
    ended = run("analyze", "-", "--format", "json", stdin=data)
    assert ended.code == 3
    assert ended.data["source"] == {"kind": "stream", "name": "-"}


def test_offline_refuses_an_address(run: Run) -> None:
    ended = run("analyze", "--offline", "http://pictures.example/a.jpg", "--format", "json")
    assert ended.code == 3
    assert ended.data["error"]["code"] == "unreadable_source"
    assert "offline" in ended.data["error"]["message"]
    assert ended.data["source"]["kind"] == "url"


@pytest.mark.parametrize(
    ("address", "code"),
    [("http://127.0.0.1:9/a.jpg", "unsafe_url"), ("ftp://pictures.example/a.jpg", "unsafe_url"), ("http://", "unsafe_url")],
)
def test_an_unsafe_address_is_a_failure(address: str, code: str, run: Run) -> None:
    ended = run("analyze", address, "--format", "json")
    assert (ended.code, ended.data["error"]["code"]) == (3, code)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file systems there refuse such names")
@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_a_name_that_is_not_utf_8_does_no_harm(form: str, run: Run, tmp_path: Path, photo: Path) -> None:
    good, bad = (os.fsdecode(os.fsencode(tmp_path) + name) for name in (b"/good\xff.png", b"/bad\xff.png"))
    Path(good).write_bytes(photo.read_bytes())
    Path(bad).write_bytes(b"x")
    assert run("analyze", good, bad, "--format", form).code == 3


def test_control_characters_in_a_name_do_not_reach_the_terminal(run: Run, tmp_path: Path, photo: Path) -> None:
    (tmp_path / "\x1b]0;owned\x07.png").write_bytes(photo.read_bytes())
    (tmp_path / "\x1b[2J.png").write_bytes(b"x")
    ended = run("analyze", tmp_path)
    assert ended.code == 3
    assert "\x1b" not in ended.out + ended.err


def test_only_the_chosen_detectors_judge(run: Run, photo: Path) -> None:
    def models(*options: str) -> list[str]:
        report = run("analyze", photo, "--format", "json", *options).data
        return [signal["source"] for signal in report["signals"] if signal["kind"] == "model"]

    assert models() == ["face", "scene"]
    assert models("--detector", "scene") == ["scene"]
    assert models("--detector", "scene", "--detector", "face") == ["scene", "face"]


def test_a_country_adds_its_law_and_help(run: Run, photo: Path) -> None:
    assert run("analyze", photo, "--format", "json").data["law"] == []
    report = run("analyze", photo, "--format", "json", "--country", "DE", "--country", "us-ca").data
    assert {"de", "us-ca"} <= {law["jurisdiction"] for law in report["law"]}
    assert report["help"]


def test_law_stands_in_the_text(run: Run, photo: Path) -> None:
    ended = run("analyze", photo, "--country", "DE")
    assert "[DE]" in ended.out
    assert "not legal advice" in ended.out.replace("\n", " ")


@pytest.mark.parametrize("language", languages())
def test_every_language_has_words_for_a_whole_report(language: str, run: Run, photo: Path) -> None:
    ended = run("analyze", photo, "--lang", language, "--country", "DE")
    assert (ended.code, ended.err) == (0, "")
    assert catalogue(language).text("section.meaning") in ended.out
    assert ("What this means" in ended.out) is (language == "en")


def test_jobs_change_neither_results_nor_order(run: Run, pictures: Path) -> None:
    sources = [pictures / name for name in ("b.jpg", "missing.png", "a.png", "sub/c.webp")]

    def plain(jobs: int) -> list[Any]:
        lines = run("analyze", *sources, "--format", "jsonl", "--jobs", str(jobs)).lines
        return [json.loads(json.dumps({**line, "timings": 0, "created": 0}), parse_float=_rounded) for line in lines]

    # Rounded: a model on one thread adds up in another order than on two.
    assert plain(4) == plain(1)


def _rounded(number: str) -> float:
    return round(float(number), 4)


def test_output_goes_to_the_file_alone(run: Run, photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    ended = run("analyze", photo, "--format", "json", "--output", target)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert name_of(json.loads(target.read_text("utf-8"))) == "photo.png"
    assert list(tmp_path.iterdir()) == [target]


def test_text_in_a_file_has_no_colour_even_when_started_on_a_terminal(
    run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veriscope.cli.analyze.in_colour", lambda stream: True)
    assert ANSI.search(run("analyze", photo).out)
    run("analyze", photo, "--output", tmp_path / "report.txt")
    text = (tmp_path / "report.txt").read_text("utf-8")
    assert "What this means" in text
    assert not ANSI.search(text)


def test_an_output_file_keeps_its_content_when_the_run_breaks(
    run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        assert (tmp_path / "report.json.part").exists()
        raise KeyboardInterrupt

    target = tmp_path / "report.json"
    target.write_text("earlier")
    monkeypatch.setattr("veriscope.domain.Report.to_json", broken)
    assert run("analyze", photo, "--format", "json", "--output", target).code != 0
    assert target.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("target", ["missing/report.json", ".", "file.txt/report.json", "x" * 300], ids=lambda name: name[:20])
def test_an_impossible_output_is_refused_before_any_picture(
    target: str, run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def analyze(*_: object) -> None:
        pytest.fail("a picture was analysed")

    (tmp_path / "file.txt").write_text("")
    monkeypatch.setattr("veriscope.engine.Engine.analyze", analyze)
    ended = run("analyze", photo, "--output", tmp_path / target)
    assert ended.code == 2
    assert ended.err.startswith("veriscope: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_protected_folder_is_refused(run: Run, photo: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    ended = run("analyze", photo, "--output", tmp_path / "report.json")
    tmp_path.chmod(0o700)
    assert ended.code == 2
    assert "cannot be written" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--detector", "fase"], 'Did you mean "face"?'),
        (["--detector", "zzz"], "`veriscope detectors` lists all"),
        (["--country", "zz"], "Choose from ae, ar"),
        (["--lang", "xx"], "Choose one of: "),
        (["--format", "jsno"], "'text', 'json', 'jsonl'"),
        (["--jobs", "0"], "greater than or equal to 1"),
        (["--jobs", "65"], "less than or equal to 64"),
        (["--jobs", "many"], "integer"),
        (["--ofline"], "--offline"),
        (["--output"], "requires an argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_2_and_says_what_is_possible(arguments: list[str], said: str, run: Run, photo: Path) -> None:
    ended = run("analyze", photo, *arguments)
    assert (ended.code, ended.out) == (EXIT_USAGE, "")
    assert said in ended.err


@pytest.mark.parametrize(
    ("variable", "value"), [("THREADS", "two"), ("LIMITS_MAX_PIXELS", "1e6"), ("OFFLINE", "maybe"), ("DETECTORS", "fase")]
)
def test_an_unusable_variable_ends_with_2(
    variable: str, value: str, run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"VERISCOPE_{variable}", value)
    ended = run("analyze", photo)
    assert ended.code == 2
    assert value in ended.err


def test_variables_set_what_options_do_not(run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_LIMITS_MAX_PIXELS", "1000")
    assert run("analyze", photo, "--format", "json").data["error"]["code"] == "too_large"
