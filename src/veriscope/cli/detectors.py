"""`veriscope detectors`: what can judge, and how often each one errs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veriscope.cli.output import Format, to_standard_output
from veriscope.errors import DataError, MissingExtra

if TYPE_CHECKING:
    from veriscope.detectors.card import Card
    from veriscope.settings import Settings


def detectors(
    output_format: Annotated[Format, typer.Option("--format", help="text, json or jsonl.")] = Format.TEXT,
    hub: Annotated[
        bool, typer.Option("--hub", help="List well-known models of the Hugging Face Hub instead. Asks nobody.")
    ] = False,
) -> None:
    """List detectors with their measured error rates. Opens no model."""
    text, rows = _well_known() if hub else _installed()
    if output_format is Format.TEXT:
        to_standard_output(text + "\n")
    elif output_format is Format.JSON:
        to_standard_output(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        to_standard_output("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


_Listing = tuple[str, list[dict[str, Any]]]
"""The same as text and as data."""


def _installed() -> _Listing:
    from veriscope.detectors import catalogue, why_unavailable
    from veriscope.settings import Settings

    settings = Settings.from_environment()
    cards = catalogue(settings)
    own = _own(settings)
    rows = [{**card.model_dump(mode="json"), "available": not why_unavailable(card)} for card in cards]
    texts = [_card_text(card, why_unavailable(card)) for card in cards]
    return "\n\n".join([*texts, *(text for text, _ in own)]), rows + [row for _, row in own]


def _own(settings: Settings) -> list[_Entry]:
    """Ensembles, and calibrations on one's own pictures, as text and as data."""
    from veriscope.detectors.hub.ensemble import ensemble_names
    from veriscope.runtime.folders import hub_folder

    try:
        folder = hub_folder(settings)
    except MissingExtra:  # without the extra nothing can have been fitted
        return []
    files = sorted((folder / "calibration").glob("*.toml"))
    return [
        *(_tried(partial(_ensemble, folder, name), name) for name in ensemble_names(folder)),
        *(_tried(partial(_calibration, path), path.stem) for path in files),
    ]


_Entry = tuple[str, dict[str, Any]]
"""One detector as text and as data."""


def _tried(read: Callable[[], _Entry], name: str) -> _Entry:
    """What `read` gives; a damaged file costs one line of the list."""
    try:
        return read()
    except DataError as error:
        return f"{name}\n  available  no: {error}", {"id": name, "available": False, "problem": str(error)}


def _ensemble(folder: Path, name: str) -> _Entry:
    from veriscope.cli.fitted_listing import ensemble_lines
    from veriscope.detectors.hub.ensemble import read_ensemble

    one = read_ensemble(folder, name)
    return "\n".join(ensemble_lines(one)), {"id": one.id, "ensemble": one.model_dump(mode="json")}


def _calibration(path: Path) -> _Entry:
    from veriscope.cli.fitted_listing import calibration_lines
    from veriscope.detectors.hub.calibration import stored_calibration

    one = stored_calibration(path)
    if one is None:
        raise DataError(f"The calibration {path.name} is gone. Run the command again.")
    text = "\n".join([f"{one.detector} {one.version} – your calibration", *calibration_lines(one)])
    return text, {"id": one.detector, "calibration": one.model_dump(mode="json")}


def _well_known() -> _Listing:
    from veriscope.cli.hub_listing import listing, row
    from veriscope.detectors.hub.catalogue import well_known

    return listing(well_known()), [row(card) for card in well_known()]


def _card_text(card: Card, problem: str) -> str:
    measured = card.evidence
    lines = (
        f"{card.id} {card.version} – {card.name}{' (default)' if card.default else ''}",
        f"  {card.summary}",
        f"  task       {card.task}",
        f"  licence    {card.licence}; commercial use {card.commercial_use}: {card.terms}",
        f"  size       {card.weights.bytes / 1e6:.1f} MB",
        f"  measured   {measured.measured}, {measured.real} real and {measured.synthetic} synthetic pictures it never saw",
        f"  finds      AUC {measured.auc:.3f}, EER {measured.eer:.3f}",
        f"             TPR {measured.tpr_at_fpr_1:.1%} at 1 % FPR, {measured.tpr_at_fpr_5:.1%} at 5 % FPR",
        f"  errs       real pictures flagged: {measured.fpr_some:.1%}, above the strict threshold: {measured.fpr_strong:.1%}",
        f"  available  {'no: ' + problem if problem else 'yes'}",
    )
    return "\n".join(lines)
