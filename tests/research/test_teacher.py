"""Learning from a teacher: what it is asked, whose opinion counts, and that a student follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_recipe import ROOT, run

SETTINGS: dict[str, Any] = {
    "side": 96,
    "epochs_of": 64,
    "batch": 16,
    "rate": 1e-3,
    "least": 4,
    "taught": 100,
    "taught_share": 1.0,
}


class Brightness:
    """A teacher that sees nothing but the mean of each colour."""

    def __call__(self, pixels: Any) -> Any:
        return pixels.mean((2, 3)).repeat(1, 256)[:, None].expand(-1, 12, -1)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose teacher was asked about a hundred crops."""
    import torch
    from research.lessons import beside, pixel_files

    from research import teach

    data, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("run")
    run("generated", "--out", data)
    run("prepare", "--config", ROOT / "research/configs/smoke-scene.toml", "--data", data, "--out", folder)
    (folder / "taught").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teach, "_clip", lambda _: Brightness())
        threads = torch.get_num_threads()
        teach.ask((0, folder, SETTINGS, Path()))
        torch.set_num_threads(threads)
    (pixels,) = pixel_files(folder)
    teach.write_opinions(folder, np.linspace(-3, 3, len(np.load(beside(pixels, "tokens.npy")))))
    return folder


def test_a_teacher_is_asked_about_what_training_draws_and_only_once(taught: Path) -> None:
    from research.lessons import Taught, pixel_files
    from research.samples import Crops

    from research import teach

    known = Taught(taught)
    view, (label, source, kind) = Crops(taught, SETTINGS | {"side": 224}, face=False).whole(7)
    assert np.array_equal(known.pixels(7), view)
    assert teach.read_origins(taught)[7] == (label, source, kind)
    assert np.allclose(known.tokens[7][:3], view.mean((0, 1)) / 255, atol=1e-3)
    before = pixel_files(taught)[0].stat().st_mtime_ns
    teach.ask((0, taught, SETTINGS, Path("there is no encoder")))
    assert pixel_files(taught)[0].stat().st_mtime_ns == before


def test_an_opinion_comes_from_a_head_that_never_saw_the_group() -> None:
    """A group whose tokens carry its own name, and nothing about the label: whoever saw it would know the answer."""
    from research.lessons import BLOCKS
    from research.teach import opinions

    chance = np.random.default_rng(0)
    groups = np.repeat(np.arange(24), 20)
    tokens = chance.normal(size=(len(groups), len(BLOCKS), 768)) * 0.05
    tokens[np.arange(len(groups)), 0, groups] += 30
    labels = (groups % 2).astype(int)
    by_chance = opinions(tokens, labels, [str(group) for group in groups])
    assert 0.2 < np.mean((by_chance > 0) == labels) < 0.8
    tokens[:, 1] += labels[:, None]
    assert np.mean((opinions(tokens, labels, [str(group) for group in groups]) > 0) == labels) > 0.95


def test_a_lesson_is_the_same_whenever_it_is_drawn(taught: Path) -> None:
    from research.lessons import Lessons

    settings = SETTINGS | {"taught_share": 0.5}
    from_the_start, later = Lessons(taught, settings, face=False), Lessons(taught, settings, face=False, start=10)
    asked = 0
    for number in range(10):
        first, again = from_the_start[10 + number], later[number]
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again, strict=True))
        asked += not first.opinion.isnan()
    assert 0 < asked < 10


def test_a_student_follows_the_teacher(taught: Path) -> None:
    """With nothing but opinions to learn from, its answers come to agree with them; and it guesses the tokens better."""
    import torch
    from research.lessons import Lesson, Lessons
    from research.train import Training

    torch.manual_seed(0)
    settings = SETTINGS | {
        "opinion_share": 1.0,
        "imitation_weight": 1.0,
        "epochs_of": 240,
        "map_weight": 0.0,
        "side": 64,
        "batch": 8,
    }
    training = Training(settings, taught)
    lessons = Lessons(taught, settings, face=False)
    batches = [Lesson(*map(torch.stack, zip(*(lessons[8 * n + k] for k in range(8)), strict=True))) for n in range(4)]
    losses = list(training.run(batches[n % 4] for n in range(28)))
    assert np.mean(losses[-4:]) < 0.85 * np.mean(losses[:4])
    training.save()
    again = Training(settings, taught)
    assert again.step == 28
    assert again.imitation is not None
    assert training.imitation is not None
    assert torch.equal(again.imitation.guess.weight, training.imitation.guess.weight)


def test_an_opinion_is_a_share_of_the_answer_that_is_wanted() -> None:
    """A teacher who is sure of the contrary turns the answer when its share is all, not when it is none or nobody asked."""
    import torch
    from research.lessons import Lesson
    from research.train import Imitation, loss

    def cost(answer: float, opinion: float, share: float) -> float:
        lesson = Lesson(
            torch.zeros(1, 3, 32, 32),
            torch.ones(1),
            torch.full((1, 1, 1), -1.0),
            torch.tensor([float(opinion)]),
            torch.ones(1, 2304),
        )
        return float(loss(torch.tensor([float(answer)]), torch.zeros(1, 1, 1), lesson, {"opinion_share": share}))

    assert cost(-3, -3, 1.0) < cost(3, -3, 1.0)
    assert cost(3, -3, 0.0) < cost(-3, -3, 0.0)
    assert cost(3, float("nan"), 1.0) < cost(-3, float("nan"), 1.0)
    assert cost(0, -3, 0.5) < min(cost(3, -3, 0.5), cost(-3, -3, 0.5)), "half and half: unsure"
    known, unknown = (
        Lesson(torch.zeros(1, 3, 32, 32), torch.ones(1), torch.zeros(1, 1, 1), torch.tensor([opinion]), torch.ones(1, 2304))
        for opinion in (1.0, float("nan"))
    )
    features = torch.zeros(1, 1280)
    imitation = Imitation()
    assert imitation.loss(features, unknown) == 0
    assert torch.isclose(imitation.loss(features, known), ((imitation.guess.bias - 1) ** 2).mean())


def test_opinions_that_do_not_fit_the_crops_are_noticed(taught: Path, tmp_path: Path) -> None:
    from research.lessons import Taught

    (tmp_path / "taught").symlink_to(taught / "taught")
    (tmp_path / "taught.csv").write_text("label,source,kind,opinion\n1,a,b,0.5\n")
    with pytest.raises(ValueError, match="1 rows for 100 crops"):
        Taught(tmp_path)
