"""How one model is run: what it is shown, what its outputs mean, and what a reader must know about that.

Read from the model's own files, and from our catalogue where it knows better. What neither says is refused, or assumed
and said so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from veriscope.detectors.hub.catalogue import ModelCard, known_as
from veriscope.detectors.hub.labels import Meaning, meaning_of, read_labels
from veriscope.detectors.hub.processors import read_recipe, read_timm_recipe
from veriscope.detectors.hub.recipe import MAX_SIDE, Recipe
from veriscope.detectors.hub.repository import Repository
from veriscope.domain import CropRecipe, Finding
from veriscope.errors import UnsupportedModel

CONFIG = "config.json"
OWN_KEY = "veriscope"
"""In `config.json` of a model that `veriscope finetune` made: which task it has, and how a face is cut out for it."""

USUAL_MARGIN = 1.3
"""Of a face model whose training crop nobody published: the most common one among those that are known."""


class _OwnWords(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    task: Literal["scene", "face"]
    margin: Annotated[float, Field(ge=0.5, le=3.0)] = USUAL_MARGIN
    rotate: bool = False
    size: Annotated[int, Field(ge=16, le=MAX_SIDE)] | None = None  # of the crop that the recipe is applied to


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """How one model is run. `crop` None = it looks at whole pictures."""

    recipe: Recipe
    meaning: Meaning
    crop: CropRecipe | None
    notes: tuple[Finding, ...]
    config: Mapping[str, object]

    @property
    def task(self) -> str:
        return "scene" if self.crop is None else "face"


def read_plan(repository: Repository) -> Plan:
    """The plan of a model.

    Raises:
        UnsupportedModel: its files do not say, in a way that is known here, how it is run or what its answer means.
        ModelError: its labels are not those that the catalogue knows for it.
        UnsafeModel, ChecksumMismatch, WeightsUnavailable: a file cannot be used.
    """
    card = known_as(repository.reference.repository) if repository.reference.repository else None
    if card is not None and not card.runs and not any(name.endswith(".onnx") for name in repository.weights):
        instead = f" The same weights can be run from hf:{card.instead}." if card.instead else ""
        raise UnsupportedModel(f"{repository.id} needs program code of its authors, which is never run.{instead}")
    config = repository.read_json(CONFIG) if CONFIG in repository else {}
    recipe = _recipe(repository, config, card)
    crop, notes = _crop(recipe, config, card)
    return Plan(recipe, _meaning(config, card), crop, notes, config)


def _recipe(repository: Repository, config: Mapping[str, object], card: ModelCard | None) -> Recipe:
    if card is not None and card.preprocessing is not None:
        return read_recipe({"image_processor_type": "ViTImageProcessor", **card.preprocessing.processor_config()}, config)
    if "architecture" in config:
        return read_timm_recipe(config)
    if "preprocessor_config.json" in repository:
        return read_recipe(repository.read_json("preprocessor_config.json"), config)
    if "processor_config.json" in repository:
        found = repository.read_json("processor_config.json").get("image_processor")
        if isinstance(found, dict):
            return read_recipe(cast("dict[str, object]", found), config)
    raise UnsupportedModel(
        f"{repository.id} has no preprocessor_config.json, so that nothing says how its pictures were prepared. Add the one it "
        "was trained with to a folder of your own, and give the folder."
    )


def _meaning(config: Mapping[str, object], card: ModelCard | None) -> Meaning:
    if card is None:
        return meaning_of(read_labels(config), one_is_synthetic=OWN_KEY in config)
    one_logit = card.outputs == "logit"
    words = ("synthetic",) if one_logit and not config.get("id2label") else read_labels(config)
    card.check_labels(words)
    return meaning_of(words, card.synthetic, one_is_synthetic=one_logit)


def _crop(
    recipe: Recipe, config: Mapping[str, object], card: ModelCard | None
) -> tuple[CropRecipe | None, tuple[Finding, ...]]:
    """The face crop, if it is a face model, and what had to be assumed."""
    own = _own_words(config)
    if card is not None:
        if card.task == "scene":
            return None, ()
        if card.crop is not None:
            return CropRecipe(_side(recipe), card.crop.margin, card.crop.rotate), ()
        return CropRecipe(_side(recipe), USUAL_MARGIN, rotate=False), (Finding("hub.crop_assumed"),)
    if own is None:
        return None, (Finding("hub.task_assumed"),)
    if own.task == "scene":
        return None, ()
    return CropRecipe(own.size or _side(recipe), own.margin, own.rotate), ()


def _side(recipe: Recipe) -> int:
    """Side of a face crop: what the recipe resizes to, so that it resamples nothing a second time."""
    if recipe.resize:
        return max(recipe.resize)
    return recipe.shorter or max(recipe.size)


def _own_words(config: Mapping[str, object]) -> _OwnWords | None:
    if OWN_KEY not in config:
        return None
    try:
        return _OwnWords.model_validate(config[OWN_KEY])
    except ValidationError:
        raise UnsupportedModel(
            f"What config.json says under {OWN_KEY!r} cannot be read: wanted are task (scene or face) and, for faces, "
            "margin and rotate. Correct it, or fine-tune again."
        ) from None
