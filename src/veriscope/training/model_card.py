"""README.md of the result: what it is, what was measured, on how many pictures, and what it cannot do. Names no file."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from veriscope._version import __version__
from veriscope.evaluation.compare import Contender, Difference
from veriscope.evaluation.figures import FEW, Figure, Figures
from veriscope.evaluation.labelled import Example
from veriscope.training.base import Base
from veriscope.training.control import tells_too_much
from veriscope.training.measure import Held
from veriscope.training.plan import Plan
from veriscope.training.split import SHARES, Split

_FIGURES = (
    ("auc", "AUC", "0.5 is chance, 1 perfect ranking"),
    ("eer", "EER", "error rate where both kinds of error are equal"),
    ("tpr_at_fpr_1", "found at 1 % false alarms", "share of synthetic pictures found when 1 of 100 real ones is flagged"),
    ("tpr_at_fpr_5", "found at 5 % false alarms", "the same for 5 of 100"),
    ("ece", "ECE, uncalibrated", "mean distance of the stated likelihood from the truth"),
)
_LEAST_NAMED = 5  # pictures; a name that stands for fewer could stand for a person


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """All that a card is written from."""

    name: str  # of the folder
    plan: Plan
    base: Base
    examples: Sequence[Example]
    split: Split
    skipped: int
    held: Held
    learned: tuple[int, int]  # weights that learned, all weights
    steps: int
    onnx_difference: float | None  # None: there is no ONNX file
    onnx_problem: str = ""
    calibrated_ece: float | None = None  # cross-validated; None: too few held-out pictures
    calibration_problem: str = ""

    @property
    def result(self) -> Contender:
        return self.held.comparison.contenders[0]


def model_card(outcome: Outcome) -> str:
    """The card in Markdown, with the metadata that the Hub reads."""
    parts = (
        _metadata(outcome.base),
        _head(outcome),
        _measured(outcome),
        _data(outcome),
        _made(outcome),
        _limits(outcome),
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _metadata(base: Base) -> str:
    licence = base.licence.name.split(",")[0].split(":")[0].strip().lower()
    lines = ["---", f"license: {licence or 'unknown'}", "pipeline_tag: image-classification", "library_name: transformers"]
    if base.repository is not None and base.repository.reference.repository:
        lines.append(f"base_model: {base.repository.reference.repository}")
    return "\n".join([*lines, "tags:", "- deepfake-detection", "- veriscope", "---"])


def _head(outcome: Outcome) -> str:
    base, view = outcome.base, outcome.base.view
    sees = (
        f"aligned crops of faces (YuNet's box × {view.margin:g}, {'upright' if view.rotate else 'as they are'}), {view.size} "
        "pixels"
        if view.task == "face"
        else f"whole photographs: shorter side to {view.recipe.shorter} pixels, then the middle {view.size} × {view.size}"
    )
    lines = [
        f"# {outcome.name}",
        (
            f"`{base.name}` at `{base.commit[:20]}`, fine-tuned to tell real from synthetic or manipulated pictures. It "
            f"looks at {sees}. Two logits: 0 real, 1 synthetic."
        ),
        f"```\nveriscope analyze picture.jpg --detector ./{outcome.name}\n```",
        "Its answer is evidence and not proof. A low one does not mean that a picture is authentic.",
        f"**Licence**: {base.licence} – inherited from the base.{_licence_warning(base)}",
    ]
    return "\n\n".join(lines)


def _licence_warning(base: Base) -> str:
    warning = {
        "no": " **Commercial use is forbidden.**",
        "unclear": " **Whether commercial use is allowed is unclear.**",
        "unknown": " **The base names no licence, so nothing is allowed by it.**",
    }.get(base.licence.commercial_use, "")
    return warning + (f" Data of the base: {base.terms}." if base.terms else "")


def _measured(outcome: Outcome) -> str:
    figures, result = outcome.result.figures, outcome.result
    if figures is None:
        return f"## Measured\n\nNothing: {result.problem}"
    before = next((one for one in outcome.held.comparison.contenders[1:] if one.figures is not None), None)
    head = "| | this model | 90 % interval |" + (" base before |" if before else "") + " meaning |"
    rows = [head, "|" + "---|" * (head.count("|") - 1)]
    rows += [_row(name, label, meaning, figures, before.figures if before else None) for name, label, meaning in _FIGURES]
    if outcome.calibrated_ece is not None:
        cells = f"| ECE, calibrated | {outcome.calibrated_ece:.3f} | – |" + (" – |" if before else "")
        rows.append(f"{cells} the same after calibration, each fifth by a fit on the other four |")
    text = [
        "## Measured",
        (
            f"On {figures.real} real and {figures.synthetic} synthetic pictures that neither trained nor chose the weights, "
            f"and no group of which did, on {outcome.held.comparison.created[:10]} with Veriscope {__version__}.{_few(figures)}"
        ),
        "\n".join(rows),
        *_generators(result),
        _compared(outcome.held.comparison.differences),
        _control(outcome.held.control),
    ]
    return "\n\n".join(part for part in text if part)


def _row(name: str, label: str, meaning: str, figures: Figures, before: Figures | None) -> str:
    found: Figure | None = getattr(figures, name)
    value, interval = ("not measurable", "–") if found is None else (f"{found.value:.3f}", f"{found.low:.3f}–{found.high:.3f}")
    cells = [label, value, interval]
    if before is not None:
        old: Figure | None = getattr(before, name)
        cells.append("–" if old is None else f"{old.value:.3f}")
    return f"| {' | '.join([*cells, meaning])} |"


def _few(figures: Figures) -> str:
    if not figures.few:
        return ""
    return f" **These are few**: with fewer than {FEW} of a class the intervals are wide, and rates of 1 % cannot be measured."


def _generators(result: Contender) -> list[str]:
    rows = [
        f"| {_cell(group.name)} | {group.judged} | {group.auc.value:.3f} | {group.auc.low:.3f}–{group.auc.high:.3f} |"
        for group in result.generators
        if group.name and group.auc is not None and group.count >= _LEAST_NAMED
    ]
    if not rows:
        return []
    return ["\n".join(["| generator | held-out pictures | AUC | 90 % interval |", "|---|---|---|---|", *rows])]


def _compared(differences: Sequence[Difference]) -> str:
    if not differences:
        return "The base could not be asked about the same pictures, so nothing shows that fine-tuning improved anything."
    one = differences[0]
    if one.within_chance:
        return (
            "Against its base, the difference in AUC is **within chance**: these pictures do not show that fine-tuning helped."
        )
    better = "this model" if one.first.startswith("local:") else "the base"
    return f"Against its base, {better} ranks better by {one.auc.value:.3f} AUC ({one.auc.low:.3f}–{one.auc.high:.3f}, paired)."


def _control(auc: Figure) -> str:
    told = (
        "A control that sees no pixel, only size, shape, format and bytes of the files, reaches AUC "
        f"{auc.value:.3f} ({auc.low:.3f}–{auc.high:.3f})."
    )
    if not tells_too_much(auc):
        return told
    return (
        f"{told} **That is too much**: the two classes differ in how their files were made, and what was measured here need "
        "not hold for pictures from elsewhere. Collect both classes in the same sizes and formats, and measure again."
    )


def _data(outcome: Outcome) -> str:
    rows = ["| part | real | synthetic |", "|---|---|---|"]
    for part in SHARES:
        count = Counter(outcome.examples[place].label for place in outcome.split.of(part))
        rows.append(f"| {part} | {count[0]} | {count[1]} |")
    text = [
        "## Data",
        (
            f"{len(outcome.examples)} labelled pictures in {len(set(outcome.split.groups))} groups; no group is in two parts. "
            f"Pictures that are nearly the same are one group. {outcome.skipped} files could not be used, "
            f"{outcome.split.left_out} were left out because their group was on another side."
        ),
        "\n".join(rows),
        _names("Generators", (one.generator for one in outcome.examples if one.label)),
        _names("Kinds of real pictures", (one.kind for one in outcome.examples if not one.label)),
    ]
    return "\n\n".join(part for part in text if part)


def _names(what: str, names: Iterable[str]) -> str:
    count = Counter(name for name in names if name)
    shown = [f"{_cell(name)} ({number})" for name, number in count.most_common(30) if number >= _LEAST_NAMED]
    return f"{what}: {', '.join(shown)}." if shown else ""


def _cell(name: str) -> str:
    """A name from a table of the user's, as plain text of a Markdown table."""
    plain = "".join(letter for letter in name if letter.isprintable() and letter not in "|`<>[]*_#\\")
    return plain.strip()[:60]


def _made(outcome: Outcome) -> str:
    plan, (learns, weights) = outcome.plan, outcome.learned
    layers = plan.layers if isinstance(plan.layers, str) else f"last {plan.layers} blocks and the head"
    parity = (
        f"`model.onnx` answers as `model.safetensors` does: probabilities differ by at most {outcome.onnx_difference:.1e}."
        if outcome.onnx_difference is not None
        else f"There is no ONNX file. {outcome.onnx_problem}"
    )
    return "\n\n".join(
        [
            "## How it was made",
            (
                f"Layers: {layers} ({learns:,} of {weights:,} weights). {outcome.steps} steps of {plan.batch} pictures, half "
                f"of them real, learning rate {plan.learning_rate:g}, seed {plan.seed}, "
                f"{'a new last layer' if plan.new_head else 'last layer of the base'}. Both classes went through the same "
                f"random crops, resampling, blur, noise, tone and JPEG or WebP compression; sides keep their ratio. The "
                f"weights are those with the best AUC on the validation part; training ended after {plan.patience} rounds "
                "without a better one, or at its end."
            ),
            parity,
        ]
    )


def _limits(outcome: Outcome) -> str:
    face = outcome.base.view.task == "face"
    judged = (
        "Faces that are large and sharp enough; says nothing about the rest of a picture."
        if face
        else "Whole photographs; documents, screenshots and drawings are refused, small local edits are missed."
    )
    lines = [
        judged,
        (
            "What is unlike the training pictures – other generators, cameras, apps, sizes – can be judged worse than the "
            "figures above, and in either direction. Measure on your own pictures with `veriscope compare`."
        ),
        ("The held-out pictures come from the same collection as the training pictures: expect less on others."),
        *(
            [f"It is not calibrated: {outcome.calibration_problem}"]
            if outcome.calibrated_ece is None and outcome.calibration_problem
            else []
        ),
    ]
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)
