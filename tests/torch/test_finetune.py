"""Fine-tuning end to end on pictures with an easy cue, and what it may never do: leak, invert, forget, export another model."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
import transformers
from clouds_made import cloud, write_clouds

from veriscope import Engine, Settings
from veriscope.detectors import catalogue
from veriscope.detectors.hub.recipe import Recipe
from veriscope.errors import DataError, ModelError, WeightsUnavailable
from veriscope.training import export
from veriscope.training.finetune import Progress, Result, finetune
from veriscope.training.layers import freeze, give_two_logits
from veriscope.training.lite import from_embedded, loaded
from veriscope.training.plan import Plan
from veriscope.training.view import View

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(1200)  # seconds are enough on a machine with nothing else to do

# One thread: these networks are tiny, and sums over several threads may differ in their last bit.
torch.set_num_threads(1)
PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "size": {"height": 32, "width": 32},
    "resample": 2,
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}


def write_base(place: Path, labels: dict[int, str], blind: bool = True) -> Path:
    """A tiny vision transformer in the layout of the Hub; a blind one answers one half to everything."""
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        id2label=labels,
        label2id={word: number for number, word in labels.items()},
    )
    model = transformers.ViTForImageClassification(config)
    if blind:
        torch.nn.init.zeros_(model.classifier.weight)
    model.save_pretrained(place)
    (place / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return place


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_clouds(tmp_path_factory.mktemp("data"), 60)
    (folder / "real" / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base") / "blind", {0: "fake", 1: "real"})


def plan_of(base: Path | str, data: Path, output: Path, **changes: Any) -> Plan:
    plan = Plan(str(base), data, output, epochs=6, rate=2e-3, workers=0, patience=6)
    return dataclasses.replace(plan, **changes)


@pytest.fixture(scope="module")
def result(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    place = tmp_path_factory.mktemp("result")
    return finetune(plan_of(base, data, place / "mine"), Settings(hub_folder=place / "hub"))


def test_it_learns_what_its_base_did_not_know(result: Result) -> None:
    ours, before = result.comparison.contenders
    assert ours.figures is not None
    assert before.figures is not None
    assert ours.figures.auc is not None
    assert before.figures.auc is not None
    assert ours.figures.auc.value > 0.95
    assert before.figures.auc.value == 0.5


def test_the_result_has_the_layout_of_the_hub_and_no_checkpoint_is_left(result: Result) -> None:
    names = {path.name for path in result.folder.iterdir()}
    assert names == {"config.json", "model.safetensors", "preprocessor_config.json", "model.onnx", "README.md", "training"}
    assert {path.name for path in (result.folder / "training").iterdir()} == {"split.csv", "skipped.csv", "curve.json", "logs"}
    config = json.loads((result.folder / "config.json").read_text())
    assert config["id2label"] == {"0": "real", "1": "synthetic"}
    assert config["veriscope"] == {"format": 1, "task": "scene"}
    assert str(result.folder.parent) not in json.dumps(config)
    processor = json.loads((result.folder / "preprocessor_config.json").read_text())
    assert processor["size"] == {"shortest_edge": 32}, "the base squashed every picture, the result squashes none"
    assert "damaged.jpg" in (result.folder / "training" / "skipped.csv").read_text()
    assert "damaged" not in (result.folder / "README.md").read_text()
    assert list((result.folder / "training" / "logs").glob("events.*"))
    readers = {(result.folder / name).stat().st_mode for name in ("config.json", "model.safetensors", "model.onnx")}
    assert len(readers) == 1, "whoever may read one of the files may read all"


def test_transformers_and_onnx_runtime_give_the_same_probabilities(result: Result) -> None:
    model = transformers.AutoModelForImageClassification.from_pretrained(result.folder).eval()
    session = onnxruntime.InferenceSession(str(result.folder / "model.onnx"))
    pixels = np.random.default_rng(0).standard_normal((7, 3, 32, 32)).astype(np.float32)
    with torch.inference_mode():
        wanted = model(pixel_values=torch.from_numpy(pixels)).logits.softmax(1).numpy()
    found = torch.from_numpy(session.run(None, {"pixel_values": pixels})[0]).softmax(1).numpy()
    assert np.abs(wanted - found).max() <= export.TOLERANCE


def test_it_is_a_detector_at_once_that_neither_accuses_nor_clears_uncalibrated(result: Result, tmp_path: Path) -> None:
    picture = tmp_path / "new.png"
    cloud(900_001, cold=True, side=128).save(picture)
    report = Engine(Settings(detectors=(str(result.folder),), hub_folder=tmp_path)).analyze(picture)
    signal = report.signals[0]
    assert signal.source == "local:mine"
    assert signal.probability is not None
    assert signal.probability > 0.5, "a cold cloud is what was labelled fake"
    assert signal.points is None
    assert report.verdict.grade == "uncertain"


def test_no_group_is_on_two_sides(base: Path, tmp_path: Path) -> None:
    data = write_clouds(tmp_path / "data", 60)
    for number in range(12):  # nearly the same picture again, under another name
        cloud(2 * number, cold=False, side=96).resize((150, 150)).save(data / "real" / f"copy{number}.jpg", quality=60)
    finetune(plan_of(base, data, tmp_path / "out", epochs=1), Settings(hub_folder=tmp_path / "hub"))
    with (tmp_path / "out" / "training" / "split.csv").open(newline="") as handle:
        part = {Path(row["file"]).name: (row["split"], row["group"]) for row in csv.DictReader(handle)}
    for number in range(12):
        assert part[f"copy{number}.jpg"] == part[f"{2 * number:04}.jpg"]
    sides: dict[str, set[str]] = {}
    for side, group in part.values():
        sides.setdefault(group, set()).add(side)
    assert all(len(found) == 1 for found in sides.values())


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from test_finetune import plan_of
from veriscope import Settings
from veriscope.training.finetune import finetune

def tell(step):
    if step.stage == "training" and step.done == int(sys.argv[5]):
        os.kill(os.getpid(), signal.SIGKILL)

finetune(plan_of(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])), Settings(), tell)
"""


def killed(base: Path, data: Path, output: Path, step: int) -> None:
    arguments = [str(base), str(data), str(output), str(Path(__file__).parent), str(step)]
    path = f"{ROOT / 'src'}:{ROOT / 'tests' / 'unit'}"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == -9, done.stderr[-2000:]


def weights(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_a_killed_run_goes_on_and_ends_as_if_it_had_never_been_killed(
    result: Result, base: Path, data: Path, tmp_path: Path
) -> None:
    killed(base, data, tmp_path / "mine", step=15)
    assert not (tmp_path / "mine" / "config.json").exists(), "nothing may take an unfinished run for a model"
    half_written = max((tmp_path / "mine" / "training" / "work" / "checkpoints").glob("checkpoint-*"))
    half_written.with_name("checkpoint-9999").mkdir()
    steps: list[int] = []

    def tell(step: Progress) -> None:
        if step.stage == "training":
            steps.append(step.done)

    resumed = finetune(plan_of(base, data, tmp_path / "mine"), Settings(hub_folder=tmp_path / "hub"), tell)
    assert resumed.resumed
    assert min(steps) > 6, "what was learned is not learned again"
    assert weights(tmp_path / "mine") == weights(result.folder)
    with pytest.raises(DataError, match="holds a model already"):
        finetune(plan_of(base, data, tmp_path / "mine"), Settings())


def test_other_choices_do_not_go_on_with_a_run(base: Path, data: Path, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def tell(step: Progress) -> None:
        if step.stage == "training":
            raise Enough

    with pytest.raises(Enough):
        finetune(plan_of(base, data, tmp_path / "out"), Settings(), tell)
    with pytest.raises(DataError, match="an unfinished run with other pictures or options"):
        finetune(plan_of(base, data, tmp_path / "out", seed=1), Settings(), tell)


def test_training_ends_when_it_no_longer_helps(base: Path, data: Path, tmp_path: Path) -> None:
    plan = plan_of(base, data, tmp_path / "out", epochs=40, rate=0.9e-9, patience=2)
    finetune(plan, Settings(hub_folder=tmp_path / "hub"))
    history = json.loads((tmp_path / "out" / "training" / "curve.json").read_text())
    assert len([entry for entry in history if "eval_auc" in entry]) == 3, "the first counts, two without a better one end it"


def test_an_embedded_base_is_the_network_of_its_file() -> None:
    for card in catalogue(Settings()):
        network = from_embedded(card.weights_path, mirror=card.task == "face").eval()
        pixels = np.random.default_rng(0).uniform(-1, 1, (3, 3, card.input.size, card.input.size)).astype(np.float32)
        wanted = onnxruntime.InferenceSession(str(card.weights_path)).run(["logit"], {"pixels": pixels})[0].reshape(-1)
        with torch.inference_mode():
            logits = network(pixel_values=torch.from_numpy(pixels)).logits.numpy()
        assert np.abs(logits[:, 1] - logits[:, 0] - wanted).max() < 1e-4, card.id


def test_an_embedded_base_gives_a_model_that_runs_and_is_a_base_again(data: Path, tmp_path: Path) -> None:
    plan = plan_of("embedded:scene", data, tmp_path / "scene", epochs=1, layers="head", rate=1e-3)
    made = finetune(plan, Settings(hub_folder=tmp_path / "hub"))
    assert made.onnx_problem == ""
    ours, before = made.comparison.contenders
    assert (ours.id, before.id) == ("local:scene", "scene")
    assert ours.figures is not None
    from safetensors.torch import load_file

    config = json.loads((tmp_path / "scene" / "config.json").read_text())
    again = loaded(config, load_file(tmp_path / "scene" / "model.safetensors"))
    frozen = from_embedded(next(card.weights_path for card in catalogue(Settings()) if card.id == "scene"), mirror=False)
    assert torch.equal(again.stem.weight, frozen.stem.weight)
    assert not torch.equal(again.classifier.weight, frozen.classifier.weight)
    assert "unclear" in (tmp_path / "scene" / "README.md").read_text()


def test_a_model_without_a_size_is_the_small_one_and_an_unknown_size_is_refused() -> None:
    card = next(card for card in catalogue(Settings()) if card.id == "face")
    network = from_embedded(card.weights_path, mirror=True)
    assert network.config.size == "lite0"
    again = loaded({"mirror": True}, network.state_dict())  # as it was saved before there were two sizes
    assert torch.equal(again.last.weight, network.last.weight)
    with pytest.raises(WeightsUnavailable, match='size "lite9"; lite0 and lite2 are known'):
        loaded({"size": "lite9"}, network.state_dict())
    with pytest.raises(WeightsUnavailable, match="are known"):
        loaded({"size": ["lite0"]}, network.state_dict())


def tiny(labels: int) -> Any:
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8,
        num_labels=labels,
    )  # fmt: skip
    return transformers.ViTForImageClassification(config).eval()


@pytest.mark.parametrize(
    ("labels", "synthetic", "before"),
    [
        pytest.param(2, {1}, lambda logits: logits.softmax(1)[:, 1], id="real first"),
        pytest.param(2, {0}, lambda logits: logits.softmax(1)[:, 0], id="fake first"),
        pytest.param(1, {0}, lambda logits: logits[:, 0].sigmoid(), id="one logit"),
        pytest.param(1, set(), lambda logits: 1 - logits[:, 0].sigmoid(), id="one logit, upside down"),
    ],
)
def test_two_logits_say_what_the_base_said(labels: int, synthetic: set[int], before: Callable[[Any], Any]) -> None:
    model, pixels = tiny(labels), torch.randn(5, 3, 32, 32)
    with torch.inference_mode():
        wanted = before(model(pixel_values=pixels).logits)
        give_two_logits(model, frozenset(synthetic))
        found = model(pixel_values=pixels).logits.softmax(1)[:, 1]
    assert torch.allclose(wanted, found, atol=1e-6)
    assert model.config.id2label == {0: "real", 1: "synthetic"}


@pytest.mark.parametrize(("layers", "blocks"), [("head", 0), (1, 1), (2, 2), ("all", 3)])
def test_only_the_wanted_layers_learn(layers: Any, blocks: int) -> None:
    model = tiny(2)
    learns, weights = freeze(model, layers)
    moving = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert {"classifier.weight", "classifier.bias"} <= set(moving)
    assert len({name.split(".")[2] for name in moving if ".layers." in name or ".layer." in name}) == blocks
    assert any("embeddings" in name for name in moving) == (layers == "all")
    assert 0 < learns <= weights


def test_more_blocks_than_there_are_is_refused() -> None:
    with pytest.raises(DataError, match="The base has 3 blocks"):
        freeze(tiny(2), 4)


def test_statistics_of_frozen_layers_stay() -> None:
    model = transformers.ResNetForImageClassification(
        transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=2)
    )
    freeze(model, "head")
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.train()(pixel_values=torch.randn(4, 3, 64, 64))
    assert all(torch.equal(before[name], value) for name, value in model.named_buffers())


def test_an_export_that_answers_differently_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, other = tiny(2), tiny(2)
    torch.nn.init.normal_(other.classifier.weight)
    write = export._write
    monkeypatch.setattr(export, "_write", lambda _, size, path: write(other, size, path))
    view = View("scene", Recipe(shorter=32, crop=(32, 32)))
    pictures = np.random.default_rng(0).standard_normal((4, 3, 32, 32)).astype(np.float32)
    with pytest.raises(ModelError, match="answers differently"):
        export.write_onnx(model, view, pictures, tmp_path)
    assert not (tmp_path / "model.onnx").exists()
    monkeypatch.undo()
    assert export.write_onnx(model, view, pictures, tmp_path) <= export.TOLERANCE


def test_a_held_out_part_that_is_large_enough_calibrates(base: Path, tmp_path: Path) -> None:
    rows = []
    data = write_clouds(tmp_path / "data", 110)
    for path in sorted(data.rglob("*.jpg")):
        number = int(path.stem) // 2
        rows.append([path.relative_to(data), path.relative_to(data).parts[0], "test" if number < 60 else ""])
    with (data / "table.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["file", "label", "split"], *rows])
    settings = Settings(hub_folder=tmp_path / "hub")
    made = finetune(plan_of(base, data / "table.csv", tmp_path / "mine"), settings)
    assert made.calibration is not None, made.calibration_problem
    report = Engine(dataclasses.replace(settings, detectors=(str(tmp_path / "mine"),))).analyze(data / "fake/warp/0001.jpg")
    assert report.signals[0].points is not None
    assert report.signals[0].points.strong == 1.0, "60 real pictures cannot support a rate of 0.5 %"
