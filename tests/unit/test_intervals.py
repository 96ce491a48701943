"""How far figures may be off."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.evaluation import intervals, metrics


@pytest.mark.parametrize(
    ("share", "count", "low", "high"),
    [
        pytest.param(0.5, 10, 0.269, 0.731, id="half of ten"),
        pytest.param(0.0, 10, 0.0, 0.213, id="none of ten"),
        pytest.param(1.0, 300, 0.991, 1.0, id="all of three hundred"),
        pytest.param(0.3, 0, 0.0, 1.0, id="nothing seen"),
    ],
)
def test_interval_of_a_share(share: float, count: int, low: float, high: float) -> None:
    assert intervals.wilson(share, count) == pytest.approx((low, high), abs=5e-4)


def test_no_error_in_few_pictures_is_not_certainty() -> None:
    low, high = intervals.area(1.0, 5, 5)
    assert low < 0.85
    assert high == 1.0
    assert intervals.area(1.0, 500, 500)[0] > 0.99


@pytest.mark.parametrize("auc", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_the_interval_of_an_area_holds_it_and_stays_possible(auc: float) -> None:
    low, high = intervals.area(auc, 30, 20)
    assert 0 <= low <= auc <= high <= 1
    assert high - low > 0.05


def test_an_area_without_a_class_can_be_anything() -> None:
    assert intervals.area(0.7, 0, 10) == (0.0, 1.0)


def test_the_mean_of_two_shares() -> None:
    low, high = intervals.mean_of_shares(0.9, 50, 0.8, 50)
    assert low < 0.85 < high
    assert high - low < intervals.wilson(0.8, 50)[1] - intervals.wilson(0.8, 50)[0]


def test_each_class_keeps_its_size_in_every_sample() -> None:
    labels = np.array([0] * 7 + [1] * 3)
    drawn = np.concatenate(list(intervals.resampled(labels, intervals.units(labels, [""] * 10), 50)))
    assert drawn.shape == (50, 10)
    assert (drawn[:, labels == 0].sum(axis=1) == 7).all()
    assert (drawn[:, labels == 1].sum(axis=1) == 3).all()
    assert len(np.unique(drawn, axis=0)) > 40


def test_pictures_of_a_group_are_drawn_together() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    unit = intervals.units(labels, ["a", "a", "", "a", "b", "b"])
    assert unit[0] == unit[1] != unit[2]
    assert unit[0] != unit[3], "a group of both classes is drawn within each"
    drawn = np.concatenate(list(intervals.resampled(labels, unit, 20)))
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 4] == drawn[:, 5]).all()


def test_samples_are_the_same_every_time() -> None:
    labels = np.array([0, 1] * 5)
    unit = intervals.units(labels, [""] * 10)
    first, second = (np.concatenate(list(intervals.resampled(labels, unit, 10))) for _ in range(2))
    assert (first == second).all()


def test_large_sets_are_drawn_in_parts() -> None:
    labels = np.array([0, 1] * 15_000)
    parts = list(intervals.resampled(labels, intervals.units(labels, [""] * 30_000), 100))
    assert len(parts) > 1
    assert sum(len(part) for part in parts) == 100


def test_samples_without_a_figure_are_left_out() -> None:
    assert intervals.percentiles(np.array([np.nan, 0.4, 0.4])) == (0.4, 0.4)
    assert intervals.percentiles(np.array([np.nan])) == (0.0, 1.0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 200 sets of 25 + 25 pictures from a known detector (AUC 0.7602), nine of ten intervals hold its area."""
    chance = np.random.default_rng(1)
    labels = np.array([0] * 25 + [1] * 25)
    unit = intervals.units(labels, [""] * 50)
    truth, held = 0.7602, 0  # Φ(1 / √2)
    for _ in range(200):
        scores = chance.normal(0, 1, 50) + labels
        drawn = np.concatenate([metrics.roc(scores, labels, part).auc() for part in intervals.resampled(labels, unit, 200)])
        auc = float(metrics.roc(scores, labels).auc())
        low, high = intervals.widened(intervals.percentiles(drawn), intervals.area(auc, 25, 25))
        held += low <= truth <= high
    assert 0.85 <= held / 200 <= 0.98
