"""`veriscope finetune`: what it says before and after a training; the training itself is in tests/torch."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import typer
from cli_runs import Run

from veriscope.evaluation.compare import Comparison, Contender
from veriscope.evaluation.figures import Figure, Figures
from veriscope.evaluation.labelled import Problem
from veriscope.training import finetune as training
from veriscope.training import upload
from veriscope.training.finetune import Progress, Result
from veriscope.training.plan import Plan

WANTED = ("finetune", "--base", "embedded:face", "--data", "pictures", "--output", "my-model")


def result(folder: Path, control: float = 0.5) -> Result:
    figures = Figures(120, 110, Figure(0.91, 0.85, 0.96), Figure(0.2, 0.1, 0.3))
    ours, before = (Contender(name, figures=figures) for name in ("local:my-model", "face"))
    comparison = Comparison("held-out", "2026-11-24T12:00:00+00:00", "1", 120, 110, 0, (), (ours, before), ())
    leak = Figure(control, control - 0.05, control + 0.05)
    problems = (Problem("a.jpg", "It is damaged. Leave it out."),)
    return Result(folder, False, comparison, leak, "", None, "too few pictures.", problems, 0.9)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """A training that is over at once; the plans that it was given."""
    plans: list[Plan] = []

    def pretend(plan: Plan, _: Any, tell: Any) -> Result:
        plans.append(plan)
        tell(Progress("training", 5, 10, None, 0.875))
        return result(plan.output, 0.9 if plan.seed else 0.5)

    monkeypatch.setattr(training, "finetune", pretend)
    return plans


def test_without_the_extra_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else find(name, *rest))
    done = run(*WANTED)
    assert done.code == 2
    assert "pip install 'veriscope[train]'" in done.err


def test_options_become_a_plan(run: Run, trained: list[Plan]) -> None:
    run(
        *WANTED, "--layers", "last-2", "--epochs", "4", "--group-by", "folder", "--task", "face", "--new-head", "--workers", "0"
    )
    (plan,) = trained
    assert (plan.layers, plan.epochs, plan.by_folder, plan.task, plan.new_head, plan.workers) == (2, 4, True, "face", True, 0)


@pytest.mark.parametrize("wrong", [("--layers", "some"), ("--rate", "3"), ("--push", "mine")])
def test_wrong_usage_is_said_before_the_training(wrong: tuple[str, str], run: Run, trained: list[Plan]) -> None:
    done = run(*WANTED, *wrong)
    assert done.code == 2
    assert not trained


def test_it_ends_with_figures_and_their_intervals_and_how_to_use_it(run: Run, trained: list[Plan]) -> None:
    done = run(*WANTED)
    assert done.code == 0
    assert "veriscope analyze PICTURE --detector ./my-model" in done.out
    assert "120 real and 110 synthetic pictures" in done.out
    assert "AUC 0.910 (0.850–0.960)" in done.out
    assert "not measurable at 1 % false alarms" in done.out
    assert "1 files could not be used" in done.out
    assert "no: too few pictures." in done.out
    assert "docs/finetune.md" not in done.out
    assert "validation AUC 0.875" in done.err


def test_a_leak_in_the_files_is_told(run: Run, trained: list[Plan]) -> None:
    assert "the classes differ in how their files were made; see docs/finetune.md" in run(*WANTED, "--seed", "1").out


def test_nothing_is_uploaded_without_a_yes(run: Run, trained: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pretend(_: Path, repository: str, *__: Any) -> str:
        asked.append(repository)
        return f"https://huggingface.co/{repository}"

    monkeypatch.setattr(upload, "upload", pretend)
    monkeypatch.setattr(upload, "what", lambda _: ("README.md",))
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    done = run(*WANTED, "--push", "me/mine")
    assert "private" in done.err
    assert not asked
    run(*WANTED, "--push", "me/mine", "--yes")
    assert asked == ["me/mine"]
