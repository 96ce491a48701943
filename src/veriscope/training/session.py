"""The training itself, by transformers' Trainer: balanced batches, early stopping, and going on after a kill."""

from __future__ import annotations

import dataclasses
import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.tensorboard import SummaryWriter
from transformers import EvalPrediction, Trainer, TrainerCallback, TrainingArguments
from transformers.integrations import TensorBoardCallback
from transformers.trainer_utils import get_last_checkpoint

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


def train(
    model: Any, drawn: Drawn, validation: Seen, plan: Plan, work: Path, logs: Path, fingerprint: str, tell: Tell | None = None
) -> Curve:
    """Trains the model in place and leaves it with the best weights that were found.

    Args:
        model: a transformers model with two logits.
        drawn: what it learns from.
        validation: what chooses the best weights and ends the training.
        plan: layers, rate, patience, seed.
        work: where checkpoints are kept; those of the same run are gone on with.
        logs: where TensorBoard finds the curves.
        fingerprint: names the run.
        tell: is told how far it is; whatever it raises ends the training, which can then go on later.
    """
    checkpoints = work / CHECKPOINTS
    last = _resumable(checkpoints, fingerprint)
    steps = math.ceil(len(drawn) / plan.batch)
    every = math.ceil(steps / plan.epochs)
    trainer = Trainer(
        model=model,
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


def _resumable(checkpoints: Path, fingerprint: str) -> str | None:
    """The newest whole checkpoint of the same run; what another run left is not touched but refused by the caller."""
    mark = checkpoints / "run.json"
    if mark.is_file() and json.loads(mark.read_text("utf-8")) == {"run": fingerprint}:
        found = get_last_checkpoint(str(checkpoints))
        return str(found) if found else None
    checkpoints.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps({"run": fingerprint}), "utf-8")
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
        gradient_checkpointing=plan.gradient_checkpointing,
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


class _Patience(TrainerCallback):  # type: ignore[misc]
    """Ends the training when the validation AUC has not risen for so many epochs.

    Counts in the log that a checkpoint holds, so that a run which goes on after a kill counts as one that was never killed.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        found = [entry["eval_auc"] for entry in state.log_history if "eval_auc" in entry]
        since_best = len(found) - 1 - found.index(max(found))
        if since_best >= self._patience:
            control.should_training_stop = True


class _Telling(TrainerCallback):  # type: ignore[misc]
    def __init__(self, steps: int, tell: Tell | None) -> None:
        self._steps, self._tell = steps, tell

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._tell is not None:
            self._tell(Moment(state.global_step, self._steps))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if self._tell is not None and logs:
            self._tell(Moment(state.global_step, self._steps, logs.get("loss"), logs.get("eval_auc")))
