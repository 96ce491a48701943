"""Figures from scores, beside those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve

from veriscope.evaluation import metrics

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2])
LABELS = np.array([1, 1, 0, 1, 0, 1, 0])

pictures = some.lists(
    some.tuples(some.integers(-3, 3), some.integers(0, 1), some.floats(0.1, 5.0)), min_size=2, max_size=40
).filter(lambda rows: len({label for _, label, _ in rows}) == 2)


@settings(deadline=None)
@given(pictures)
def test_the_curve_is_that_of_scikit_learn(rows: list[tuple[int, int, float]]) -> None:
    scores, labels, weight = (np.array(column) for column in zip(*rows, strict=True))
    found = metrics.roc(scores.astype(float), labels, weight)
    fpr, tpr, _ = roc_curve(labels, scores, sample_weight=weight, drop_intermediate=False)
    assert np.allclose(found.fpr, fpr)
    assert np.allclose(found.tpr, tpr)
    assert found.auc() == pytest.approx(roc_auc_score(labels, scores, sample_weight=weight))


@settings(deadline=None)
@given(pictures)
def test_weights_stand_for_pictures_drawn_several_times(rows: list[tuple[int, int, float]]) -> None:
    scores, labels, _ = (np.array(column) for column in zip(*rows, strict=True))
    times = np.random.default_rng(0).integers(1, 4, (3, len(rows)))
    together = metrics.roc(scores.astype(float), labels, times.astype(float))
    for number, row in enumerate(times):
        alone = metrics.roc(np.repeat(scores, row).astype(float), np.repeat(labels, row))
        for figure in (metrics.Roc.auc, metrics.Roc.eer, lambda one: one.tpr_at(0.05)):
            assert figure(together)[number] == pytest.approx(float(figure(alone)))


def test_a_perfect_and_a_reversed_detector() -> None:
    labels = np.array([0, 0, 1, 1])
    perfect = metrics.roc(np.array([0.1, 0.2, 0.8, 0.9]), labels)
    assert [float(value) for value in (perfect.auc(), perfect.eer(), perfect.tpr_at(0.01))] == [1, 0, 1]
    reversed_ = metrics.roc(np.array([0.9, 0.8, 0.2, 0.1]), labels)
    assert [float(value) for value in (reversed_.auc(), reversed_.eer(), reversed_.tpr_at(0.01))] == [0, 1, 0]


def test_one_score_for_all_is_chance() -> None:
    found = metrics.roc(np.zeros(10), np.array([0, 1] * 5))
    assert found.auc() == 0.5
    assert found.tpr_at(0.5) == 0  # no threshold flags half of the real pictures: it is all or none


def test_a_rate_that_is_just_reached_counts() -> None:
    labels = np.array([0] * 100 + [1])
    scores = np.concatenate([[0.9], np.zeros(99), [0.5]])
    assert metrics.roc(scores, labels).tpr_at(0.01) == 1
    assert metrics.roc(scores, labels).tpr_at(0.0099) == 0


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_curve(label: int) -> None:
    with pytest.raises(ValueError, match="both classes"):
        metrics.roc(np.array([0.1, 0.2]), np.array([label, label]))


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    flagged = SCORES >= 0.5
    found = metrics.balanced_accuracy(flagged, LABELS, np.ones(len(LABELS)))
    assert found == pytest.approx(balanced_accuracy_score(LABELS, flagged))


def test_the_share_of_nothing_is_no_number() -> None:
    assert np.isnan(metrics.share(np.array([True]), np.zeros(1)))


def test_classes_of_different_size_count_alike() -> None:
    labels = np.array([0] * 9 + [1])
    weight = metrics.balanced(labels)
    assert weight[labels == 0].sum() == pytest.approx(weight[labels == 1].sum())
    assert weight.mean() == pytest.approx(1)


def test_calibration_error_of_a_known_case() -> None:
    probabilities, labels = np.array([0.9, 0.9, 0.1, 0.1]), np.array([1, 0, 0, 0])
    # In the upper bin 0.9 was said and 0.5 was true, in the lower 0.1 and 0: (0.4 + 0.1) / 2.
    assert metrics.expected_calibration_error(probabilities, labels, np.ones(4)) == pytest.approx(0.25)


def test_the_calibration_error_is_what_the_plot_shows() -> None:
    weight = metrics.balanced(LABELS)
    dots = metrics.reliability(SCORES, LABELS, weight)
    drawn = sum(part * abs(said - true) for said, true, part in dots)
    assert metrics.expected_calibration_error(SCORES, LABELS, weight) == pytest.approx(drawn)
    assert sum(part for _, _, part in dots) == pytest.approx(1)


def test_a_logistic_function_without_overflow() -> None:
    assert metrics.sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]
