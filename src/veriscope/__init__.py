"""Is this picture authentic or manipulated? Evidence with measured error rates.

    from veriscope import analyze
    print(analyze("picture.jpg").verdict.grade)

Names are loaded when they are first used: importing the package opens no model and no optional library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veriscope._version import __version__

if TYPE_CHECKING:
    from veriscope.domain import Failure, Finding, Grade, Report, Signal, Status, Verdict
    from veriscope.engine import Engine, analyze
    from veriscope.errors import InputError, ModelError, RemoteError, VeriscopeError
    from veriscope.settings import Limits, Settings

_HOME = {
    "Engine": "engine",
    "Failure": "domain",
    "Finding": "domain",
    "Grade": "domain",
    "InputError": "errors",
    "Limits": "settings",
    "ModelError": "errors",
    "RemoteError": "errors",
    "Report": "domain",
    "Settings": "settings",
    "Signal": "domain",
    "Status": "domain",
    "Verdict": "domain",
    "VeriscopeError": "errors",
    "analyze": "engine",
}

__all__ = [
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


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
