"""From answers about clips to figures: what each detector tells apart, what it flags, and what survives recompression."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

from veriscope.domain import OperatingPoints

Row = dict[str, Any]
SUBJECTS = {
    "face": ("made_swap", "face_swap", "lip_sync", "talking_head"),
    "scene": ("t2v", "t2v_stylised", "video_edit"),
}
"""Which kinds of fakes a detector is asked to find; every kind is listed by itself besides."""

SEEN = 2
"""Clips of each label, kind and source on which the caution for whole frames of clips was chosen (decision 0012)."""

OPPOSITE = {"strong_evidence", "no_evidence_found"}
FLAGGED = ("some_evidence", "strong_evidence", "declared_synthetic")


def figures(rows: Sequence[Row], altered: Sequence[Row], points: dict[str, OperatingPoints]) -> dict[str, Any]:
    return {
        "clips": {"real": sum(not row["label"] for row in rows), "fake": sum(row["label"] for row in rows)},
        "detectors_by_clip": {name: _detector(name, rows) for name in points},
        "kinds": _kinds(rows),
        "pooling": {name: _pooling(name, rows) for name in points},
        "temporal": _temporal(rows),
        "changes": _changes(altered),
    }


def _judged(rows: Sequence[Row], name: str, kinds: Sequence[str] | None = None) -> list[Row]:
    return [row for row in rows if name in row and (kinds is None or not row["label"] or row["kind"] in kinds)]


def _auc(rows: Sequence[Row], value: Any) -> float | None:
    labels = [row["label"] for row in rows]
    return float(roc_auc_score(labels, [value(row) for row in rows])) if len(set(labels)) > 1 else None


def _detector(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """All; the clips of the split `test` by group alone; those that had not been seen when thresholds were last chosen."""
    judged = _judged(rows, name, SUBJECTS.get(name))
    found = {"kinds": SUBJECTS.get(name), "all": _measured(name, judged)}
    found["test"] = _measured(name, [row for row in judged if row["split"] == "test"])
    found["later"] = _measured(name, [row for row in judged if row["rank"] > SEEN])
    same = [row for row in judged if row["kind"] in ("made_swap", "made_control")]
    found["swaps_and_their_controls"] = _measured(name, same)
    return found


def _measured(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    real = [row for row in rows if not row["label"]]
    fake = [row for row in rows if row["label"]]
    found: dict[str, Any] = {"real": len(real), "fake": len(fake), "groups": len({row["group"] for row in rows})}
    if not real or not fake:
        return found
    labels, scores = [row["label"] for row in rows], [row[name]["probability"] for row in rows]
    fpr, tpr, _ = roc_curve(labels, scores)
    found |= {
        "auc": round(float(roc_auc_score(labels, scores)), 4),
        "auc_interval": _bootstrap(rows, name),
        "tpr_at_fpr_5": round(float(tpr[fpr <= 0.05].max()), 4),
        "real_flagged": _share(real, lambda row: row[name]["probability"] >= row[name]["some"]),
        "real_strict": _share(real, lambda row: row[name]["probability"] >= row[name]["strong"]),
        "fake_flagged": _share(fake, lambda row: row[name]["probability"] >= row[name]["some"]),
        "fake_strict": _share(fake, lambda row: row[name]["probability"] >= row[name]["strong"]),
    }
    return found


def _share(rows: Sequence[Row], test: Any) -> float:
    return round(sum(map(test, rows)) / len(rows), 4) if rows else 0.0


def _bootstrap(rows: Sequence[Row], name: str) -> list[float]:
    """90 % interval of the AUC when whole groups are drawn: clips of one person are not independent."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    chance, names = random.Random(1), list(groups)
    values = []
    for _ in range(500):
        drawn = [row for group in chance.choices(names, k=len(names)) for row in groups[group]]
        auc = _auc(drawn, lambda row: row[name]["probability"])
        if auc is not None:
            values.append(auc)
    return [round(float(value), 4) for value in np.quantile(values, (0.05, 0.95))] if values else []


def _kinds(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Verdicts by kind: what a user would have read."""
    found = []
    for label, kind in sorted({(row["label"], row["kind"]) for row in rows}):
        inside = [row for row in rows if (row["label"], row["kind"]) == (label, kind)]
        grades = Counter(row["grade"] for row in inside)
        found.append({"label": label, "kind": kind, "clips": len(inside), "grades": dict(sorted(grades.items()))})
    return found


def _pooling(name: str, rows: Sequence[Row]) -> dict[str, float | None]:
    """Against the highest frame, which one odd frame decides."""
    judged = _judged(rows, name, SUBJECTS.get(name))
    return {
        "trimmed_mean_auc": _rounded(_auc(judged, lambda row: row[name]["probability"])),
        "highest_frame_auc": _rounded(_auc(judged, lambda row: row[name]["most"])),
    }


_TEMPORAL = (
    ("landmarks", "faces"),
    ("landmarks", "made_swap"),
    ("steps_face", "faces"),
    ("steps_face", "made_swap"),
    ("repeated", "faces"),
    ("repeated", "scenes"),
    ("blended", "faces"),
    ("blended", "scenes"),
)
"""Measurements, and of which clips: faces and scenes of `SUBJECTS`, or swaps and their controls alone."""


def _temporal(rows: Sequence[Row]) -> dict[str, dict[str, float | int | None]]:
    """Whether what only time shows tells manipulated clips from real ones; 0.5 = not at all."""
    found: dict[str, dict[str, float | int | None]] = {}
    for name, subject in _TEMPORAL:
        kinds = {"faces": SUBJECTS["face"], "scenes": SUBJECTS["scene"]}.get(subject, (subject,))
        inside = [row for row in rows if name in row and (not row["label"] or row["kind"] in kinds)]
        if subject == "made_swap":
            inside = [row for row in inside if row["kind"] in ("made_swap", "made_control")]
        elif name in ("repeated", "blended"):  # swaps and controls are given only the frames that show a face
            inside = [row for row in inside if not row["kind"].startswith("made_")]
        found[f"{name}, {subject}"] = {
            "clips": len(inside),
            "real_with": sum(row[name] > 0 for row in inside if not row["label"]),
            "fake_with": sum(row[name] > 0 for row in inside if row["label"]),
            "auc": _rounded(_auc(inside, lambda row, name=name: row[name])),
        }
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _changes(altered: Sequence[Row]) -> list[dict[str, Any]]:
    """What altered copies do to verdicts, by label and change."""
    found = []
    for label, change in sorted({(row["label"], row["change"]) for row in altered}):
        inside = [row for row in altered if (row["label"], row["change"]) == (label, change)]
        was = [row for row in inside if row["before"]["grade"] in FLAGGED]
        found.append(
            {
                "label": label,
                "change": change,
                "clips": len(inside),
                "same_grade": _share(inside, lambda row: row["grade"] == row["before"]["grade"]),
                "flagged_before": len(was),
                "flagged_before_and_after": sum(row["grade"] in FLAGGED for row in was),
                "flagged_after_only": sum(row["grade"] in FLAGGED and row["before"]["grade"] not in FLAGGED for row in inside),
                "opposite": sum({row["grade"], row["before"]["grade"]} == OPPOSITE for row in inside),
            }
        )
    return found
