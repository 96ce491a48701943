"""The examples of the app are what their script makes, small and free of anybody's metadata."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veriscope.app import examples

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_examples.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    subprocess.run([sys.executable, str(SCRIPT), str(folder)], check=True)
    return folder


def test_the_script_makes_these_and_no_others(made: Path) -> None:
    assert {path.stem for path in made.iterdir()} == set(examples.NAMES)


@pytest.mark.parametrize("name", examples.NAMES)
def test_an_example_is_the_one_that_the_script_makes(name: str, made: Path) -> None:
    with Image.open(made / f"{name}.jpg") as fresh, Image.open(io.BytesIO(examples.data(name))) as shipped:
        assert fresh.size == shipped.size
        # Not byte by byte: another version of the JPEG library rounds otherwise.
        assert np.abs(np.asarray(fresh, np.int16) - np.asarray(shipped, np.int16)).mean() < 1.0


@pytest.mark.parametrize("name", examples.NAMES)
def test_an_example_is_small(name: str) -> None:
    assert len(examples.data(name)) < 150_000
    with Image.open(io.BytesIO(examples.thumbnail(name))) as small:
        assert small.size == (240, 240)
