"""Learned evidence: every detector is a card, and an engine that runs what the card describes."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

from veriscope.domain import Detector
from veriscope.errors import DataError
from veriscope.runtime.plugins import did_you_mean, foreign_cards, packaged
from veriscope.settings import Settings

if TYPE_CHECKING:
    from veriscope.detectors.card import Card
    from veriscope.detectors.hub.reference import Reference


def catalogue(settings: Settings) -> tuple[Card, ...]:
    """Cards of all detectors, ours first; two of one name raise `DataError`. Opens no model and imports no engine."""
    from veriscope.detectors.card import read_card

    paths = packaged("detectors.cards", ".toml")
    if settings.allow_plugins:
        paths += foreign_cards()
    cards: dict[str, Card] = {}
    for card in map(read_card, paths):
        if card.id in cards:
            raise DataError(f'Two installed detectors are called "{card.id}". Uninstall the package that brings the second.')
        cards[card.id] = card
    return tuple(cards.values())


def chosen(settings: Settings) -> tuple[Card | Reference, ...]:
    """What `settings.detectors` names: cards, and references to models from elsewhere; none named = the defaults.

    Opens no model and looks at no network. An unknown name raises `DataError`.
    """
    cards = {card.id: card for card in catalogue(settings)}
    if not settings.detectors:
        return tuple(card for card in cards.values() if card.default)
    found = tuple(_named(name, cards) for name in dict.fromkeys(settings.detectors))
    for one in found:
        if sum(other.id == one.id for other in found) > 1:
            raise DataError(f'Two of the chosen detectors would both be "{one.id}" in the report. Choose one of them.')
    return found


def _named(name: str, cards: dict[str, Card]) -> Card | Reference:
    from veriscope.detectors.hub.reference import Reference, is_reference

    if is_reference(name):
        return Reference.parse(name)
    if name not in cards:
        hint = did_you_mean(name, cards)
        raise DataError(
            f'There is no detector "{name}".{hint} `veriscope detectors` lists all of them; a model of the Hub is written '
            "hf:OWNER/NAME, a folder ./NAME."
        )
    return cards[name]


def why_unavailable(card: Card) -> str:
    """Why a detector cannot run here; empty when it can. Looks for files and packages, and imports none."""
    if importlib.util.find_spec("onnxruntime") is None:
        return "the package onnxruntime is not installed"
    if not card.weights_path.is_file():
        return f"the weights {card.weights.file} are missing; install veriscope again"
    return ""


def load(wanted: Sequence[Card | Reference], settings: Settings) -> tuple[Detector, ...]:
    """Runnable detectors; their weights are opened and verified here. Raises `ModelError` for one that cannot run."""
    return tuple(_loaded(one, settings) for one in wanted)


def _loaded(one: Card | Reference, settings: Settings) -> Detector:
    from veriscope.detectors.hub.reference import Reference

    if isinstance(one, Reference):
        from veriscope.detectors.hub.model import open_model

        return open_model(one, settings)
    from veriscope.detectors.onnx import OnnxDetector

    return OnnxDetector(one, settings.threads)
