"""Where scenes begin and which frames repeat, from coarse grids of brightness."""

from __future__ import annotations

import statistics
from collections import deque

import numpy as np
from numpy.typing import NDArray

_STRONG = 24.0  # mean difference of brightness (0–255) from frame to frame: pans and flashes of people stay below
_TIMES = 4.0  # … and so many times the recent usual one


class Rhythm:
    """Watches consecutive frames."""

    def __init__(self) -> None:
        self._before: NDArray[np.int16] | None = None
        self._recent: deque[float] = deque(maxlen=12)
        self.repeated = 0

    def restart(self) -> None:
        """After a jump: the next frame has no predecessor."""
        self._before = None
        self._recent.clear()

    def is_cut(self, now: NDArray[np.int16]) -> bool:
        """Whether a scene begins with this frame."""
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return before is not None
        change = float(np.abs(now - before).mean())
        self.repeated += not change
        usual = statistics.median(self._recent) if self._recent else 0.0
        self._recent.append(change)
        return change > _STRONG and change > _TIMES * usual
