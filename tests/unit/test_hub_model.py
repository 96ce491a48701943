"""A model from elsewhere as a detector: what it is shown, what its answer may do, and what is refused. Without PyTorch."""

from __future__ import annotations

import dataclasses
import html
import math
import sys
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from domain_made import face, photograph, views
from domain_made import report as made_report
from hub_made import PROCESSOR, SIDE, classifier, make_folder
from PIL import Image

from veriscope.detectors.card import FalsePositive
from veriscope.detectors.hub.calibration import FittedCalibration, Measured, write_calibration
from veriscope.detectors.hub.lock import Lock
from veriscope.detectors.hub.model import HubDetector, open_detector, open_model
from veriscope.detectors.hub.plan import USUAL_MARGIN
from veriscope.detectors.hub.reference import Reference
from veriscope.detectors.hub.repository import Repository, open_repository
from veriscope.detectors.hub.selftest import _BOX, enlarged, with_other_face
from veriscope.detectors.hub.selftest import photograph as known
from veriscope.domain import CropRecipe, Finding, Frame, Grade, Signal, Status
from veriscope.engine import Engine
from veriscope.errors import MissingExtra, ModelError, UnsupportedModel, WeightsUnavailable
from veriscope.faces import FaceDetector, crop_face
from veriscope.i18n import catalogue, languages
from veriscope.report import as_html, as_text
from veriscope.settings import Settings

FACE_MODEL: dict[str, Any] = {"veriscope": {"task": "face", "margin": 1.5, "rotate": True}}
COMMUNITY_FORENSICS = "buildborderless/CommunityForensics-DeepfakeDet-ViT"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(hub_folder=tmp_path / "hub", threads=1)


def opened(folder: Path, settings: Settings) -> HubDetector:
    return open_model(Reference(folder=folder), settings)


def grey(value: int, size: tuple[int, int] = (200, 150)) -> Image.Image:
    return Image.new("RGB", size, (value, value, value))


def probabilities(detector: HubDetector, *pictures: Image.Image) -> list[float]:
    seen = [piece for picture in pictures for piece, _ in detector.pieces(Frame(0, picture))]
    return [detector.opinion(logit, 0.0).raw for logit in detector.logits(seen)]


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


# What it answers


@pytest.mark.parametrize(
    ("labels", "network", "sign"),
    [
        (("real", "fake"), classifier(), 1),
        (("fake", "real"), classifier(), -1),
        (("fake",), classifier((4.0,)), 1),
        (("real", "fake"), classifier(batch=1), 1),
        (("real", "fake"), classifier(batch=4), 1),
        (("real", "fake"), classifier(half=True), 1),
        (("real", "fake"), classifier(side="side", channels="channels"), 1),
        (("real", "fake"), classifier(outputs=("features", "logits")), 1),
    ],
    ids=["as usual", "swapped", "one logit", "one at a time", "four at a time", "half precision", "any size", "two outputs"],
)
def test_a_network_is_asked_as_it_was_made(
    labels: tuple[str, ...], network: onnx.ModelProto, sign: int, tmp_path: Path, settings: Settings
) -> None:
    detector = opened(make_folder(tmp_path / "model", labels, network), settings)
    values = [0, 51, 128, 204, 255]
    wanted = [sigmoid(sign * 4 * (value / 127.5 - 1)) for value in values]
    assert probabilities(detector, *map(grey, values)) == pytest.approx(wanted, abs=2e-3)


def test_more_pictures_than_a_batch_give_the_same_answers(tmp_path: Path, settings: Settings) -> None:
    detector = opened(make_folder(tmp_path / "model"), settings)
    pictures = [grey(value) for value in range(0, 255, 9)]
    alone = [probabilities(detector, picture)[0] for picture in pictures]
    assert probabilities(detector, *pictures) == pytest.approx(alone, abs=1e-6)
    assert probabilities(detector) == []


def test_the_whole_picture_goes_through_the_models_recipe_and_no_other(tmp_path: Path, settings: Settings) -> None:
    picture = Image.new("RGB", (400, 100))
    picture.paste((255, 255, 255), (0, 0, 150, 100))
    squashed = opened(make_folder(tmp_path / "squashed"), settings)
    assert probabilities(squashed, picture)[0] == pytest.approx(sigmoid(4 * (0.375 * 2 - 1)), abs=0.02)
    cropped = PROCESSOR | {"size": {"shortest_edge": SIDE}, "do_center_crop": True, "crop_size": SIDE}
    middle = opened(make_folder(tmp_path / "cropped", processor=cropped), settings)
    assert probabilities(middle, picture)[0] == pytest.approx(sigmoid(-4), abs=0.01)


def test_a_face_model_is_shown_its_own_crop(tmp_path: Path, settings: Settings) -> None:
    detector = opened(make_folder(tmp_path / "model", **FACE_MODEL), settings)
    crop = CropRecipe(SIDE, 1.5, rotate=True)
    assert (detector.recipe, detector.task) == (crop, "face")
    given = views(
        photograph("astronaut"), faces=[face(1), face(2)], crops={crop: {1: grey(51, (SIDE,) * 2), 2: grey(204, (SIDE,) * 2)}}
    )
    signal = detector.analyze(given)
    assert [score.raw for score in signal.scores] == pytest.approx([sigmoid(-2.4), sigmoid(2.4)], abs=0.01)
    assert signal.findings[0].face == 2


def test_a_face_model_says_nothing_about_a_picture_without_faces(tmp_path: Path, settings: Settings) -> None:
    folder = make_folder(tmp_path / "model", **FACE_MODEL)
    report = Engine(dataclasses.replace(settings, detectors=(str(folder),))).analyze(_file(tmp_path, photograph("coffee")))
    assert (report.signals[0].status, report.signals[0].reason) == (Status.SKIPPED, Finding("face.none"))
    assert report.verdict.grade is Grade.NOT_ASSESSABLE


def test_a_model_of_whole_pictures_says_nothing_about_a_screenshot(tmp_path: Path, settings: Settings) -> None:
    signal = opened(make_folder(tmp_path / "model"), settings).analyze(views(grey(90)))
    assert signal.status is Status.SKIPPED
    assert signal.reason == Finding("scene.screenshot")


# What its answer may do


SURE = classifier((0.0, 0.0), (-40.0, 40.0))


def _file(folder: Path, picture: Image.Image) -> Path:
    picture.save(folder / "picture.png")
    return folder / "picture.png"


@pytest.mark.parametrize("network", [SURE, classifier((0.0, 0.0), (40.0, -40.0))], ids=["sure of fake", "sure of real"])
def test_an_uncalibrated_model_neither_accuses_nor_clears(network: onnx.ModelProto, tmp_path: Path, settings: Settings) -> None:
    folder = make_folder(tmp_path / "model", network=network)
    report = Engine(dataclasses.replace(settings, detectors=(str(folder),))).analyze(_file(tmp_path, photograph("coffee")))
    signal = report.signals[0]
    assert signal.probability in (0.01, 0.99)
    assert (signal.points, signal.interval, signal.rechecks) == (None, None, ())
    assert codes(signal.findings)[0] == "hub.uncalibrated"
    assert (report.verdict.grade, report.verdict.score) == (Grade.UNCERTAIN, None)
    assert codes(report.verdict.reasons) == ["verdict.uncalibrated"]


def test_beside_calibrated_models_an_uncalibrated_one_moves_nothing(tmp_path: Path, settings: Settings) -> None:
    folder, picture = make_folder(tmp_path / "model", network=SURE), _file(tmp_path, photograph("coffee"))
    without = Engine(dataclasses.replace(settings, detectors=("scene",))).analyze(picture)
    beside = Engine(dataclasses.replace(settings, detectors=("scene", str(folder)))).analyze(picture)
    assert beside.verdict == without.verdict
    assert [signal.source for signal in beside.signals[:2]] == ["scene", "local:model"]


def _calibration(detector: HubDetector, **changes: Any) -> FittedCalibration:
    values: dict[str, Any] = {
        "detector": detector.id,
        "version": detector.version,
        "a": 0.5,
        "b": -1.0,
        "covariance": (0.01, 0.0, 0.04),
        "fitted": date(2026, 11, 24),
        "n_real": 300,
        "n_synthetic": 300,
        "groups_real": 300,
        "groups_synthetic": 300,
        "curve": tuple(FalsePositive(rate=rate, probability=at) for rate, at in ((0.2, 0.4), (0.02, 0.7), (0.01, 0.8))),
        "measured": Measured(auc=0.9, auc_low=0.85, ece=0.03, fpr_some=0.02, recall_some=0.5),
    }
    return FittedCalibration(**values | changes)


def test_a_calibration_of_this_version_gives_it_thresholds(tmp_path: Path, settings: Settings) -> None:
    folder, hub = make_folder(tmp_path / "model"), settings.hub_folder
    assert hub is not None
    write_calibration(hub, _calibration(opened(folder, settings)))
    detector = opened(folder, settings)
    opinion, points = detector.opinion(2.0, 0.0), detector.operating_points(1)
    assert opinion.probability == pytest.approx(0.5)
    assert points is not None
    assert (points.some, points.strong) == (0.7, 1.0), "300 real pictures support no rate of 0.5 %"
    bright = Image.fromarray(np.clip(np.asarray(photograph("coffee")).astype(int) + 120, 0, 255).astype(np.uint8))
    assert codes(detector.analyze(views(bright)).findings)[0] in ("scene.unclear", "scene.suspicious", "scene.unsuspicious")


def test_a_calibration_of_another_version_is_not_used(tmp_path: Path, settings: Settings) -> None:
    folder, hub = make_folder(tmp_path / "model"), settings.hub_folder
    assert hub is not None
    write_calibration(hub, _calibration(opened(folder, settings), version="another"))
    assert opened(folder, settings).operating_points(1) is None


# What is assumed is said


@pytest.mark.parametrize(
    ("own", "notes"),
    [
        ({}, ["hub.task_assumed"]),
        ({"veriscope": {"task": "scene", "format": 1}}, []),
        (FACE_MODEL, []),
    ],
    ids=["nothing known", "own scene", "own face"],
)
def test_what_had_to_be_assumed_is_a_finding(own: dict[str, Any], notes: list[str], tmp_path: Path, settings: Settings) -> None:
    assert codes(opened(make_folder(tmp_path / "model", **own), settings).notes) == notes


@pytest.mark.parametrize("own", ["scene", {"task": "voice"}, {"task": "face", "margin": 99}, {}], ids=str)
def test_an_own_key_that_cannot_be_read_is_refused(own: object, tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(UnsupportedModel, match="cannot be read"):
        opened(make_folder(tmp_path / "model", veriscope=own), settings)


# What the catalogue knows


def as_of_the_hub(folder: Path, repository: str, settings: Settings) -> Repository:
    """The folder's files, as if they had been fetched from a repository."""
    return dataclasses.replace(open_repository(Reference(folder=folder), settings), reference=Reference(repository))


def test_the_catalogue_corrects_a_recipe_and_reads_one_logit(tmp_path: Path, settings: Settings) -> None:
    network = classifier((4.0,), side=384)
    folder = make_folder(tmp_path / "model", ("LABEL_0",), network, PROCESSOR | {"image_mean": [0.48, 0.45, 0.4]})
    detector = open_detector(as_of_the_hub(folder, COMMUNITY_FORENSICS, settings), settings)
    recipe = detector.plan.recipe
    assert (recipe.shorter, recipe.crop, recipe.mean) == (440, (384, 384), (0.485, 0.456, 0.406))
    assert probabilities(detector, grey(250))[0] > 0.99
    assert codes(detector.notes) == []


def test_a_face_model_whose_crop_nobody_published_says_so(tmp_path: Path, settings: Settings) -> None:
    folder = make_folder(tmp_path / "model", ("Real", "Fake"))
    detector = open_detector(as_of_the_hub(folder, "dima806/deepfake_vs_real_image_detection", settings), settings)
    assert detector.recipe == CropRecipe(SIDE, USUAL_MARGIN, rotate=False)
    assert codes(detector.notes) == ["hub.crop_assumed"]


def test_labels_that_the_catalogue_does_not_know_are_refused(tmp_path: Path, settings: Settings) -> None:
    folder = make_folder(tmp_path / "model", ("Fake", "Real"))
    with pytest.raises(ModelError, match="another model"):
        open_detector(as_of_the_hub(folder, "dima806/deepfake_vs_real_image_detection", settings), settings)


# What is refused


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"processor": None}, UnsupportedModel, "no preprocessor_config"),
        ({"labels": ("LABEL_0", "LABEL_1")}, UnsupportedModel, "LABEL_0"),
        ({"labels": ("real", "fake", "deepfake")}, ModelError, "for 3 labels"),
        ({"network": classifier(side=224)}, UnsupportedModel, "224 × 224"),
        ({"network": classifier(channels=1)}, UnsupportedModel, "1 channels"),
        ({"network": classifier(outputs=("a", "b"))}, UnsupportedModel, "2 outputs"),
        ({"network": classifier(last="Softmax")}, UnsupportedModel, "likelihoods"),
        ({"network": classifier((float("nan"), 1.0))}, ModelError, "no numbers"),
    ],
    ids=["no processor", "no words", "other count", "other size", "grey", "unclear output", "softmax inside", "no numbers"],
)
def test_a_model_that_does_not_say_how_it_is_run_is_refused(
    changes: dict[str, Any], error: type[ModelError], why: str, tmp_path: Path, settings: Settings
) -> None:
    with pytest.raises(error, match=why):
        opened(make_folder(tmp_path / "model", **changes), settings)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path, settings: Settings) -> None:
    folder = make_folder(tmp_path / "model")
    (folder / "model.onnx").write_bytes(b"no network")
    with pytest.raises(WeightsUnavailable, match="no model that ONNX Runtime"):
        opened(folder, settings)


def test_a_network_gets_no_file_of_its_own_choice(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    network = classifier()
    onnx.external_data_helper.convert_model_to_external_data(network, location="secret.bin", size_threshold=0)
    folder = make_folder(tmp_path / "model", network=network)
    (folder / "secret.bin").rename(tmp_path / "secret.bin")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsUnavailable):
        opened(folder, settings)


def test_a_model_that_cannot_run_is_a_line_of_the_report(tmp_path: Path, settings: Settings) -> None:
    folder = make_folder(tmp_path / "model", ("LABEL_0", "LABEL_1"))
    report = Engine(dataclasses.replace(settings, detectors=("scene", str(folder)))).analyze(
        _file(tmp_path, photograph("coffee"))
    )
    signals: dict[str, Signal] = {signal.source: signal for signal in report.signals}
    assert signals["local:model"].status is Status.UNAVAILABLE
    assert signals["scene"].status is Status.OK


# The self-test


def brightness(picture: Image.Image) -> float:
    view = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float64)
    return float(view.mean() / 127.5 - 1)


@pytest.mark.parametrize(
    ("direction", "outcome", "notes"),
    [(1, "as_labelled", []), (-1, "suspect", ["hub.suspect"]), (0, "undecided", [])],
    ids=["as labelled", "the wrong way round", "no opinion"],
)
def test_the_self_test_tells_a_plain_contradiction(
    direction: int, outcome: str, notes: list[str], tmp_path: Path, settings: Settings
) -> None:
    real, altered = brightness(known()), brightness(enlarged(with_other_face(known())))
    gain = direction * 20 / (altered - real)
    network = classifier((0.0, gain), (0.0, -gain * (real + altered) / 2 - 1e-3))
    detector = opened(make_folder(tmp_path / "model", network=network, veriscope={"task": "scene"}), settings)
    assert detector.outcome["outcome"] == outcome
    assert codes(detector.notes) == notes


def test_the_self_test_of_a_hub_model_is_made_once_and_kept(tmp_path: Path, settings: Settings) -> None:
    folder = make_folder(tmp_path / "model", ("LABEL_0",), classifier((4.0,), side=384))
    repository = as_of_the_hub(folder, COMMUNITY_FORENSICS, settings)
    detector = open_detector(repository, settings)
    assert Lock.of(settings).selftest(repository) == detector.outcome
    Lock.of(settings).record_selftest(repository, {"outcome": "suspect", "real": 0.9, "altered": 0.1})
    assert codes(open_detector(repository, settings).notes) == ["hub.suspect"], "the kept outcome counts"


def test_a_folder_of_the_users_leaves_no_trace(tmp_path: Path, settings: Settings) -> None:
    opened(make_folder(tmp_path / "model"), settings)
    assert not (tmp_path / "hub").exists()


def test_the_known_photograph_is_the_apps_and_its_face_is_where_we_say() -> None:
    own = Path(str(files("veriscope"))) / "app" / "examples" / "portrait.jpg"
    with Image.open(own) as image:
        assert image.convert("RGB").tobytes() == known().tobytes()
    (found,) = FaceDetector(1).detect(Frame(0, known()), 5)
    assert (found.box.x, found.box.y, found.box.width, found.box.height) == pytest.approx(_BOX, abs=2)


def test_a_face_model_is_tested_on_the_crop_that_the_face_detector_would_give(tmp_path: Path, settings: Settings) -> None:
    from veriscope.detectors.hub.selftest import _shown

    detector = opened(make_folder(tmp_path / "model", veriscope={"task": "face", "margin": 1.3}), settings)
    (found,) = FaceDetector(1).detect(Frame(0, known()), 5)
    crop = np.asarray(crop_face(known(), found, CropRecipe(SIDE, 1.3, rotate=False)), np.float64)
    assert float(np.abs(np.asarray(_shown(detector)[0], np.float64) - crop).mean()) < 8


def test_a_report_names_the_folder_and_its_files(tmp_path: Path, settings: Settings) -> None:
    before = opened(make_folder(tmp_path / "model"), settings)
    after = opened(make_folder(tmp_path / "model", ("fake", "real")), settings)
    assert before.id == after.id == "local:model"
    assert "sha256:" in before.version
    assert before.version != after.version, "other labels are another model"


# Tensors beside the network, clips, words


@pytest.mark.parametrize("name", ["model.onnx_data", "model.onnx.data"])
def test_tensors_in_a_file_beside_the_network_are_read_and_pinned(name: str, tmp_path: Path, settings: Settings) -> None:
    folder, network = make_folder(tmp_path / "model"), classifier((-3.0, 3.0))
    onnx.save(network, str(folder / "model.onnx"), save_as_external_data=True, location=name, size_threshold=0)
    assert (folder / name).stat().st_size > 0
    assert probabilities(opened(folder, settings), grey(204))[0] == pytest.approx(sigmoid(3.6), abs=0.01)


def test_a_clip_is_judged_frame_by_frame_and_not_accused(tmp_path: Path, settings: Settings) -> None:
    moving = [np.roll(np.asarray(photograph("coffee").resize((320, 240))), 4 * step, axis=1) for step in range(12)]
    clip = moving_gif(tmp_path / "clip.gif", [Image.fromarray(frame) for frame in moving])
    folder = make_folder(tmp_path / "model", network=SURE)
    report = Engine(dataclasses.replace(settings, detectors=(str(folder),))).analyze(clip)
    signal = report.signals[0]
    assert report.clip is not None
    assert (signal.status, signal.points, signal.probability, signal.interval) == (Status.OK, None, 0.99, None)
    assert codes(signal.findings)[0] == "hub.uncalibrated"
    assert report.verdict.grade is Grade.UNCERTAIN


def moving_gif(path: Path, frames: list[Image.Image]) -> Path:
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)
    return path


@pytest.mark.parametrize("language", languages())
def test_an_uncalibrated_answer_is_shown_with_its_reservation(language: str, tmp_path: Path, settings: Settings) -> None:
    words = catalogue(language)
    detector = opened(make_folder(tmp_path / "model", network=SURE), settings)
    shown = dataclasses.replace(made_report(Grade.UNCERTAIN), signals=(detector.analyze(views(photograph("coffee"))),))
    text, page = as_text.render(shown, words, width=300), as_html.render(shown, words)
    for written in (text, html.unescape(page)):
        assert words.text("hub.uncalibrated") in written
        assert words.percent(0.99) in written
        assert words.text("hub.task_assumed") in written
    assert words.text("score.rate", {"rate": words.percent(0.05)})[:12] not in text


def test_without_pytorch_a_model_without_onnx_says_what_to_install(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path / "model")
    (folder / "model.onnx").rename(folder / "model.safetensors")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'veriscope\[torch\]'"):
        opened(folder, settings)
