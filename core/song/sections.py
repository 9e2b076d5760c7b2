"""Sections: where the sound of a song changes, which stretches repeat, and what to call them.

Harmony (chroma) and timbre (MFCC) are averaged from beat to beat; a checkerboard kernel run down
the diagonal of their self-similarity (Foote 2000) peaks where one stretch ends and another begins.
Repeats are looked for in the harmony alone: a second verse is often sung or played differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.signal import find_peaks
from scipy.spatial.distance import squareform

from ..specs import Beat, Section
from .beats import HOP

SHORTEST_BEATS: Final = 8
KERNEL_BEATS: Final = (16, 32)
PROMINENCE: Final = 0.04
PROMINENCE_OF_BEST: Final = 0.15
SNAP_BEATS: Final = 2
ALIKE: Final = 0.55
BEATLESS_STEP_S: Final = 0.5

LEAST_HARMONY: Final = 0.1
LEAST_TIMBRE: Final = 3.0
LEAST_LENGTH: Final = 0.7
"""Spreads and lengths that count as change: music has twice these, steady noise a third."""

_Matrix = NDArray[np.float32]
_Index = NDArray[np.intp]


def find_sections(
    mel_power: _Matrix,
    chroma: _Matrix,
    sample_rate: int,
    beats: Sequence[Beat],
    duration_s: float,
) -> tuple[Section, ...]:
    """Sections that cover [0, duration_s] without gaps; one only where nothing changes.

    Parameters
    ----------
    mel_power: (bands, frames) mel power at `HOP`
    chroma: (12, frames) power per pitch class at `HOP`
    sample_rate: Hz
    beats: in order; inner boundaries stand on downbeats, or on beats where none is near
    duration_s: seconds, > 0
    """
    times, downbeats = _grid(beats, duration_s)
    if times.size < 2 * SHORTEST_BEATS or not mel_power.any():
        return (Section(0.0, duration_s, "verse", 0),)
    frames = np.round(times * sample_rate / HOP).astype(np.intp)
    harmony, timbre = _features(mel_power, chroma, frames)
    inner = boundaries(self_similarity(np.vstack([harmony, timbre])))
    edges = _snapped(inner, downbeats, harmony.shape[1])
    groups = repeats(self_similarity(harmony), edges)
    starts = [0.0, *(float(time) for time in times[edges[1:-1]]), duration_s]
    labels = name_sections(groups, np.diff(starts), _levels(mel_power, frames, edges))
    return tuple(
        Section(start, end, label, group)
        for start, end, label, group in zip(starts[:-1], starts[1:], labels, groups, strict=True)
    )


def _grid(beats: Sequence[Beat], duration_s: float) -> tuple[NDArray[np.float64], _Index]:
    """Times about a beat apart over the whole song, and which of them are downbeats.

    The beats, carried on at their median interval to both ends of the song; without beats, every
    `BEATLESS_STEP_S`.
    """
    if len(beats) < 2:
        return np.arange(0.0, duration_s, BEATLESS_STEP_S), np.zeros(0, np.intp)
    heard = np.array([beat.time_s for beat in beats])
    step = float(np.median(np.diff(heard)))
    before = np.arange(heard[0] - step, -step / 2, -step)[::-1].clip(0.0)
    after = np.arange(heard[-1] + step, duration_s, step)
    downbeats = np.flatnonzero([beat.downbeat for beat in beats]) + before.size
    return np.concatenate([before, heard, after]), downbeats


def _features(mel_power: _Matrix, chroma: _Matrix, frames: _Index) -> tuple[_Matrix, _Matrix]:
    """Chroma (12, n) and MFCC (13, n) of the n spaces between beats, each of total variance 1.

    Spreads below `LEAST_HARMONY` (of unit chroma vectors) and `LEAST_TIMBRE` (per coefficient, dB)
    are not blown up to 1, so that a steady sound stays steady.
    """
    pitches = librosa.util.normalize(np.sqrt(chroma), norm=2, axis=0)
    cepstra = librosa.feature.mfcc(S=librosa.power_to_db(mel_power), n_mfcc=13)
    harmony, timbre = (_centred_means(rows, frames) for rows in (pitches, cepstra))
    harmony /= max(float(np.sqrt(harmony.var(axis=1).sum())), LEAST_HARMONY)
    timbre /= np.maximum(timbre.std(axis=1, keepdims=True), LEAST_TIMBRE) * np.sqrt(13)
    return harmony, timbre


def _centred_means(rows: _Matrix, frames: _Index) -> _Matrix:
    means = librosa.util.sync(rows, frames.tolist(), pad=False)
    centred: _Matrix = (means - means.mean(axis=1, keepdims=True)).astype(np.float32)
    return centred


def self_similarity(features: _Matrix) -> _Matrix:
    """Cosines between the columns of (rows, n), (n, n) in [−1, 1].

    Columns shorter than `LEAST_LENGTH` count as that long, so a zero column is like none.
    """
    lengths = np.maximum(np.linalg.norm(features, axis=0), LEAST_LENGTH)
    unit = features / lengths
    cosines: _Matrix = unit.T @ unit
    return cosines


def novelty(likeness: _Matrix, half: int) -> NDArray[np.float64]:
    """How much the `half` columns before and after each of the n + 1 edges differ, (n + 1,).

    ν[i] = Σ_ab k[a, b] S[i+a, i+b], k the checkerboard sign(a)·sign(b) under a Gaussian of standard
    deviation half/2, Σ|k| = 1, S zero outside.
    """
    offsets = np.arange(-half, half) + 0.5
    taper = np.sign(offsets) * np.exp(-0.5 * (2 * offsets / half) ** 2)
    kernel = np.outer(taper, taper) / np.abs(np.outer(taper, taper)).sum()
    padded = np.pad(likeness, half)
    edges = range(likeness.shape[0] + 1)
    return np.array([(kernel * padded[i : i + 2 * half, i : i + 2 * half]).sum() for i in edges])


def boundaries(likeness: _Matrix) -> _Index:
    """Columns at which a new section begins, at least `SHORTEST_BEATS` from either end."""
    count = likeness.shape[0]
    shortest, longest = KERNEL_BEATS
    half = min(longest, max(shortest, count // 12), count // 4)
    curve = novelty(likeness, half)
    curve[:SHORTEST_BEATS] = curve[-SHORTEST_BEATS:] = 0.0
    prominence = max(PROMINENCE, PROMINENCE_OF_BEST * float(curve.max()))
    peaks: _Index = find_peaks(curve, distance=SHORTEST_BEATS, prominence=prominence)[0]
    return peaks


def _snapped(inner: _Index, downbeats: _Index, count: int) -> _Index:
    """0, the inner boundaries moved to a downbeat within `SNAP_BEATS` beats, and `count`."""
    edges = {0, count}
    for edge in inner:
        nearest = downbeats[np.abs(downbeats - edge).argmin()] if downbeats.size else edge
        edges.add(int(nearest if abs(nearest - edge) <= SNAP_BEATS else edge))
    return np.array(sorted(edges), np.intp)


def repeats(likeness: _Matrix, edges: _Index) -> list[int]:
    """A group per section, numbered as they appear: sections share one when one repeats another.

    Two sections are as alike as the best diagonal of their block of the self-similarity that is at
    least three quarters of the shorter one long. Groups are joined while their sections are on
    average more than `ALIKE` alike.
    """
    spans = [slice(start, end) for start, end in pairwise(edges)]
    if len(spans) == 1:
        return [0]
    unlike = np.array([[1.0 - _best_diagonal(likeness[a, b]) for b in spans] for a in spans])
    np.fill_diagonal(unlike, 0.0)
    distances = squareform((unlike + unlike.T) / 2, checks=False).clip(0.0)
    found = fcluster(linkage(distances, "average"), 1.0 - ALIKE, "distance")
    order: dict[int, int] = {}
    return [order.setdefault(int(group), len(order)) for group in found]


def _best_diagonal(block: _Matrix) -> float:
    rows, columns = block.shape
    needed = 0.75 * min(rows, columns)
    diagonals = (np.diagonal(block, offset) for offset in range(1 - rows, columns))
    return max(float(diagonal.mean()) for diagonal in diagonals if diagonal.size >= needed)


def _levels(mel_power: _Matrix, frames: _Index, edges: _Index) -> list[float]:
    """Mean power of each section."""
    power = mel_power.sum(axis=0)
    bounds = frames[edges]
    return [float(power[a:b].mean()) for a, b in pairwise(bounds)]


def name_sections(
    groups: Sequence[int], lengths_s: Sequence[float] | NDArray[np.float64], levels: Sequence[float]
) -> list[str]:
    """Labels by plain rules, which know nothing of words or genre.

    - chorus: the loudest of the groups that recur, if two or more do
    - bridge: what occurs once, between two sections that recur
    - intro, outro: of three or more sections the first and the last, if it occurs once or is less
      than half as long as the longest of its group
    - verse: all others
    """
    members = {g: [i for i, other in enumerate(groups) if other == g] for g in groups}
    recurring = [group for group, places in members.items() if len(places) > 1]
    loudest = max(recurring, key=lambda g: np.mean([levels[i] for i in members[g]]), default=None)
    labels = ["verse"] * len(groups)
    for place, group in enumerate(groups):
        around = {*groups[max(0, place - 1) : place], *groups[place + 1 : place + 2]}
        if group == loudest and len(recurring) > 1:
            labels[place] = "chorus"
        elif group not in recurring and around and around <= set(recurring):
            labels[place] = "bridge"
    for place, label in ((0, "intro"), (len(groups) - 1, "outro")):
        longest = max(lengths_s[i] for i in members[groups[place]])
        alone = groups[place] not in recurring
        if len(groups) > 2 and (alone or lengths_s[place] < longest / 2):
            labels[place] = label
    return labels
