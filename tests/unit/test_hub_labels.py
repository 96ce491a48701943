"""Labels are understood by their words or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veriscope.detectors.hub.labels import Meaning, meaning_of, read_labels
from veriscope.errors import ModelError, UnsupportedModel


@pytest.mark.parametrize(
    ("words", "synthetic"),
    [
        (["Real", "Fake"], (1,)),
        (["Fake", "Real"], (0,)),
        (["Realism", "Deepfake"], (1,)),
        (["human", "AI-generated"], (1,)),
        (["human-generated", "ai_generated"], (1,)),
        (["artificial", "human"], (0,)),
        (["ai", "hum"], (0,)),
        (["AI", "Deepfake", "Real"], (0, 1)),
        (["Real Photo", "DeepFake", "AIGenerated"], (1, 2)),
        (["authentic", "machine"], (1,)),
        (["natural image", "generated"], (1,)),
        (["ＲＥＡＬ", "ＦＡＫＥ"], (1,)),
    ],
    ids=str,
)
def test_words_decide(words: list[str], synthetic: tuple[int, ...]) -> None:
    meaning = meaning_of(words)
    assert meaning.synthetic == synthetic
    assert sorted(meaning.synthetic + meaning.real) == list(range(len(words)))


@pytest.mark.parametrize(
    "words",
    [
        ["LABEL_0", "LABEL_1"],
        ["0", "1"],
        ["class a", "class b"],
        ["real", "unknown"],
        ["fake", "deepfake"],
        ["real", "human"],
        ["not fake", "fake"],
        ["non-AI", "AI"],
        ["real or fake", "fake"],
        ["reality", "unreal"],
        ["email", "faker"],
        ["LABEL_0"],
        ["real", "fake", "cat"],
    ],
    ids=str,
)
def test_words_that_do_not_decide_are_refused(words: list[str]) -> None:
    with pytest.raises(UnsupportedModel, match="cannot be understood"):
        meaning_of(words)


def test_a_card_says_which_words_are_synthetic() -> None:
    assert meaning_of(["class A", "class B"], synthetic=["CLASS a"]).synthetic == (0,)
    assert meaning_of(["LABEL_0"], one_is_synthetic=True) == Meaning(("LABEL_0",), (0,), ())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"id2label": {"0": "Fake", "1": "Real"}}, ("Fake", "Real")),
        ({"id2label": {"1": "Real", "0": "Fake"}}, ("Fake", "Real")),
        ({"num_classes": 2, "label_names": ["real", "ai"]}, ("real", "ai")),
        ({"num_classes": 1}, ("LABEL_0",)),
        ({"id2label": {"0": "fake"}, "problem_type": "regression"}, ("fake",)),
    ],
)
def test_labels_come_in_the_order_of_the_outputs(config: dict[str, Any], words: tuple[str, ...]) -> None:
    assert read_labels(config) == words


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"id2label": {"0": "Fake", "2": "Real"}},
        {"id2label": {"a": "Fake", "b": "Real"}},
        {"id2label": {"0": "Fake", "1": 7}},
        {"id2label": {"0": "Fake", "1": "x" * 1000}},
        {"id2label": {str(number): "fake" for number in range(1000)}},
        {"id2label": {}},
        {"id2label": ["Fake", "Real"]},
        {"id2label": {"0": "Fake", "1": "Real"}, "problem_type": "multi_label_classification"},
        {"num_classes": 2},
    ],
    ids=lambda config: str(config)[:40],
)
def test_labels_that_cannot_be_relied_on_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedModel, match="cannot be understood"):
        read_labels(config)


def softmax(scores: list[float]) -> list[float]:
    powers = np.exp(np.array(scores) - max(scores))
    return [float(value) for value in powers / powers.sum()]


@pytest.mark.parametrize("scores", [[0.3, -1.2, 2.0], [0.0, 0.0, 0.0], [-5.0, 3.0, 3.0], [800.0, -800.0, 0.0]])
def test_three_classes_are_summed(scores: list[float]) -> None:
    logit = meaning_of(["AI", "Real", "Deepfake"]).logits(np.array([scores]))[0]
    real = softmax(scores)[1]
    assert 1 / (1 + np.exp(-np.clip(logit, -700, 700))) == pytest.approx(1 - real, abs=1e-12)


def test_one_output_is_the_logit_of_what_its_word_says() -> None:
    outputs = np.array([[1.5], [-0.5]])
    assert meaning_of(["fake"]).logits(outputs).tolist() == [1.5, -0.5]
    assert meaning_of(["real"]).logits(outputs).tolist() == [-1.5, 0.5]


@pytest.mark.parametrize(
    ("outputs", "error", "why"),
    [
        ([[0.1, 0.2, 0.3]], ModelError, "for 2 labels"),
        ([[float("nan"), 0.2]], ModelError, "no numbers"),
        ([[float("inf"), 0.2]], ModelError, "no numbers"),
        ([[0.25, 0.75], [0.5, 0.5]], UnsupportedModel, "likelihoods"),
    ],
)
def test_outputs_that_mean_nothing_are_refused(outputs: list[list[float]], error: type[ModelError], why: str) -> None:
    with pytest.raises(error, match=why):
        meaning_of(["real", "fake"]).logits(np.array(outputs))
