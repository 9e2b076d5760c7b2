"""The chance level of a synchrony score: the same pictures, shifted against the song at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from ..specs import Measure
from .synchrony import MOST_LAG_S, Times, lags

SHIFTS: Final = 499
"""Random shifts; the least p that can be found is 1 / (SHIFTS + 1)."""

LEAST_OFFSET_S: Final = 2 * MOST_LAG_S

_SEED: Final = 2026


def offsets(length_s: float) -> Times:
    """Random shifts in seconds, the same every time, (SHIFTS,) in (0, length_s).

    They keep away from no shift at all, which is what they are compared with.
    """
    least = LEAST_OFFSET_S if length_s > 4 * LEAST_OFFSET_S else 0.0
    return np.random.default_rng(_SEED).uniform(least, length_s - least, SHIFTS)


def shifted(events: Times, offset_s: float, length_s: float) -> Times:
    """Events moved on by an offset, those that pass the film's end begin it; ascending."""
    return np.sort((events + offset_s) % length_s)


def event_measure(
    name: str,
    score: Callable[[Times], float],
    events: Times,
    length_s: float,
    linear: Times | None,
    check: Callable[[], None] = lambda: None,
) -> Measure:
    """Score events, the linear walk's events, and the events at every random shift.

    `check` is called at every shift; what it raises ends the work.
    """
    null = np.empty(SHIFTS)
    for k, offset in enumerate(offsets(length_s)):
        check()
        null[k] = score(shifted(events, offset, length_s))
    return beside(name, score(events), None if linear is None else score(linear), null)


def correlation_null(r: Times, rate: float) -> Times:
    """Best correlation within ±0.3 s around every random shift, from the circular correlation r."""
    starts = np.rint(offsets(len(r) / rate) * rate).astype(int)
    best: Times = r[(starts[:, None] + lags(len(r), rate)) % len(r)].max(axis=1)
    return best


def beside(name: str, value: float, linear: float | None, null: Times) -> Measure:
    """A score with z = (m − mean m_r) / sd m_r and p = (1 + #{m_r ≥ m}) / (R + 1)."""
    mean, spread = float(null.mean()), float(null.std())
    z = (value - mean) / spread if spread > 1e-9 else None
    p = (1 + int((null >= value - 1e-12).sum())) / (len(null) + 1)
    return Measure(name, value, linear, mean, z, p)
