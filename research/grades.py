"""What the product finally says: the grades, with gates and rechecks, with one detector alone.

    python -m research.grades --config research/configs/scene.toml --data DATA --run RUN

Real pictures outside training that the detector left below `clear` end as `no_evidence_found` and are not asked again; the
others, and a sample of synthetic ones, go through the whole engine; what the gate of `scene` refused (documents, screenshots,
drawings) ends as `not_assessable`. Writes RUN/scores/grades.csv. Run it after research.calibrate.
"""

from __future__ import annotations

import argparse
import csv
import random
import tomllib
from pathlib import Path

import numpy as np

from research import measure
from research.calibrate import CARDS, judged, points, probabilities
from research.datasets import CAPTIONED
from research.metrics import Row
from research.prepare import chosen
from veriscope.detectors.card import read_card
from veriscope.domain import Failure, Grade
from veriscope.engine import Engine
from veriscope.settings import Settings

_SYNTHETIC = 400


def to_ask(rows: list[Row], values: np.ndarray, clear: float) -> list[Row]:
    """Real pictures that are not clear, and a sample of the synthetic ones."""
    real = [row for row, value in zip(rows, values, strict=True) if row["label"] == 0 and value >= clear]
    synthetic = [row for row in rows if row["label"] == 1]
    return [*real, *random.Random(0).sample(synthetic, min(_SYNTHETIC, len(synthetic)))]


def refused(path: Path) -> list[dict[str, str]]:
    """Real pictures outside training that the gate refused; a picture without a face is no answer of the face detector's."""
    return [
        row
        for row in measure.read(path)
        if row["label"] == "0" and row["split"] in ("test", "heldout") and row["status"].startswith("scene.")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    card = read_card(CARDS / f"{config['card']['id']}.toml")
    at = points(config, [(point.rate, point.probability) for point in card.points.curve])
    path = arguments.run / "scores" / f"ours-{card.weights.sha256[:12]}.csv"
    # A captioned picture would be asked about with its caption, which no other measurement looks at.
    rows = [row for row in judged(path) if row["split"] in ("test", "heldout") and row["source"] not in CAPTIONED]
    asked = to_ask(rows, probabilities(rows, {"a": card.calibration.a, "b": card.calibration.b}), at["clear"])
    files = {item.file.name: item.file for item in chosen(config, arguments.data, ("test", "heldout"))}
    engine = Engine(Settings(detectors=(card.id,), offline=True))
    found = {row["file"]: str(Grade.NO_EVIDENCE_FOUND) for row in rows if row["label"] == 0}
    for row, result in zip(asked, engine.analyze_many(files[row["file"]] for row in asked), strict=True):
        if isinstance(result, Failure):
            raise SystemExit(f"{row['file']} was measured and cannot be analysed: {result.message}")
        verdict = result.verdict
        # What the file itself declares must not pass for what the detector found.
        found[row["file"]] = str(verdict.grade if verdict.score is not None else verdict.raw_grade)
    labels = {row["file"]: row for row in rows}
    with (arguments.run / "scores" / "grades.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["label", "split", "source", "kind", "grade", "file"])
        for name, grade in found.items():
            row = labels[name]
            writer.writerow([row["label"], row["split"], row["source"], row["kind"], grade, name])
        for row in refused(path):
            writer.writerow([row["label"], row["split"], row["source"], row["kind"], Grade.NOT_ASSESSABLE, row["file"]])


if __name__ == "__main__":
    main()
