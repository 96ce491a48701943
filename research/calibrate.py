"""Fit calibration and thresholds, and write the card beside the shipped weights.

    python -m research.calibrate --config research/configs/face.toml --run RUN

Reads RUN/scores/ours-<weights>.csv. Calibration and thresholds come from the split `calibrate`, which is used for nothing
else; the figures in the card are those of `python -m research.evaluate`, on the splits `test` and `heldout`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from research import measure
from research.cards import card
from research.metrics import Row, Values, at_points, ranking, weights
from veriscope.evaluation import fit as fits

ROOT = Path(__file__).parents[1]
CARDS = ROOT / "src/veriscope/detectors/cards"


def judged(path: Path) -> list[Row]:
    """The unchanged pictures of a scores file that the judge did not refuse."""
    return [
        Row(split=row["split"], label=int(row["label"]), source=row["source"], kind=row["kind"], file=row["file"],
            logit=float(row["logit"]))
        for row in measure.read(path)
        if row["status"] == "ok" and row["variant"] == "clean"
    ]  # fmt: skip


def platt(rows: Sequence[Row]) -> tuple[float, float]:
    """Platt's a and b (Platt 1999)."""
    return fits.platt(np.array([row["logit"] for row in rows]), np.array([row["label"] for row in rows]), weights(rows))


def calibration(rows: Sequence[Row]) -> dict[str, Any]:
    """Platt's a and b with their covariance over 200 bootstrap samples."""
    a, b = platt(rows)
    chance = np.random.default_rng(0)
    samples = [platt([rows[index] for index in chance.integers(0, len(rows), len(rows))]) for _ in range(200)]
    return {
        "a": a,
        "b": b,
        "covariance": list(fits.covariance(samples)),
        "fitted_on": "the split `calibrate`: known sources, pictures and people that training did not see",
        "n": len(rows),
        "fitted": datetime.now(UTC).date().isoformat(),
    }


def probabilities(rows: Sequence[Row], fit: dict[str, Any]) -> Values:
    """Calibrated P(synthetic)."""
    x = np.array([row["logit"] for row in rows])
    return 1 / (1 + np.exp(-(fit["a"] * x + fit["b"])))


def curve(rows: Sequence[Row], fit: dict[str, Any]) -> list[tuple[float, float]]:
    """False-positive rate → calibrated probability that at most this share of real pictures reaches.

    Overall, sources count by the root of their size; besides, no kind of real picture may be flagged at more than
    `fits.WORST_KIND` times the rate: a threshold that is right on average may be wrong for all film scans.
    """
    real = [row for row in rows if row["label"] == 0]
    return fits.curve(fits.parts_of(probabilities(real, fit), [row["kind"] for row in real], weights(real)))


def points(config: dict[str, Any], thresholds: list[tuple[float, float]]) -> dict[str, float]:
    """The probabilities at which the grade changes, from the configured false-positive rates."""
    rates = config["card"]["points"]
    return {name: next(p for rate, p in thresholds if rate <= rates[name]) for name in ("clear", "some", "strong")}


def evidence(config: dict[str, Any], rows: Sequence[Row], fit: dict[str, Any], at: dict[str, float]) -> dict[str, Any]:
    """What the card says was measured, on the splits `test` and `heldout` together."""
    asked = [row for row in rows if row["split"] in ("test", "heldout")]
    scores = probabilities(asked, fit)
    figures = ranking(asked, scores) | at_points(asked, scores, at)
    kept = ("auc", "eer", "tpr_at_fpr_1", "tpr_at_fpr_5", "fpr_some", "fpr_strong", "ece")
    labels = np.array([row["label"] for row in asked])
    return {
        "real": int((labels == 0).sum()),
        "synthetic": int((labels == 1).sum()),
        **{name: figures[name] for name in kept},
        "command": f"python -m research.evaluate --config research/configs/{config['kind']}.toml",
        "measured": datetime.now(UTC).date().isoformat(),
        "unseen": unseen(config, asked),
        "known_failures": config["card"]["known_failures"],
    }


def unseen(config: dict[str, Any], rows: Sequence[Row]) -> dict[str, float]:
    """AUC of every generator or manipulation that training never saw, against all held-out real pictures."""
    heldout = [row for row in rows if row["split"] == "heldout"]
    real = [row for row in heldout if row["label"] == 0]
    names = sorted({(row["source"], row["kind"]) for row in heldout if row["label"] == 1})
    found = {}
    for source, kind in names:
        members = [row for row in heldout if row["label"] == 1 and (row["source"], row["kind"]) == (source, kind)]
        against = [*members, *real]
        name = kind if config["kind"] == "scene" else f"{source} {kind}"
        found[name] = ranking(against, np.array([row["logit"] for row in against]))["auc"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--cards", type=Path, default=CARDS, help="where card and weights go")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    model = arguments.run / f"{config['kind']}.onnx"
    rows = judged(arguments.run / "scores" / f"ours-{hashlib.sha256(model.read_bytes()).hexdigest()[:12]}.csv")
    fitted = [row for row in rows if row["split"] == "calibrate"]
    fit = calibration(fitted)
    thresholds = curve(fitted, fit)
    at = points(config, thresholds)
    measured = evidence(config, rows, fit, at)
    shutil.copy(model, arguments.cards / f"{config['card']['id']}.onnx")
    text = card(config, arguments.cards / f"{config['card']['id']}.onnx", fit, thresholds, measured)
    (arguments.cards / f"{config['card']['id']}.toml").write_text(text, "utf-8")
    print(json.dumps({"fit": fit, "points": at, "evidence": measured}, indent=1))


if __name__ == "__main__":
    main()
