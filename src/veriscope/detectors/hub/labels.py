"""Which of a model's outputs mean "synthetic or manipulated": by the words of its own labels, never by their order.

One repository name has had both orders, and two models of one author have opposite ones. A wrong guess turns every
answer round, so what the words do not decide is refused.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import ModelError, UnsupportedModel

MAX_CLASSES = 50  # detectors have one to a handful; a classifier of a thousand things is something else

# fmt: off
SYNTHETIC = frozenset((
    "ai", "aigc", "artificial", "cgi", "deepfake", "diffusion", "fabricated", "fake", "faked", "fakes", "faceswap", "forged",
    "forgery", "gan", "machine", "manipulated", "spoof", "spoofed", "swapped", "synthetic", "synthesized", "tampered",
))
REAL = frozenset((
    "authentic", "bonafide", "camera", "genuine", "hum", "human", "natural", "nature", "organic", "original", "photo",
    "photograph", "pristine", "real", "realism", "realistic", "reals", "unaltered", "untampered",
))
# fmt: on
_LEANS_SYNTHETIC = frozenset(("generated", "generative"))  # decides alone, and not against "human" in "human-generated"
_TURNS_ROUND = frozenset(("no", "non", "not", "without", "un", "anti"))  # "not fake" is not worth a guess

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Meaning:
    """What the outputs of a model mean. Of one output: `synthetic` or `real` holds its index, and the other is empty."""

    words: tuple[str, ...]
    synthetic: tuple[int, ...]
    real: tuple[int, ...]

    def logits(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of "synthetic" from (N, classes) outputs before softmax; classes of one side are summed.

        sigmoid(log-odds) is what softmax gives the synthetic classes together; of one output it is its sigmoid.

        Raises:
            ModelError: another number of outputs than labels, or what is not a finite number.
            UnsupportedModel: the outputs are likelihoods already.
        """
        if outputs.ndim != 2 or outputs.shape[1] != len(self.words):
            raise ModelError(
                f"The model gives outputs of shape {outputs.shape[1:]} for {len(self.words)} labels. Its files do not belong "
                "together; ask whoever made it."
            )
        if not np.isfinite(outputs).all():
            raise ModelError("The model gives values that are no numbers. Use weights in full precision, or another model.")
        if len(self.words) == 1:
            return outputs[:, 0] if self.synthetic else -outputs[:, 0]
        if (outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-4):
            raise UnsupportedModel(
                "The model gives likelihoods where scores before the softmax are wanted. Export it without its last layer."
            )
        return _log_sum(outputs[:, list(self.synthetic)]) - _log_sum(outputs[:, list(self.real)])


def read_labels(config: Mapping[str, object]) -> tuple[str, ...]:
    """The label words of a `config.json` in the order of the outputs; `UnsupportedModel` when it has none to rely on."""
    if config.get("problem_type") not in (None, "single_label_classification") and _count(config) != 1:
        raise _refused(f"it is made for {str(config['problem_type'])[:60]}, not to choose one of its labels")
    found = config.get("id2label")
    names = config.get("label_names")
    if isinstance(found, dict) and all(str(number) in found for number in range(len(found))):
        words: list[object] = [found[str(number)] for number in range(len(found))]
    elif isinstance(names, list):
        words = names
    elif _count(config) == 1:
        words = ["LABEL_0"]
    else:
        raise _refused("its config.json has no id2label that numbers them from 0")
    if not 1 <= len(words) <= MAX_CLASSES or not all(isinstance(word, str) and 0 < len(word) <= 100 for word in words):
        raise _refused(f"it has {len(words)} of them, or such as are no words")
    return tuple(cast("list[str]", words))


def meaning_of(words: Sequence[str], synthetic: Collection[str] = (), one_is_synthetic: bool = False) -> Meaning:
    """What labels mean.

    Args:
        words: the labels in the order of the outputs.
        synthetic: labels that a catalogue card calls synthetic; the others are real then. Empty = the words decide.
        one_is_synthetic: whether a card says that a single output rises with "synthetic".

    Raises:
        UnsupportedModel: the words do not decide.
    """
    if len(words) == 1 and one_is_synthetic:
        return Meaning(tuple(words), (0,), ())
    named = {word.casefold() for word in synthetic}
    sides = [word.casefold() in named for word in words] if named else [_is_synthetic(word, words) for word in words]
    found = tuple(number for number, side in enumerate(sides) if side)
    others = tuple(number for number, side in enumerate(sides) if not side)
    if len(words) > 1 and not (found and others):
        raise _refused(f"all of {_shown(words)} mean the same")
    return Meaning(tuple(words), found, others)


def _is_synthetic(word: str, words: Sequence[str]) -> bool:
    parts = {part.casefold() for part in _WORD.findall(unicodedata.normalize("NFKC", word))}
    synthetic, real = bool(parts & SYNTHETIC), bool(parts & REAL)
    if not synthetic and not real:
        synthetic = bool(parts & _LEANS_SYNTHETIC)
    if synthetic == real or parts & _TURNS_ROUND:
        raise _refused(f'"{word[:60]}" of {_shown(words)} does not say whether it means real or synthetic')
    return synthetic


def _count(config: Mapping[str, object]) -> int | None:
    found, count = config.get("id2label"), config.get("num_classes", config.get("num_labels"))
    if isinstance(found, dict):
        return len(found)
    return count if isinstance(count, int) else None


def _log_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    most = values.max(axis=1, keepdims=True)
    total: NDArray[np.float64] = most[:, 0] + np.log(np.exp(values - most).sum(axis=1))
    return total


def _shown(words: Sequence[str]) -> str:
    return ", ".join(f'{number} "{word[:40]}"' for number, word in enumerate(words[:6]))


def _refused(why: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"The labels of the model cannot be understood: {why}. A guess could turn every answer round. Correct id2label in "
        "config.json in a folder of your own, from what its author says, and give the folder."
    )
