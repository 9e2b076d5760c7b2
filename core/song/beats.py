"""Beats: where they fall, how strong each is, and which begin a bar."""

from __future__ import annotations

from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray

from ..specs import Beat

HOP: Final = 512
"""Samples between values of the beat analysis, whatever the video's rate: 23 ms at 22 050 Hz."""

TRIPLE_MUST_WIN_BY: Final = 1.2
"""Bars of three must explain the accents this much better than bars of four."""

_LATE: Final = 1
_NEAR: Final = 2
_BASS_BANDS: Final = 4
_Vector = NDArray[np.float32]


def onset_envelope(mel_power: _Vector, sample_rate: int) -> _Vector:
    """Spectral flux of log-mel power (rows, frames) at `HOP`, (frames,), ≥ 0; silence is 0."""
    if not mel_power.any():
        return np.zeros(mel_power.shape[1], np.float32)
    flux: _Vector = librosa.onset.onset_strength(
        S=librosa.power_to_db(mel_power), sr=sample_rate, hop_length=HOP
    )
    return flux


def find_beats(mel_power: _Vector, sample_rate: int) -> tuple[tuple[Beat, ...], float]:
    """Beats in order, and the tempo in beats per minute (0 where there are none).

    librosa's dynamic-programming tracker (Ellis 2007) on the spectral flux. A beat's strength is
    the highest flux within 46 ms of it, divided by the song's strongest beat. The flux peaks one
    hop after an attack (20 to 23 ms on clicks of known time), so beats are put one hop earlier.

    Parameters
    ----------
    mel_power: (bands, frames) mel power at `HOP`
    sample_rate: Hz
    """
    flux = onset_envelope(mel_power, sample_rate)
    if not flux.any():
        return (), 0.0
    _, frames = librosa.beat.beat_track(
        onset_envelope=flux, sr=sample_rate, hop_length=HOP, trim=True
    )
    if frames.size < 2:
        return (), 0.0
    frames = _with_first(frames)
    strengths = _near_peak(flux, frames)
    metre, phase = bars(accents(mel_power, frames))
    times = np.maximum(0, frames - _LATE) * HOP / sample_rate
    beats = tuple(
        Beat(float(time), float(strength), number % metre == phase)
        for number, (time, strength) in enumerate(zip(times, _scaled(strengths), strict=True))
    )
    return beats, _tempo(times)


def _with_first(frames: NDArray[np.intp]) -> NDArray[np.intp]:
    """Also the beat on the song's first sample, whose attack has no earlier frame to rise from."""
    before = 2 * frames[0] - frames[1]
    return np.insert(frames, 0, max(0, before)) if before >= -_NEAR else frames


def accents(mel_power: _Vector, frames: NDArray[np.intp]) -> _Vector:
    """How much the bass, and with half its weight the whole sound, grows at each frame, ≥ 0.

    Growth is in amplitude and relative to its mean over the frames: in dB a soft beat after silence
    would weigh as much as a loud one. Bass drum and bass line mark bars better than the rest.
    """
    growth = np.diff(np.sqrt(mel_power), axis=1, prepend=0.0).clip(0.0)
    whole, bass = (_near_peak(rows.mean(axis=0), frames) for rows in (growth, growth[:_BASS_BANDS]))
    return bass / max(float(bass.mean()), 1e-12) + 0.5 * whole / max(float(whole.mean()), 1e-12)


def bars(accents: _Vector) -> tuple[int, int]:
    """The metre (4 or 3) and the phase p for which beats p, p + metre, p + 2 · metre … begin bars.

    For each metre M and phase p, z = (mean of accents[p::M] − mean) / (sd · √((M − 1) / N)): how
    far the first beats of bars stand out, in standard errors. The best z wins; three needs z > 3
    and `TRIPLE_MUST_WIN_BY` times four's z. Fewer than 8 beats, or equal accents, are (4, 0).
    """
    count, spread = accents.size, float(accents.std())
    if count < 8 or spread < 1e-6:
        return 4, 0
    best: dict[int, tuple[float, int]] = {}
    for metre in (4, 3):
        error = spread * np.sqrt((metre - 1) / count)
        z = [(accents[phase::metre].mean() - accents.mean()) / error for phase in range(metre)]
        best[metre] = (float(max(z)), int(np.argmax(z)))
    metre = 3 if best[3][0] > max(3.0, TRIPLE_MUST_WIN_BY * best[4][0]) else 4
    return metre, best[metre][1]


def _tempo(times: NDArray[np.float64]) -> float:
    """60 over the mean beat interval, of those within a tenth of the median one."""
    intervals = np.diff(times)
    if not intervals.size:
        return 0.0
    median = np.median(intervals)
    return float(60.0 / intervals[np.abs(intervals - median) <= 0.1 * median].mean())


def _near_peak(flux: _Vector, frames: NDArray[np.intp]) -> _Vector:
    """The highest value within `_NEAR` frames of each frame."""
    offsets = np.arange(-_NEAR, _NEAR + 1)
    near = np.clip(frames[:, None] + offsets, 0, flux.size - 1)
    highest: _Vector = flux[near].max(axis=1)
    return highest


def _scaled(values: _Vector) -> _Vector:
    """Divided by the largest, so in [0, 1] for values ≥ 0."""
    return values / max(float(values.max()), 1e-12)
