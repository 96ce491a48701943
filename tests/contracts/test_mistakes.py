"""Each mistake in docs/mistakes.md has a test that guards against it, and that test exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import onnx
import pytest

from veriscope.detectors import catalogue
from veriscope.detectors.card import Card
from veriscope.settings import Settings

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = [(int(number), tests) for number, _, _, tests in ROW.findall((ROOT / "docs" / "mistakes.md").read_text("utf-8"))]


@cache
def names_in(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    functions = (node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_there_are_thirty_mistakes() -> None:
    assert [number for number, _ in ROWS] == list(range(1, 31))


@pytest.mark.parametrize(("number", "tests"), ROWS, ids=[str(number) for number, _ in ROWS])
def test_every_mistake_is_guarded_by_a_test_that_exists(number: int, tests: str) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
    assert named, f"mistake {number} has no test"
    assert re.sub(r"`[^`]*`", "", tests).strip() == "", "a test is written as `file::name`"
    for file, name in named:
        assert name in names_in(file), f"mistake {number}: {file} has no {name}"


def _names(path: Path) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def test_training_degrades_both_classes_alike() -> None:
    """What a crop goes through cannot depend on its class, because the function does not know it."""
    path = ROOT / "src" / "veriscope" / "training" / "augment.py"
    assert "def augmented(" in path.read_text("utf-8")
    names = _names(path)
    assert not {name for name in names if re.search("label|synthetic|real|fake|target_class", name)}


@pytest.mark.parametrize("card", catalogue(Settings()), ids=lambda card: card.id)
def test_shipped_weights_are_not_quantised(card: Card) -> None:
    graph = onnx.load(card.weights_path).graph
    assert not [node.op_type for node in graph.node if "Quantize" in node.op_type or "Integer" in node.op_type]
    large = [tensor for tensor in graph.initializer if len(tensor.dims) > 1 and tensor.data_type != onnx.TensorProto.INT64]
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT}
