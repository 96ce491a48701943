"""Around the training: choices, bases, the output folder, the card and the upload, without PyTorch."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from hub_server import TOKEN, HubServer, hub, hub_settings
from models_made import brightness_model

from veriscope.detectors.hub.licences import Licence
from veriscope.detectors.hub.recipe import Recipe
from veriscope.errors import AccessRefused, DataError, MissingExtra, UnsupportedModel
from veriscope.evaluation.compare import Comparison, Contender, Difference
from veriscope.evaluation.figures import Figure, Figures, Group
from veriscope.evaluation.labelled import Example, Problem
from veriscope.settings import Settings
from veriscope.training.base import Base, own_key, read_base
from veriscope.training.finetune import finetune
from veriscope.training.measure import Held
from veriscope.training.model_card import Outcome, model_card
from veriscope.training.place import MODEL_FILES, Place
from veriscope.training.plan import Plan, parse_layers
from veriscope.training.split import Split
from veriscope.training.upload import check_wanted, upload, what
from veriscope.training.view import View

__all__ = ["hub", "hub_settings"]

PROCESSOR = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}


def plan(**changes: Any) -> Plan:
    return dataclasses.replace(Plan("embedded:face", Path("data"), Path("out")), **changes)


@pytest.mark.parametrize(("text", "layers"), [("all", "all"), ("head", "head"), ("last-1", 1), ("last-12", 12)])
def test_layers_are_read(text: str, layers: object) -> None:
    assert parse_layers(text) == layers


@pytest.mark.parametrize("text", ["", "last-0", "last", "3", "last--1", "heads"])
def test_other_layers_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="Write head, all, or last-N"):
        parse_layers(text)


@pytest.mark.parametrize(
    "changes", [{"epochs": 0}, {"batch": 0}, {"patience": 0}, {"rate": 0.0}, {"rate": 2.0}, {"workers": -1}]
)
def test_senseless_choices_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        plan(**changes)


def test_a_run_is_the_same_wherever_it_lies_and_another_with_other_choices() -> None:
    same = plan(output=Path("other"), data=Path("moved"), workers=7)
    assert same.fingerprint("c", "p") == plan().fingerprint("c", "p")
    others = [plan(seed=1), plan(rate=1e-3), plan(layers="head"), plan(epochs=11)]
    prints = {one.fingerprint("c", "p") for one in (plan(), *others)}
    assert len(prints | {plan().fingerprint("d", "p"), plan().fingerprint("c", "q")}) == 7


def folder(place: Path, labels: dict[str, str] | None, onnx: bool = False, **config: Any) -> str:
    place.mkdir()
    values = {"model_type": "vit", **({"id2label": labels} if labels else {}), **config}
    (place / "config.json").write_text(json.dumps(values))
    (place / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    (place / ("model.onnx" if onnx else "model.safetensors")).write_bytes(brightness_model() if onnx else b"tensors")
    return str(place)


@pytest.mark.parametrize(("labels", "synthetic"), [({"0": "fake", "1": "real"}, 0), ({"0": "human", "1": "AI"}, 1)])
def test_words_decide_which_output_means_synthetic(labels: dict[str, str], synthetic: int, tmp_path: Path) -> None:
    base = read_base(plan(base=folder(tmp_path / "base", labels)), Settings())
    assert base.synthetic == frozenset({synthetic})
    assert base.view.task == "scene"
    assert base.view.recipe.resize is None, "the result never squashes"


def test_what_fine_tuning_wrote_is_read_again(tmp_path: Path) -> None:
    view = View("face", Recipe(shorter=32, crop=(32, 32)), 1.1, rotate=True)
    labels = {"0": "real", "1": "synthetic"}
    base = read_base(plan(base=folder(tmp_path / "base", labels, veriscope=own_key(view))), Settings())
    assert (base.view.task, base.view.margin, base.view.rotate) == ("face", 1.1, True)
    with pytest.raises(DataError, match="known to look at faces"):
        read_base(plan(base=str(tmp_path / "base"), task="scene"), Settings())


def test_what_nobody_says_the_user_may_say(tmp_path: Path) -> None:
    base = folder(tmp_path / "base", {"0": "real", "1": "fake"})
    assert read_base(plan(base=base, task="face"), Settings()).view.crop is not None


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({"0": "LABEL_0", "1": "LABEL_1"}, "--new-head"),
        ({"0": "cat", "1": "dog"}, "--new-head"),
        ({"0": "AI", "1": "Deepfake", "2": "Real"}, "tells 3 classes apart"),
    ],
    ids=["unnamed", "other things", "three"],
)
def test_undecided_labels_are_refused_unless_the_head_is_new(labels: dict[str, str], says: str, tmp_path: Path) -> None:
    base = folder(tmp_path / "base", labels)
    with pytest.raises(UnsupportedModel, match=says):
        read_base(plan(base=base), Settings())
    found = read_base(plan(base=base, new_head=True), Settings())
    assert found.synthetic is None
    assert found.outputs == len(labels)


def test_onnx_alone_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="ONNX cannot be trained"):
        read_base(plan(base=folder(tmp_path / "base", {"0": "real", "1": "fake"}, onnx=True)), Settings())


def test_the_embedded_detectors_are_bases_with_their_own_crop() -> None:
    face, scene = (read_base(plan(base=f"embedded:{name}"), Settings()) for name in ("face", "scene"))
    assert face.card is not None
    assert (face.view.size, face.view.margin, face.view.rotate) == (face.card.input.size, face.card.input.margin, True)
    assert scene.view.crop is None
    assert face.licence.commercial_use == "unclear"
    for name in ("embedded:other", "scene", "face"):
        with pytest.raises(DataError, match="embedded:face"):
            read_base(plan(base=name), Settings())


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "accelerate" else find(name))
    with pytest.raises(MissingExtra, match=r"accelerate.*pip install 'veriscope\[train\]'"):
        finetune(plan(output=tmp_path / "out"), Settings())
    assert not (tmp_path / "out").exists()


def test_the_folder_is_claimed_gone_on_with_and_cleared(tmp_path: Path) -> None:
    place = Place(tmp_path / "out")
    assert not place.open()
    place.claim("one")
    assert place.open(), "a killed run is found"
    place.claim("one")
    with pytest.raises(DataError, match="an unfinished run with other pictures or options"):
        place.claim("two")
    result = place.work / "result"
    result.mkdir()
    for name in MODEL_FILES:
        (result / name).write_text(name)
    place.keep(result)
    place.close()
    assert sorted(path.name for path in place.folder.iterdir()) == sorted([*MODEL_FILES, "training"])
    with pytest.raises(DataError, match="holds a model already"):
        place.open()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match=r"other files \(thesis.txt\)"):
        Place(tmp_path).open()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


FIGURE = Figure(0.91, 0.85, 0.96)


def outcome(**changes: Any) -> Outcome:
    examples = [
        Example(
            Path(f"/secret/anna-{number}.jpg"), f"anna-{number}.jpg", number % 2, f"{number:064x}", "warp" if number % 2 else ""
        )
        for number in range(12)
    ]
    figures = Figures(120, 110, FIGURE, FIGURE, FIGURE, None, ece=FIGURE)
    ours = Contender("local:mine", figures=figures, generators=(Group("warp", 1, 110, 110, None, FIGURE),))
    old = Contender("face", figures=dataclasses.replace(figures, auc=Figure(0.7, 0.6, 0.8)))
    difference = Difference("local:mine", "face", 120, 110, Figure(0.21, 0.1, 0.3), few=False, within_chance=False)
    comparison = Comparison("held-out", "2026-11-24T12:00:00+00:00", "1", 120, 110, 0, (), (ours, old), (difference,))
    view = View("face", Recipe(shorter=32, crop=(32, 32)), 1.1)
    base = Base(
        "embedded:face", "sha256:" + "0" * 64, Licence(name="Apache-2.0", commercial_use="yes"), view, frozenset({0}), 1
    )
    split = Split(("train",) * 6 + ("validation",) * 3 + ("test",) * 3, tuple(range(12)))
    control = Figure(0.55, 0.45, 0.65)
    values = {
        "name": "mine", "plan": plan(), "base": base, "examples": examples, "split": split, "skipped": 4,
        "held": Held(comparison, (), control), "learned": (10, 1000), "steps": 77, "onnx_difference": 2e-6,
        "calibrated_ece": 0.031,
    }  # fmt: skip
    return Outcome(**{**values, **changes})


def test_the_card_tells_figures_with_intervals_beside_the_base_and_names_no_picture() -> None:
    text = model_card(outcome())
    assert text.startswith("---\nlicense: apache-2.0\n")
    assert "| AUC | 0.910 | 0.850–0.960 | 0.700 |" in text
    assert "| found at 5 % false alarms | not measurable |" in text
    assert "120 real and 110 synthetic pictures" in text
    assert "this model ranks better by 0.210" in text
    assert "| ECE, calibrated | 0.031 |" in text
    assert "4 files could not be used" in text
    assert "anna" not in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("use", "warning"),
    [
        ("no", "Commercial use is forbidden"),
        ("unclear", "commercial use is allowed is unclear"),
        ("unknown", "names no licence"),
    ],
)
def test_the_licence_of_the_base_is_inherited_with_a_warning(use: str, warning: str) -> None:
    licence = Licence.model_validate({"name": "cc-by-nc-4.0" if use == "no" else "", "commercial_use": use})
    base = dataclasses.replace(outcome().base, licence=licence)
    assert warning in model_card(outcome(base=base))


def test_the_card_warns_of_a_leak_of_few_pictures_and_of_what_did_not_help() -> None:
    held = outcome().held
    chance = dataclasses.replace(held.comparison.differences[0], within_chance=True)
    few = dataclasses.replace(held.comparison.contenders[0], figures=Figures(20, 20, FIGURE, FIGURE, None, None, ece=FIGURE))
    comparison = dataclasses.replace(held.comparison, contenders=(few,), differences=(chance,))
    text = model_card(outcome(held=Held(comparison, (), Figure(0.93, 0.88, 0.97))))
    assert "**That is too much**" in text
    assert "**These are few**" in text
    assert "**within chance**" in text


def test_names_of_the_users_cannot_break_the_card() -> None:
    examples = [dataclasses.replace(one, generator="<b>|x|`y`\n# z") for one in outcome().examples]
    text = model_card(outcome(examples=examples))
    assert "<b>" not in text
    assert "\n# z" not in text


def test_private_tables_are_written_for_the_maker_alone(tmp_path: Path) -> None:
    place = Place(tmp_path / "out")
    place.open()
    place.write_split(outcome().examples, outcome().split)
    place.write_problems([Problem("a.jpg", "It is damaged. Leave it out.")])
    for name in MODEL_FILES:
        (place.folder / name).write_text(name)
    assert "anna-3.jpg" in (place.private / "split.csv").read_text()
    assert what(place.folder) == MODEL_FILES


@pytest.fixture
def result(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    (made / "training").mkdir(parents=True)
    for name in MODEL_FILES:
        (made / name).write_text(f"content of {name}")
    (made / "training" / "split.csv").write_text("anna.jpg")
    return made


def test_an_upload_sends_the_model_in_one_commit_and_nothing_of_the_pictures(
    hub: HubServer, hub_settings: Settings, result: Path
) -> None:
    assert upload(result, "me/mine", private=True, settings=hub_settings) == f"{hub.url}/me/mine"
    assert hub.created == {"me/mine": True}
    assert hub.uploaded["me/mine"] == {name: f"content of {name}".encode() for name in MODEL_FILES}


def test_an_upload_that_may_not_write_says_so_without_the_token(
    hub: HubServer, hub_settings: Settings, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.status["/api/repos/create"] = 403
    with pytest.raises(AccessRefused, match="hf auth login") as caught:
        upload(result, "me/mine", private=True, settings=hub_settings)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("name", ["mine", "me/mine@v1", "me/../x"])
def test_a_name_that_no_repository_can_have_is_said_before_hours_of_work(name: str, hub_settings: Settings) -> None:
    with pytest.raises(DataError):
        check_wanted(name, hub_settings)


def test_offline_and_upload_contradict_each_other(hub_settings: Settings) -> None:
    with pytest.raises(DataError, match="nothing may be sent"):
        check_wanted("me/mine", dataclasses.replace(hub_settings, offline=True))
