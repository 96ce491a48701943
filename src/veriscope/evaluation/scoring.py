"""A detector's answers about labelled files, each file asked about once and kept.

judge = Judge("scene", Settings())
scored = score(judge, read_labelled(folder).examples)
logits = [one.answer.logit for one in scored if one.answer.logit is not None]
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from veriscope.domain import Media, Status
from veriscope.errors import ModelError, VeriscopeError
from veriscope.evaluation.asking import Alter, Answer, Judge, Look
from veriscope.evaluation.kept import Kept, Key, Work, opened
from veriscope.evaluation.labelled import Example
from veriscope.evaluation.memory import peak_bytes, restart_peak
from veriscope.ingest import open_media

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

CLEAN = "clean"
"""The variant that is the file itself."""

BATCH = 8  # pictures whose views go through a model together


@dataclasses.dataclass(frozen=True, slots=True)
class Scored:
    """One detector's answer about one file, or about an altered copy of it."""

    example: Example
    answer: Answer
    variant: str = CLEAN


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """How far the scoring is."""

    done: int
    total: int
    seconds_left: float | None = None  # None = too early to say


def score(
    judge: Judge,
    examples: Sequence[Example],
    folder: Path | None = None,
    jobs: int = 1,
    batch: int = BATCH,
    variants: Mapping[str, Alter] | None = None,
    progress: Callable[[Step], object] | None = None,
) -> list[Scored]:
    """The answers about all examples in their order, then about the altered copies of each; what is kept is not asked again.

    A file that cannot be read, and a detector that breaks on it, give an answer with that status and never a score.

    Args:
        judge: the detector.
        examples: what to ask about.
        folder: where answers are kept; None = nowhere.
        jobs: batches asked at the same time.
        batch: pictures asked together.
        variants: altered copies to ask about too, by name. Of clips there are none.
        progress: is told how far it is; whatever it raises ends the scoring.
    """
    with opened(folder) as kept:
        return score_with(kept, judge, examples, jobs, batch, variants, progress)


def score_with(
    kept: Kept,
    judge: Judge,
    examples: Sequence[Example],
    jobs: int = 1,
    batch: int = BATCH,
    variants: Mapping[str, Alter] | None = None,
    progress: Callable[[Step], object] | None = None,
) -> list[Scored]:
    """As `score`, with answers kept in a place that is open already."""
    return _Scoring(kept, judge, dict(variants or {})).run(examples, jobs, batch, progress)


class _Scoring:
    """One detector over one set of examples."""

    def __init__(self, kept: Kept, judge: Judge, variants: Mapping[str, Alter]) -> None:
        self._kept, self._judge, self._variants = kept, judge, variants
        self._found = kept.answers(judge.id, judge.version)

    def run(
        self, examples: Sequence[Example], jobs: int, batch: int, progress: Callable[[Step], object] | None
    ) -> list[Scored]:
        names = (CLEAN, *self._variants)
        missing = [one for one in examples if any((one.sha256, name) not in self._found for name in names)]
        tell, began = progress or (lambda _: None), time.monotonic()
        done = len(examples) - len(missing)
        tell(Step(done, len(examples)))
        restart_peak()
        for number, (count, answers) in enumerate(self._asked(missing, jobs, max(1, batch)), 1):
            self._note(answers, jobs, count, began)
            began, done = time.monotonic(), done + count
            tell(Step(done, len(examples), self._left(jobs, len(examples) - done) if number >= min(jobs, 4) else None))
        return [
            Scored(one, self._found[one.sha256, name], name)
            for name in names
            for one in examples
            if (one.sha256, name) in self._found
        ]

    def _note(self, answers: Mapping[Key, Answer], jobs: int, count: int, began: float) -> None:
        self._found.update(answers)
        # A failure may pass (a package installed, a file repaired), so it is not kept.
        lasting = [(key, one) for key, one in answers.items() if one.status in (Status.OK, Status.SKIPPED)]
        self._kept.keep(self._judge.id, self._judge.version, lasting)
        if not self._variants:  # copies are asked about in another way: their time would not say how fast pictures are
            work = Work(jobs, count, time.monotonic() - began, peak_bytes())
            self._kept.worked(self._judge.id, self._judge.version, work)

    def _left(self, jobs: int, files: int) -> float | None:
        work = self._kept.work(self._judge.id, self._judge.version, jobs)
        return files / work.per_second if work and work.per_second and not self._variants else None

    def _asked(self, examples: Sequence[Example], jobs: int, batch: int) -> Iterator[tuple[int, dict[Key, Answer]]]:
        parts = [examples[start : start + batch] for start in range(0, len(examples), batch)]
        with ThreadPoolExecutor(jobs, thread_name_prefix="veriscope-score") as pool:
            waiting: deque[tuple[int, Future[dict[Key, Answer]]]] = deque()
            try:
                for part in parts:
                    waiting.append((len(part), pool.submit(self._part, part)))
                    if len(waiting) >= 2 * jobs:
                        count, future = waiting.popleft()
                        yield count, future.result()
                for count, future in waiting:
                    yield count, future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _part(self, examples: Sequence[Example]) -> dict[Key, Answer]:
        looks = [((one.sha256, name), look) for one in examples for name, look in self._looks(one)]
        answers = _attempt(lambda: self._judge.answers([look for _, look in looks]))
        if isinstance(answers, Answer):  # one bad picture must not fail its neighbours
            answers = [self._alone(look) for _, look in looks]
        return dict(zip((key for key, _ in looks), answers, strict=True))

    def _alone(self, look: Look) -> Answer:
        return _attempt(lambda: self._judge.answers([look])[0])

    def _looks(self, example: Example) -> Iterator[tuple[str, Look]]:
        """What to ask about one file, with whatever went wrong on the way as an answer."""
        missing = [name for name in (CLEAN, *self._variants) if (example.sha256, name) not in self._found]
        media = _attempt(lambda: open_media(example.path, self._judge.settings))
        if isinstance(media, Answer):
            yield from ((name, Look(answer=media)) for name in missing)
            return
        with contextlib.closing(media):
            for name in missing:
                look = _attempt(partial(self._look, example, media, name))
                yield name, Look(answer=look) if isinstance(look, Answer) else look

    def _look(self, example: Example, media: Media, variant: str) -> Look:
        if media.facts.sha256 != example.sha256:
            return Look(answer=Answer(Status.FAILED, "changed"))
        if variant != CLEAN and media.clip is not None:
            return Look(answer=Answer(Status.SKIPPED, "clip"))
        return self._judge.look(media, self._variants.get(variant))


def _attempt(act: Callable[[], _T]) -> _T | Answer:
    """What `act` gives; what it raises becomes an answer without a score, so that one file does not end the run."""
    try:
        return act()
    except ModelError as error:
        return Answer(Status.UNAVAILABLE, error.code)
    except VeriscopeError as error:
        return Answer(Status.FAILED, error.code)
    except Exception as error:  # noqa: BLE001 as in the engine: a defect on one file must not cost the others
        _log.debug("a file could not be scored", exc_info=error)
        return Answer(Status.FAILED, "defect")
