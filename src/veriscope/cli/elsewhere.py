"""Models from elsewhere before an analysis: had, or said why not, before any picture is looked at."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from veriscope.errors import WeightsUnavailable

if TYPE_CHECKING:
    from veriscope.engine import Engine
    from veriscope.settings import Settings


def fetch_models(settings: Settings) -> None:
    """Has every model of the Hub that the settings name on this machine. Raises why one cannot be had."""
    from veriscope.detectors.hub.reference import Reference, is_reference

    for name in settings.detectors:
        if is_reference(name) and Reference.parse(name).folder is None:
            from veriscope.detectors.hub.pinning import open_pinned

            with arriving(name) as tell:
                open_pinned(Reference.parse(name), settings, tell)


def check_models(engine: Engine) -> None:
    """Opens the models that are not ours. Raises why one cannot run: a batch without it would answer another question."""
    from veriscope.detectors import ENSEMBLE
    from veriscope.detectors.hub.reference import Reference, is_reference

    wanted = {Reference.parse(name).id for name in engine.settings.detectors if is_reference(name)}
    wanted |= {name for name in engine.settings.detectors if name.startswith(ENSEMBLE)}
    for signal in engine.unavailable() if wanted else ():
        if signal.source in wanted and signal.reason is not None:
            raise WeightsUnavailable(f"{signal.source} cannot be used. {signal.reason.params['message']}")


@contextlib.contextmanager
def arriving(name: str) -> Iterator[Callable[[int], object] | None]:
    """Bytes that have arrived, on a terminal; nothing when piped."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import console, progress

    columns = (progress.TextColumn("{task.description}"), progress.DownloadColumn(), progress.TransferSpeedColumn())
    with progress.Progress(*columns, console=console.Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Fetching {name}", total=None)
        yield lambda count: bar.advance(task, count)
