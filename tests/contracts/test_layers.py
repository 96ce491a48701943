"""The layers of docs/decisions/0001-one-flow-and-layers.md hold, and breaking them is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "200"}
    command = [sys.executable, "-c", LINT, "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package's code, to be spoilt."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.onnx", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_layers_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert "4 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "code", "says"),
    [
        pytest.param(
            "detectors/stray.py",
            "from veriscope.faces import detect",
            "veriscope.detectors.stray -> veriscope.faces",
            id="part",
        ),
        pytest.param(
            "fusion/stray.py", "from veriscope import engine", "veriscope.fusion.stray -> veriscope.engine", id="upwards"
        ),
        pytest.param("explain/stray.py", "import httpx", "veriscope.explain.stray -> httpx", id="network"),
        pytest.param("detectors/stray.py", "import huggingface_hub", "veriscope.detectors.stray -> huggingface_hub", id="hub"),
        pytest.param("legal/stray.py", "import torch", "veriscope.legal.stray -> torch", id="model"),
        pytest.param("stray.py", "", "stray", id="module without a place"),
    ],
)
def test_a_planted_offence_is_named(copy: Path, module: str, code: str, says: str) -> None:
    (copy / "src" / "veriscope" / module).write_text(f"{code}\n")
    done = lint(copy)
    assert done.returncode != 0
    assert says in done.stdout


def size_check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "check_sizes.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def test_files_and_functions_are_short() -> None:
    done = size_check(ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("code", "says"),
    [
        pytest.param("x = 1\n" * 401, "src/veriscope/stray.py has 401 lines, 400 are allowed", id="long file"),
        pytest.param("def f() -> None:\n" + "    x = 1\n" * 70, "", id="one long function"),
        pytest.param(
            "\n".join(f"def f{n}() -> None:\n" + "    x = 1\n" * 14 for n in range(25)) * 40,
            "src: half of the",
            id="many functions that are too long",
        ),
    ],
)
def test_what_has_grown_too_long_is_named(copy: Path, code: str, says: str) -> None:
    (copy / "src" / "veriscope" / "stray.py").write_text(code)
    done = size_check(copy)
    assert done.returncode == int(bool(says))
    assert says in done.stderr
