"""Models in the layout of the Hub give what transformers' own pipeline gives, and what cannot be understood is refused."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import skimage.data
import torch
import transformers
from hub_models import ARCHITECTURES, add_onnx, make_model
from PIL import Image

from veriscope.detectors.hub.model import HubDetector, open_model
from veriscope.detectors.hub.reference import Reference
from veriscope.domain import Frame, Grade
from veriscope.engine import Engine
from veriscope.errors import ModelError, UnsafeModel, UnsupportedModel, WeightsUnavailable
from veriscope.settings import Settings

TOLERANCE = 1e-4  # of a probability
PICTURES = [
    Image.fromarray(pixels)
    for pixels in (
        skimage.data.astronaut(),
        skimage.data.coffee(),
        skimage.data.chelsea(),
        skimage.data.rocket(),
        skimage.data.immunohistochemistry(),
    )
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(hub_folder=tmp_path / "hub", threads=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


def opened(folder: Path, settings: Settings) -> HubDetector:
    return open_model(Reference(folder=folder), settings)


def ours(detector: HubDetector, pictures: Sequence[Image.Image]) -> list[float]:
    """P(synthetic) as the detector says it, over views made from whole frames."""
    views = [piece for number, picture in enumerate(pictures) for piece, _ in detector.pieces(Frame(number, picture))]
    return [detector.opinion(logit, 0.0).raw for logit in detector.logits(views)]


def theirs(folder: Path, pictures: Sequence[Image.Image], synthetic: set[str]) -> list[float]:
    """The same from the pipeline: the sum of its scores for the labels that mean synthetic."""
    pipe = transformers.pipeline("image-classification", model=str(folder), device="cpu")
    return [sum(entry["score"] for entry in pipe(picture, top_k=10) if entry["label"] in synthetic) for picture in pictures]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_probabilities_are_those_of_the_pipeline(architecture: str, folder: Path, settings: Settings) -> None:
    model = make_model(folder, architecture)
    wanted = theirs(folder, PICTURES, {"fake"})
    assert max(wanted) - min(wanted) > 100 * TOLERANCE, "answers that are all alike would agree by chance"
    assert ours(opened(folder, settings), PICTURES) == pytest.approx(wanted, abs=TOLERANCE)
    (folder / "model.safetensors").rename(folder.parent / "gone")
    add_onnx(folder, model)
    by_onnx = opened(folder, settings)
    assert ours(by_onnx, PICTURES) == pytest.approx(wanted, abs=TOLERANCE)
    assert ours(by_onnx, PICTURES[:1]) == pytest.approx(wanted[:1], abs=TOLERANCE)


@pytest.mark.parametrize(
    ("labels", "synthetic"),
    [
        ({0: "Fake", 1: "Real"}, {"Fake"}),
        ({0: "Realism", 1: "Deepfake"}, {"Deepfake"}),
        ({0: "AI", 1: "Deepfake", 2: "Real"}, {"AI", "Deepfake"}),
        ({0: "human", 1: "machine", 2: "AI-generated"}, {"machine", "AI-generated"}),
        ({0: "synthetic"}, {"synthetic"}),
    ],
    ids=["swapped", "as usual", "three classes", "three classes, real first", "one logit"],
)
def test_the_words_decide_and_not_the_order(
    labels: dict[int, str], synthetic: set[str], folder: Path, settings: Settings
) -> None:
    make_model(folder, labels=labels)
    assert ours(opened(folder, settings), PICTURES) == pytest.approx(theirs(folder, PICTURES, synthetic), abs=TOLERANCE)


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def drop_last_layer(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    safetensors.torch.save_file({key: value for key, value in tensors.items() if "classifier" not in key}, path)


def cut(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def pickle_only(folder: Path) -> None:
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


CONFIG = "config.json"


def with_value(**values: Any) -> Callable[[Path], object]:
    return lambda folder: rewritten(folder / CONFIG, lambda config: config.update(values))


@pytest.mark.parametrize(
    ("spoil", "error", "why"),
    [
        (lambda folder: make_model(folder, labels={0: "LABEL_0", 1: "LABEL_1"}), UnsupportedModel, "no id2label"),
        (with_value(id2label={"0": "LABEL_0", "1": "LABEL_1"}), UnsupportedModel, "LABEL_0"),
        (lambda folder: make_model(folder, labels={0: "LABEL_0"}), UnsupportedModel, "LABEL_0"),
        (lambda folder: make_model(folder, labels={0: "fake", 1: "deepfake"}), UnsupportedModel, "mean the same"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), UnsupportedModel, "no preprocessor_config"),
        (drop_last_layer, WeightsUnavailable, "tensors are missing"),
        (cut, WeightsUnavailable, "do not fit"),
        (pickle_only, UnsafeModel, "stranger's code"),
        (with_value(hidden_size=64), WeightsUnavailable, "do not fit"),
        (with_value(model_type="llama"), UnsupportedModel, "llama"),
        (with_value(model_type="mine"), UnsupportedModel, "mine"),
        (with_value(hidden_size="x"), UnsupportedModel, "cannot be read"),
    ],
    ids=[
        "labels that transformers leaves out",
        "LABEL_0 and LABEL_1",
        "one logit without a word",
        "two of a side",
        "no processor",
        "no last layer",
        "cut off",
        "pickle only",
        "other width",
        "language model",
        "unknown kind",
        "nonsense",
    ],
)  # fmt: skip
def test_what_cannot_be_trusted_is_refused(
    spoil: Callable[[Path], object], error: type[ModelError], why: str, folder: Path, settings: Settings
) -> None:
    make_model(folder)
    spoil(folder)
    with pytest.raises(error, match=why):
        opened(folder, settings)


def test_code_and_kernels_that_a_configuration_names_are_ignored(folder: Path, settings: Settings) -> None:
    make_model(folder)
    wanted = ours(opened(folder, settings), PICTURES)
    (folder / "modeling_mine.py").write_text("raise SystemExit('a stranger ran')")
    hostile = {"auto_map": {"AutoModelForImageClassification": "modeling_mine.Mine"}, "_attn_implementation": "someone/kernels"}
    rewritten(folder / CONFIG, lambda values: values.update(hostile, attn_implementation="someone/kernels", dtype="float16"))
    assert ours(opened(folder, settings), PICTURES) == wanted


def test_half_precision_weights_are_run_in_full(folder: Path, settings: Settings) -> None:
    make_model(folder)
    wanted = ours(opened(folder, settings), PICTURES)
    path = folder / "model.safetensors"
    tensors = {key: value.half() for key, value in safetensors.torch.load_file(path).items()}
    safetensors.torch.save_file(tensors, path)
    assert ours(opened(folder, settings), PICTURES) == pytest.approx(wanted, abs=0.02)


# timm


def as_timm(model: Any, depth: int = 12) -> dict[str, torch.Tensor]:
    """A ViT of transformers under the names that timm has for its tensors."""
    old = saved_tensors(model)
    names = {
        "cls_token": "vit.embeddings.cls_token",
        "pos_embed": "vit.embeddings.position_embeddings",
        "patch_embed.proj.weight": "vit.embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "vit.embeddings.patch_embeddings.projection.bias",
        "norm.weight": "vit.layernorm.weight",
        "norm.bias": "vit.layernorm.bias",
        "head.weight": "classifier.weight",
        "head.bias": "classifier.bias",
    }
    tensors = {timm: old[theirs] for timm, theirs in names.items()}
    for number in range(depth):
        block, layer = f"blocks.{number}", f"vit.encoder.layer.{number}"
        for end in ("weight", "bias"):
            parts = [old[f"{layer}.attention.attention.{name}.{end}"] for name in ("query", "key", "value")]
            tensors[f"{block}.attn.qkv.{end}"] = torch.cat(parts)
            tensors[f"{block}.attn.proj.{end}"] = old[f"{layer}.attention.output.dense.{end}"]
            tensors[f"{block}.norm1.{end}"] = old[f"{layer}.layernorm_before.{end}"]
            tensors[f"{block}.norm2.{end}"] = old[f"{layer}.layernorm_after.{end}"]
            tensors[f"{block}.mlp.fc1.{end}"] = old[f"{layer}.intermediate.dense.{end}"]
            tensors[f"{block}.mlp.fc2.{end}"] = old[f"{layer}.output.dense.{end}"]
    return {key: value.contiguous() for key, value in tensors.items()}


def saved_tensors(model: Any) -> dict[str, torch.Tensor]:
    with tempfile.TemporaryDirectory() as place:
        model.save_pretrained(place)
        return safetensors.torch.load_file(Path(place, "model.safetensors"))


TIMM = {"input_size": [3, 64, 64], "interpolation": "bicubic", "crop_pct": 1.0, "mean": [0.5] * 3, "std": [0.5] * 3}


def test_a_plain_vision_transformer_of_timm_is_run(folder: Path, settings: Settings) -> None:
    torch.manual_seed(3)
    shape = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768, "image_size": 64, "patch_size": 16}
    config = transformers.ViTConfig(**shape, layer_norm_eps=1e-6, id2label={0: "real", 1: "fake"})
    model = transformers.ViTForImageClassification(config).eval()
    folder.mkdir()
    safetensors.torch.save_file(as_timm(model), folder / "model.safetensors")
    about = {"architecture": "vit_tiny_patch16_64", "num_classes": 2, "label_names": ["real", "fake"], "pretrained_cfg": TIMM}
    (folder / CONFIG).write_text(json.dumps(about))
    detector = opened(folder, settings)
    with torch.inference_mode():
        pixels = torch.from_numpy(detector.plan.recipe.pixels([detector.plan.recipe.view(picture) for picture in PICTURES]))
        wanted = model(pixel_values=pixels).logits.softmax(dim=1)[:, 1].tolist()
    assert ours(detector, PICTURES) == pytest.approx(wanted, abs=TOLERANCE)


def test_another_architecture_of_timm_is_refused_with_a_way_out(folder: Path, settings: Settings) -> None:
    make_model(folder)
    about = {"architecture": "tf_efficientnet_b4", "label_names": ["real", "fake"], "pretrained_cfg": TIMM}
    (folder / CONFIG).write_text(json.dumps(about))
    with pytest.raises(UnsupportedModel, match="ONNX"):
        opened(folder, settings)


# The whole way


def test_a_folder_is_a_detector_of_the_engine(folder: Path, settings: Settings, tmp_path: Path) -> None:
    make_model(folder)
    PICTURES[1].save(tmp_path / "coffee.png")
    engine = Engine(dataclasses.replace(settings, detectors=(str(folder),)))
    report = engine.analyze(tmp_path / "coffee.png")
    signal = report.signals[0]
    assert (signal.source, signal.points) == ("local:model", None)
    assert signal.raw == pytest.approx(theirs(folder, [PICTURES[1]], {"fake"})[0], abs=TOLERANCE)
    assert report.verdict.grade is Grade.UNCERTAIN
    assert report.verdict.score is None
    assert np.isfinite(signal.raw or np.nan)
