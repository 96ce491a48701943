"""How the app is started: closed by default, nothing loaded from elsewhere, nothing on disk."""

from __future__ import annotations

import importlib.util
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.formparsers import MultiPartParser
from streamlit import config

from veriscope import Settings, app
from veriscope.app import examples
from veriscope.app.__main__ import LOCAL, main, options
from veriscope.app.shell import desk
from veriscope.settings import MEBIBYTE, Limits

FOLDER = Path(app.__file__).parent


def given(settings: Settings | None = None) -> dict[str, str]:
    pairs = (option.removeprefix("--").partition("=") for option in options(settings or Settings(), LOCAL, 8501))
    return {name: value for name, _, value in pairs}


def test_only_this_machine_may_connect_by_default() -> None:
    assert given()["server.address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("browser.gatherUsageStats", "false"),
        ("server.fileWatcherType", "none"),
        ("client.showErrorDetails", "none"),
        ("client.showErrorLinks", "false"),
        ("server.headless", "true"),
        ("runner.postScriptGC", "false"),
    ],
)
def test_streamlit_is_told_to_be_quiet(option: str, value: str) -> None:
    assert given()[option] == value


def test_every_option_is_one_that_streamlit_knows() -> None:
    known = set(config.get_config_options())
    assert set(given()) <= known


def test_protection_against_forged_requests_stays_on() -> None:
    assert not {name for name in given() if "Xsrf" in name or "CORS" in name}


@pytest.mark.parametrize(("most", "shown"), [(100 * MEBIBYTE, "100"), (5 * MEBIBYTE, "5"), (1000, "1")])
def test_the_upload_limit_is_the_one_of_the_settings(most: int, shown: str) -> None:
    assert given(Settings(limits=Limits(max_bytes=most)))["server.maxUploadSize"] == shown


def test_uploads_stay_in_memory() -> None:
    desk()
    assert MultiPartParser.spool_max_size >= Settings().limits.max_bytes


def test_no_name_in_the_folder_hides_a_package() -> None:
    """Streamlit puts the folder of `main.py` on the import path of the whole process."""
    names = {path.stem for path in FOLDER.iterdir() if path.suffix == ".py" or path.is_dir()} - {
        "__init__",
        "__main__",
        "__pycache__",
    }
    assert len(names) > 8
    taken = {name for name in names if name in sys.stdlib_module_names or importlib.util.find_spec(name)}
    assert taken == set()


def test_main_only_calls() -> None:
    assert len((FOLDER / "main.py").read_text("utf-8").splitlines()) < 10


@pytest.mark.parametrize("arguments", [["--port", "many"], ["--nonsense"]], ids=" ".join)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2


@pytest.mark.parametrize("name", ["app.css", "error_rates.json", *(f"examples/{name}.jpg" for name in examples.NAMES)])
def test_what_the_app_shows_is_packaged(name: str) -> None:
    assert files("veriscope.app").joinpath(name).is_file()


def test_no_script_or_style_names_another_server() -> None:
    for path in [*FOLDER.rglob("*.js"), *FOLDER.rglob("*.css")]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text, path
        assert "https:" not in text, path
        assert "@import" not in text, path
