"""How `veriscope detectors --hub` shows what is known about models of the Hugging Face Hub."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from veriscope.cli.output import width

if TYPE_CHECKING:
    from veriscope.detectors.hub.catalogue import ModelCard

NOTE = (
    "Use one with --detector hf:OWNER/NAME. None is shipped, and none was measured by Veriscope: claims are its authors', "
    "results somebody else's. A model that is not calibrated neither accuses nor clears."
)
_INDENT = " " * 13


def listing(cards: tuple[ModelCard, ...]) -> str:
    """All cards as text, and what to mind."""
    return "\n\n".join(["\n".join(_card_lines(card)) for card in cards] + [textwrap.fill(NOTE, width())])


def row(card: ModelCard) -> dict[str, object]:
    """A card as data."""
    return {"id": card.id, **card.model_dump(mode="json"), "runs": card.runs}


def outputs(card: ModelCard) -> str:
    """The order of the outputs, and which of them mean synthetic."""
    if card.outputs == "logit":
        return "one number: higher = synthetic"
    if not card.labels:
        return "not known here; read from the repository"
    words = ", ".join(f"{index} {word}" for index, word in enumerate(card.labels))
    return f"{words} (synthetic: {', '.join(word for word in card.labels if word in card.synthetic)})"


def needs(card: ModelCard) -> str:
    """What it takes to run the model."""
    if not card.runs:
        return f"not runnable here: it needs its authors' own code{f'; use {card.instead}' if card.instead else ''}"
    if card.form == "onnx":
        return "extra hf"
    if card.onnx:
        return f"extra hf ({card.onnx})"
    return "extra torch" if card.form in ("transformers", "timm") else "extra hf or torch, by what the repository holds"


def _card_lines(card: ModelCard) -> Iterator[str]:
    yield f"{card.id} – {card.summary}"
    yield f"  task       {card.task}{_crop(card)}"
    yield f"  model      {card.architecture}"
    yield f"  outputs    {outputs(card)}"
    yield f"  needs      {needs(card)}"
    yield f"  licence    {card.licence}; commercial use {card.commercial_use}"
    if card.preprocessing:
        yield _wrapped("input", f"not as the repository says: {card.preprocessing.reason}")
    for claim in card.claims:
        yield _wrapped("claim", f"{claim.says} [{claim.source}]")
    for result in card.results:
        yield _wrapped("result", f"{result.says} [{result.source}]")
    for warning in card.warnings:
        yield _wrapped("beware", warning)


def _crop(card: ModelCard) -> str:
    if card.crop is None:
        return ""
    return f": face cut out with margin {card.crop.margin:g}{', eyes level' if card.crop.rotate else ''}"


def _wrapped(name: str, text: str) -> str:
    first = f"  {name:<11}"
    return textwrap.fill(
        text, width(), initial_indent=first, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )
