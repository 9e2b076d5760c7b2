"""How far things move, and how well motion alone explains the next frame."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .film import Picture, reduced

FARNEBACK: Final = (0.5, 3, 15, 3, 5, 1.2, 0)
"""Pyramid scale, levels, window, iterations, neighbourhood, its sigma, flags: AV-Align's own."""

Flow = NDArray[np.float32]


class MeanFlow:
    """Mean length of Farnebäck's flow in pixels of the film, (n,); what AV-Align looks at.

    The first frame has none of its own and repeats the second's, as published.
    """

    def __init__(self) -> None:
        self._before: NDArray[np.uint8] | None = None
        self._lengths: list[float] = []

    def see(self, frame: Picture) -> None:
        """Find the flow from the frame before."""
        grey, scale = _grey(frame), max(frame.shape[:2])
        if self._before is not None:
            flow = cv2.calcOpticalFlowFarneback(self._before, grey, np.empty(0), *FARNEBACK)
            self._lengths.append(
                _mean_length(np.asarray(flow, np.float32)) * scale / max(grey.shape)
            )
        self._before = grey

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Pixels between a frame and the one before."""
        return np.array([*self._lengths[:1], *self._lengths])


class Warp:
    """Motion, and the error that is left when each frame is warped onto the next (DIS flow)."""

    def __init__(self) -> None:
        self._before: Picture | None = None
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._lengths: list[float] = []
        self._errors: list[tuple[float, float]] = []

    def see(self, frame: Picture) -> None:
        """Warp the frame before onto this one."""
        small = reduced(frame)
        if self._before is not None:
            flow = self._dis.calc(_grey(small), _grey(self._before), np.empty(0))
            back = np.asarray(flow, np.float32)
            self._lengths.append(_mean_length(back) / small.shape[0])
            self._errors.append(_errors(small, _pulled(self._before, back)))
        self._before = small

    def motion(self, rate: float) -> float:
        """Mean speed in frame heights per second."""
        return float(np.mean(self._lengths or 0.0) * rate)

    @property
    def error(self) -> float:
        """Mean M·‖f_{t+1} − warp(f_t)‖² over pixels and frames, values in [0, 1]."""
        return float(np.mean([masked for masked, _ in self._errors] or 0.0))

    @property
    def whole_error(self) -> float:
        """The same without M, which also forgives what no motion can explain."""
        return float(np.mean([whole for _, whole in self._errors] or 0.0))


def _grey(frame: Picture) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(reduced(frame), cv2.COLOR_RGB2GRAY), np.uint8)


def _mean_length(flow: Flow) -> float:
    return float(cv2.magnitude(flow[..., 0], flow[..., 1]).mean())


def _pulled(before: Picture, back: Flow) -> Picture:
    """The earlier frame, each pixel fetched from where `back` says that it was."""
    rows, columns = np.indices(back.shape[:2], np.float32)
    return np.asarray(
        cv2.remap(
            before,
            columns + back[..., 0],
            rows + back[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _errors(frame: Picture, warped: Picture) -> tuple[float, float]:
    """Means of M·e and of e, e = ‖difference‖² and M = exp(−50·e), which leaves out what was hidden."""
    e = ((frame.astype(np.float32) - warped) ** 2).sum(axis=-1) / 255**2
    return float((np.exp(-50 * e) * e).mean()), float(e.mean())
