"""`veriscope finetune`: a detector of one's own from labelled pictures."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veriscope.cli.output import to_standard_output

if TYPE_CHECKING:
    from veriscope.evaluation.compare import Contender, Difference
    from veriscope.evaluation.figures import Figure
    from veriscope.settings import Settings
    from veriscope.training.finetune import Progress, Result


class LooksAt(enum.StrEnum):
    FACE = "face"
    SCENE = "scene"


class GroupBy(enum.StrEnum):
    LOOKS = "looks"
    FOLDER = "folder"


def finetune(
    base: Annotated[
        str,
        typer.Option(
            metavar="REF", help="What to begin with: hf:OWNER/NAME, a folder as ./my-model, embedded:face, embedded:scene."
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR|TABLE.csv",
            help="A folder with real/ and fake/ inside, or a table with the columns file, label and, if you like, "
            "generator, kind, group, split.",
        ),
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Where the model goes; an unfinished run in it is gone on with.")],
    layers: Annotated[str, typer.Option(metavar="all|head|last-N", help="Which layers learn.")] = "all",
    epochs: Annotated[int, typer.Option(min=1, max=1000, help="At most so many times as many pictures as there are.")] = 10,
    batch: Annotated[int, typer.Option(min=2, max=1024, help="Pictures in a step, half of them real.")] = 16,
    rate: Annotated[float | None, typer.Option(help="Highest learning rate. Default: what suits base and layers.")] = None,
    patience: Annotated[int, typer.Option(min=1, help="End after so many epochs without a better validation AUC.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split and the same run.")] = 0,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Processes that prepare pictures.")] = 2,
    group_by: Annotated[
        GroupBy,
        typer.Option(
            help="What must not be on both sides of the split: pictures that look nearly the same (and a table's column group, "
            "always), or also all pictures of one folder."
        ),
    ] = GroupBy.LOOKS,
    task: Annotated[
        LooksAt | None, typer.Option(help="What the base looks at, if nothing known of it says so: faces or whole pictures.")
    ] = None,
    new_head: Annotated[
        bool, typer.Option("--new-head", help="Begin with a new last layer, as for a base that is no detector yet.")
    ] = False,
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="Less memory, a third more time.")
    ] = False,
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The files of a table may lie anywhere in this folder.")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Also begin with a base whose licence forbids commercial use.")
    ] = False,
    push: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Afterwards, upload the model to the Hub. Asks first; never uploads pictures."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="With --push: for everybody to see. Default: private.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --push: do not ask.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Never fetch anything, not even the base.")] = False,
) -> None:
    """Fine-tune a detector on labelled pictures of your own. Needs the extra `train`: pip install 'veriscope[train]'."""
    from veriscope.settings import Settings
    from veriscope.training.finetune import finetune as run
    from veriscope.training.plan import Plan, parse_layers
    from veriscope.training.upload import check_wanted

    settings = Settings.from_environment()
    settings = dataclasses.replace(
        settings, offline=offline or settings.offline, accept_licences=accept_licence or settings.accept_licences
    )
    plan = Plan(
        base, data, output, root, parse_layers(layers), epochs, batch, rate, patience, seed, workers,
        group_by is GroupBy.FOLDER, new_head, gradient_checkpointing, task.value if task else None,
    )  # fmt: skip
    if push is not None:
        check_wanted(push, settings)  # before hours are spent
    with _progress() as tell:
        result = run(plan, settings, tell)
    to_standard_output(_told(result))
    if push is not None:
        _push(result.folder, push, public, yes, settings)


def _told(result: Result) -> str:
    ours, *others = result.comparison.contenders
    lines = [
        f"{result.folder} is ready: veriscope analyze PICTURE --detector {_typed(result.folder)}",
        f"  data        {len(result.problems)} files could not be used ({result.folder / 'training' / 'skipped.csv'})",
        *_figures(ours),
        *(_beside(other) for other in others),
        *_helped(result.comparison.differences),
        f"  control     files without their pixels: AUC {_shown(result.control)}{_control_warning(result.control)}",
        f"  ONNX        {result.onnx_problem or 'yes, the same answers'}",
        f"  calibrated  {'yes' if result.calibration else 'no: ' + result.calibration_problem}",
        f"  card        {result.folder / 'README.md'}",
    ]
    return "\n".join(lines) + "\n"


def _figures(ours: Contender) -> list[str]:
    figures = ours.figures
    if figures is None:
        return [f"  held out    not measured: {ours.problem}"]
    return [
        f"  held out    {figures.real} real and {figures.synthetic} synthetic pictures that chose nothing",
        f"  finds       AUC {_shown(figures.auc)}, EER {_shown(figures.eer)}",
        f"              {_shown(figures.tpr_at_fpr_1)} at 1 % false alarms, {_shown(figures.tpr_at_fpr_5)} at 5 %",
        *(["              few pictures: read the intervals, not the numbers"] if figures.few else []),
    ]


def _beside(other: Contender) -> str:
    if other.figures is None:
        return f"  base        could not be asked: {other.problem}"
    return f"  base        {other.id}: AUC {_shown(other.figures.auc)}"


def _helped(differences: Sequence[Difference]) -> list[str]:
    """Whether the pictures show that fine-tuning helped."""
    if not differences:
        return []
    one = differences[0]
    if one.within_chance:
        return ["              the difference is within chance: these pictures do not show that fine-tuning helped"]
    return [f"              {one.first} ranks better by {one.auc.value:.3f} ({one.auc.low:.3f}–{one.auc.high:.3f})"]


def _shown(figure: Figure | None) -> str:
    return "not measurable" if figure is None else f"{figure.value:.3f} ({figure.low:.3f}–{figure.high:.3f})"


def _control_warning(auc: Figure) -> str:
    from veriscope.training.control import tells_too_much

    return " – the classes differ in how their files were made; see docs/finetune.md" if tells_too_much(auc) else ""


def _typed(folder: Path) -> str:
    """A folder as a detector's name: what has no slash would be taken for a name of ours."""
    text = str(folder)
    return text if "/" in text or text.startswith(".") else f"./{text}"


def _push(folder: Path, repository: str, public: bool, yes: bool, settings: Settings) -> None:
    from veriscope.training.upload import upload, what

    names = what(folder)
    seen = "public" if public else "private"
    typer.echo(
        f"To upload to hf:{repository} ({seen}): {', '.join(names)}. Read README.md first: it names your generators.", err=True
    )
    if not yes and not typer.confirm("Upload?", err=True):
        typer.echo("Nothing was uploaded.", err=True)
        return
    to_standard_output(f"{upload(folder, repository, not public, settings)}\n")


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """A bar for each stage on a terminal; else a line for each measured round, because hours of silence look like a crash."""
    if not sys.stderr.isatty():
        yield _say_round
        return
    from rich import console, progress

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[note]}", markup=False),
    )
    bar = progress.Progress(*columns, console=console.Console(stderr=True), redirect_stdout=False)
    tasks: dict[str, progress.TaskID] = {}

    def tell(step: Progress) -> None:
        if step.stage not in tasks:
            tasks[step.stage] = bar.add_task(step.stage.capitalize(), total=step.total, note="")
        bar.update(tasks[step.stage], completed=step.done, total=step.total)
        if step.auc is not None:
            bar.update(tasks[step.stage], note=f"validation AUC {step.auc:.3f}")

    with bar:
        yield tell


def _say_round(step: Progress) -> None:
    if step.auc is not None:
        typer.echo(f"step {step.done} of {step.total}: validation AUC {step.auc:.3f}", err=True)
