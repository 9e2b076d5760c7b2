"""Curves over video frames: from heard features to heard curves, the drive curve and walk positions.

Light ring: numpy alone, so that rebaking inside Blender is instant. The formulas are those of Pina &
Li (energy vector, cumulative position), with resampling in place of their truncation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .errors import SpecError
from .specs import POSITION_STEPS

__all__ = ["Shaping", "at_frames", "drive_energy", "fewest_keys", "positions", "shape"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shaping:
    """How a heard curve follows the sound."""

    attack_s: float = 0.0
    # seconds to rise to 63 %; 0 follows at once
    release_s: float = 0.0
    # seconds to fall to 37 %
    gain: float = 1.0

    def __post_init__(self) -> None:
        for name in ("attack_s", "release_s", "gain"):
            value = getattr(self, name)
            if not 0 <= value <= 100:
                raise SpecError(f"{name} is {value}; allowed is 0 to 100")


def at_frames(
    curve: NDArray[np.floating], rate_hz: float, first_s: Fraction, frames: int, fps: Fraction
) -> Floats:
    """Sample a curve at the video frames' own times.

    Parameters
    ----------
    curve : (n,) values, sample i at i / rate_hz seconds of the song.
    first_s : song time of frame 0; may be negative (the song starts later).
    frames, fps : how many video frames, and their exact rate.

    Returns
    -------
    (frames,) float64; linear between samples, 0 outside the song.
    """
    times = float(first_s) + np.arange(frames) / float(fps)
    samples: Floats = np.interp(times * rate_hz, np.arange(len(curve)), curve, left=0.0, right=0.0)
    return samples


def shape(curve: Floats, shaping: Shaping, fps: Fraction) -> Floats:
    """Return the curve with gain, one-pole attack and release, clipped to [0, 1].

    y[k] = y[k-1] + (1 − e^(−1 / (τ·fps))) · (g·x[k] − y[k-1]), τ the attack while rising, else the
    release.
    """
    target = np.clip(curve * shaping.gain, 0.0, 1.0)
    if shaping.attack_s == 0 and shaping.release_s == 0:
        return target
    rise, fall = _coefficient(shaping.attack_s, fps), _coefficient(shaping.release_s, fps)
    out = np.empty_like(target)
    level = 0.0
    for k, x in enumerate(target):
        level += (rise if x > level else fall) * (x - level)
        out[k] = level
    return out


def drive_energy(harmonic: Floats, percussive: Floats, w_h: float, w_p: float) -> Floats:
    """E = w_H·Ŝ_H + w_P·Ŝ_P, clipped to [0, 1] (Pina & Li)."""
    return np.clip(w_h * harmonic + w_p * percussive, 0.0, 1.0)


def fewest_keys(curve: Floats, tolerance: float, held: Sequence[int] = ()) -> NDArray[np.int64]:
    """Choose few samples that, joined by straight lines, stay within `tolerance` of every sample.

    From each key the furthest sample is taken whose chord holds all samples between them (the cone of
    Imai and Iri), so that no chord could have been longer.

    Returns ascending indices; the first, the last and all `held` samples are among them.
    """
    values: list[float] = curve.tolist()  # plain floats: numpy scalars are ten times slower here
    keys = [0]
    for stop in sorted({*held, len(values) - 1} - {0}):
        while keys[-1] < stop:
            keys.append(_furthest(values, keys[-1], stop, tolerance))
    return np.array(keys, dtype=np.int64)


def positions(energy: Floats, frames: int, *, arrives: bool) -> NDArray[np.int64]:
    """Turn energy into walk positions: T[k] = Σ_{1..k} E[j] / Σ E[j], T[0] = 0 (Pina & Li).

    Parameters
    ----------
    energy : (≥ frames + 1,) non-negative samples, one a frame; the one after the span is the next
        shot's first frame.
    frames : length of the span.
    arrives : True ends on the end picture with the span's last frame (CUT); False ends one frame
        before it, since the next shot shows it (MORPH).

    Returns
    -------
    (frames,) whole multiples of 1 / POSITION_STEPS. Silence walks linearly.
    """
    steps = frames - 1 if arrives else frames
    if steps < 1:
        return np.zeros(frames, dtype=np.int64)
    e = np.clip(np.nan_to_num(energy[1 : steps + 1]), 0.0, None)
    total = e.sum()
    t = np.cumsum(e) / total if total > 1e-9 else np.arange(1, steps + 1) / steps
    walk = np.concatenate(([0.0], t))[:frames]
    whole: NDArray[np.int64] = np.rint(walk * POSITION_STEPS).astype(np.int64)
    return whole


def _coefficient(seconds: float, fps: Fraction) -> float:
    return 1.0 if seconds == 0 else float(1.0 - np.exp(-1.0 / (seconds * float(fps))))


def _furthest(curve: list[float], start: int, stop: int, tolerance: float) -> int:
    best, low, high = start + 1, -math.inf, math.inf
    for j in range(start + 1, stop + 1):
        rise, reach = curve[j] - curve[start], j - start
        if low <= rise / reach <= high:
            best = j
        low = max(low, (rise - tolerance) / reach)
        high = min(high, (rise + tolerance) / reach)
        if low > high:
            break
    return best
