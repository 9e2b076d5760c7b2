"""Short-time spectra a block at a time, so that memory does not grow with the song."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final
from warnings import catch_warnings, filterwarnings

import librosa
import numpy as np
from numpy.typing import NDArray

N_FFT: Final = 2048
"""Samples in a window: 93 ms at 22 050 Hz, librosa's and the published default."""

_BLOCK_SAMPLES: Final = 1 << 18

Report = Callable[[float], None]
"""Told the share done, in [0, 1]; what it raises passes through."""


def part(report: Report, start: float, end: float) -> Report:
    """The report of a part of the work that takes the share from `start` to `end` of the whole."""
    return lambda done: report(start + (end - start) * done)


def frame_count(samples: int, hop: int) -> int:
    """1 + ⌊samples / hop⌋, the frames of a centred short-time spectrum."""
    return 1 + samples // hop


def stretch(samples: NDArray[np.float32], start: int, stop: int) -> NDArray[np.float32]:
    """`samples[start:stop]` with zeros where it reaches past either end, (stop - start,)."""
    inside = samples[max(0, start) : max(0, stop)]
    before = min(max(0, -start), stop - start)
    return np.pad(inside, (before, stop - start - before - inside.size))


def centred(samples: NDArray[np.float32], hop: int, first: int, last: int) -> NDArray[np.float32]:
    """The samples under windows `first` up to `last` (exclusive), window n centred on n · hop."""
    half = N_FFT // 2
    return stretch(samples, first * hop - half, (last - 1) * hop + half)


def spectrum(windows: NDArray[np.float32], hop: int) -> NDArray[np.complex64]:
    """Hann-windowed STFT of `centred` samples, (1 + N_FFT/2, frames).

    Frame by frame what `librosa.stft(samples, n_fft=N_FFT, hop_length=hop)` gives for the whole.
    """
    result: NDArray[np.complex64] = librosa.stft(windows, n_fft=N_FFT, hop_length=hop, center=False)
    return result


def blocks(frames: int, hop: int) -> Iterator[tuple[int, int]]:
    """Frame ranges [first, last) of about 12 s that cover `frames` in order."""
    size = max(1, _BLOCK_SAMPLES // hop)
    for first in range(0, frames, size):
        yield first, min(first + size, frames)


def filtered_power(
    samples: NDArray[np.float32], hop: int, bank: NDArray[np.float32], report: Report
) -> NDArray[np.float32]:
    """bank · |STFT|², the power each row of a filter bank lets through.

    Parameters
    ----------
    samples: (n,)
    hop: samples between frames
    bank: (rows, 1 + N_FFT/2)
    report: told the share done

    Returns
    -------
    (rows, 1 + n // hop), ≥ 0
    """
    frames = frame_count(samples.size, hop)
    power = np.empty((bank.shape[0], frames), np.float32)
    for first, last in blocks(frames, hop):
        windows = centred(samples, hop, first, last)
        power[:, first:last] = bank @ np.abs(spectrum(windows, hop)) ** 2
        report(last / frames)
    return power


@lru_cache(maxsize=4)
def mel_bank(sample_rate: int, bands: int) -> NDArray[np.float32]:
    """Slaney mel filters from 0 Hz to half the rate, (bands, 1 + N_FFT/2).

    With 512 bands the lowest are narrower than a bin and stay empty; the published form has them
    too, and a maximum over bands does not see them, so librosa's warning is not passed on.
    """
    with catch_warnings():
        filterwarnings("ignore", message="Empty filters", category=UserWarning)
        bank: NDArray[np.float32] = librosa.filters.mel(sr=sample_rate, n_fft=N_FFT, n_mels=bands)
    bank.setflags(write=False)
    return bank
