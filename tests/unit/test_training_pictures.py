"""From labelled files to what a network sees: cut alike for both classes, as an analysis cuts, and bad files are told."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from clouds_made import cloud, write_clouds
from PIL import Image

from veriscope.detectors.hub.processors import read_recipe
from veriscope.detectors.hub.recipe import Recipe
from veriscope.domain import Frame
from veriscope.errors import DataError
from veriscope.evaluation.labelled import Example, read_labelled
from veriscope.faces import FaceDetector, crop_face
from veriscope.settings import Settings
from veriscope.training import pictures
from veriscope.training.control import Traces, control_auc, tells_too_much
from veriscope.training.pictures import Prepared, prepare
from veriscope.training.samples import Drawn, Seen
from veriscope.training.view import View, processor_config, unsquashed

HALF = (0.5, 0.5, 0.5)
RECIPE = Recipe(shorter=32, resample=3, crop=(32, 32), mean=HALF, std=HALF)
SCENE, FACE = View("scene", RECIPE), View("face", RECIPE, 1.2, rotate=True)


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "astronaut.png"
    Image.open(Path(skimage.data.__file__).with_name("astronaut.png")).save(path)
    return path


def prepared(folder: Path, examples: tuple[Example, ...], view: View = SCENE) -> Prepared:
    return prepare(examples, view, folder, Settings(), workers=1)


def test_what_cannot_be_used_is_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    data = write_clouds(tmp_path / "data", 3)
    (data / "real" / "damaged.jpg").write_bytes((data / "real" / "0000.jpg").read_bytes()[:200])
    Image.new("RGB", (300, 300), "white").save(data / "fake" / "flat.png")
    cloud(99, cold=True, side=40).save(data / "fake" / "small.png")
    found = prepared(tmp_path / "work", read_labelled(data).examples)
    assert len(found.examples) == 6
    told = {Path(problem.entry).name: problem.message for problem in found.problems}
    assert set(told) == {"damaged.jpg", "flat.png", "small.png"}
    assert "too small to be judged" in told["small.png"]
    assert all(re.search(r"\. [A-Z]", message) for message in told.values()), "what happened, then what to do"


def test_a_second_run_finds_what_the_first_one_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = read_labelled(write_clouds(tmp_path / "data", 3)).examples
    first = prepared(tmp_path / "work", examples)

    def never(*_: object) -> None:
        raise AssertionError("nothing must be decoded twice")

    monkeypatch.setattr(pictures, "open_media", never)
    second = prepared(tmp_path / "work", examples)
    assert second.examples == first.examples
    assert second.picture(2) == first.picture(2)
    assert (second.hashes == first.hashes).all()


def test_no_room_on_the_disk_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = read_labelled(write_clouds(tmp_path / "data", 2)).examples
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10 * 2**20})())
    with pytest.raises(DataError, match="not enough room for the prepared pictures: 256 MiB are needed, 10 MiB are free"):
        prepared(tmp_path / "work", examples)


def test_a_face_is_cut_as_an_analysis_cuts_it_with_room_around(portrait: Path, tmp_path: Path) -> None:
    no_face = tmp_path / "cloud.png"
    cloud(1, cold=True).save(no_face)
    examples = (Example(portrait, "a", 0, "0" * 64), Example(no_face, "b", 1, "1" * 64))
    found = prepared(tmp_path / "work", examples, FACE)
    assert [one.name for one in found.examples] == ["a"]
    assert "No face was found" in found.problems[0].message
    frame = Frame(0, Image.open(portrait).convert("RGB"))
    face = FaceDetector(1).detect(frame)[0]
    assert FACE.crop is not None
    wanted = np.asarray(crop_face(frame.image, face, FACE.crop), np.float64)
    middle = np.asarray(FACE.middle(found.picture(0)), np.float64)
    assert middle.shape == (32, 32, 3)
    assert np.abs(middle - wanted).mean() < 6


@pytest.mark.parametrize("size", [(300, 200), (200, 320), (90, 90)])
def test_the_middle_of_a_stored_picture_is_what_an_analysis_sees(size: tuple[int, int]) -> None:
    photograph = Image.open(Path(skimage.data.__file__).with_name("astronaut.png")).convert("RGB").resize(size)
    wide = View("scene", Recipe(shorter=40, resample=3, crop=(32, 32), mean=HALF, std=HALF))
    seen = np.asarray(wide.middle(wide.whole(photograph)), np.float64)
    wanted = np.asarray(wide.recipe.view(photograph), np.float64)
    assert np.abs(seen - wanted).mean() < 8


def test_a_random_view_differs_keeps_its_size_and_can_be_drawn_again() -> None:
    stored = SCENE.whole(cloud(3, cold=True))
    for view in (SCENE, FACE):
        views = [view.geometry(random.Random(seed))(stored) for seed in (1, 1, 2)]
        assert {picture.size for picture in views} == {(32, 32)}
        assert views[0] == views[1]
        assert views[0] != views[2]


SQUASHING = {"image_processor_type": "ViTImageProcessor", "size": {"height": 48, "width": 48}, "resample": 2,
             "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}  # fmt: skip
DIVIDING_TWICE = {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 48, "width": 48}, "resample": 0,
                  "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}  # fmt: skip
WITH_OFFSET = {**DIVIDING_TWICE, "rescale_factor": 1 / 127.5, "rescale_offset": True, "include_top": False}


@pytest.mark.parametrize("processor", [SQUASHING, DIVIDING_TWICE, WITH_OFFSET], ids=["vit", "twice", "offset"])
def test_the_result_prepares_pictures_with_the_numbers_of_the_base_and_squashes_none(processor: dict[str, object]) -> None:
    base = read_recipe(processor, {})
    ours = unsquashed(base)
    assert ours.resize is None
    assert ours.shorter == 48
    square = cloud(5, cold=False, side=48)
    assert np.abs(ours.pixels([square]) - base.pixels([square])).max() < 1e-5
    assert read_recipe(processor_config(ours), {}) == ours


def drawn(tmp_path: Path, count: int = 40) -> tuple[Prepared, Drawn]:
    examples = read_labelled(write_clouds(tmp_path / "data", 8)).examples
    found = prepared(tmp_path / "work", examples)
    return found, Drawn(found, range(len(found.examples)), SCENE, 7, count)


def test_a_drawing_depends_on_its_number_alone_and_classes_alternate(tmp_path: Path) -> None:
    found, first = drawn(tmp_path)
    again = Drawn(found, range(len(found.examples)), SCENE, 7, 40)
    later = [again[number] for number in (5, 4)]
    assert [sample["labels"] for sample in (first[0], first[1], *later)] == [0, 1, 1, 0]
    assert (np.asarray(first[5]["pixel_values"]) == np.asarray(later[0]["pixel_values"])).all()
    other = Drawn(found, range(len(found.examples)), SCENE, 8, 40)
    assert (np.asarray(first[5]["pixel_values"]) != np.asarray(other[5]["pixel_values"])).any()


def test_nothing_of_another_part_is_drawn(tmp_path: Path) -> None:
    found, _ = drawn(tmp_path)
    labels = [one.label for one in found.examples]
    places = [labels.index(0), labels.index(1)]
    asked: list[int] = []

    class Watched:
        examples = found.examples

        def picture(self, place: int) -> Image.Image:
            asked.append(place)
            return found.picture(place)

    only = Drawn(Watched(), places, SCENE, 0, 20)  # type: ignore[arg-type]
    for number in range(20):
        only[number]
    assert set(asked) == set(places)


def test_what_chooses_the_weights_is_not_augmented(tmp_path: Path) -> None:
    found, _ = drawn(tmp_path)
    seen = Seen(found, [3, 1], SCENE)
    assert len(seen) == 2
    wanted = SCENE.recipe.pixels([SCENE.middle(found.picture(3))])[0]
    assert (np.asarray(seen[0]["pixel_values"]) == wanted).all()
    assert seen[0]["labels"] == found.examples[3].label


def files(count: int, square: bool, seed: int) -> list[Traces]:
    chance = np.random.default_rng(seed)
    sides = chance.uniform(5, 7, (count, 2))
    return [(float(x), float(x if square else y), float(square)) for x, y in sides]


def test_the_control_sees_a_leak_in_the_files_and_none_where_there_is_none() -> None:
    labels = [0] * 60 + [1] * 60
    leaking = control_auc(files(60, False, 0) + files(60, True, 1), labels, files(60, False, 2) + files(60, True, 3), labels)
    assert leaking.value > 0.95
    assert tells_too_much(leaking)
    even = control_auc(files(60, False, 0) + files(60, False, 1), labels, files(60, False, 2) + files(60, False, 3), labels)
    assert 0.3 < even.value < 0.7
    assert not tells_too_much(even)
