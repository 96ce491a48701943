"""Where scenes begin and which frames repeat, from coarse grids of brightness."""

from __future__ import annotations

import statistics
from collections import deque

import numpy as np
from numpy.typing import NDArray

_STRONG = 24.0  # mean difference of brightness (0–255) from frame to frame: pans and flashes of people stay below
_MOVING = 3.0  # mean difference over two frames from which a mean of neighbours can be told from stillness
_BLEND = 0.12  # of that difference: nearer to the mean of the neighbours than this, real movement does not come
_TIMES = 4.0  # … and so many times the recent usual one


class Rhythm:
    """Watches consecutive frames."""

    def __init__(self) -> None:
        self._before: NDArray[np.int16] | None = None
        self._earlier: NDArray[np.int16] | None = None
        self._recent: deque[float] = deque(maxlen=12)
        self.repeated = 0
        self.blended = 0

    def is_cut(self, now: NDArray[np.int16]) -> bool:
        """Whether a scene begins with this frame."""
        earlier, before = self._earlier, self._before
        self._earlier, self._before = before, now
        if before is None or before.shape != now.shape:
            return before is not None
        self.blended += earlier is not None and earlier.shape == now.shape and _is_mean(earlier, before, now)
        change = float(np.abs(now - before).mean())
        self.repeated += not change
        usual = statistics.median(self._recent) if self._recent else 0.0
        self._recent.append(change)
        return change > _STRONG and change > _TIMES * usual


def _is_mean(earlier: NDArray[np.int16], middle: NDArray[np.int16], later: NDArray[np.int16]) -> bool:
    way = float(np.abs(later - earlier).mean())
    return way > _MOVING and float(np.abs(2 * middle - earlier - later).mean()) / 2 < _BLEND * way
