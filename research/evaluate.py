"""The evaluation report of one detector: figures, tables and plots, from the scores that were measured.

    python -m research.evaluate --config research/configs/scene.toml --run RUN

Reads RUN/scores (research.measure for our model, its altered copies and the peers; research.control; research.grades;
research.people) and the shipped card. Writes docs/evaluation-<id>.json and docs/images/evaluation-<id>-*.svg, from which
`python -m research.publish` draws docs/evaluation.md. Only the splits `test` and `heldout` are looked at. `make evaluation`
runs every step.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from research import measure, plots
from research.calibrate import CARDS, ROOT, judged, points, probabilities
from research.datasets import HELD_OUT_FACE_SOURCES, HELD_OUT_SCENE_SOURCES
from research.metrics import Row, Values, at_points, interval, ranking, reliability, weights
from veriscope.detectors.card import Card, read_card
from veriscope.evaluation.variants import VARIANTS

# Generators of 2022 and before are counted apart: they were measured, but are not what is met today.
_OLD = (
    "DALL-E 2", "DALL-E mini", "GLID-3-XL", "Midjourney v3", "Stable Diffusion pre-release", "sd2.1", "stylegan", "StyleGAN",
    "other",
)  # fmt: skip

# What was held out when version 0.1.0 was made: the same pictures in every version, so that versions can be compared.
_HELD_OUT_FROM_THE_START = HELD_OUT_SCENE_SOURCES | HELD_OUT_FACE_SOURCES | {"vladmandic/sd-samples"}


class Scores:
    """Judged rows with calibrated probabilities."""

    def __init__(self, rows: Sequence[Row], fit: dict[str, float]) -> None:
        self.rows, self.values = list(rows), probabilities(rows, fit)

    def part(self, keep: Callable[[Row], bool]) -> tuple[list[Row], Values]:
        """Rows and probabilities for which `keep` says yes."""
        mask = np.array([keep(row) for row in self.rows], bool)
        return [row for row, kept in zip(self.rows, mask, strict=True) if kept], self.values[mask]


def figures(rows: Sequence[Row], values: Values, at: dict[str, float], bootstrap: bool = False) -> dict[str, Any]:
    """All metrics of one group of pictures, with 90 % intervals on request."""
    labels = np.array([row["label"] for row in rows])
    found: dict[str, Any] = {"real": int((labels == 0).sum()), "synthetic": int((labels == 1).sum())}
    found |= ranking(rows, values) | at_points(rows, values, at)
    if bootstrap:
        for name in ("auc", "tpr_at_fpr_1", "tpr_at_fpr_5"):
            found[f"{name}_interval"] = interval(rows, values, lambda r, v, name=name: ranking(r, v)[name])  # type: ignore[misc]
        found["balanced_accuracy_interval"] = interval(rows, values, lambda r, v: at_points(r, v, at)["balanced_accuracy"])
    return found


def per_source(scores: Scores, at: dict[str, float]) -> list[dict[str, Any]]:
    """One line per split, source and kind: how many are flagged, and for synthetic ones the AUC against the real ones there."""
    groups: dict[tuple[str, int, str, str], list[int]] = defaultdict(list)
    for index, row in enumerate(scores.rows):
        groups[row["split"], row["label"], row["source"], row["kind"]].append(index)
    found = []
    for (split, label, source, kind), members in sorted(groups.items()):
        line: dict[str, Any] = {"split": split, "label": label, "source": source, "kind": kind, "n": len(members)}
        values = scores.values[members]
        line |= {f"flagged_{name}": round(float((values >= at[name]).mean()), 4) for name in ("some", "strong")}
        if label:
            real = scores.part(lambda row, split=split: row["split"] == split and row["label"] == 0)[1]  # type: ignore[misc]
            truth = [1] * len(values) + [0] * len(real)
            line["auc"] = round(float(roc_auc_score(truth, np.concatenate([values, real]))), 4)
        found.append(line)
    return found


def per_kind(scores: Scores, at: dict[str, float]) -> list[dict[str, Any]]:
    """Real pictures by kind: how many are flagged, over both splits."""
    count = Counter(row["kind"] for row in scores.rows if row["label"] == 0)
    found = []
    for kind, number in sorted(count.items()):
        values = scores.part(lambda row, kind=kind: row["label"] == 0 and row["kind"] == kind)[1]  # type: ignore[misc]
        shares = {f"flagged_{name}": round(float((values >= at[name]).mean()), 4) for name in ("clear", "some", "strong")}
        found.append({"kind": kind, "n": number, **shares})
    return found


def robustness(path: Path, fit: dict[str, float], at: dict[str, float]) -> dict[str, dict[str, float]]:
    """AUC and flags for every altered copy of the unseen sources."""
    found: dict[str, dict[str, float]] = {}
    table = [row for row in measure.read(path) if row["split"] == "heldout" and row["status"] == "ok"]
    whole = {row["file"] for row in table if row["variant"] == "clean"}
    for variant in ("clean", *VARIANTS):
        part = [_row(row) for row in table if row["variant"] == variant and row["file"] in whole]
        if not part:
            continue
        values, labels = probabilities(part, fit), np.array([row["label"] for row in part])
        found[variant] = {
            "n": len(part),
            "auc": ranking(part, values)["auc"],
            "real_flagged": float((values[labels == 0] >= at["some"]).mean()),
            "real_strict": float((values[labels == 0] >= at["strong"]).mean()),
            "synthetic_flagged": float((values[labels == 1] >= at["some"]).mean()),
        }
    return found


def _row(row: dict[str, str]) -> Row:
    return Row(split=row["split"], label=int(row["label"]), source=row["source"], kind=row["kind"], file=row["file"],
               logit=float(row["logit"]))  # fmt: skip


def compared(folder: Path, scores: Scores) -> dict[str, dict[str, float]]:
    """Peers and the control beside ours, on exactly the pictures that the peer judged."""
    found = {}
    for path in sorted(folder.glob("*.csv")):
        if path.stem in ("grades", "people") or path.stem.startswith("ours-"):
            continue
        rows = {(row["file"], row["variant"]): row for row in measure.read(path) if row["status"] == "ok"}
        for split in ("test", "heldout"):
            ours = [row for row in scores.rows if row["split"] == split and (row["file"], "clean") in rows]
            theirs = [_row(rows[row["file"], "clean"]) for row in ours]
            if len({row["label"] for row in theirs}) < 2:
                continue
            mine = ranking(ours, np.array([row["logit"] for row in ours]))
            peer = ranking(theirs, np.array([row["logit"] for row in theirs]))
            found[f"{path.stem} {split}"] = {
                "n": len(ours),
                **{f"theirs_{name}": peer[name] for name in ("auc", "tpr_at_fpr_1", "tpr_at_fpr_5")},
                **{f"ours_{name}": mine[name] for name in ("auc", "tpr_at_fpr_1", "tpr_at_fpr_5")},
            }
    return found


def after_common_encoding(folder: Path, altered: Path) -> dict[str, float]:
    """AUC of ours and of the control when every picture has one size and one encoder."""
    kinds = {"ours": altered, "control": folder / "control.csv"}
    found: dict[str, float] = {}
    for name, path in kinds.items():
        rows = [
            _row(row)
            for row in measure.read(path)
            if row["variant"] == "common" and row["split"] == "heldout" and row["status"] == "ok"
        ]
        if rows:
            found[name] = ranking(rows, np.array([row["logit"] for row in rows]))["auc"]
    return found


def grades(path: Path) -> dict[str, dict[str, int]]:
    """How often the product gave each grade, asked with this detector alone: for real and for synthetic pictures."""
    if not path.is_file():
        return {}
    found: dict[str, Counter[str]] = {"real": Counter(), "synthetic": Counter()}
    for row in measure.read(path):
        found["synthetic" if row["label"] == "1" else "real"][row["grade"]] += 1
    return {name: dict(sorted(count.items())) for name, count in found.items()}


def grades_by_kind(path: Path) -> list[dict[str, Any]]:
    """The same for real pictures of every kind, the gate's refusals among them."""
    if not path.is_file():
        return []
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in measure.read(path):
        if row["label"] == "0":
            found[row["kind"]][row["grade"]] += 1
    return [{"kind": kind, "n": count.total(), **dict(sorted(count.items()))} for kind, count in sorted(found.items())]


def people(path: Path, scores: Scores, at: dict[str, float]) -> list[dict[str, Any]]:
    """False alarms on real faces by thirds of measured skin tone (research.people)."""
    if not path.is_file():
        return []
    with path.open(newline="") as handle:
        tone = {row["file"]: float(row["ita"]) for row in csv.DictReader(handle)}
    rows, values = scores.part(lambda row: row["label"] == 0 and row["file"] in tone)
    angles = np.array([tone[row["file"]] for row in rows])
    low, high = np.quantile(angles, (1 / 3, 2 / 3))
    groups = {"darker": angles < low, "medium": (angles >= low) & (angles <= high), "lighter": angles > high}
    return [
        {"group": name, "n": int(mask.sum()), "flagged_some": float((values[mask] >= at["some"]).mean()),
         "flagged_strong": float((values[mask] >= at["strong"]).mean()), "median": float(np.median(values[mask]))}
        for name, mask in groups.items()
    ]  # fmt: skip


def worst(scores: Scores, count: int = 50) -> dict[str, list[str]]:
    """Sources of the real pictures with the highest scores and of the synthetic ones with the lowest: where errors live."""
    order = np.argsort(scores.values)
    missed = [index for index in order if scores.rows[index]["label"] == 1][:count]
    accused = [index for index in order[::-1] if scores.rows[index]["label"] == 0][:count]

    def counted(indices: list[int]) -> list[str]:
        names = Counter(f"{scores.rows[index]['source']}: {scores.rows[index]['kind']}" for index in indices)
        return [f"{name} ({number})" for name, number in names.most_common(8)]

    return {"real_with_highest_scores": counted(accused), "synthetic_with_lowest_scores": counted(missed)}


def report(config: dict[str, Any], run: Path, card: Card) -> dict[str, Any]:
    """Everything that is published about one detector."""
    fit = {"a": card.calibration.a, "b": card.calibration.b}
    at = points(config, [(point.rate, point.probability) for point in card.points.curve])
    folder, mine = run / "scores", f"ours-{card.weights.sha256[:12]}"
    scores = Scores([row for row in judged(folder / f"{mine}.csv") if row["split"] in ("test", "heldout")], fit)
    rows, values = scores.part(lambda _: True)
    labels = np.array([row["label"] for row in rows])
    modern = scores.part(lambda row: row["split"] == "heldout" and not (row["label"] and row["kind"].startswith(_OLD)))
    first = scores.part(lambda row: row["split"] == "heldout" and row["source"] in _HELD_OUT_FROM_THE_START)
    splits = {name: scores.part(lambda row, name=name: row["split"] == name) for name in ("test", "heldout")}  # type: ignore[misc]
    return {
        "detector": card.id,
        "version": card.version,
        "sha256": card.weights.sha256,
        "measured": datetime.now(UTC).date().isoformat(),
        "command": card.evidence.command,
        "points": at,
        "overall": figures(rows, values, at, bootstrap=True),
        "splits": {name: figures(*part, at, bootstrap=True) for name, part in splits.items()},
        "heldout_modern": figures(*modern, at, bootstrap=True),
        "heldout_first": figures(*first, at, bootstrap=True) if len({row["label"] for row in first[0]}) == 2 else None,
        "kinds": per_kind(scores, at),
        "sources": per_source(scores, at),
        "robustness": robustness(folder / f"{mine}-altered.csv", fit, at),
        "common_encoding": after_common_encoding(folder, folder / f"{mine}-altered.csv"),
        "peers": compared(folder, scores),
        "grades": grades(folder / "grades.csv"),
        "grades_by_kind": grades_by_kind(folder / "grades.csv"),
        "people": people(folder / "people.csv", scores, at),
        "worst": worst(scores),
        "reliability": reliability(values, labels, weights(rows)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--cards", type=Path, default=CARDS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    card = read_card(arguments.cards / f"{config['card']['id']}.toml")
    actual = hashlib.sha256(card.weights_path.read_bytes()).hexdigest()
    if actual != card.weights.sha256:
        raise SystemExit(f"{card.weights_path} is not the file that its card names: run research.calibrate again")
    data = report(config, arguments.run, card)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"evaluation-{card.id}.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    plots.draw(data, arguments.out / "images")
    overall = {name: data[name] for name in ("overall", "heldout_modern", "common_encoding", "grades")}
    print(json.dumps(overall | {"splits": data["splits"]}, indent=1))


if __name__ == "__main__":
    main()
