"""What a fine-tuning begins with: a model of the Hub, a folder, or one of the embedded detectors. Opens no network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from veriscope import detectors
from veriscope.detectors.card import Card
from veriscope.detectors.hub.licences import Licence
from veriscope.detectors.hub.plan import OWN_KEY, read_plan
from veriscope.detectors.hub.processors import read_recipe
from veriscope.detectors.hub.recipe import Recipe
from veriscope.detectors.hub.reference import Reference, is_reference
from veriscope.detectors.hub.repository import Repository, open_repository
from veriscope.domain import CropRecipe, Finding
from veriscope.errors import DataError, UnsupportedModel
from veriscope.settings import Settings
from veriscope.training.plan import EMBEDDED, Plan, Task
from veriscope.training.view import View, unsquashed

__all__ = ["OWN_KEY", "Base", "own_key", "read_base"]

_HALF = (0.5, 0.5, 0.5)
_LOOKS = {"face": "faces", "scene": "whole pictures"}


@dataclasses.dataclass(frozen=True, slots=True)
class Base:
    """A model to go on from. Exactly one of `repository` and `card` is set."""

    name: str  # as the user wrote it, without the path of a folder
    commit: str  # which files it is
    licence: Licence
    view: View
    synthetic: frozenset[int] | None  # which of its outputs mean synthetic; None = a new last layer
    outputs: int  # how many it has
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
        raise DataError(
            f'There is no embedded detector "{name}". Write {" or ".join(EMBEDDED + known for known in sorted(cards))}.'
        )
    card = cards[name]
    side = card.input.size
    recipe = Recipe(shorter=side, resample=3, crop=(side, side), mean=_HALF, std=_HALF)
    view = View(card.task, recipe, card.input.margin, card.input.rotate)
    licence = Licence(name=card.licence, commercial_use=card.commercial_use)
    return Base(EMBEDDED + name, f"sha256:{card.weights.sha256}", licence, view, frozenset({0}), 1, card=card, terms=card.terms)


def _from_repository(repository: Repository, plan: Plan) -> Base:
    if not any(name.endswith(".safetensors") for name in repository.files):
        raise UnsupportedModel(
            f"{repository.reference} has no safetensors here, and ONNX cannot be trained. Of a Hub model that has both, "
            "`veriscope models add hf:OWNER/NAME --all-weights` pins them; otherwise choose another base."
        )
    if plan.new_head:
        view, synthetic, outputs = _view_alone(repository, plan), None, _outputs(repository)
    else:
        try:
            found = read_plan(repository)
        except UnsupportedModel as error:
            raise UnsupportedModel(f"{error} To begin with a new last layer instead, add --new-head.") from error
        if len(found.meaning.words) > 2:
            raise UnsupportedModel(
                f"{repository.reference} tells {len(found.meaning.words)} classes apart, and fine-tuning makes two of them. "
                "Add --new-head to begin with a new last layer."
            )
        view = _view(repository, found.recipe, found.crop, found.notes, plan)
        synthetic, outputs = frozenset(found.meaning.synthetic), len(found.meaning.words)
    name = str(repository.reference) if repository.reference.folder is None else repository.id
    return Base(name, repository.commit, repository.licence, view, synthetic, outputs, repository)


def _view(repository: Repository, recipe: Recipe, crop: CropRecipe | None, notes: Sequence[Finding], plan: Plan) -> View:
    """What an analysis with the base would look at, or what the user says where nothing is known."""
    if recipe.size[0] != recipe.size[1]:
        raise UnsupportedModel(
            f"{repository.reference} looks at rectangles, and fine-tuning needs squares. Choose another base."
        )
    recipe = unsquashed(recipe)
    task: Task = "scene" if crop is None else "face"
    if plan.task is not None and plan.task != task and not notes:
        raise DataError(f"{repository.reference} is known to look at {_LOOKS[task]}. Leave --task out.")
    if crop is not None:
        return View("face", recipe, crop.margin, crop.rotate)
    return View(plan.task or "scene", recipe)


def _view_alone(repository: Repository, plan: Plan) -> View:
    """Of a base whose labels nobody asks about."""
    if "preprocessor_config.json" not in repository:
        raise UnsupportedModel(
            f"{repository.reference} does not say how pictures are prepared (no preprocessor_config.json). Choose another "
            "base, or add the file in a folder of your own."
        )
    config = repository.read_json("config.json")
    recipe = read_recipe(repository.read_json("preprocessor_config.json"), config)
    return _view(repository, recipe, None, (Finding("hub.task_assumed"),), plan)


def _outputs(repository: Repository) -> int:
    config = repository.read_json("config.json")
    labels, count = config.get("id2label"), config.get("num_classes", config.get("num_labels", 2))
    return len(labels) if isinstance(labels, dict) else count if isinstance(count, int) else 2


def own_key(view: View) -> dict[str, object]:
    """What the result's config.json says for this package."""
    face = {"margin": view.margin, "rotate": view.rotate, "size": view.size} if view.task == "face" else {}
    return {"format": 1, "task": view.task, **face}
