"""How much changes from frame to frame."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .film import Picture

LEAST_VISIBLE: Final = 0.1
"""Mean change of a value, of 255, below which a frame counts as the one before it. A held picture
in an H.264 film changes less; a walk of twenty seconds between two unlike pictures changes more."""

Floats = NDArray[np.float64]


class Change:
    """What changes between consecutive frames, at full size.

    After n frames `values_changed`, `share_changed` and `steps` are (n,), 0 at the first frame.
    """

    def __init__(self) -> None:
        self._before: Picture | None = None
        self._changed: list[int] = []
        self._steps: list[float] = []
        self._values = 1

    def see(self, frame: Picture) -> None:
        """Compare a frame with the one before."""
        if self._before is None:
            self._changed, self._steps, self._values = [0], [0.0], frame.size
        else:
            difference = cv2.absdiff(frame, self._before).reshape(-1)
            self._changed.append(cv2.countNonZero(difference))
            self._steps.append(float(difference.mean()))
        self._before = frame

    @property
    def values_changed(self) -> NDArray[np.int64]:
        """How many of a frame's values (pixels times 3) are not what they were."""
        return np.array(self._changed, np.int64)

    @property
    def share_changed(self) -> Floats:
        """The same as a share of all values, [0, 1]."""
        return self.values_changed / self._values

    @property
    def steps(self) -> Floats:
        """Mean |f_t − f_{t−1}| of the values, [0, 255]."""
        return np.array(self._steps)


def flicker(steps: Floats) -> float:
    """(255 − mean step) / 255 (VBench's temporal flickering). A still has 1: read `motion` with it."""
    return float((255 - steps[1:].mean()) / 255) if len(steps) > 1 else 1.0


def still_share(steps: Floats) -> float:
    """Share of the frames that show what the frame before showed, [0, 1]."""
    return float((steps[1:] < LEAST_VISIBLE).mean()) if len(steps) > 1 else 1.0


def step_ratio(steps: Floats, cuts: frozenset[int]) -> float:
    """Largest step over the median step; steps into frames of `cuts` are meant and left out.

    A film that holds and jumps has a median of nothing, for which `LEAST_VISIBLE` stands.
    """
    walked = [step for k, step in enumerate(steps) if k and k not in cuts]
    if not walked:
        return 1.0
    return float(max(walked)) / max(float(np.median(walked)), LEAST_VISIBLE)
