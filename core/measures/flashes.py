"""General flashes, as WCAG 2.2 (success criterion 2.3.1) counts them; three in a second is the limit.

A flash is a pair of opposing changes of relative luminance by 0.1 or more where the darker one is
below 0.8. It counts where concurrent flashes cover a quarter of any field of 341 × 256 pixels of a
1024 × 768 screen; the film is taken to fill the screen. Flashes in different places add up. Saturated
red is not looked at.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .film import Picture

CELLS: Final = (33, 24)
"""Columns and rows in which luminance is followed: fine enough for a quarter of a field, and coarse
enough that fine patterns, which are harmless, average out."""

FIELD: Final = (11, 8)
"""Columns and rows of 341 × 256 pixels of 1024 × 768."""

FINEST: Final = 341
"""Pixels across the screen of the finest pattern that counts, a tenth of a degree each."""

LEAST_CHANGE: Final = 0.1
DARK_BELOW: Final = 0.8
AREA: Final = 0.25

Grid = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Flashes:
    """Follows the luminance of every cell; `worst` is the most flashes in any one second."""

    def __init__(self, rate: Fraction) -> None:
        self.worst = 0
        self._second: deque[tuple[Mask, bool, bool]] = deque(maxlen=max(1, round(rate)))
        self._turns = _Turns()

    def see(self, frame: Picture) -> None:
        """Take a frame in."""
        up, down = self._turns.see(luminance(frame))
        self._second.append((up | down, _covers(up), _covers(down)))
        self.worst = max(self.worst, self._anywhere())
        in_place = np.sum([turned for turned, _, _ in self._second], axis=0) // 2
        while _covers(in_place > self.worst):
            self.worst += 1

    def _anywhere(self) -> int:
        """Pairs of moments at which a field turned bright and one turned dark."""
        brighter = sum(up for _, up, _ in self._second)
        darker = sum(down for _, _, down in self._second)
        return min(brighter, darker)


class _Turns:
    """Finds where the luminance has turned by `LEAST_CHANGE` since its last extreme."""

    def __init__(self) -> None:
        self._low = self._high = np.empty(0, np.float32)
        # the extremes since a cell's last turn
        self._way = np.empty(0, np.int8)
        # 1 after a turn upwards, −1 after one downwards, 0 before the first

    def see(self, now: Grid) -> tuple[Mask, Mask]:
        """Return the cells that turned upwards, and those that turned downwards."""
        if not self._way.size:
            self._low, self._high, self._way = now.copy(), now.copy(), np.zeros(now.shape, np.int8)
        np.minimum(self._low, now, out=self._low)
        np.maximum(self._high, now, out=self._high)
        up = (self._way <= 0) & (now - self._low >= LEAST_CHANGE) & (self._low < DARK_BELOW)
        down = (self._way >= 0) & (self._high - now >= LEAST_CHANGE) & (now < DARK_BELOW)
        turned = up | down
        self._way[up], self._way[down] = 1, -1
        self._low[turned], self._high[turned] = now[turned], now[turned]
        return up, down


def luminance(frame: Picture) -> Grid:
    """Relative luminance of each cell, (rows, columns) in [0, 1] (WCAG 2.2; sRGB linearised)."""
    finest = FINEST / frame.shape[1]
    if finest < 1:
        size = (FINEST, max(1, round(frame.shape[0] * finest)))
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
    # Light adds up, its coded values do not: linear before averaging.
    light = _LINEAR[frame] @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.asarray(cv2.resize(light, CELLS, interpolation=cv2.INTER_AREA), np.float32)


def _linearised() -> Grid:
    c = np.arange(256) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


_LINEAR: Final = _linearised()


def _covers(cells: Mask) -> bool:
    """Whether the cells fill `AREA` of any field that lies on the screen."""
    if not cells.any():
        return False
    shares = cv2.blur(cells.astype(np.float32), FIELD, borderType=cv2.BORDER_CONSTANT)
    inside = shares[tuple(_whole(n, k) for n, k in zip(shares.shape, FIELD[::-1], strict=True))]
    return bool(inside.max() >= AREA - 1e-6)


def _whole(cells: int, field: int) -> slice:
    """Anchors of the fields that lie wholly on the screen."""
    return slice(field // 2, cells - (field - 1 - field // 2))
