"""The control: a classifier that never sees a pixel, only size, format, bytes and JPEG tables.

    python -m research.control --config research/configs/scene.toml --data DATA --run RUN

Trained on the training split of the same pictures. What it reaches is what a cheating detector could reach on this data; ours
must beat it by far, and must keep its score on the variant `common`, after which the control has nothing left to see
but the number of bytes. Writes RUN/scores/control.csv.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import random
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from sklearn.ensemble import HistGradientBoostingClassifier

from research.datasets import COLLAGES, Item
from research.measure import HEADER
from research.prepare import chosen
from veriscope.evaluation.variants import common

VARIANTS = ("clean", "common")
_TRAIN = 2500  # pictures


def traces(data: bytes) -> list[float]:
    """Width, height, ratio, multiples of 64, format, bytes per pixel, and the JPEG tables' sums and chroma sampling."""
    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
        tables = getattr(picture, "quantization", None) or {}
        layers = getattr(picture, "layer", None) or [(0, 0, 0, 0)]
        form = ("JPEG", "PNG", "WEBP", "MPO").index(picture.format) if picture.format in ("JPEG", "PNG", "WEBP", "MPO") else 9
    sums = [float(sum(table)) for table in tables.values()][:2]
    return [
        math.log(width),
        math.log(height),
        width / height,
        float(width % 64 == 0) + float(height % 64 == 0),
        float(form),
        len(data) / (width * height),
        *sums,
        *[0.0] * (2 - len(sums)),
        float(layers[0][1]) if layers[0] else 0.0,
    ]


def seen(item: Item, variant: str) -> list[float] | None:
    """The traces of a picture's file, or of its commonly re-encoded copy; None when it cannot be read."""
    try:
        data = item.file.read_bytes()
        if variant == "common":
            with Image.open(io.BytesIO(data)) as opened:
                opened.draft("RGB", (1100, 1100))
                picture = common(ImageOps.exif_transpose(opened).convert("RGB"))
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=80, subsampling=2)
            data = buffer.getvalue()
        return traces(data)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def sampled(found: list[Item], per_source: int, total: int) -> list[Item]:
    """At most `per_source` of a source and kind, at most `total` of all, drawn with a fixed seed."""
    count: Counter[tuple[str, str]] = Counter()
    kept = []
    for item in random.Random(0).sample(found, len(found)):
        count[item.source, item.kind] += 1
        if item.source not in COLLAGES and count[item.source, item.kind] <= per_source:
            kept.append(item)
    return kept[:total]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    training = sampled(chosen(config, arguments.data, ("train",)), 150, _TRAIN)
    asked = sampled(chosen(config, arguments.data, ("test", "heldout")), 100, 10**6)
    target = arguments.run / "scores" / "control.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(HEADER)
        for variant in VARIANTS:
            known = [(item, values) for item in training if (values := seen(item, variant)) is not None]
            labels = [item.label for item, _ in known]
            model = HistGradientBoostingClassifier(random_state=0).fit(np.array([values for _, values in known]), labels)
            judged = [(item, values) for item in asked if (values := seen(item, variant)) is not None]
            chances = model.predict_proba(np.array([values for _, values in judged]))[:, 1].clip(1e-6, 1 - 1e-6)
            for (item, _), logit in zip(judged, np.log(chances / (1 - chances)), strict=True):
                known_of = (variant, item.split, item.label, item.source, item.kind)
                writer.writerow([*known_of, "ok", f"{logit:.5f}", item.file.name])
    print(target)


if __name__ == "__main__":
    main()
