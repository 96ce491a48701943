"""Ask a model about every picture outside training, through the product's own code.

    python -m research.measure --config research/configs/face.toml --data DATA --model face.onnx --out RUN/measured.csv

One row per picture: split, label, source, kind and the model's raw score. Nothing is calibrated yet.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import tempfile
import tomllib
from pathlib import Path

from research.cards import draft
from research.prepare import _CAPTIONED, _COLLAGES, items
from veriscope.detectors.card import read_card
from veriscope.detectors.onnx import OnnxDetector
from veriscope.domain import Frame, Media, Status, Views
from veriscope.errors import InputError
from veriscope.faces import FaceDetector, crop_face
from veriscope.ingest import open_media
from veriscope.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0, help="at most so many pictures per split, label and source")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    folders = [arguments.data / name for name in config["prepare"]["folders"]]
    chosen = [
        item for item in items(folders, config["kind"]) if item.split != "train" and item.source not in _COLLAGES | _CAPTIONED
    ]
    with tempfile.TemporaryDirectory() as folder:
        detector = OnnxDetector(read_card(draft(config, arguments.model, Path(folder))), threads=1)
    faces = FaceDetector(threads=1) if config["kind"] == "face" else None
    count: dict[tuple[str, int, str], int] = {}
    with arguments.out.open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["split", "label", "source", "kind", "status", "raw", "low", "high", "file"])
        for number, item in enumerate(chosen):
            key = (item.split, item.label, item.source)
            count[key] = count.get(key, 0) + 1
            if arguments.limit and count[key] > arguments.limit:
                continue
            try:
                media = open_media(item.file, Settings())
            except InputError as error:
                writer.writerow([item.split, item.label, item.source, item.kind, error.code, "", "", "", item.file.name])
                continue
            signal = detector.analyze(views(media, detector, faces))
            low, high = signal.interval or ("", "")
            status = "ok" if signal.status is Status.OK else signal.reason.code if signal.reason else ""
            raw = "" if signal.raw is None else f"{signal.raw:.6f}"
            writer.writerow([item.split, item.label, item.source, item.kind, status, raw, low, high, item.file.name])
            if number % 500 == 0:
                print(number, len(chosen), flush=True)
    print(hashlib.sha256(arguments.out.read_bytes()).hexdigest(), arguments.out)


def views(media: Media, detector: OnnxDetector, faces: FaceDetector | None) -> Views:
    """The views of a picture as the engine makes them."""
    frame: Frame = media.frames[0]
    if faces is None or detector.recipe is None:
        return Views(media, media.frames)
    found = faces.detect(frame)
    crops = {face.id: crop_face(frame.image, face, detector.recipe) for face in found if face.assessable}
    return Views(media, media.frames, found, {detector.recipe: crops})


if __name__ == "__main__":
    main()
