"""Cards as text: a draft to measure with, and the final one with what was measured."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any


def draft(config: dict[str, Any], model: Path, folder: Path) -> Path:
    """A card whose calibration changes nothing, with the model beside it."""
    shutil.copy(model, folder / model.name)
    values = {"a": 1.0, "b": 0.0, "covariance": [0.0, 0.0, 0.0], "fitted_on": "nothing", "n": 1, "fitted": "2000-01-01"}
    curve = [(0.5, 0.5), (0.2, 0.6), (0.05, 0.7), (0.01, 0.8)]
    evidence = dict.fromkeys(("auc", "eer", "tpr_at_fpr_1", "tpr_at_fpr_5", "fpr_some", "fpr_strong", "ece"), 0.0)
    evidence |= {"command": "none", "measured": "2000-01-01", "real": 0, "synthetic": 0, "unseen": {}, "known_failures": []}
    target = folder / f"{config['kind']}.toml"
    target.write_text(card(config, model, values, curve, evidence), "utf-8")
    return target


def card(
    config: dict[str, Any],
    model: Path,
    calibration: dict[str, Any],
    curve: list[tuple[float, float]],
    evidence: dict[str, Any],
) -> str:
    """The TOML text of a card."""
    data = model.read_bytes()
    about, shape = config["card"], config["card"]["input"]
    lines = [
        f"# Written by research.calibrate: change research/configs/{config['kind']}.toml and run it again.",
        *(_line(key, value) for key, value in about.items() if key not in ("input", "points", "known_failures")),
        f'task = "{config["kind"]}"',
        "",
        "[weights]",
        _line("file", model.name),
        _line("sha256", hashlib.sha256(data).hexdigest()),
        _line("bytes", len(data)),
        "",
        "[input]",
        *(_line(key, value) for key, value in shape.items()),
        "",
        "[output]",
        'logit = "logit"',
        'map = "map"',
        "",
        "[calibration]",
        *(_line(key, value) for key, value in calibration.items()),
        "",
        "[points]",
        *(_line(key, value) for key, value in about["points"].items()),
        "curve = [",
        *(f"  {{ rate = {rate}, probability = {probability:.4f} }}," for rate, probability in curve),
        "]",
        "",
        "[evidence]",
        *(_line(key, value) for key, value in evidence.items() if key != "unseen"),
        "",
        "[evidence.unseen]",
        *(_line(f'"{key}"', value) for key, value in evidence["unseen"].items()),
    ]
    return "\n".join(lines) + "\n"


def _line(key: str, value: object) -> str:
    return f"{key} = {_value(value)}"


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.6g}" if value != int(value) else f"{value:.1f}"
        case list() | tuple():
            return "[" + ", ".join(_value(item) for item in value) + "]"
        case str() if len(value) == 10 and value[4] == value[7] == "-" and value[:4].isdigit():
            return value  # a date
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
