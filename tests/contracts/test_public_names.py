"""The names that a program may rely on."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import veriscope

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if path.stem != "__main__"
)
PUBLIC = [
    "Engine",
    "Failure",
    "Finding",
    "Grade",
    "InputError",
    "Limits",
    "ModelError",
    "RemoteError",
    "Report",
    "Settings",
    "Signal",
    "Status",
    "Verdict",
    "VeriscopeError",
    "__version__",
    "analyze",
]


def test_the_public_names_are_these() -> None:
    """A name that goes away breaks programs: it needs a new major version."""
    assert veriscope.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_what_its_module_defines(name: str) -> None:
    found = getattr(veriscope, name)
    if name != "__version__":
        home = importlib.import_module(found.__module__)
        assert getattr(home, name) is found
        assert inspect.getdoc(found), "a public name has a docstring"


def test_lazy_names_are_the_public_ones() -> None:
    assert sorted([*veriscope._HOME, "__version__"]) == veriscope.__all__


def test_a_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from veriscope import *", names)
    assert sorted(set(names) - {"__builtins__"}) == veriscope.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = veriscope.nonsense


OF_EXTRA_TRAIN = {f"veriscope.training.{name}" for name in ("export", "layers", "lite", "saved", "session")}
"""Made of PyTorch; `make test-torch` imports them, and here they are read only."""


def test_modules_of_the_extra_say_what_they_are_for() -> None:
    assert set(MODULES) >= OF_EXTRA_TRAIN
    for name in OF_EXTRA_TRAIN:
        source = Path(veriscope.__file__).parent.joinpath(*name.split(".")[1:]).with_suffix(".py")
        assert ast.get_docstring(ast.parse(source.read_text("utf-8")))


@pytest.mark.parametrize("name", [name for name in MODULES if name not in OF_EXTRA_TRAIN])
def test_every_module_imports_and_says_what_it_is_for(name: str) -> None:
    module = importlib.import_module(name)
    assert isinstance(module, ModuleType)
    assert module.__doc__ or name == "veriscope._version"
    offered = getattr(module, "__all__", [])
    assert offered == sorted(offered, key=_kind)
    assert all(hasattr(module, item) for item in offered)


def _kind(name: str) -> tuple[int, str]:
    """Constants, then types, then the rest, each by name."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_types_are_published() -> None:
    assert (SOURCE / "veriscope" / "py.typed").is_file()
