"""The error rates that the app shows, from the figures that `research.evaluate` wrote; `research.publish` writes the file."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "src" / "veriscope" / "app" / "error_rates.json"
LEAST = 20  # pictures: of fewer, a share says nothing to a reader
ONE_SIDED_95 = 1.6449  # quantile of the normal distribution

Data = dict[str, Any]


def at_most(flagged: int, pictures: int) -> float:
    """The upper end of Wilson's interval: 95 % sure that the true share is not larger (Wilson 1927, doi:10.2307/2276774)."""
    z2 = ONE_SIDED_95**2
    middle = (flagged + z2 / 2) / (pictures + z2)
    spread = ONE_SIDED_95 / (pictures + z2) * math.sqrt(flagged * (pictures - flagged) / pictures + z2 / 4)
    return round(min(middle + spread, 1.0), 4)


def rates(data: Mapping[str, Data]) -> Data:
    """What the app reads: for each detector how many real pictures of a kind are flagged, and how many made ones are found."""
    return {"least": LEAST, "detectors": [_detector(name, found) for name, found in data.items()]}


def _detector(name: str, found: Data) -> Data:
    made: dict[tuple[str, bool], list[int]] = defaultdict(lambda: [0, 0])
    for row in found["sources"]:
        if row["label"] == 1:
            counts = made[row["kind"], row["split"] == "heldout"]
            counts[0] += row["n"]
            counts[1] += round(row["n"] * row["flagged_some"])
    real = [(row["kind"], row["n"], round(row["n"] * row["flagged_some"])) for row in found["kinds"]]
    return {
        "id": name,
        "version": found["version"],
        "measured": found["measured"],
        "real": [
            {"kind": kind, "pictures": count, "flagged": flagged, "at_most": at_most(flagged, count)}
            for kind, count, flagged in sorted(real, key=lambda row: -row[2] / row[1])
            if count >= LEAST
        ],
        "made": [
            {"generator": kind, "unseen": unseen, "pictures": count, "found": hits}
            for (kind, unseen), (count, hits) in sorted(made.items(), key=lambda row: -row[1][1] / row[1][0])
            if count >= LEAST
        ],
    }


def written(data: Mapping[str, Data]) -> str:
    return json.dumps(rates(data), indent=1) + "\n"
