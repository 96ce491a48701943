"""Fit calibration and thresholds, measure on pictures that were not used for it, and write card and evaluation.

    python -m research.calibrate --config research/configs/face.toml --run RUN --model face.onnx

Reads RUN/measured.csv. Calibration and thresholds come from the split `calibrate`, figures from `test` (known sources,
other pictures) and `heldout` (sources and generators that training never saw). Writes the card beside the shipped weights
and docs/evaluation-<id>.json, from which `python -m research.publish` draws docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import tomllib
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

from research.cards import card

ROOT = Path(__file__).parents[1]
CARDS = ROOT / "src/veriscope/detectors/cards"
RATES = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)
Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    """Measured pictures that the model judged, with the mean logit as `x`."""
    rows: list[Row] = []
    with path.open(newline="") as handle:
        for row in csv.DictReader(handle):
            if row["status"] == "ok":
                raw = min(max(float(row["raw"]), 1e-6), 1 - 1e-6)
                rows.append({**row, "label": int(row["label"]), "x": float(np.log(raw / (1 - raw)))})
    return rows


def weights(rows: list[Row]) -> np.ndarray:
    """Half the weight for each class, and within a class the square root of its size for each source."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[row["label"], row["source"]].append(index)
    found = np.zeros(len(rows))
    for members in groups.values():
        found[members] = 1 / np.sqrt(len(members))
    for label in (0, 1):
        mask = np.array([row["label"] == label for row in rows])
        found[mask] /= found[mask].sum()
    return found * len(rows) / 2


def platt(rows: list[Row]) -> tuple[float, float]:
    x = np.array([[row["x"]] for row in rows])
    y = np.array([row["label"] for row in rows])
    fit = LogisticRegression(C=1e4).fit(x, y, sample_weight=weights(rows))
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def calibration(rows: list[Row]) -> dict[str, Any]:
    """Platt's a and b with their covariance over 200 bootstrap samples."""
    a, b = platt(rows)
    chance = np.random.default_rng(0)
    samples = [platt([rows[index] for index in chance.integers(0, len(rows), len(rows))]) for _ in range(200)]
    cov = np.cov(np.array(samples).T)
    today = datetime.now(UTC).date().isoformat()
    return {
        "a": a,
        "b": b,
        "covariance": [float(cov[0, 0]), float(cov[0, 1]), float(cov[1, 1])],
        "fitted_on": "the split `calibrate`: known sources, pictures and people that training did not see",
        "n": len(rows),
        "fitted": today,
    }


def probabilities(rows: list[Row], fit: dict[str, Any]) -> np.ndarray:
    x = np.array([row["x"] for row in rows])
    return 1 / (1 + np.exp(-(fit["a"] * x + fit["b"])))


def curve(rows: list[Row], fit: dict[str, Any]) -> list[tuple[float, float]]:
    """False-positive rate → calibrated probability, on real pictures, sources weighted by the root of their size."""
    real = [row for row in rows if row["label"] == 0]
    scores, weight = probabilities(real, fit), weights(real)
    order = np.argsort(-scores)
    reached = np.cumsum(weight[order]) / weight.sum()
    found, last = [], 0.0
    for rate in RATES:
        index = int(np.searchsorted(reached, rate))
        # Just above the score of the real picture that would break the rate.
        threshold = float(scores[order[min(index, len(order) - 1)]]) + 1e-4
        last = max(last, min(threshold, 0.9999))
        found.append((rate, last))
    return found


def ece(scores: np.ndarray, labels: np.ndarray, weight: np.ndarray) -> float:
    """Expected calibration error over 10 equal bins (Guo et al. 2017), classes weighted equally."""
    bins = np.minimum((scores * 10).astype(int), 9)
    total = 0.0
    for number in range(10):
        mask = bins == number
        if mask.any():
            share = weight[mask].sum()
            said, true = (float(np.average(values[mask], weights=weight[mask])) for values in (scores, labels))
            total += share * abs(said - true)
    return total / float(weight.sum())


def figures(rows: list[Row], fit: dict[str, Any], points: dict[str, float]) -> dict[str, float]:
    """The metrics of a split."""
    scores, labels, weight = probabilities(rows, fit), np.array([row["label"] for row in rows]), weights(rows)
    fpr, tpr, _ = roc_curve(labels, scores, sample_weight=weight)
    real, synthetic = labels == 0, labels == 1
    return {
        "real": int(real.sum()),
        "synthetic": int(synthetic.sum()),
        "auc": float(roc_auc_score(labels, scores, sample_weight=weight)),
        "eer": float(fpr[np.nanargmin(np.abs(fpr - (1 - tpr)))]),
        "tpr_at_fpr_1": float(tpr[np.searchsorted(fpr, 0.01, side="right") - 1]),
        "tpr_at_fpr_5": float(tpr[np.searchsorted(fpr, 0.05, side="right") - 1]),
        "fpr_some": float(np.average(scores[real] >= points["some"], weights=weight[real])),
        "fpr_strong": float(np.average(scores[real] >= points["strong"], weights=weight[real])),
        "recall_some": float(np.average(scores[synthetic] >= points["some"], weights=weight[synthetic])),
        "recall_clear": float(np.average(scores[synthetic] >= points["clear"], weights=weight[synthetic])),
        "ece": ece(scores, labels, weight),
    }


def interval(rows: list[Row], fit: dict[str, Any]) -> tuple[float, float]:
    """90 % bootstrap interval of the AUC."""
    scores, labels, weight = probabilities(rows, fit), np.array([row["label"] for row in rows]), weights(rows)
    chance = np.random.default_rng(0)
    found = []
    for _ in range(200):
        index = chance.integers(0, len(rows), len(rows))
        found.append(roc_auc_score(labels[index], scores[index], sample_weight=weight[index]))
    return float(np.quantile(found, 0.05)), float(np.quantile(found, 0.95))


def per_source(rows: list[Row], fit: dict[str, Any], points: dict[str, float]) -> list[dict[str, Any]]:
    """One row per source and kind: how many are flagged, and for synthetic ones the AUC against all real ones."""
    scores = probabilities(rows, fit)
    real = np.array([row["label"] == 0 for row in rows])
    groups: dict[tuple[str, int, str, str], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[row["split"], row["label"], row["source"], row["kind"]].append(index)
    found = []
    for (split, label, source, kind), members in sorted(groups.items()):
        line: dict[str, Any] = {"split": split, "label": label, "source": source, "kind": kind, "n": len(members)}
        line["flagged_some"] = round(float((scores[members] >= points["some"]).mean()), 4)
        line["flagged_strong"] = round(float((scores[members] >= points["strong"]).mean()), 4)
        if label:
            against = np.concatenate([scores[members], scores[real]])
            line["auc"] = round(float(roc_auc_score([1] * len(members) + [0] * int(real.sum()), against)), 4)
        found.append(line)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    rows = read(arguments.run / "measured.csv")
    fitted = [row for row in rows if row["split"] == "calibrate"]
    judged = [row for row in rows if row["split"] in ("test", "heldout")]
    fit = calibration(fitted)
    thresholds = curve(fitted, fit)
    wanted = config["card"]["points"]
    points = {name: next(p for rate, p in thresholds if rate <= wanted[name]) for name in ("clear", "some", "strong")}
    overall = figures(judged, fit, points)
    splits = {split: figures([row for row in judged if row["split"] == split], fit, points) for split in ("test", "heldout")}
    table = per_source(judged, fit, points)
    unseen = {
        line["kind"] if config["kind"] == "scene" else f"{line['source']} {line['kind']}": line["auc"]
        for line in table
        if line["split"] == "heldout" and line["label"]
    }
    today = datetime.now(UTC).date().isoformat()
    command = f"python -m research.calibrate --config research/configs/{config['kind']}.toml"
    evidence = {key: value for key, value in overall.items() if not key.startswith("recall")}
    evidence |= {"command": command, "measured": today, "unseen": unseen, "known_failures": config["card"]["known_failures"]}
    shutil.copy(arguments.model, CARDS / f"{config['kind']}.onnx")
    text = card(config, CARDS / f"{config['kind']}.onnx", fit, thresholds, evidence)
    (CARDS / f"{config['kind']}.toml").write_text(text, "utf-8")
    published = {
        "detector": config["kind"],
        "version": config["card"]["version"],
        "measured": today,
        "command": command,
        "points": points,
        "overall": overall | {"auc_interval": interval(judged, fit)},
        "splits": splits,
        "sources": table,
    }
    (ROOT / f"docs/evaluation-{config['kind']}.json").write_text(json.dumps(published, indent=1) + "\n", "utf-8")
    print(json.dumps({"fit": fit, "points": points, "overall": overall, "splits": splits}, indent=1))


if __name__ == "__main__":
    main()
