"""Scores of a film's times against its song's, each in [0, 1] but for the correlation in [−1, 1].

Any of them can be had by a film that does not listen: a metronome meets many beats, a film that
always moves never misses one. `null.py` therefore gives each the company of its own chance level.
"""

from __future__ import annotations

from typing import Final

import librosa
import mir_eval
import numpy as np
from numpy.typing import NDArray

SIGMA_S: Final = 0.05
"""How near a beat is near."""

F_WINDOW_S: Final = 0.07
"""How near a beat is met, for the F-measure (mir_eval's default)."""

MOST_LAG_S: Final = 0.3

_STEPS: Final = np.array([[1, 0], [0, 1], [1, 1]])
"""A path's steps, the preferred first where costs are equal."""

Times = NDArray[np.float64]
"""(n,) seconds from the film's first frame, ascending; or one value for every frame."""


def avs(beats: Times, events: Times) -> float:
    """Audio-visual synchrony: AVS = 1 / (1 + D / |path|), (D, path) = DTW(B, V; |b − v|).

    0 where either is empty (Pina & Li, with their code). The path is the exact one; among
    equals it goes along the sides before the diagonal, as the FastDTW that they use does.
    """
    if not (beats.size and events.size):
        return 0.0
    distance = np.abs(beats[:, None] - events[None, :])
    cost, path = librosa.sequence.dtw(C=distance, step_sizes_sigma=_STEPS)
    return float(1 / (1 + cost[-1, -1] / len(path)))


def beat_alignment(of: Times, to: Times) -> float:
    """Mean over `of` of exp(−d² / 2σ²), d the distance to the nearest of `to`; σ = 0.05 s.

    From beats to events it asks whether the film answers the music, from events to beats whether
    what happens is in time; a film can win one by losing the other.
    """
    if not (of.size and to.size):
        return 0.0
    right = np.searchsorted(to, of).clip(1, max(1, to.size - 1))
    nearest = np.minimum(np.abs(of - to[right - 1]), np.abs(of - to[right % to.size]))
    return float(np.exp(-(nearest**2) / (2 * SIGMA_S**2)).mean())


def beat_f_measure(beats: Times, events: Times) -> float:
    """F-measure of events as estimates of beats, matched one to one within ±70 ms (mir_eval)."""
    if not (beats.size and events.size):
        return 0.0
    return float(mir_eval.beat.f_measure(beats, events, f_measure_threshold=F_WINDOW_S))


def av_align(onsets: Times, peaks: Times, rate: float) -> float:
    """AV-Align = |M| / (|A| + |V| − |M|), M one to one within a frame, 1 / rate seconds."""
    if not (onsets.size and peaks.size):
        return 0.0
    met = len(mir_eval.util.match_events(onsets, peaks, 1 / rate))
    return met / (onsets.size + peaks.size - met)


def circular_correlation(a: Times, b: Times) -> Times:
    """r[s] = Pearson correlation of a[k] and b[k + s], indices taken around the end, (n,).

    Where one of them never changes there is nothing to correlate, and r is 0.
    """
    a, b = a - a.mean(), b - b.mean()
    size = np.linalg.norm(a) * np.linalg.norm(b)
    if size < 1e-12:
        return np.zeros(len(a))
    product: Times = np.fft.irfft(np.conj(np.fft.rfft(a)) * np.fft.rfft(b), n=len(a))
    return product / size


def best_lag(r: Times, rate: float) -> tuple[float, float]:
    """The highest correlation within ±0.3 s and its lag in seconds, positive where `b` comes later."""
    near = lags(len(r), rate)
    best = near[np.argmax(r[near])]
    return float(r[best]), float(best / rate)


def lags(frames: int, rate: float) -> NDArray[np.int64]:
    """Every lag within ±0.3 s in frames, the least first: of equals it is the best."""
    most = min(int(MOST_LAG_S * rate), (frames - 1) // 2)
    return np.array(sorted(range(-most, most + 1), key=abs))
