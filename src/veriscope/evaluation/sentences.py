"""What a comparison says in words, shared by the text and the page."""

from __future__ import annotations

from collections.abc import Iterator

from veriscope.domain import Scalar
from veriscope.errors import DataError
from veriscope.evaluation.compare import Comparison, Contender, Difference
from veriscope.evaluation.figures import FEW, LEAST_REAL, Coverage, Figure
from veriscope.evaluation.scoring import CLEAN
from veriscope.i18n import Catalogue
from veriscope.report.sentences import safe

RANKING = ("auc", "eer", "tpr_at_fpr_1", "tpr_at_fpr_5")
AT_THRESHOLD = ("balanced_accuracy", "false_alarms", "found", "ece")
_OWN_WORDS = {  # a report says these with the numbers of one picture
    "face.none_assessable": "compare.faces_unusable",
    "face.clip_none_assessable": "compare.faces_unusable",
    "scene.too_small": "compare.too_small",
}
_NUMBERS = ("auc", "eer", "ece")  # written as 0.912; the others are shares of files, written as per cents


def title(name: str, words: Catalogue) -> str:
    """The head of a column."""
    return name.upper() if name in _NUMBERS else words.text(f"compare.{name}")


def value(name: str, figure: Figure | None, words: Catalogue) -> tuple[str, str]:
    """A figure and its interval; a dash where there is none."""
    if figure is None:
        return "–", ""
    if name in _NUMBERS:
        return words.fixed(figure.value, 3), words.isolated(f"{words.fixed(figure.low, 2)}–{words.fixed(figure.high, 2)}")
    return words.percent(figure.value), words.isolated(f"{words.percent(figure.low)}–{words.percent(figure.high)}")


def share(name: str, figure: Figure | None, words: Catalogue) -> str:
    """A figure and its interval in one line."""
    text, interval = value(name, figure, words)
    return f"{text} ({interval})" if interval else text


def rest(contender: Contender, words: Catalogue) -> tuple[str, str, str]:
    """Coverage, speed and memory."""
    covered = "–" if contender.coverage is None else words.percent(contender.coverage.share)
    work = contender.work
    speed = "–" if work is None or not work.per_second else words.fixed(work.per_second, 1)
    memory = "–" if work is None or work.peak is None else words.isolated(f"{words.number(round(work.peak / 1e6))} MB")
    return covered, speed, memory


def summary(comparison: Comparison, words: Catalogue) -> list[str]:
    """How many files there were, and what of them was not used."""
    lines = [words.text("compare.files", {"real": comparison.real, "synthetic": comparison.synthetic})]
    if comparison.duplicates:
        lines.append(words.text("compare.duplicates", {"count": comparison.duplicates}))
    return lines


def problems(comparison: Comparison, words: Catalogue) -> tuple[str, list[str]]:
    """A head and a line for each entry that could not be used."""
    if not comparison.problems:
        return "", []
    head = words.text("compare.problems", {"count": len(comparison.problems)})
    return head, [safe(f"{one.entry}: {one.message}") for one in comparison.problems]


def notes(comparison: Comparison, words: Catalogue) -> Iterator[str]:
    """What must be known to read the figures, the most important first."""
    for contender in comparison.contenders:
        yield from _about(contender, words)
    if any(_withheld(contender) for contender in comparison.contenders):
        yield words.text("compare.withheld", {"most": LEAST_REAL["tpr_at_fpr_1"], "least": LEAST_REAL["tpr_at_fpr_5"]})
    yield words.text("compare.threshold")
    yield words.text("compare.interval")
    yield words.text("compare.limits")
    yield from (safe(note) for note in comparison.notes)


def _withheld(contender: Contender) -> bool:
    found = contender.figures
    return found is not None and found.auc is not None and None in (found.tpr_at_fpr_1, found.tpr_at_fpr_5)


def _about(contender: Contender, words: Catalogue) -> Iterator[str]:
    name = {"detector": safe(contender.id)}
    if contender.problem:
        yield words.text("compare.not_run", {**name, "message": safe(contender.problem)})
    if contender.figures is None or contender.coverage is None:
        return
    if contender.figures.few:
        counts = {"real": contender.figures.real, "synthetic": contender.figures.synthetic, "least": FEW}
        yield words.text("compare.few", {**name, **counts})
    if not contender.calibrated:
        yield words.text("compare.uncalibrated", name)
    silent = _silent(contender.coverage, words)
    if silent:
        count = sum(contender.coverage.refused.values()) + sum(contender.coverage.failed.values())
        yield words.text("compare.silent", {**name, "count": count, "reasons": silent})


def _silent(coverage: Coverage, words: Catalogue) -> str:
    reasons = [*coverage.refused.items(), *coverage.failed.items()]
    return ", ".join(f"{words.number(count)} × {reason_words(code, words)}" for code, count in reasons)


def reason_words(code: str, words: Catalogue) -> str:
    """Why a file got no answer: a sentence where one fits without numbers, else the code, which `docs/compare.md` explains."""
    try:
        return words.text(_OWN_WORDS.get(code, code)).rstrip(".。।")
    except DataError:
        return safe(code)


def difference(one: Difference, words: Catalogue) -> str:
    """Whether two detectors can be told apart."""
    pair: dict[str, Scalar] = {
        "first": safe(one.first),
        "second": safe(one.second),
        "real": one.real,
        "synthetic": one.synthetic,
    }
    if one.few:
        return words.text("compare.difference.few", pair)
    figure = one.auc
    numbers = {
        name: words.fixed(number, 3) for name, number in (("value", figure.value), ("low", figure.low), ("high", figure.high))
    }
    return words.text(f"compare.difference.{'chance' if one.within_chance else 'more'}", {**pair, **numbers})


def group_name(name: str, words: Catalogue) -> str:
    return safe(name) if name else words.text("compare.unnamed")


def copy_name(variant: str, words: Catalogue) -> str:
    """An altered copy by the name of its recipe, which `docs/compare.md` explains."""
    return words.text("compare.clean") if variant == CLEAN else safe(variant)
