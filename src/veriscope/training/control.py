"""The control: a vote that never sees a pixel, only the size, shape, format and bytes of a file.

What it reaches on the held-out pictures is what a cheating detector could reach on these data. Above about 0.7 the classes
differ in how their files were made, and no figure measured on them says much about pictures from elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from veriscope.domain import MediaFacts
from veriscope.evaluation.figures import Figure
from veriscope.evaluation.intervals import area
from veriscope.evaluation.metrics import roc

Traces = tuple[float, ...]

WARN_ABOVE = 0.7  # area under the curve; 0.5 = the files tell nothing
_NEIGHBOURS = 15
_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF")


def traces(facts: MediaFacts) -> Traces:
    """What the file shows without its pixels."""
    width, height = facts.width, facts.height
    return (
        math.log(width),
        math.log(height),
        math.log(width / height),
        float(width == height),
        float(width % 64 == 0) + float(height % 64 == 0),
        math.log(facts.size_bytes / (width * height)),
        *(float(facts.format == form) for form in _FORMATS),
    )


def control_auc(known: Sequence[Traces], labels: Sequence[int], asked: Sequence[Traces], truth: Sequence[int]) -> Figure:
    """Area under the curve of a vote of nearest neighbours among the training pictures, 0–1; 0.5 = chance.

    Nearest neighbours need no fitting that could fail and follow any boundary; votes count by class size, so that the
    larger class does not win by number.
    """
    table, questions = np.asarray(known, np.float64), np.asarray(asked, np.float64)
    spread = table.std(axis=0)
    spread[spread == 0] = 1
    table, questions = table / spread, questions / spread
    label = np.asarray(labels)
    worth = np.where(label == 1, 0.5 / max(1, (label == 1).sum()), 0.5 / max(1, (label == 0).sum()))
    scores = np.array([_vote(table, label, worth, question) for question in questions])
    answers = np.asarray(truth, np.int64)
    value = float(roc(scores, answers).auc())
    return Figure(value, *area(value, int((answers == 0).sum()), int((answers == 1).sum())))


def tells_too_much(auc: Figure) -> bool:
    """Whether the classes differ in how their files were made, beyond what chance does with so few pictures."""
    return auc.value > WARN_ABOVE and auc.low > 0.5


def _vote(
    table: NDArray[np.float64], label: NDArray[np.int_], worth: NDArray[np.float64], question: NDArray[np.float64]
) -> float:
    distance = ((table - question) ** 2).sum(axis=1)
    nearest = np.argsort(distance, kind="stable")[:_NEIGHBOURS]
    # Equal files are common (one camera, one generator): all at the distance of the last neighbour vote.
    near = distance <= distance[nearest[-1]]
    return float((worth * label * near).sum() / (worth * near).sum())
