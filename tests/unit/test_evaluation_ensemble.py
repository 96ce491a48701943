"""Ensembles against known truth: one that helps, one that does not, one with a reversed member."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from veriscope.detectors.hub.calibration import NEVER
from veriscope.detectors.hub.ensemble import Ensemble, EnsembleDetector, read_ensemble, write_ensemble
from veriscope.domain import Status
from veriscope.errors import DataError, ModelError, WeightsUnavailable
from veriscope.evaluation.asking import Answer
from veriscope.evaluation.ensemble import Candidate, fitted_ensemble, joint_of, put_aside
from veriscope.evaluation.labelled import Example
from veriscope.evaluation.metrics import Values, roc
from veriscope.evaluation.scoring import Scored

TODAY = date(2026, 1, 1)
NAN = float("nan")


def labels(real: int, synthetic: int) -> Values:
    return np.array([0.0] * real + [1.0] * synthetic)


def candidate(name: str, logits: Values, truth: Values, group: int = 0) -> Candidate:
    """A detector with these logits; NaN = it could not judge."""
    rows = []
    for place, (logit, label) in enumerate(zip(logits, truth, strict=True)):
        example = Example(
            Path(f"{place}.png"), f"{place}", int(label), f"{place:064x}", group=f"{place % group}" if group else ""
        )
        answer = Answer(Status.SKIPPED, "face.none") if np.isnan(logit) else Answer(Status.OK, logit=float(logit))
        rows.append(Scored(example, answer))
    return Candidate(f"hf:made/{name}", f"hf:made/{name}", "1 sha256:1", rows)


def noise(count: int, seed: int) -> Values:
    return np.random.default_rng(seed).normal(size=count)


def fitted(*candidates: Candidate) -> Ensemble:
    return fitted_ensemble("mine", candidates, joint_of(candidates), TODAY)


def test_members_that_err_differently_make_an_ensemble_that_is_proved() -> None:
    truth = labels(600, 600)
    members = [candidate(name, 1.5 * truth + noise(1200, seed), truth) for seed, name in enumerate(("one", "two", "three"))]
    found = fitted(*members)
    assert found.kept == "ensemble"
    assert len(found.members) == 3
    assert 0 < found.proof.low < found.proof.auc - found.proof.best_auc < found.proof.high
    assert found.proof.share >= 0.3
    assert min(found.proof.real, found.proof.synthetic) >= 50
    assert (found.calibration.n_real, found.calibration.n_synthetic) == (found.proof.real, found.proof.synthetic)
    new = [1.5 * truth + noise(1200, seed) for seed in (7, 8, 9)]
    names = ("one", "two", "three")
    logits = np.array(
        [found.logit({f"hf:made/{name}": x for name, x in zip(names, row, strict=True)}) for row in np.array(new).T]
    )
    areas = [float(roc(one, truth.astype(np.int64)).auc()) for one in (logits, *new)]
    assert areas[0] > max(areas[1:]) + 0.03


def test_copies_of_one_member_are_no_ensemble() -> None:
    truth = labels(300, 300)
    logits = 2 * truth + noise(600, 0)
    found = fitted(candidate("one", logits, truth), candidate("copy", 3 * logits + 1, truth))
    assert found.kept == "member"
    assert found.proof.low <= 0
    assert len(found.members) == 1
    assert found.members[0].detector == found.proof.best


def test_a_useless_member_leaves_the_best_alone() -> None:
    truth = labels(300, 300)
    good = candidate("good", 2.5 * truth + noise(600, 0), truth)
    found = fitted(candidate("useless", noise(600, 1), truth), good)
    assert (found.kept, found.members[0].detector) == ("member", "hf:made/good")
    assert found.logit({"hf:made/good": 1.25}) == 1.25
    assert found.calibration.groups_real == 300


def test_a_reversed_member_never_counts() -> None:
    truth = labels(600, 600)
    members = [candidate(name, 1.5 * truth + noise(1200, seed), truth) for seed, name in enumerate(("one", "two"))]
    reverse = candidate("reverse", -3.0 * truth + noise(1200, 5), truth)
    found = fitted(reverse, *members)
    assert found.kept == "ensemble"
    assert {member.detector for member in found.members} == {"hf:made/one", "hf:made/two"}


def test_only_reversed_members_are_refused() -> None:
    truth = labels(200, 200)
    members = [candidate(name, -2.0 * truth + noise(400, seed), truth) for seed, name in enumerate(("one", "two"))]
    with pytest.raises(DataError, match="wrong way round"):
        fitted(*members)


def test_a_member_may_be_missing() -> None:
    """A face model that judges half of the pictures, and a model of whole pictures that judges all."""
    truth = labels(800, 800)
    whole = 1.2 * truth + noise(1600, 0)
    face = np.where(np.arange(1600) % 2 == 0, 2.5 * truth + noise(1600, 1), NAN)
    found = fitted(candidate("whole", whole, truth), candidate("face", face, truth))
    assert found.kept == "ensemble"
    both = found.logit({"hf:made/whole": 3.0, "hf:made/face": 4.0})
    alone = found.logit({"hf:made/whole": 3.0})
    assert both > alone > found.offset
    assert found.logit({}) == found.offset


def test_pictures_that_nobody_judged_do_not_count() -> None:
    truth = labels(300, 300)
    logits = np.where(np.arange(600) % 3 == 0, NAN, 2 * truth + noise(600, 0))
    joint = joint_of([candidate("one", logits, truth), candidate("two", logits, truth)])
    assert len(joint.labels) == 400


def test_groups_are_never_on_both_sides() -> None:
    truth = labels(300, 300)
    joint = joint_of([candidate("one", truth, truth, group=40)])
    aside = put_aside(joint)
    names = np.array(joint.groups)
    assert not set(names[aside]) & set(names[~aside])
    assert 0.3 <= aside.mean() <= 0.5


@pytest.mark.parametrize(("real", "synthetic"), [(99, 400), (400, 80)])
def test_too_few_pictures_for_a_proof_are_refused_with_numbers(real: int, synthetic: int) -> None:
    truth = labels(real, synthetic)
    members = [candidate(name, truth + noise(len(truth), seed), truth) for seed, name in enumerate(("one", "two"))]
    with pytest.raises(DataError, match=f"there are {real} and {synthetic}"):
        fitted(*members)


def test_one_detector_is_no_ensemble() -> None:
    truth = labels(300, 300)
    with pytest.raises(DataError, match="at least two"):
        fitted(candidate("one", truth, truth))


@pytest.fixture(scope="module")
def kept() -> Ensemble:
    truth = labels(300, 300)
    return fitted(*(candidate(name, 2 * truth + noise(600, seed), truth) for seed, name in enumerate(("one", "two"))))


def test_an_ensemble_survives_its_file(tmp_path: Path, kept: Ensemble) -> None:
    write_ensemble(tmp_path, kept)
    assert read_ensemble(tmp_path, "mine") == kept
    assert kept.calibration.operating_points(1).strong == NEVER  # 120 real pictures prove no rate of half a per cent


def members(version: str = "1 sha256:1") -> list[Any]:
    return [SimpleNamespace(id=f"hf:made/{name}", version=version, crops=()) for name in ("one", "two")]


def test_an_ensemble_judges_no_single_views(kept: Ensemble) -> None:
    ensemble = EnsembleDetector(kept, members())
    assert list(ensemble.logits([])) == []
    with pytest.raises(ModelError, match="not single views"):
        ensemble.logits([Image.new("RGB", (8, 8))])


def test_members_of_another_version_than_was_fitted_are_refused(kept: Ensemble) -> None:
    with pytest.raises(WeightsUnavailable, match="again"):
        EnsembleDetector(kept, members("2 sha256:2"))


@pytest.mark.parametrize(
    ("old", "new"),
    [("weight = ", "weight = -"), ("offset = ", "offset = 1"), ("low = ", "low = -"), ('kept = "ensemble"', 'kept = "member"')],
)
def test_a_changed_ensemble_is_refused(tmp_path: Path, kept: Ensemble, old: str, new: str) -> None:
    path = write_ensemble(tmp_path, kept)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(DataError, match="veriscope calibrate"):
        read_ensemble(tmp_path, "mine")


def test_an_unknown_ensemble_names_the_known(tmp_path: Path, kept: Ensemble) -> None:
    write_ensemble(tmp_path, kept)
    with pytest.raises(DataError, match="known: mine"):
        read_ensemble(tmp_path, "other")


@pytest.mark.parametrize("name", ["", "../up", "A", "a/b", "x" * 61, ".hidden"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no name of an ensemble"):
        read_ensemble(tmp_path, name)
