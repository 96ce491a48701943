"""Several detectors on the same labelled files, and which differences between them are more than chance."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from veriscope._version import __version__
from veriscope.errors import ModelError, RemoteError
from veriscope.evaluation import figures, intervals, metrics
from veriscope.evaluation.asking import Alter, Judge
from veriscope.evaluation.figures import Altered, Answers, Coverage, Error, Figure, Figures, Group
from veriscope.evaluation.kept import Kept, Work, opened
from veriscope.evaluation.labelled import Labelled, Problem, classes
from veriscope.evaluation.scoring import BATCH, Scored, Step, score_with
from veriscope.settings import Settings

SCHEMA = "veriscope.comparison/1"
CONFIDENCE = 0.95  # that no difference between equal detectors is called one, over all pairs together

_LEAST = 10  # independent files of a class that both judged: fewer tell no two detectors apart

Progress = Callable[[str, Step], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How a comparison goes about its work."""

    folder: Path | None = None  # where answers are kept; None = nowhere
    jobs: int = 1
    batch: int = BATCH
    variants: Mapping[str, Alter] = dataclasses.field(default_factory=dict)
    rounds: int = intervals.ROUNDS


@dataclasses.dataclass(frozen=True, slots=True)
class Contender:
    """One detector's results; without any when it could not run, and then `problem` says why."""

    id: str
    version: str = ""
    calibrated: bool = False
    problem: str = ""
    coverage: Coverage | None = None
    figures: Figures | None = None
    generators: tuple[Group, ...] = ()
    kinds: tuple[Group, ...] = ()
    altered: tuple[Altered, ...] = ()
    curve: tuple[tuple[float, float], ...] = ()
    reliability: tuple[tuple[float, float, float], ...] = ()
    accused: tuple[Error, ...] = ()
    missed: tuple[Error, ...] = ()
    work: Work | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """How much more often the first detector ranks a synthetic picture above a real one than the second does."""

    first: str  # the one with the higher AUC on the files that both judged
    second: str
    real: int  # judged by both
    synthetic: int
    auc: Figure  # difference, with its interval at `CONFIDENCE` over all pairs
    few: bool  # too few files to say anything
    within_chance: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """One detector's answer about one file, for a table of all."""

    detector: str
    scored: Scored
    probability: float | None
    flagged: bool | None


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """All that a comparison found. Holds no sentence."""

    source: str
    created: str
    veriscope: str
    real: int
    synthetic: int
    duplicates: int
    problems: tuple[Problem, ...]
    contenders: tuple[Contender, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()  # what went wrong beside the detectors
    schema: str = SCHEMA


def compare(
    source: str,
    labelled: Labelled,
    names: Sequence[str],
    settings: Settings,
    options: Options,
    progress: Progress | None = None,
) -> tuple[Comparison, tuple[Judgement, ...]]:
    """Asks each detector about every file, one detector after the other, and what it all says.

    A detector that cannot run is named with its reason, and the others go on.

    Raises:
        DataError: a detector of that name does not exist, or answers cannot be kept in `options.folder`.
    """
    with opened(options.folder) as kept:
        results = [_asked(name, labelled, settings, options, kept, progress) for name in dict.fromkeys(names)]
        notes = tuple(kept.notes)
    real, synthetic = classes(labelled.examples)
    comparison = Comparison(
        source=source,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        veriscope=__version__,
        real=real,
        synthetic=synthetic,
        duplicates=labelled.duplicates,
        problems=labelled.problems,
        contenders=tuple(contender for contender, _, _ in results),
        differences=_differences({contender.id: answers for contender, answers, _ in results if answers}, options.rounds),
        notes=notes,
    )
    return comparison, tuple(itertools.chain.from_iterable(rows for _, _, rows in results))


_Result = tuple[Contender, Answers | None, tuple[Judgement, ...]]


def _asked(
    name: str, labelled: Labelled, settings: Settings, options: Options, kept: Kept, progress: Progress | None
) -> _Result:
    try:
        judge = Judge(name, settings)
    except (ModelError, RemoteError) as error:
        return Contender(name, problem=str(error)), None, ()

    def tell(step: Step) -> None:
        if progress is not None:
            progress(judge.id, step)

    scored = score_with(kept, judge, labelled.examples, options.jobs, options.batch, progress=tell)
    if options.variants:
        scored = score_with(kept, judge, labelled.examples, options.jobs, options.batch, options.variants, tell)
    answers = Answers(judge, scored)
    contender = Contender(
        id=judge.id,
        version=judge.detector.version,
        calibrated=judge.calibrated,
        coverage=figures.coverage(answers),
        figures=figures.figures(answers, options.rounds),
        generators=figures.groups(answers, 1),
        kinds=figures.groups(answers, 0),
        altered=figures.altered(judge, scored, tuple(options.variants)),
        curve=figures.curve_points(answers),
        reliability=figures.reliability(answers),
        accused=figures.worst(answers, 0),
        missed=figures.worst(answers, 1),
        work=kept.work(judge.id, judge.version, options.jobs),
    )
    return contender, answers, tuple(_judgement(judge, one) for one in scored)


def _judgement(judge: Judge, scored: Scored) -> Judgement:
    answer = scored.answer
    if answer.logit is None:
        return Judgement(judge.id, scored, None, None)
    return Judgement(judge.id, scored, judge.probability(answer), judge.flags(answer))


def _differences(answers: Mapping[str, Answers], rounds: int) -> tuple[Difference, ...]:
    pairs = list(itertools.combinations(answers, 2))
    if not pairs:
        return ()
    # Bonferroni: of many pairs of equal detectors, one would differ by chance.
    reach = statistics.NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / len(pairs))
    found = (_difference((one, answers[one]), (other, answers[other]), reach, rounds) for one, other in pairs)
    return tuple(difference for difference in found if difference is not None)


def _difference(one: tuple[str, Answers], other: tuple[str, Answers], reach: float, rounds: int) -> Difference | None:
    """The paired difference on files that both judged; None when those are of one class only."""
    places = [{item.example.sha256: place for place, item in enumerate(answers.judged)} for _, answers in (one, other)]
    common = [sha256 for sha256 in places[0] if sha256 in places[1]]
    chosen = [[place[sha256] for sha256 in common] for place in places]
    labels = one[1].labels[chosen[0]]
    if not 0 < labels.sum() < len(labels):
        return None
    logits = [answers.logits[index] for (_, answers), index in zip((one, other), chosen, strict=True)]
    gap = _gap(logits, labels, np.ones(len(labels)))
    first, second, sign = (one[0], other[0], 1.0) if gap >= 0 else (other[0], one[0], -1.0)
    unit = one[1].unit[chosen[0]]
    _, unit = np.unique(unit, return_inverse=True)
    drawn = np.concatenate([_gap(logits, labels, weight) for weight in intervals.resampled(labels, unit, rounds)])
    half, value = reach * float(drawn.std(ddof=1)), sign * float(gap)
    few = min(len(np.unique(unit[labels == label])) for label in (0, 1)) < _LEAST
    return Difference(
        first,
        second,
        int((labels == 0).sum()),
        int((labels == 1).sum()),
        Figure(value, value - half, value + half),
        few,
        within_chance=few or value - half <= 0 or math.isclose(value, 0),
    )


def _gap(logits: Sequence[metrics.Values], labels: metrics.Labels, weight: metrics.Values) -> metrics.Values:
    """AUC of the first minus AUC of the second, over the same pictures drawn."""
    first, second = (metrics.roc(values, labels, weight).auc() for values in logits)
    return first - second
