"""`listen`: one song, decoded once, everything heard in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray

from ..specs import SongAnalysis
from .beats import HOP, find_beats
from .decode import SAMPLE_RATE, decode
from .energies import heard_curves, hop_of
from .sections import find_sections
from .spectra import N_FFT, Report, filtered_power, mel_bank, part

SILENCE: Final = 1e-4
"""A song that never exceeds this (−80 dB of full scale) is silent: dither is not music."""

MEL_BANDS: Final = 128

Progress = Callable[[str, float], None]
"""Told what is being done and the share of all that is done, in [0, 1]. What it raises passes
through and ends the work: the way to cancel."""


def listen(
    path: Path,
    fps: Fraction,
    segment_s: float | None = None,
    progress: Progress = lambda stage, done: None,
) -> SongAnalysis:
    """Hear a song: curves for a video of `fps`, beats, tempo and sections.

    Parameters
    ----------
    path: WAV, FLAC, OGG, Opus, MP3 or M4A
    fps: frames per second of the video, 1 to 240
    segment_s: None normalises the harmonic and percussive energies over the whole song; 10.0 is
        the published form, in which each 10 s are analysed and normalised apart
    progress: see `Progress`

    Returns
    -------
    The analysis at hop = ⌊22050 / fps⌋: curves of 1 + ⌊n / hop⌋ values, value k at
    k / curve_rate_hz = k · hop / 22050 seconds from the first decoded sample. As hop is whole, the
    curve's rate is a little above fps; who wants a value per video frame reads it off by time.

    Raises
    ------
    AudioError: the file cannot be decoded or holds no sound
    SpecError: fps is out of range
    """
    hop = hop_of(fps, SAMPLE_RATE)
    sound = decode(path, progress=_stage(progress, "decoding", 0.0, 0.2))
    samples, rate = _hushed(sound.samples), sound.sample_rate
    curves = heard_curves(samples, rate, hop, segment_s, _stage(progress, "curves", 0.2, 0.8))
    mel, chroma = _rhythm_spectra(samples, rate, _stage(progress, "spectra", 0.8, 0.9))
    beats, tempo = find_beats(mel, rate)
    progress("sections", 0.95)
    sections = find_sections(mel, chroma, rate, beats, sound.duration_s)
    progress("heard", 1.0)
    return SongAnalysis(
        song_sha256=_sha256(path),
        duration_s=sound.duration_s,
        tempo_bpm=tempo,
        curve_rate_hz=rate / hop,
        beats=beats,
        sections=sections,
        curves=curves,
    )


def _stage(progress: Progress, stage: str, start: float, end: float) -> Report:
    """A report of one stage's share as a share of the whole."""
    return part(lambda done: progress(stage, done), start, end)


def _hushed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The samples, or zeros if none exceeds `SILENCE`."""
    loudest = max(float(samples.max()), -float(samples.min()))
    return samples if loudest > SILENCE else np.zeros_like(samples)


def _rhythm_spectra(
    samples: NDArray[np.float32], rate: int, report: Report
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mel (128, frames) and chroma (12, frames) power at the beats' hop, from one spectrum."""
    chroma = librosa.filters.chroma(sr=rate, n_fft=N_FFT).astype(np.float32)
    bank = np.vstack([mel_bank(rate, MEL_BANDS), chroma])
    power = filtered_power(samples, HOP, bank, report)
    return power[:MEL_BANDS], power[MEL_BANDS:]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
