"""Only the file that a card pins is opened."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from models_made import SIDE, brightness_model

from veriscope.errors import ChecksumMismatch, ModelError, WeightsUnavailable
from veriscope.runtime.sessions import open_session, verified_bytes


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "made.onnx"
    path.write_bytes(brightness_model())
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_pinned_file_is_read(weights: Path) -> None:
    assert verified_bytes(weights, sha256(weights)) == weights.read_bytes()


def test_one_changed_bit_is_noticed(weights: Path) -> None:
    pinned = sha256(weights)
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ChecksumMismatch, match=r"made\.onnx.*Install veriscope again") as caught:
        open_session(weights, pinned)
    assert caught.value.code == "checksum_mismatch"


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "gone.onnx"
    if kind == "folder":
        path.mkdir()
    with pytest.raises(WeightsUnavailable, match=r"gone\.onnx cannot be read") as caught:
        open_session(path, "0" * 64)
    assert isinstance(caught.value, ModelError)
    assert str(tmp_path) not in str(caught.value), "the user's folders belong in no message"


def test_a_pinned_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_bytes(b"this is not a model")
    with pytest.raises(WeightsUnavailable, match="no model that ONNX Runtime"):
        open_session(path, sha256(path))


@pytest.mark.parametrize("threads", [0, 1])
def test_a_session_runs_on_the_processor(weights: Path, threads: int) -> None:
    session = open_session(weights, sha256(weights), threads)
    assert session.get_providers() == ["CPUExecutionProvider"]
    logit, grid = session.run(["logit", "map"], {"pixels": np.ones((2, 3, SIDE, SIDE), np.float32)})
    assert logit == pytest.approx([4.0, 4.0])
    assert grid.shape == (2, 2, 2)


def test_only_sessions_opens_onnx_runtime() -> None:
    root = Path(__file__).parents[2] / "src" / "veriscope"
    importers = {path.name for path in root.rglob("*.py") if "import onnxruntime" in path.read_text("utf-8")}
    assert importers == {"sessions.py"}
