"""What a fine-tuning begins with: a model of the Hub, a folder, or one of the embedded detectors. Opens no network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from veriscope import detectors
from veriscope.detectors.card import Card
from veriscope.detectors.hub.catalogue import ModelCard, well_known
from veriscope.detectors.hub.labels import meaning_of, read_labels
from veriscope.detectors.hub.licences import Licence
from veriscope.detectors.hub.processors import read_recipe
from veriscope.detectors.hub.recipe import Recipe
from veriscope.detectors.hub.reference import HUB, Reference, is_reference
from veriscope.detectors.hub.repository import Repository, open_repository
from veriscope.errors import DataError, UnsupportedModel
from veriscope.settings import Settings
from veriscope.training.plan import EMBEDDED, Plan, Task
from veriscope.training.view import View, unsquashed

OWN_KEY = "veriscope"
"""What fine-tuning adds to config.json: the task, and how a face is cut out."""

_HALF = (0.5, 0.5, 0.5)
_USE: dict[str, Literal["yes", "no", "unclear"]] = {"yes": "yes", "no": "no", "unclear": "unclear"}


@dataclasses.dataclass(frozen=True, slots=True)
class Base:
    """A model to go on from. Exactly one of `repository` and `card` is set."""

    name: str  # as the user wrote it, without the path of a folder
    commit: str  # which files it is
    licence: Licence
    view: View
    synthetic: frozenset[int] | None  # which of its outputs mean synthetic; None = a new last layer
    outputs: int  # how many outputs it has
    repository: Repository | None = None
    card: Card | None = None
    terms: str = ""  # of the data it was trained on, as far as is known

    @property
    def weights_bytes(self) -> int:
        """Size of its weights."""
        if self.repository is None:
            return self.card.weights.bytes if self.card else 0
        return sum(file.size for name, file in self.repository.files.items() if name.endswith(".safetensors"))


def read_base(plan: Plan, settings: Settings) -> Base:
    """What is known about the base before its weights are opened.

    Raises:
        DataError: there is no such base.
        ModelError: it cannot be had, or not be run safely, or its labels do not say what they mean.
    """
    if plan.base.startswith(EMBEDDED):
        return _embedded(plan.base.removeprefix(EMBEDDED), settings)
    if not is_reference(plan.base):
        raise DataError(
            f'"{plan.base}" names no base. Write hf:OWNER/NAME, a folder as ./my-model, embedded:face or embedded:scene.'
        )
    return _from_repository(open_repository(Reference.parse(plan.base), settings), plan)


def _embedded(name: str, settings: Settings) -> Base:
    cards = {card.id: card for card in detectors.catalogue(dataclasses.replace(settings, allow_plugins=False))}
    if name not in cards:
        raise DataError(f'There is no embedded detector "{name}". Write {" or ".join(EMBEDDED + known for known in sorted(cards))}.')
    card = cards[name]
    side = card.input.size
    recipe = Recipe(shorter=side, resample=3, crop=(side, side), mean=_HALF, std=_HALF)
    view = View(card.task, recipe, card.input.margin, card.input.rotate)
    licence = Licence(name=card.licence, commercial_use=card.commercial_use)
    base = Base(EMBEDDED + name, f"sha256:{card.weights.sha256}", licence, view, frozenset({0}), 1, card=card, terms=card.terms)
    return base


def _from_repository(repository: Repository, plan: Plan) -> Base:
    if not any(name.endswith(".safetensors") for name in repository.files):
        raise UnsupportedModel(
            f"{repository.reference} has no safetensors, and ONNX cannot be trained. Choose a base with model.safetensors; of a model "
            "of the Hub that has both, download the safetensors into a folder and give the folder."
        )
    config = repository.read_json("config.json")
    card = _card_of(repository)
    view = _view(repository, config, card, plan)
    synthetic, outputs = (None, 0) if plan.new_head else _meaning(config, card, repository)
    name = str(repository.reference) if repository.reference.folder is None else repository.id
    return Base(name, repository.commit, repository.licence, view, synthetic, outputs, repository)


def _card_of(repository: Repository) -> ModelCard | None:
    name = repository.reference.repository
    return next((card for card in well_known() if card.repository == name), None) if name else None


def _meaning(config: Mapping[str, object], card: ModelCard | None, repository: Repository) -> tuple[frozenset[int], int]:
    try:
        words = read_labels(config)
        if card is not None:
            card.check_labels(words)
        own = isinstance(config.get(OWN_KEY), dict)
        said = card.synthetic if card else ()
        meaning = meaning_of(words, said, one_is_synthetic=own or (card is not None and card.outputs == "logit"))
    except UnsupportedModel as error:
        raise UnsupportedModel(f"{error} To begin with a new last layer instead, add --new-head.") from error
    if len(words) > 2:
        raise UnsupportedModel(
            f"{repository.reference} tells {len(words)} classes apart, and fine-tuning makes two of them. Add --new-head to "
            "begin with a new last layer."
        )
    return frozenset(meaning.synthetic), len(words)


def _view(repository: Repository, config: Mapping[str, object], card: ModelCard | None, plan: Plan) -> View:
    if card is not None and card.preprocessing is not None:
        processor: Mapping[str, object] = {**card.preprocessing.processor_config(), "image_processor_type": "BitImageProcessor"}
    else:
        processor = _processor(repository)
    recipe = read_recipe(processor, config)
    if recipe.size[0] != recipe.size[1]:
        raise UnsupportedModel(f"{repository.reference} looks at rectangles, and fine-tuning needs squares. Choose another base.")
    recipe = unsquashed(recipe)
    own = config.get(OWN_KEY)
    if isinstance(own, dict):
        return _own_view(cast(Mapping[str, object], own), recipe, plan)
    if card is not None and plan.task is None:
        margin = card.crop.margin if card.crop else View.__dataclass_fields__["margin"].default
        return View(card.task, recipe, margin, card.crop.rotate if card.crop else True)
    return View(plan.task or "scene", recipe)


def _own_view(own: Mapping[str, object], recipe: Recipe, plan: Plan) -> View:
    task, margin, rotate = own.get("task"), own.get("margin", 1.3), own.get("rotate", True)
    if task not in ("face", "scene") or not isinstance(margin, int | float) or not isinstance(rotate, bool):
        raise UnsupportedModel("The key veriscope in config.json is damaged. Fine-tune the base again, or remove the key.")
    if not 0.5 <= margin <= 3.0:
        raise UnsupportedModel(f"The key veriscope in config.json has the margin {margin}, not one from 0.5 to 3. Correct it.")
    return View(plan.task or cast(Task, task), recipe, float(margin), rotate)


def _processor(repository: Repository) -> Mapping[str, object]:
    if "preprocessor_config.json" in repository:
        return repository.read_json("preprocessor_config.json")
    if "processor_config.json" in repository:
        found = repository.read_json("processor_config.json").get("image_processor")
        if isinstance(found, dict):
            return cast(Mapping[str, object], found)
    raise UnsupportedModel(
        f"{repository.reference} does not say how pictures are prepared (no preprocessor_config.json). Ask its author, or add the "
        "file in a folder of your own."
    )


def own_key(view: View) -> dict[str, object]:
    """What the result's config.json says for this package."""
    face = {"margin": view.margin, "rotate": view.rotate, "size": view.size} if view.task == "face" else {}
    return {"format": 1, "task": view.task, **face}


def folder_name(path: Path) -> str:
    """The name of a folder of the user's, without what lies above it."""
    return path.resolve().name
