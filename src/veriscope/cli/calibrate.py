"""`veriscope calibrate`: fits detectors, and an ensemble of them, to one's own labelled pictures."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veriscope.cli.compare import answers_folder, labelled_files, progress_bars
from veriscope.cli.output import EXIT_SOME_FAILED, Format, to_standard_output
from veriscope.errors import DataError

if TYPE_CHECKING:
    from veriscope.evaluation.calibrating import Fitted, Outcome


def calibrate(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|TABLE.csv",
            help="A folder with real/ and fake/ inside, or a table with the columns file, label and, if you like, kind, group.",
        ),
    ],
    detector: Annotated[
        list[str], typer.Option(metavar="ID", help="Calibrate this detector; repeatable: hf:OWNER/NAME, a folder, face …")
    ],
    ensemble: Annotated[
        str, typer.Option(metavar="NAME", help="Also make one detector of them, used as --detector ensemble:NAME.")
    ] = "",
    group_folders: Annotated[
        bool, typer.Option("--group-folders", help="The files of a folder belong together: one person, clip or place.")
    ] = False,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Use only this split, such as validation.")] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The files of a table may lie anywhere in this folder.")
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", help="text; json: one object; jsonl: the same in a line.")
    ] = Format.TEXT,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Batches asked at the same time.")] = 1,
    batch: Annotated[int, typer.Option(min=1, max=256, help="Pictures that go through a model together.")] = 8,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep answers here. Default: the user's cache, as `compare` does.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no answers.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Never fetch anything, not even a model.")] = False,
) -> None:
    """Fit detectors to your own labelled pictures: likelihoods that mean what they say, thresholds with known error rates."""
    from veriscope import detectors
    from veriscope.evaluation.calibrating import Plan, grouped_by_folder
    from veriscope.evaluation.calibrating import calibrate as run
    from veriscope.runtime.folders import hub_folder
    from veriscope.settings import Settings

    settings = Settings.from_environment()
    threads = settings.threads or (1 if jobs > 1 else 0)  # as in `analyze`: more would only fight over the cores
    settings = dataclasses.replace(settings, threads=threads, offline=offline or settings.offline)
    detectors.chosen(dataclasses.replace(settings, detectors=tuple(detector)))  # a wrong name is said before any file is read
    plan = Plan(tuple(detector), hub_folder(settings), ensemble, answers_folder(cache, no_cache), jobs, batch)
    with progress_bars() as tell:
        labelled = labelled_files(source, root, split, tell)
        outcome = run(grouped_by_folder(labelled) if group_folders else labelled, plan, settings, tell)
    to_standard_output(_shown(outcome, output_format))
    if all(one.problem for one in outcome.fitted):
        raise DataError(f"Nothing was calibrated. {outcome.fitted[0].problem}")
    if outcome.problems:
        raise typer.Exit(EXIT_SOME_FAILED)


def _shown(outcome: Outcome, output_format: Format) -> str:
    from veriscope.cli.fitted_listing import lines_of

    if output_format is Format.TEXT:
        return "".join(f"{line}\n" for line in lines_of(outcome))
    indent = 2 if output_format is Format.JSON else None
    return json.dumps(_row(outcome), indent=indent, ensure_ascii=False) + "\n"


def _row(outcome: Outcome) -> dict[str, object]:
    made = outcome.ensemble
    return {
        "detectors": [_fitted_row(one) for one in outcome.fitted],
        "ensemble": {**made.model_dump(mode="json"), "file": str(outcome.ensemble_file)} if made else None,
        "ensemble_problem": outcome.ensemble_problem or None,
    }


def _fitted_row(one: Fitted) -> dict[str, object]:
    return {
        "detector": one.detector,
        "judged": one.judged,
        "asked": one.asked,
        "not_judged": dict(one.not_judged),
        "problem": one.problem or None,
        "file": str(one.file) if one.file else None,
        "calibration": one.calibration.model_dump(mode="json") if one.calibration else None,
    }
