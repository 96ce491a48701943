"""Two sets of weights on the same pictures: whether new ones deserve to be shipped.

    python -m research.compare_weights --first OLD/scores/ours-<sha>.csv --second NEW/scores/ours-<sha>.csv

Both files come from research.measure. Splits are those of the second. Decide on `calibrate`; `--split heldout` confirms once.
Sources count by the square root of their size; the last table is the share of a source found, or of a kind of real
picture flagged, at the threshold that flags 2 % of all real pictures of the split.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from research.calibrate import judged
from research.metrics import Row, Values, interval, ranking, weights

RATE = 0.02


def paired(first: Path, second: Path, split: str, without: Sequence[str]) -> tuple[list[Row], list[Values]]:
    """The pictures that both judged, and the logits of each."""
    before = {row["file"]: row["logit"] for row in judged(first)}
    rows = [row for row in judged(second) if row["split"] == split and row["file"] in before and row["source"] not in without]
    return rows, [np.array([before[row["file"]] for row in rows]), np.array([row["logit"] for row in rows])]


def threshold(rows: Sequence[Row], scores: Values) -> float:
    """The score that a share of `RATE` of the real pictures reaches."""
    real = np.array([row["label"] == 0 for row in rows])
    order = np.argsort(-scores[real])
    reached = np.cumsum(weights(rows)[real][order]) / weights(rows)[real].sum()
    return float(scores[real][order[np.searchsorted(reached, RATE)]])


def flagged(rows: Sequence[Row], scores: Values) -> dict[str, tuple[int, float]]:
    """Number and share at the threshold, of every kind of real picture and every source of synthetic ones."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[f"found: {row['source']}" if row["label"] else f"flagged: {row['kind']}"].append(index)
    over = scores > threshold(rows, scores)
    return {name: (len(members), float(over[members].mean())) for name, members in groups.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=Path, required=True)
    parser.add_argument("--second", type=Path, required=True)
    parser.add_argument("--split", default="calibrate")
    parser.add_argument("--without", action="append", default=[], metavar="SOURCE", help="repeatable")
    arguments = parser.parse_args()
    rows, scores = paired(arguments.first, arguments.second, arguments.split, arguments.without)
    real = sum(row["label"] == 0 for row in rows)
    print(f"{arguments.split}: {real} real, {len(rows) - real} synthetic")
    for name, values in zip(("first", "second"), scores, strict=True):
        found = ranking(rows, values)
        low, high = interval(rows, values, lambda r, v: ranking(r, v)["tpr_at_fpr_1"])
        print(
            f"{name:6} AUC {found['auc']:.4f}  at 1 % {found['tpr_at_fpr_1']:.3f} ({low:.2f}–{high:.2f})  "
            f"at 5 % {found['tpr_at_fpr_5']:.3f}  EER {found['eer']:.3f}"
        )
    before, after = (flagged(rows, values) for values in scores)
    for name, (count, share) in sorted(before.items()):
        print(f"{name:60} {count:4}  {share:.3f} → {after[name][1]:.3f}")


if __name__ == "__main__":
    main()
