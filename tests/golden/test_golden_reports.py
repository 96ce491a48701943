"""One picture, one report: through every entrance the same, and the same as last time."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden_report
import pytest
from golden_media import MEDIA

from veriscope import cli
from veriscope.engine import AnySource, Engine
from veriscope.runtime.net import Address, Fetcher
from veriscope.settings import Settings

NAMES = pytest.mark.parametrize("name", list(MEDIA))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("golden")
    for name, make in MEDIA.items():
        (made / name).write_bytes(make())
    return made


@pytest.fixture(scope="module")
def engine() -> Engine:
    def this_machine(address: Address) -> bool:
        return str(address) == "127.0.0.1"

    settings = Settings()
    return Engine(settings, Fetcher(settings.limits, guard=this_machine))


@pytest.fixture(scope="module")
def reports(engine: Engine, folder: Path) -> dict[str, dict[str, Any]]:
    """By file name: what the engine says of the path."""
    return {name: json.loads(engine.analyze(folder / name).to_json()) for name in MEDIA}


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@NAMES
def test_a_report_is_as_expected(name: str, reports: dict[str, dict[str, Any]]) -> None:
    golden_report.check(name, golden_report.stable(reports[name]), golden_report.TOLERANCE)


def test_no_expectation_is_left_over() -> None:
    stored = {path.stem for path in golden_report.EXPECTED.glob("*.json") if not path.stem.startswith("input-")}
    assert stored == set(MEDIA)


@NAMES
@pytest.mark.parametrize("entrance", ["text path", "bytes", "stream", "file object", "address"])
def test_every_entrance_gives_the_same_report(
    name: str, entrance: str, engine: Engine, folder: Path, address: str, reports: dict[str, dict[str, Any]]
) -> None:
    path = folder / name
    with path.open("rb") as file:
        sources: dict[str, AnySource] = {
            "text path": str(path),
            "bytes": path.read_bytes(),
            "stream": io.BytesIO(path.read_bytes()),
            "file object": file,
            "address": f"{address}/{name}",
        }
        report = engine.analyze(sources[entrance])
    found = golden_report.without_run(json.loads(report.to_json()))
    assert found == golden_report.without_run(reports[name])


def test_the_command_line_gives_the_same_reports(
    folder: Path,
    reports: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["analyze", "--format", "json", *(str(folder / name) for name in MEDIA)]
    monkeypatch.setattr("sys.argv", ["veriscope", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert [report["media"]["source"]["name"] for report in found] == [str(folder / name) for name in MEDIA]
    assert [golden_report.without_run(report) for report in found] == [
        golden_report.without_run(reports[name]) for name in MEDIA
    ]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda report: report["verdict"].update(grade="another"), ".verdict.grade"),
        (lambda report: report["media"].update(width=641), ".media.width"),
        (lambda report: report["faces"][0]["box"].__setitem__(0, -50), ".faces[0].box[0]"),
        (lambda report: report["signals"][0].update(probability=report["signals"][0]["probability"] + 0.05), "probability"),
        (lambda report: report["signals"][0].update(probability=None), "probability"),
        (lambda report: report["signals"].pop(), ".signals"),
        (lambda report: report["faces"][0].update(id=True), ".faces[0].id"),
    ],
    ids=["grade", "width", "box", "probability", "no probability", "one signal fewer", "true is not 1"],
)
def test_a_change_is_noticed(change: Any, path: str, reports: dict[str, dict[str, Any]]) -> None:
    expected = golden_report.stable(reports["portrait.png"])
    found = json.loads(json.dumps(expected))
    assert golden_report.differences(found, expected, golden_report.TOLERANCE) == []
    change(found)
    [line] = golden_report.differences(found, expected, golden_report.TOLERANCE)
    assert path in line
