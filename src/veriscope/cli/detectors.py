"""`veriscope detectors`: what can judge, and how often each one errs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from veriscope.cli.output import Format, to_standard_output

if TYPE_CHECKING:
    from veriscope.detectors.card import Card


def detectors(
    output_format: Annotated[Format, typer.Option("--format", help="text, json or jsonl.")] = Format.TEXT,
) -> None:
    """List detectors with their measured error rates. Opens no model."""
    from veriscope.detectors import catalogue, why_unavailable
    from veriscope.settings import Settings

    cards = catalogue(Settings.from_environment())
    if output_format is Format.TEXT:
        to_standard_output("\n\n".join(_card_text(card, why_unavailable(card)) for card in cards) + "\n")
        return
    rows = [{**card.model_dump(mode="json"), "available": not why_unavailable(card)} for card in cards]
    if output_format is Format.JSON:
        to_standard_output(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        to_standard_output("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


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
