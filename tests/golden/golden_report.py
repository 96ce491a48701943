"""What a stored expectation keeps of a report, and how near is near enough.

Encoders, resamplers and matrix kernels differ in the last digits between versions and processors: their numbers are
compared with a tolerance, everything else exactly.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

EXPECTED = Path(__file__).with_name("expected")
PER_RUN = ("timings", "created")
TOLERANCE = {"box": 2.0, "probability": 0.02, "score": 0.02, "interval": 0.03, "confidence": 0.02}


def without_run(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what differs from run to run and from entrance to entrance."""
    kept = {key: value for key, value in report.items() if key not in PER_RUN}
    return {**kept, "media": {key: value for key, value in report["media"].items() if key != "source"}}


def stable(report: dict[str, Any]) -> dict[str, Any]:
    """The part of a report that every machine should find again."""
    media, verdict = report["media"], report["verdict"]
    return {
        "media": {key: media[key] for key in ("kind", "format", "width", "height", "frames", "duration", "notes")},
        "verdict": {
            "grade": verdict["grade"],
            "raw_grade": verdict["raw_grade"],
            "score": _rounded(verdict["score"]),
            "interval": _rounded(verdict["interval"]),
            "reasons": [_finding(reason) for reason in verdict["reasons"]],
        },
        "signals": [_signal(signal) for signal in report["signals"]],
        "faces": [_face(face) for face in report["faces"]],
        "not_checked": [_finding(gap) for gap in report["not_checked"]],
        "law": len(report["law"]),
        "schema": report["schema"],
        **({"clip": _clip(report["clip"]), "video": media["video"]} if report["clip"] else {}),
    }


def _clip(clip: dict[str, Any]) -> dict[str, Any]:
    tracks = [{key: track[key] for key in ("id", "frames", "assessed", "supported")} for track in clip["tracks"]]
    counts = {key: clip[key] for key in ("wanted", "lost", "damaged", "decoded", "strategy", "face_seconds", "until")}
    return {"samples": clip["samples"], "tracks": tracks, **counts}


def _signal(signal: dict[str, Any]) -> dict[str, Any]:
    return {
        **{key: signal[key] for key in ("source", "kind", "status")},
        "probability": _rounded(signal["probability"]),
        "findings": [_finding(finding) for finding in signal["findings"]],
        "scores": [
            {"subject": score["subject"], "face": score["face"], "probability": _rounded(score["probability"])}
            for score in signal["scores"]
        ],
        "maps": [{"code": grid["code"], "rows": grid["rows"], "columns": grid["columns"]} for grid in signal["maps"]],
        "rechecks": [
            {"variant": again["variant"], "probability": _rounded(again["probability"])} for again in signal["rechecks"]
        ],
        "reason": signal["reason"] and _finding(signal["reason"]),
    }


def _finding(finding: dict[str, Any]) -> dict[str, Any]:
    return {key: finding[key] for key in ("code", "params", "tendency", "face")}


def _face(face: dict[str, Any]) -> dict[str, Any]:
    box = [round(face["box"][key]) for key in ("x", "y", "width", "height")]
    return {"id": face["id"], "box": box, "confidence": _rounded(face["confidence"]), "reason": face["reason"]}


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value if value is None else round(value, 2)


def differences(found: Any, expected: Any, tolerance: dict[str, float], path: str = "", allowed: float = 0.0) -> list[str]:
    """Where two values differ by more than is allowed for the nearest named key above them; empty = the same."""
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        inner = [(f"{path}.{key}", found[key], expected[key], tolerance.get(key, allowed)) for key in found]
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        inner = [(f"{path}[{place}]", *pair, allowed) for place, pair in enumerate(zip(found, expected, strict=True))]
    elif _numbers(found, expected) and math.isclose(found, expected, rel_tol=0.0, abs_tol=allowed + 1e-9):
        return []
    else:
        return [] if type(found) is type(expected) and found == expected else [f"{path}: {found!r}, expected {expected!r}"]
    return [line for where, one, other, near in inner for line in differences(one, other, tolerance, where, near)]


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def check(name: str, found: dict[str, Any], tolerance: dict[str, float]) -> None:
    """Compares with the stored expectation; `VERISCOPE_REGENERATE=1` stores a new one and fails all the same."""
    path = EXPECTED / f"{name}.json"
    if os.environ.get("VERISCOPE_REGENERATE") == "1":
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        pytest.fail(f"{path.name} was written anew: read its diff, then run again without VERISCOPE_REGENERATE")
    assert path.is_file(), f"{path.name} is missing: run `make golden`"
    lines = differences(found, json.loads(path.read_text("utf-8")), tolerance)
    assert not lines, f"{path.name}, where wanted run `make golden` and read the diff:\n" + "\n".join(lines[:20])
