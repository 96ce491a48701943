"""The smallest recipe, end to end, exactly as the commands of docs/training.md run it. Needs PyTorch: `make test-research`."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(step: str, *arguments: object) -> str:
    command = [sys.executable, "-m", f"research.{step}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{step} failed:\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    run("generated", "--out", folder)
    return folder


def killed_in_the_middle(config: Path, folder: Path) -> None:
    """Start training, and kill it once it has saved something."""
    command = [sys.executable, "-m", "research.train", "--config", str(config), "--run", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as training:
        deadline = time.monotonic() + 400
        while not (folder / "checkpoint.pt").is_file() and training.poll() is None:
            assert time.monotonic() < deadline, "no checkpoint was written"
            time.sleep(0.2)
        training.send_signal(signal.SIGKILL)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("kind", "least_auc"), [("scene", 0.75), ("face", 0.65)])
def test_the_smallest_recipe_trains_measures_and_reports(kind: str, least_auc: float, data: Path, tmp_path: Path) -> None:
    config = ROOT / f"research/configs/smoke-{kind}.toml"
    about = ("--config", config, "--run", tmp_path)
    run("prepare", "--config", config, "--data", data, "--out", tmp_path)
    killed_in_the_middle(config, tmp_path)
    assert not (tmp_path / "weights.pt").is_file(), "the run was over before it could be killed: make it longer"
    run("train", *about)
    with (tmp_path / "curve.csv").open(newline="") as handle:
        steps = [int(row[0]) for row in csv.reader(handle)]
    assert steps == sorted(set(steps)), "a resumed run repeats no step"
    assert "largest difference" in run("export", *about)
    run("measure", *about, "--data", data)
    run("measure", *about, "--data", data, "--altered", "--split", "heldout", "--per-source", 4)
    run("control", *about, "--data", data)
    if kind == "face":
        run("people", *about, "--data", data)
    run("calibrate", *about, "--cards", tmp_path)
    run("evaluate", *about, "--cards", tmp_path, "--out", tmp_path / "docs")
    report = json.loads((tmp_path / f"docs/evaluation-smoke-{kind}.json").read_text("utf-8"))
    assert report["splits"]["heldout"]["auc"] >= least_auc
    first = report["heldout_first"]  # of the generated sources, only the faces bear names that were held out from the beginning
    assert first is None if kind == "scene" else first == report["splits"]["heldout"]
    assert set(report["robustness"]) >= {"clean", "jpeg50", "half", "common"}
    assert "control heldout" in report["peers"]
    assert (tmp_path / f"docs/images/evaluation-smoke-{kind}-reliability.svg").is_file()


def test_a_measurement_that_was_stopped_goes_on(data: Path, tmp_path: Path) -> None:
    """What was asked is not asked again, and what was not is."""
    from research.judges import Answer
    from research.measure import measure, read
    from research.prepare import chosen

    from veriscope.domain import Frame, Media

    class Counting:
        asked = 0

        def ask(self, media: Media, frame: Frame) -> Answer:
            del media
            self.asked += 1
            return "ok", frame.image.getpixel((0, 0))[0] / 255

    found = chosen({"kind": "scene", "prepare": {"folders": ["generated-scene"]}}, data, ("heldout",))[:6]
    judge, target = Counting(), tmp_path / "scores.csv"
    measure(judge, found[:4], ["clean", "half"], target)
    measure(judge, found, ["clean", "half"], target)
    assert judge.asked == 12
    assert len({(row["file"], row["variant"]) for row in read(target)}) == len(read(target)) == 12


def test_folding_the_normalisation_changes_nothing() -> None:
    import torch
    from research.network import Detector

    torch.manual_seed(0)
    network = Detector().eval()
    torch.nn.init.normal_(network.head.weight, std=0.02)
    pixels = torch.rand(2, 3, 96, 96) * 2 - 1
    with torch.no_grad():
        before = network(pixels)[0]
        network.fold()
        after = network(pixels)[0]
    assert torch.allclose(before, after, atol=1e-4)
    assert before.abs().max() > 1e-3


@pytest.mark.filterwarnings("ignore")  # of what the exporter says about itself
def test_a_high_pass_branch_begins_without_a_voice_and_can_be_exported(tmp_path: Path) -> None:
    import torch
    from research.export import largest_difference, write
    from research.network import HighPass, from_onnx

    shipped = ROOT / "src/veriscope/detectors/cards/scene.onnx"
    torch.manual_seed(0)
    pixels = torch.rand(2, 3, 96, 96) * 2 - 1
    plain = from_onnx(shipped, backbone="lite2").eval()
    with_branch = from_onnx(shipped, high_pass=True, backbone="lite2").eval()
    with torch.no_grad():
        assert torch.allclose(plain(pixels)[0], with_branch(pixels)[0], atol=1e-5)
        assert with_branch.high_pass is not None
        flat = torch.full((1, 3, 96, 96), 0.3)
        assert torch.allclose(with_branch.high_pass(flat), with_branch.high_pass(flat * 2), atol=1e-6), "a blur keeps all of it"
        with_branch.head.weight[:, -HighPass.WIDTH :] = 0.5
        assert not torch.allclose(plain(pixels)[0], with_branch(pixels)[0], atol=1e-3)
    write(with_branch, 96, tmp_path / "branch.onnx")
    assert largest_difference(with_branch, 96, tmp_path / "branch.onnx") < 1e-3
