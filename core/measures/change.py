"""How much changes from frame to frame."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .film import Picture, reduced

LEAST_VISIBLE: Final = 0.1
"""Mean change of a value, of 255, below which nothing is taken to happen."""

LEAST_DRIFT: Final = 1.0
"""Mean change of the cells, of 255 in a second, below which a frame counts as the one before. Faint
grain averages out over a cell; a walk of half a minute between two unlike pictures changes more."""

MOST_POP: Final = 3.0
"""Mean change, of 255, beyond its neighbours' that an encoder's key frame may make by itself."""

CELLS: Final = (16, 12)
"""Columns and rows of averages in which a hold is looked for."""

Floats = NDArray[np.float64]


class Change:
    """What changes between consecutive frames; 0 at the first of n frames.

    Each property is (n,). `drifts` is counted in cells, the others at full size.
    """

    def __init__(self) -> None:
        self._before: Picture | None = None
        self._cells = np.empty(0, np.float32)
        self._changed: list[int] = []
        self._steps: list[float] = []
        self._drifts: list[float] = []
        self._values = 1

    def see(self, frame: Picture) -> None:
        """Compare a frame with the one before."""
        cells = _cells(frame)
        if self._before is None:
            self._changed, self._steps, self._values = [0], [0.0], frame.size
            self._drifts = [0.0]
        else:
            difference = cv2.absdiff(frame, self._before).reshape(-1)
            self._changed.append(cv2.countNonZero(difference))
            self._steps.append(float(difference.mean()))
            self._drifts.append(float(np.abs(cells - self._cells).mean()))
        self._before, self._cells = frame, cells

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

    @property
    def drifts(self) -> Floats:
        """Mean change of the cells' means, [0, 255]."""
        return np.array(self._drifts)


def _cells(frame: Picture) -> NDArray[np.float32]:
    small = reduced(frame).astype(np.float32)
    return np.asarray(cv2.resize(small, CELLS, interpolation=cv2.INTER_AREA), np.float32)


def without_pops(steps: Floats, key_frames: Collection[int]) -> Floats:
    """Steps or drifts, (n,), with what the encoder alone does at its key frames taken out.

    A key frame is coded afresh, and a held picture jumps a little there. A larger change is the
    film's own: encoders also set key frames where a film cuts.
    """
    calm = steps.copy()
    others = np.setdiff1d(np.arange(1, len(steps)), list(key_frames))
    for k in key_frames:
        if 0 < k < len(steps) and others.size:
            after = int(np.searchsorted(others, k))
            around = others[max(0, after - 1) : after + 1]  # the nearest that are no key frames
            usual = float(steps[around].mean())
            if 0 < steps[k] - usual < MOST_POP:
                calm[k] = usual
    return calm


def flicker(steps: Floats) -> float:
    """(255 − mean step) / 255 (VBench's temporal flickering). A still has 1: read `motion` with it."""
    return float((255 - steps[1:].mean()) / 255) if len(steps) > 1 else 1.0


def still_share(drifts: Floats, rate: float) -> float:
    """Share of the frames that show what the frame before showed, [0, 1]."""
    return float((drifts[1:] < LEAST_DRIFT / rate).mean()) if len(drifts) > 1 else 1.0


def step_ratio(drifts: Floats, cuts: frozenset[int]) -> float:
    """Largest step over the median step; steps into frames of `cuts` are meant and left out.

    A film that holds and jumps has a median of nothing, for which `LEAST_VISIBLE` stands.
    """
    walked = [float(drift) for k, drift in enumerate(drifts) if k and k not in cuts]
    if not walked:
        return 1.0
    return max(walked) / max(float(np.median(walked)), LEAST_VISIBLE)
