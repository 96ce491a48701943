"""Learned evidence: every detector is a card, and an engine that runs what the card describes."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from veriscope.domain import Detector
from veriscope.errors import DataError
from veriscope.runtime.plugins import did_you_mean, foreign_cards, packaged
from veriscope.settings import Settings

if TYPE_CHECKING:
    from veriscope.detectors.card import Card
    from veriscope.detectors.hub.calibration import FittedCalibration
    from veriscope.detectors.hub.ensemble import Ensemble
    from veriscope.detectors.hub.reference import Reference

    Choice: TypeAlias = Card | Reference | Ensemble

ENSEMBLE = "ensemble:"
"""How the name of an ensemble begins."""


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


def chosen(settings: Settings) -> tuple[Choice, ...]:
    """What `settings.detectors` names: cards, references to models from elsewhere, ensembles; none named = the defaults.

    A member that is named beside its ensemble is asked within it only: it is no second opinion. Opens no model and looks at
    no network. An unknown name, and `settings.use_calibration` without a calibration, raise `DataError`.
    """
    cards = {card.id: card for card in catalogue(settings)}
    names = tuple(dict.fromkeys(settings.detectors)) or tuple(card.id for card in cards.values() if card.default)
    found = [_named(name, cards, settings) for name in names]
    for one in found:
        if sum(other.id == one.id for other in found) > 1:
            raise DataError(f'Two of the chosen detectors would both be "{one.id}" in the report. Choose one of them.')
    together = [cast("Ensemble", one) for one in found if one.id.startswith(ENSEMBLE)]
    inside = {member.detector for one in together for member in one.members}
    return tuple(one for one in found if one.id not in inside)


def _named(name: str, cards: dict[str, Card], settings: Settings) -> Choice:
    from veriscope.detectors.hub.reference import Reference, is_reference

    if name.startswith(ENSEMBLE):
        from veriscope.detectors.hub.ensemble import read_ensemble
        from veriscope.runtime.folders import hub_folder

        return read_ensemble(hub_folder(settings), name.removeprefix(ENSEMBLE))
    if is_reference(name):
        return Reference.parse(name)
    if name not in cards:
        hint = did_you_mean(name, cards)
        raise DataError(
            f'There is no detector "{name}".{hint} `veriscope detectors` lists all of them; a model of the Hub is written '
            "hf:OWNER/NAME, a folder ./NAME."
        )
    _own_calibration(cards[name], settings)  # one that is wanted and missing is said before any model is opened
    return cards[name]


def _own_calibration(card: Card, settings: Settings) -> FittedCalibration | None:
    """The user's own calibration of one of our detectors, if the settings want it; it is never taken unasked."""
    if not settings.use_calibration:
        return None
    from veriscope.detectors.hub.calibration import read_calibration
    from veriscope.runtime.folders import hub_folder

    found = read_calibration(hub_folder(settings), card.id, card.pinned_version)
    if found is None:
        raise DataError(
            f"There is no calibration of your own for {card.id} {card.version}. Make one with "
            f"`veriscope calibrate … --detector {card.id}`, or name the detectors that have one with --detector."
        )
    return found


def why_unavailable(card: Card) -> str:
    """Why a detector cannot run here; empty when it can. Looks for files and packages, and imports none."""
    if importlib.util.find_spec("onnxruntime") is None:
        return "the package onnxruntime is not installed"
    if not card.weights_path.is_file():
        return f"the weights {card.weights.file} are missing; install veriscope again"
    return ""


def load(wanted: Sequence[Choice], settings: Settings) -> tuple[Detector, ...]:
    """Runnable detectors; their weights are opened and verified here. Raises `ModelError` for one that cannot run."""
    return tuple(_loaded(one, settings) for one in wanted)


def _loaded(one: Choice, settings: Settings) -> Detector:
    from veriscope.detectors.card import Card
    from veriscope.detectors.hub.reference import Reference

    if isinstance(one, Reference):
        from veriscope.detectors.hub.model import open_model

        return open_model(one, settings)
    if isinstance(one, Card):
        from veriscope.detectors.onnx import OnnxDetector

        return OnnxDetector(one, settings.threads, _own_calibration(one, settings))
    return _together(one, settings)


def with_members(models: Sequence[Detector]) -> tuple[Detector, ...]:
    """The detectors, and those that speak within an ensemble: everything whose weights had a part in a report."""
    from veriscope.detectors.hub.ensemble import EnsembleDetector

    members = (member for model in models if isinstance(model, EnsembleDetector) for member in model.members)
    return (*models, *members)


def _together(one: Ensemble, settings: Settings) -> Detector:
    """An ensemble over its members, whose raw answers it calibrates itself."""
    from veriscope.detectors.hub.ensemble import EnsembleDetector

    names = tuple(member.reference for member in one.members)
    raw = dataclasses.replace(settings, detectors=names, use_calibration=False)
    return EnsembleDetector(one, load(chosen(raw), raw))
