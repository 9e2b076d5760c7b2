"""The mix: a small room for the voice, its place over the band, loudness and peaks."""

from __future__ import annotations

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

Array = NDArray[np.float64]

RATE = 44100
LOW_CUT_HZ = 110.0  # under the voice's lowest note lies only rumble
PRESENCE_HZ = (1800.0, 7000.0)  # where consonants are, which the band would cover
PRESENCE_SHARE = 0.8
ROOM_S = 0.9  # time in which the voice's echo falls by 60 dB
ROOM_SHARE = 0.16
LOOK_AHEAD_S = 0.004
FADE_S = 0.4


def in_room(voice: Array) -> Array:
    """A dry voice, (samples,), set in a small stereo room: (samples, 2)."""
    low_cut = butter(2, LOW_CUT_HZ, "highpass", fs=RATE, output="sos")
    presence = butter(1, PRESENCE_HZ, "bandpass", fs=RATE, output="sos")
    dry = np.asarray(sosfilt(low_cut, voice))
    dry += PRESENCE_SHARE * np.asarray(sosfilt(presence, dry))
    times = np.arange(int(ROOM_S * RATE)) / RATE
    # Seeded noise under a falling envelope is a room without walls one could hear apart.
    noise = np.random.default_rng(1806).standard_normal((len(times), 2))
    tail = noise * (10.0 ** (-3.0 * times / ROOM_S))[:, None]
    tail /= np.sqrt((tail**2).sum(axis=0))
    wet = fftconvolve(dry[:, None], tail, axes=0)[: len(dry)]
    return np.asarray(dry[:, None] + ROOM_SHARE * wet)


def mix(voice: Array, band: Array, plan: dict[str, float]) -> tuple[Array, Array, Array]:
    """Balance two (samples, 2) stems.

    Returns:
        The song, and the voice and the band as they are in it before the limiter.
    """
    meter = pyloudnorm.Meter(RATE)
    over = meter.integrated_loudness(band) + plan["voice_over_band_lu"]
    voice = voice * _gain(over - meter.integrated_loudness(voice))
    song = voice + band
    level = _gain(plan["loudness_lufs"] - meter.integrated_loudness(song))
    song, voice, band = (_fade_out(level * stem) for stem in (song, voice, band))
    return limit(song, plan["peak_dbfs"]), voice, band


def limit(song: Array, peak_dbfs: float) -> Array:
    """Hold the peaks between samples, too, under `peak_dbfs` by a gain that looks ahead."""
    ceiling = _gain(peak_dbfs)
    peaks = np.abs(resample_poly(song, 4, 1, axis=0)).max(axis=1).reshape(-1, 4).max(axis=1)
    window = 2 * int(LOOK_AHEAD_S * RATE) + 1
    needed = np.minimum(1.0, ceiling / np.maximum(maximum_filter1d(peaks, window), 1e-9))
    return np.asarray(song * uniform_filter1d(needed, window)[:, None])


def _fade_out(audio: Array) -> Array:
    left = np.arange(len(audio))[::-1] / (FADE_S * RATE)
    return np.asarray(audio * np.minimum(1.0, left)[:, None])


def _gain(decibels: float) -> float:
    return float(10.0 ** (decibels / 20.0))
