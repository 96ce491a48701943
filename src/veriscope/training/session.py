"""The training itself, by transformers' Trainer: balanced batches, early stopping, and going on after a kill."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import nn
from torch.utils.tensorboard import SummaryWriter
from transformers import EvalPrediction, Trainer, TrainerCallback, TrainingArguments
from transformers.integrations import TensorBoardCallback
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import logging

from veriscope.evaluation.metrics import roc
from veriscope.training.plan import Plan
from veriscope.training.samples import Drawn, Seen

SMOOTHING = 0.06  # of labels: some are wrong in every data set, and nothing here may be certain
CHECKPOINTS = "checkpoints"


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """How far training is."""

    step: int
    steps: int
    loss: float | None = None
    auc: float | None = None  # on the validation part, 0.5 = chance


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """What became of a training."""

    best_auc: float  # on the validation part, which chose the weights: too good by nature
    steps: int
    history: tuple[dict[str, float], ...]


Tell = Callable[[Moment], object]


def train(model: Any, drawn: Drawn, validation: Seen, plan: Plan, work: Path, logs: Path, tell: Tell | None = None) -> Curve:
    """Trains the model in place and leaves it with the best weights that were found.

    Args:
        model: a transformers model with two logits.
        drawn: what it learns from.
        validation: what chooses the best weights and ends the training.
        plan: layers, rate, patience, seed.
        work: where checkpoints are kept, and gone on with.
        logs: where TensorBoard finds the curves.
        tell: is told how far it is; whatever it raises ends the training, which can then go on later.
    """
    checkpoints = work / CHECKPOINTS
    last = _newest_whole(checkpoints)
    if plan.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    steps = math.ceil(len(drawn) / plan.batch)
    every = math.ceil(steps / plan.epochs)
    trainer = Trainer(
        model=_Plain(model),
        args=_arguments(plan, checkpoints, steps, every),
        train_dataset=drawn,
        eval_dataset=validation,
        compute_metrics=_measured,
        callbacks=[_Patience(plan.patience), _Telling(steps, tell), TensorBoardCallback(SummaryWriter(str(logs)))],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and accelerate about the machine (no GPU, no pinned memory)
        trainer.train(resume_from_checkpoint=last)
    history = tuple(
        {key: float(value) for key, value in entry.items() if isinstance(value, int | float)}
        for entry in trainer.state.log_history
    )
    return Curve(float(trainer.state.best_metric or 0.5), int(trainer.state.global_step), history)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the bars and advice of transformers: who is told how far it is decides what is shown."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _newest_whole(folder: Path) -> str | None:
    """The newest checkpoint; what a kill left half written is removed. The state is written last."""
    while folder.is_dir() and (found := get_last_checkpoint(str(folder))):
        try:
            json.loads((Path(found) / "trainer_state.json").read_text("utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(found)
        else:
            return str(found)
    return None


def _arguments(plan: Plan, checkpoints: Path, steps: int, every: int) -> TrainingArguments:
    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=steps,
        per_device_train_batch_size=plan.batch,
        per_device_eval_batch_size=2 * plan.batch,
        train_sampling_strategy="sequential",  # the drawing number decides what is drawn, and it is random enough
        learning_rate=plan.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=min(steps // 10, 60),
        weight_decay=0.02,
        max_grad_norm=1.0,
        label_smoothing_factor=SMOOTHING,
        eval_strategy="steps",
        save_strategy="steps",
        logging_strategy="steps",
        eval_steps=every,
        save_steps=every,
        logging_steps=max(1, every // 4),
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="auc",
        greater_is_better=True,
        seed=plan.seed,
        data_seed=plan.seed,
        bf16=gpu and torch.cuda.is_bf16_supported(),
        use_cpu=not gpu,
        dataloader_num_workers=plan.workers,
        dataloader_pin_memory=gpu,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
        push_to_hub=False,
    )


def _measured(answers: EvalPrediction) -> dict[str, float]:
    logits = np.asarray(answers.predictions, np.float64)
    labels = np.asarray(answers.label_ids, np.int64)
    return {"auc": float(roc(logits[:, 1] - logits[:, 0], labels).auc())}


class _Plain(nn.Module):  # type: ignore[misc]
    """The network under the names that its tensors have here.

    A network of transformers is saved under older names of its tensors. Trainer does not translate them back when it loads a
    checkpoint (5.24): it warns, and goes on with whatever weights are there. Nothing translates the names of a plain module.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.config = model.config  # Trainer reads its problem_type

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        return self.model(pixel_values=pixel_values, labels=labels)


class _Patience(TrainerCallback):  # type: ignore[misc]
    """Ends the training when the validation AUC has not risen for so many epochs.

    Counts in the log that a checkpoint holds, so that a run which goes on after a kill counts as one that was never killed;
    and at every step, because the kill may have come between the last evaluation and the end.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience

    def on_evaluate(self, _: Any, state: Any, control: Any, **__: Any) -> None:
        self._end(state, control)

    def on_step_end(self, _: Any, state: Any, control: Any, **__: Any) -> None:
        self._end(state, control)

    def _end(self, state: Any, control: Any) -> None:
        found = [entry["eval_auc"] for entry in state.log_history if "eval_auc" in entry]
        if found and len(found) - 1 - found.index(max(found)) >= self._patience:
            control.should_training_stop = True


class _Telling(TrainerCallback):  # type: ignore[misc]
    def __init__(self, steps: int, tell: Tell | None) -> None:
        self._steps, self._tell = steps, tell or (lambda _: None)

    def on_step_end(self, _: Any, state: Any, __: Any, **___: Any) -> None:
        self._tell(Moment(state.global_step, self._steps))

    def on_log(self, _: Any, state: Any, __: Any, logs: dict[str, float] | None = None, **___: Any) -> None:
        found = logs or {}
        self._tell(Moment(state.global_step, self._steps, found.get("loss"), found.get("eval_auc")))
