"""The package works without what only training, tests or other products need, and starts without what it does not use yet."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

BLOCKED = (
    "torch",
    "torchvision",
    "transformers",
    "streamlit",
    "fastapi",
    "sklearn",
    "skimage",
    "scipy",
    "onnx",
    "cv2",
    "research",
)
HEAVY = (
    "onnxruntime",
    "numpy",
    "PIL",
    "c2pa",
    "pillow_heif",
    "httpx",
    "httpcore",
    "rich",
    "babel",
    "huggingface_hub",
    "httpx2",
)

PRELUDE = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked)", name=name)

sys.meta_path.insert(0, Missing())
"""


def child(code: str, *arguments: str) -> str:
    """Standard output of code in a fresh interpreter where the blocked packages are missing."""
    command = [sys.executable, "-W", "error", "-c", PRELUDE + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def imported(code: str) -> set[str]:
    """Which heavy packages some code imports."""
    report = f"\nimport json\nprint('\\n' + json.dumps([name for name in {(*HEAVY, *BLOCKED)!r} if name in sys.modules]))"
    return set(json.loads(child(code + report).splitlines()[-1]))


def command(*arguments: str) -> str:
    return f"""
from veriscope.cli import main
sys.argv = ["veriscope", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slim") / "portrait.png"
    Image.open(Path(skimage.data.__file__).with_name("astronaut.png")).save(path)
    return path


def test_the_blocked_packages_are_missing() -> None:
    child("try:\n    import torch\nexcept ModuleNotFoundError:\n    pass\nelse:\n    raise SystemExit('not blocked')")


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        pytest.param("import veriscope", set(), id="import veriscope"),
        pytest.param("import veriscope; veriscope.Settings, veriscope.InputError", set(), id="settings and errors"),
        pytest.param("from veriscope import Engine", {"numpy", "PIL"}, id="the engine"),
        pytest.param("from veriscope import Engine; Engine()", {"numpy", "PIL"}, id="an engine that has seen no picture"),
        pytest.param("from veriscope.legal import jurisdictions; jurisdictions()", {"PIL"}, id="the list of countries"),
        pytest.param("from veriscope.fusion import decide; decide([])", {"PIL"}, id="a verdict"),
        pytest.param(command("--help"), set(), id="veriscope --help"),
        pytest.param(command("--version"), set(), id="veriscope --version"),
        pytest.param(command("analyze", "--help"), set(), id="veriscope analyze --help"),
        pytest.param(command("compare", "--help"), set(), id="veriscope compare --help"),
        pytest.param(command("detectors"), {"PIL"}, id="veriscope detectors"),
        pytest.param(command("detectors", "--format", "json"), {"PIL"}, id="veriscope detectors as JSON"),
        pytest.param(command("detectors", "--hub"), {"PIL"}, id="veriscope detectors --hub"),
        pytest.param(command("finetune", "--help"), set(), id="veriscope finetune --help"),
        pytest.param(command("schema"), {"PIL"}, id="veriscope schema"),
        pytest.param(command("law", "DE"), {"PIL", "babel", "rich"}, id="veriscope law"),
    ],
)
def test_nothing_is_imported_before_it_is_needed(code: str, allowed: set[str]) -> None:
    assert imported(code) <= allowed


def test_an_analysis_needs_none_of_the_blocked_packages(portrait: Path) -> None:
    report = json.loads(child(command("analyze", str(portrait), "--format", "json", "--offline")))
    assert {signal["source"]: signal["status"] for signal in report["signals"]}["face"] == "ok"
    assert len(report["faces"]) == 1


def test_a_text_report_needs_none_of_the_blocked_packages(portrait: Path) -> None:
    assert "What this means" in child(command("analyze", str(portrait), "--country", "DE"))


def test_without_the_extra_the_app_says_what_to_install() -> None:
    code = "from veriscope.cli import main\nsys.argv = ['veriscope', 'app']\nmain()"
    command = [sys.executable, "-W", "error", "-c", PRELUDE + code]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode != 0
    assert "pip install 'veriscope[app]'" in done.stderr
    assert "Traceback" not in done.stderr


OF_EXTRAS = ("app", "training/export.py", "training/layers.py", "training/lite.py", "training/saved.py", "training/session.py")
"""Modules that are made of what the extras `app` and `train` bring; nothing imports them before it needs them."""


def imports_of(code: ast.Module) -> Iterator[str]:
    """Packages that a module imports when it is imported itself: not those inside functions and for type checkers."""
    waiting: list[ast.stmt | ast.ExceptHandler] = list(code.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "TYPE_CHECKING" not in ast.unparse(node)[:16]:
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt | ast.ExceptHandler)]


def test_our_code_imports_none_of_the_blocked_packages_before_it_needs_them() -> None:
    source = Path(__file__).parents[2] / "src"
    for path in source.rglob("*.py"):
        if any(path.is_relative_to(source / "veriscope" / place) for place in OF_EXTRAS):
            continue
        found = set(imports_of(ast.parse(path.read_text("utf-8")))) & set(BLOCKED)
        assert not found, f"{path.name} imports {found}"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param("import torch.nn", {"torch"}, id="import"),
        pytest.param("try:\n    from torch import nn\nexcept ImportError:\n    pass", {"torch"}, id="in try"),
        pytest.param("class A:\n    import torch", {"torch"}, id="in a class"),
        pytest.param("def f():\n    import torch", set(), id="in a function"),
        pytest.param("if TYPE_CHECKING:\n    import torch", set(), id="for type checkers"),
    ],
)
def test_an_import_is_found_where_it_runs(code: str, found: set[str]) -> None:
    assert set(imports_of(ast.parse(code))) == found
