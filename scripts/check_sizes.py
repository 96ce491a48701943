"""Fail when code grows out of the size in which it can be read.

    python scripts/check_sizes.py [ROOT]

A file in src/ or research/ has at most 400 lines. Of the functions in each of the two, half have at most 12 lines and 95 %
at most 60, docstrings not counted. Prints every offence and exits with 1.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE = 400
MAX_MEDIAN = 12
MAX_MOST = 60  # of 95 % of the functions
FOLDERS = ("src", "research")


def main(root: Path) -> int:
    offences = [*_long_files(root), *_long_functions(root)]
    for offence in offences:
        print(offence, file=sys.stderr)
    return int(bool(offences))


def _long_files(root: Path) -> Iterator[str]:
    for path in _files(root):
        lines = len(path.read_text("utf-8").splitlines())
        if lines > MAX_FILE:
            yield f"{path.relative_to(root).as_posix()} has {lines} lines, {MAX_FILE} are allowed: split it by what it makes"


def _long_functions(root: Path) -> Iterator[str]:
    for folder in FOLDERS:
        sizes = sorted(size for path in _files(root, folder) for size in function_sizes(path.read_text("utf-8")))
        if not sizes:
            continue
        median, most = statistics.median(sizes), sizes[int(0.95 * (len(sizes) - 1))]
        if median > MAX_MEDIAN:
            yield f"{folder}: half of the {len(sizes)} functions have more than {MAX_MEDIAN} lines (median {median:g})"
        if most > MAX_MOST:
            yield f"{folder}: more than 5 % of the {len(sizes)} functions have more than {MAX_MOST} lines (95 %: {most})"


def function_sizes(code: str) -> list[int]:
    """Lines of every function, without its docstring and decorators."""
    functions = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [_lines(function) for function in functions]


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    described = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if described else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def _files(root: Path, *folders: str) -> list[Path]:
    return sorted(path for folder in folders or FOLDERS for path in (root / folder).rglob("*.py"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]))
