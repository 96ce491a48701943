"""Platt scaling, thresholds and calibrations against known truth."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from veriscope.detectors.hub.calibration import (
    NEVER,
    FittedCalibration,
    calibration_path,
    needed,
    read_calibration,
    supported_rate,
    write_calibration,
)
from veriscope.errors import DataError
from veriscope.evaluation import fit
from veriscope.evaluation.calibrated import Sample, calibrated, parts_of_groups
from veriscope.evaluation.metrics import sigmoid

TODAY = date(2026, 1, 1)


def made(
    real: int, synthetic: int, gap: float = 2.0, scale: float = 1.0, shift: float = 0.0, seed: int = 0, groups: int = 0
) -> Sample:
    """Logits whose log-odds are known: two normal classes `gap` apart, so that a = gap / scale, b = −a × shift."""
    chance = np.random.default_rng(seed)
    labels = np.array([0] * real + [1] * synthetic, np.int64)
    logits = shift + scale * (chance.normal(size=len(labels)) + gap * (labels - 0.5))
    names = tuple(f"{place % groups}" if groups else "" for place in range(len(labels)))
    return Sample(logits, labels, names, ("",) * len(labels))


def test_platt_restores_known_numbers() -> None:
    sample = made(4000, 4000, gap=2.0, scale=0.5, shift=3.0)
    a, b = fit.platt(sample.logits, sample.labels)
    assert a == pytest.approx(4.0, rel=0.05)
    assert b == pytest.approx(-12.0, rel=0.05)


@pytest.mark.parametrize("sizes", [(300, 300), (50, 900)], ids=["balanced", "one-sided"])
def test_platt_agrees_with_an_independent_implementation(sizes: tuple[int, int]) -> None:
    sample = made(*sizes)
    weight = np.random.default_rng(1).random(sum(sizes)) + 0.1
    other = LogisticRegression(C=1e4, tol=1e-10, max_iter=1000).fit(sample.logits[:, None], sample.labels, sample_weight=weight)
    found = fit.platt(sample.logits, sample.labels, weight)
    assert found == pytest.approx((float(other.coef_[0, 0]), float(other.intercept_[0])), rel=1e-4, abs=1e-6)


def test_few_pictures_without_an_error_do_not_make_certain() -> None:
    logits, labels = np.array([-40.0] * 50 + [40.0] * 50), np.array([0] * 50 + [1] * 50, np.int64)
    a, b = fit.platt(logits, labels, smoothed=True)
    assert float(sigmoid(np.array(40.0 * a + b))) == pytest.approx(51 / 52, abs=1e-3)


def test_a_bound_keeps_a_reversed_feature_at_zero() -> None:
    sample = made(500, 500)
    features = np.column_stack([sample.logits, -made(500, 500, seed=1).logits])
    weights = fit.logistic(features, sample.labels.astype(float), np.ones(1000), np.array([1e-3, 1e-3, 0.0]), lowest=0.0)
    alone = fit.platt(sample.logits, sample.labels, np.ones(1000))
    assert weights[1] == 0.0
    assert weights[0] == pytest.approx(alone[0], rel=1e-3)


def test_a_threshold_keeps_its_rate_in_every_kind() -> None:
    chance = np.random.default_rng(0)
    scores = np.concatenate([chance.uniform(0, 0.6, 900), chance.uniform(0.3, 0.9, 100)])
    kinds = ["photo"] * 900 + ["scan"] * 100
    for rate, threshold in fit.curve(fit.parts_of(scores, kinds, np.ones(1000)), (0.2, 0.05, 0.01)):
        assert (scores >= threshold).mean() <= rate
        assert (scores[900:] >= threshold).mean() <= fit.WORST_KIND * rate


def test_a_calibration_restores_the_truth_and_keeps_its_rates_on_new_pictures() -> None:
    found = calibrated(made(1000, 1000, gap=2.5, scale=2.0, shift=-1.0), "made", "1", TODAY)
    assert found.a == pytest.approx(1.25, rel=0.15)
    assert found.b == pytest.approx(1.25, rel=0.15)
    new = made(4000, 4000, gap=2.5, scale=2.0, shift=-1.0, seed=9)
    points = found.operating_points(1)
    probabilities = np.array([found.opinion(float(logit)).probability for logit in new.logits])
    real = probabilities[new.labels == 0]
    assert (real >= points.some).mean() < 0.035
    assert (real >= points.strong).mean() < 0.015
    assert 0 < points.clear < points.some < points.strong < NEVER
    assert found.measured.ece < 0.05
    assert found.measured.fpr_some == pytest.approx(0.02, abs=0.01)


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        pytest.param(made(49, 400), "judged 49 real and 400 synthetic pictures.*Add 1 real", id="few real"),
        pytest.param(made(400, 12), "Add 38 synthetic", id="few synthetic"),
        pytest.param(made(400, 0), "Add 50 synthetic", id="one-sided"),
        pytest.param(made(200, 200, groups=8), "only 8 independent groups", id="few people"),
        pytest.param(made(200, 200, gap=0.0), "cannot be told from chance", id="chance"),
        pytest.param(made(200, 200, gap=-2.0), "wrong way round", id="reversed"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_with_numbers(sample: Sample, said: str) -> None:
    with pytest.raises(DataError, match=said):
        calibrated(sample, "made", "1", TODAY)


def test_equal_answers_are_chance() -> None:
    sample = dataclasses.replace(made(100, 100), logits=np.full(200, 3.0))
    with pytest.raises(DataError, match="chance"):
        calibrated(sample, "made", "1", TODAY)


@pytest.mark.parametrize(
    ("real", "some", "strong"),
    [(60, False, False), (149, False, False), (150, True, False), (599, True, False), (600, True, True)],
)
def test_a_grade_that_the_set_cannot_support_is_never_given(real: int, some: bool, strong: bool) -> None:
    found = calibrated(made(real, 200, gap=3.0), "made", "1", TODAY)
    points = found.operating_points(1)
    assert (points.some < NEVER, points.strong < NEVER) == (some, strong)
    assert found.opinion(1e9).probability < NEVER
    assert (found.measured.fpr_some is not None, found.measured.fpr_strong is not None) == (some, strong)
    assert points.fpr_strong > 0


def test_each_of_several_faces_needs_more_pictures() -> None:
    found = calibrated(made(200, 200, gap=3.0), "made", "1", TODAY)
    assert found.operating_points(1).some < NEVER
    assert found.operating_points(2).some == NEVER


def test_pictures_of_one_group_count_once() -> None:
    found = calibrated(made(600, 600, gap=3.0, groups=100), "made", "1", TODAY)
    assert (found.n_real, found.groups_real) == (600, 100)
    assert found.operating_points(1).some == NEVER


def test_a_weak_model_never_says_that_nothing_was_found() -> None:
    found = calibrated(made(400, 400, gap=0.6), "made", "1", TODAY)
    assert found.measured.auc < 0.75
    assert found.operating_points(1).clear == 0.0


def test_groups_stay_whole_and_classes_are_spread() -> None:
    sample = made(300, 200, groups=70)
    part = parts_of_groups(sample.labels, sample.groups, 5)
    for name in set(sample.groups):
        assert len({int(part[place]) for place, group in enumerate(sample.groups) if group == name}) == 1
    assert set(part.tolist()) == {0, 1, 2, 3, 4}
    alone = made(100, 50)
    counts = np.array([np.bincount(alone.labels[parts_of_groups(alone.labels, alone.groups, 5) == one]) for one in range(5)])
    assert counts.tolist() == [[20, 10]] * 5


def test_rule_of_three() -> None:
    assert supported_rate(150) == 0.02
    assert (needed(0.02), needed(0.005)) == (150, 600)


@pytest.fixture
def kept() -> FittedCalibration:
    return calibrated(made(200, 200), "hf:someone/some.model", "abc123 sha256:def", TODAY)


def test_a_calibration_survives_its_file(tmp_path: Path, kept: FittedCalibration) -> None:
    path = write_calibration(tmp_path, kept)
    assert path == calibration_path(tmp_path, kept.detector)
    assert read_calibration(tmp_path, kept.detector, kept.version) == kept
    assert sorted(item.name for item in path.parent.iterdir()) == [path.name]


def test_a_calibration_says_nothing_about_another_version(tmp_path: Path, kept: FittedCalibration) -> None:
    write_calibration(tmp_path, kept)
    assert read_calibration(tmp_path, kept.detector, "another") is None
    assert read_calibration(tmp_path, "hf:someone/else", kept.version) is None


def test_another_models_file_is_refused(tmp_path: Path, kept: FittedCalibration) -> None:
    path = write_calibration(tmp_path, kept)
    other = calibration_path(tmp_path, "hf:someone/else")
    other.write_text(path.read_text("utf-8"), "utf-8")
    with pytest.raises(DataError, match=r"is that of hf:someone/some\.model"):
        read_calibration(tmp_path, "hf:someone/else", kept.version)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a = ", "a = -"),
        ("format = 1", "format = 2"),
        ("[measured]", "[other]"),
        ("n_real = 200", "n_real = 0"),
        ("b = ", "b = nan # "),
    ],
)
def test_a_damaged_calibration_is_refused(tmp_path: Path, kept: FittedCalibration, old: str, new: str) -> None:
    path = write_calibration(tmp_path, kept)
    text = path.read_text("utf-8")
    assert f"\n{old}" in text
    path.write_text(text.replace(f"\n{old}", f"\n{new}", 1), "utf-8")
    with pytest.raises(DataError, match=r"veriscope calibrate"):
        read_calibration(tmp_path, kept.detector, kept.version)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, kept: FittedCalibration) -> None:
    (tmp_path / "calibration").write_text("a file")
    with pytest.raises(DataError, match="cannot be written"):
        write_calibration(tmp_path, kept)
