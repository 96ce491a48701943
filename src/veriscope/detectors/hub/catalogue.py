"""What is known about well-known models of the Hugging Face Hub: one TOML file for each, in `catalogue/`.

Nothing here comes from running a model. A card repeats what the authors publish (as claims), what others measured (as
results, with their source), and what went wrong for people who used the model. What is not known is left out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from veriscope.errors import DataError, ModelError
from veriscope.runtime.plugins import packaged

Text = Annotated[str, Field(min_length=1)]
Link = Annotated[str, Field(pattern=r"^https://\S+$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FaceCrop(_Part):
    """The crop that the model was trained with: side of the square over the longer side of the face's box."""

    margin: Annotated[float, Field(ge=0.5, le=3.0)]
    rotate: bool  # turned until the eyes lie level


class Preprocessing(_Part):
    """Replaces the repository's own settings, which are known to be wrong; `reason` says how, `source` says who knows.

    The shorter side is scaled to `shortest_edge`, then the centre is cut out: the sides keep their ratio.
    """

    shortest_edge: Annotated[int, Field(ge=32, le=2048)]
    crop: Annotated[int, Field(ge=32, le=2048)]
    resample: Literal["bilinear", "bicubic", "lanczos"]
    mean: tuple[float, float, float]  # of values from 0 to 1
    std: tuple[float, float, float]
    reason: Text
    source: Link

    def processor_config(self) -> dict[str, object]:
        """The same as the content of a `preprocessor_config.json`, whose filters are Pillow's numbers."""
        return {
            "do_resize": True,
            "size": {"shortest_edge": self.shortest_edge},
            "resample": {"bilinear": 2, "bicubic": 3, "lanczos": 1}[self.resample],
            "do_center_crop": True,
            "crop_size": {"height": self.crop, "width": self.crop},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
        }


class Figure(_Part):
    """A number that somebody published, in words, and where."""

    says: Text
    source: Link


class ModelCard(_Part):
    """All that is known about one repository."""

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]
    summary: Text
    task: Literal["scene", "face"]
    crop: FaceCrop | None = None  # None for a face model: not published
    architecture: Text
    outputs: Literal["classes", "logit"]  # logit: one number, sigmoid of it = P(synthetic)
    labels: tuple[Text, ...] = ()  # words in their published order; empty = not known here, read from the repository
    earlier_labels: tuple[tuple[Text, ...], ...] = ()  # other orders that revisions of the same repository have
    synthetic: tuple[Text, ...] = ()  # which of the words mean "made or changed by a machine"
    form: Literal["transformers", "timm", "onnx", "own code", "unknown"]
    onnx: str | None = None  # a file of the repository
    instead: str | None = None  # a repository with the same weights that can be run here
    preprocessing: Preprocessing | None = None
    licence: Text
    commercial_use: Literal["yes", "no", "unclear"]
    claims: tuple[Figure, ...] = ()
    results: tuple[Figure, ...] = ()
    warnings: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = {word for words in (self.labels, *self.earlier_labels) for word in words}
        if self.outputs == "logit" and known:
            raise ValueError("a model with one logit has no label words")
        if not set(self.synthetic) <= known or (known and not self.synthetic):
            raise ValueError("`synthetic` must name some of the label words, and no others")
        if any(set(words) <= set(self.synthetic) for words in (self.labels, *self.earlier_labels) if words):
            raise ValueError("some label word must mean real")
        if self.crop is not None and self.task != "face":
            raise ValueError("only a face model has a crop")
        return self

    @property
    def id(self) -> str:
        """As it is named on the command line and in reports."""
        return f"hf:{self.repository}"

    @property
    def runs(self) -> bool:
        """Whether it can be run without code of its authors, as far as is known."""
        return self.form != "own code"

    def check_labels(self, published: Sequence[str]) -> None:
        """Raises `ModelError` when a repository's label words, in their order, are not those that the card knows.

        A name on the Hub can hold another model tomorrow; one has, with the labels the other way round.
        """
        if self.outputs == "logit":
            if len(published) > 1:
                raise ModelError(self._other_labels(published, "one output without a label"))
            return
        orders = [words for words in (self.labels, *self.earlier_labels) if words]
        if orders and _folded(published) not in [_folded(words) for words in orders]:
            raise ModelError(self._other_labels(published, " or ".join(_shown(words) for words in orders)))

    def _other_labels(self, published: Sequence[str], known: str) -> str:
        return (
            f"{self.repository} names its outputs {_shown(published)}; known for this repository is {known}. It may hold "
            "another model now: name the revision that you trust (hf:OWNER/NAME@REVISION), or use another model."
        )


def _folded(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.casefold() for word in words)


def _shown(words: Sequence[str]) -> str:
    return ", ".join(f'{index} "{word}"' for index, word in enumerate(words))


@cache
def well_known() -> tuple[ModelCard, ...]:
    """All cards, in the order of their repositories' names. Reads our files only: no network, no model."""
    cards = [read_model_card(path) for path in packaged("detectors.hub.catalogue", ".toml")]
    return tuple(sorted(cards, key=lambda card: card.repository.casefold()))


def known_as(repository: str) -> ModelCard | None:
    """The card of OWNER/NAME, whose case the Hub does not mind; None when nothing is known."""
    return _by_name().get(repository.casefold())


@cache
def _by_name() -> Mapping[str, ModelCard]:
    return {card.repository.casefold(): card for card in well_known()}


def read_model_card(path: Path) -> ModelCard:
    """The card in a file; `DataError` says what is wrong with it."""
    try:
        return ModelCard(**tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise DataError(f"The model card {path.name} is invalid: {error}. Correct the file or remove it.") from error
