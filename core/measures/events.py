"""When the pictures happen: times at which a film changes more than around."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from .change import LEAST_VISIBLE
from .synchrony import Times

PUBLISHED_VALUES: Final = 225_000
"""Values that must change for an event of the published AVS, of the 768 · 768 · 3 of its frames."""

PUBLISHED_SHARE: Final = PUBLISHED_VALUES / (768 * 768 * 3)

PUBLISHED_PAUSE_S: Final = 1.0
"""An event of the published AVS comes at least this long after the one before."""

LEAST_RISE: Final = 1.5
"""A visual event changes the picture this many times as much as the moments around it."""

AROUND_S: Final = 1.0
LEAST_APART_S: Final = 0.1


def published_events(changed: NDArray[np.number], threshold: float, rate: float) -> Times:
    """V of the published AVS: times whose `changed` exceeds the threshold, with its pause."""
    times: list[float] = []
    for k in np.flatnonzero(changed > threshold):
        if not times or k / rate - times[-1] >= PUBLISHED_PAUSE_S:
            times.append(k / rate)
    return np.array(times)


def level(steps: Times) -> Times:
    """log of the steps, those below what is visible raised to it: a hold's noise is level."""
    return np.log(np.maximum(steps, LEAST_VISIBLE))


def visual_events(steps: Times, rate: float) -> Times:
    """Times of the peaks of a film's steps.

    A peak stands out from the valleys on both sides by a factor of `LEAST_RISE`, is no smaller than
    the mean step within `AROUND_S` of it, and lies `LEAST_APART_S` from any higher one.
    """
    padded = np.pad(level(steps), 1, constant_values=np.log(LEAST_VISIBLE))
    mean = uniform_filter1d(steps, 2 * round(AROUND_S * rate) + 1, mode="nearest")
    peaks, _ = find_peaks(
        padded,
        height=np.pad(level(mean), 1, mode="edge"),
        prominence=np.log(LEAST_RISE),
        distance=max(1.0, LEAST_APART_S * rate),
    )
    times: Times = (peaks - 1) / rate
    return times


def flow_peaks(lengths: Times, rate: float) -> Times:
    """AV-Align's visual peaks: local maxima of the mean flow above 0.1 pixels."""
    inner = lengths[1:-1]
    is_peak = (inner > lengths[:-2]) & (inner > lengths[2:]) & (inner > 0.1)
    return (np.flatnonzero(is_peak) + 1) / rate
