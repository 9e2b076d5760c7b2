"""Curves that pictures can move to: harmonic and percussive energy, onset, loudness and bands.

The harmonic-percussive energies follow Pina & Li: with (y_H, y_P) = HPSS(y), margins (5, 5),

    S_X[n] = max_m Mel(y_X)[m, n],    Ŝ_X = (S_X − min S_X) / (max S_X − min S_X)

at 22 050 Hz, hop = ⌊rate / fps⌋, 512 mel bands. Theirs takes min and max over 10 s segments, which
loses loudness from one segment to the next; ours takes them over the whole song by default.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ..errors import SpecError
from .spectra import (
    N_FFT,
    Report,
    blocks,
    centred,
    filtered_power,
    frame_count,
    mel_bank,
    part,
    spectrum,
    stretch,
)

MARGIN: Final = 5.0
MEL_BANDS: Final = 512
ONSET_BANDS: Final = 128
LOUDNESS_FLOOR_DB: Final = -60.0
BANDS_HZ: Final = {"low": (20.0, 250.0), "mid": (250.0, 4000.0), "high": (4000.0, 11_025.0)}

_HPSS_HOP: Final = N_FFT // 4
_KERNEL: Final = 31
_HALO: Final = (_KERNEL // 2 + 4) * _HPSS_HOP
"""Samples beside a block that its values depend on: half a median, and two windows' overlap."""


def hop_of(fps: Fraction, sample_rate: int) -> int:
    """⌊sample_rate / fps⌋ samples between curve values, for fps in [1, 240].

    Raises
    ------
    SpecError: fps is out of range
    """
    if not 1 <= fps <= 240:
        raise SpecError(f"fps is {float(fps):g}; allowed are 1 to 240.")
    return int(sample_rate // fps)


def normalised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S − min S) / (max S − min S) in [0, 1]; a constant gives zeros."""
    low, high = values.min(), values.max()
    if high - low <= 1e-6 * abs(high):
        return np.zeros_like(values)
    result: NDArray[np.float32] = (values - low) / (high - low)
    return result


def harmonic_percussive(
    samples: NDArray[np.float32],
    sample_rate: int,
    hop: int,
    segment_s: float | None = None,
    report: Report = lambda done: None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ŝ_H and Ŝ_P of the module's formula, each (1 + n // hop,) in [0, 1].

    Parameters
    ----------
    samples: (n,) mono
    sample_rate: Hz
    hop: samples between values
    segment_s: None takes min and max over the whole song; a length in seconds analyses and
        normalises each segment apart, as published with 10 s. It is rounded to whole hops, so that
        value n stays at n · hop.
    report: told the share done

    Notes
    -----
    A window is 2048 samples, so below 10.8 frames per second windows no longer touch and what
    falls between them is not heard: that is the published formula, and it is kept.
    """
    frames = frame_count(samples.size, hop)
    span = frames if segment_s is None else max(1, round(segment_s * sample_rate / hop))
    starts = range(0, max(1, frames - 1), span)
    curves = np.empty((2, frames), np.float32)
    for start in starts:
        is_last = start == starts[-1]
        piece = samples[start * hop :] if is_last else samples[start * hop : (start + span) * hop]
        kept = frames - start if is_last else span
        share = part(report, start / frames, (start + kept) / frames)
        raw = _energies(piece, sample_rate, hop, share)
        curves[0, start : start + kept] = normalised(raw[0])[:kept]
        curves[1, start : start + kept] = normalised(raw[1])[:kept]
    return curves[0], curves[1]


def _energies(
    samples: NDArray[np.float32], sample_rate: int, hop: int, report: Report
) -> NDArray[np.float32]:
    """S_H and S_P, (2, 1 + n // hop), block by block with the neighbours each value depends on."""
    frames = frame_count(samples.size, hop)
    mel = mel_bank(sample_rate, MEL_BANDS)
    result = np.empty((2, frames), np.float32)
    for first, last in blocks(frames, hop):
        start = max(0, first * hop - N_FFT // 2 - _HALO) // _HPSS_HOP * _HPSS_HOP
        stop = (last - 1) * hop + N_FFT // 2 + _HALO
        for row, component in enumerate(hpss(samples[start:stop])):
            windows = stretch(
                component, first * hop - N_FFT // 2 - start, (last - 1) * hop + N_FFT // 2 - start
            )
            result[row, first:last] = (mel @ np.abs(spectrum(windows, hop)) ** 2).max(axis=0)
        report(last / frames)
    return result


def hpss(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Harmonic and percussive parts (y_H, y_P) of `samples`, each (n,).

    What `librosa.effects.hpss(samples, margin=(5, 5))` gives: soft masks of power 2 from medians of
    31 bins of |STFT| along time and along frequency. The medians run row by row, which SciPy does
    six times faster than on the whole plane, to the same values.
    """
    stft = spectrum(centred(samples, _HPSS_HOP, 0, frame_count(samples.size, _HPSS_HOP)), _HPSS_HOP)
    magnitude = np.abs(stft)
    along_time = _row_medians(magnitude)
    along_frequency = _row_medians(magnitude.T).T
    harmonic, percussive = (
        librosa.istft(
            stft * librosa.util.softmask(wanted, MARGIN * other, power=2),
            hop_length=_HPSS_HOP,
            length=samples.size,
        )
        for wanted, other in ((along_time, along_frequency), (along_frequency, along_time))
    )
    return harmonic, percussive


def _row_medians(values: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(values)
    medians = np.empty_like(rows)
    for row, medians_row in zip(rows, medians, strict=True):
        median_filter(row, size=_KERNEL, mode="reflect", output=medians_row)
    return medians


def onset(mel_power: NDArray[np.float32], sample_rate: int, hop: int) -> NDArray[np.float32]:
    """Spectral flux of the log-mel power (rows, frames), min-max normalised, (frames,) in [0, 1].

    librosa's `onset_strength`: mean over bands of max(0, dB[m, n] − dB[m, n−1]), moved so that it
    peaks where the sound begins.
    """
    if not mel_power.any():
        return np.zeros(mel_power.shape[1], np.float32)
    strength = librosa.onset.onset_strength(
        S=librosa.power_to_db(mel_power), sr=sample_rate, hop_length=hop, n_fft=N_FFT
    )
    return normalised(strength.astype(np.float32))


def loudness(samples: NDArray[np.float32], hop: int) -> NDArray[np.float32]:
    """L[n] = max(0, 1 + dB[n] / 60), dB[n] = 20 log₁₀(RMS[n] / max RMS), (1 + n // hop,) in [0, 1].

    1 is the song's loudest window of 2048 samples; 60 dB below it and silence are 0.
    """
    frames = frame_count(samples.size, hop)
    rms = np.empty(frames, np.float32)
    for first, last in blocks(frames, hop):
        windows = centred(samples, hop, first, last)
        rms[first:last] = librosa.feature.rms(
            y=windows, frame_length=N_FFT, hop_length=hop, center=False
        )[0]
    if not rms.any():
        return rms
    level = librosa.amplitude_to_db(rms, ref=np.max, amin=1e-10, top_db=None)
    return np.maximum(0.0, 1.0 - level / LOUDNESS_FLOOR_DB).astype(np.float32)


def band_bank(sample_rate: int) -> NDArray[np.float32]:
    """One row per band of `BANDS_HZ`: 1 for bins f with low ≤ f < high, (3, 1 + N_FFT/2)."""
    bins_hz = librosa.fft_frequencies(sr=sample_rate, n_fft=N_FFT)
    rows = [(low <= bins_hz) & (bins_hz < high) for low, high in BANDS_HZ.values()]
    return np.array(rows, np.float32)


def heard_curves(
    samples: NDArray[np.float32],
    sample_rate: int,
    hop: int,
    segment_s: float | None = None,
    report: Report = lambda done: None,
) -> dict[str, NDArray[np.float32]]:
    """All of `HEARD_CURVES`, each (1 + n // hop,) float32 in [0, 1]; value k is at k · hop samples.

    harmonic, percussive: `harmonic_percussive`
    onset: `onset` of 128 mel bands
    loudness: `loudness`
    low, mid, high: √(Σ |STFT|²) over the bins of 20–250, 250–4000 and 4000–11 025 Hz, each
        min-max normalised over the song
    """
    harmonic, percussive = harmonic_percussive(
        samples, sample_rate, hop, segment_s, part(report, 0.0, 0.8)
    )
    bank = np.vstack([mel_bank(sample_rate, ONSET_BANDS), band_bank(sample_rate)])
    power = filtered_power(samples, hop, bank, part(report, 0.8, 1.0))
    bands = np.sqrt(power[ONSET_BANDS:])
    return {
        "percussive": percussive,
        "harmonic": harmonic,
        "onset": onset(power[:ONSET_BANDS], sample_rate, hop),
        "loudness": loudness(samples, hop),
        **{name: normalised(band) for name, band in zip(BANDS_HZ, bands, strict=True)},
    }
