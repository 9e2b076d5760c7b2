"""When the song happens: beats, onsets, and how strongly something begins at each moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray

from ..song.analysis import MEL_BANDS
from ..song.beats import HOP, find_beats, onset_envelope
from ..song.decode import decode
from ..song.spectra import Report, filtered_power, mel_bank
from .synchrony import Times

STRONG: Final = 0.40
"""Onset strength, 1 at the song's strongest, above which the published AVS takes a beat."""


@dataclass(frozen=True, eq=False)
class Rhythm:
    """The song's times over the length of a film."""

    strong_beats: Times
    # what the published AVS takes for beats
    beats: Times
    # Strophe's own, corrected for the lateness of the flux
    onsets: Times
    # librosa's, as AV-Align takes them
    onset_strength: NDArray[np.float32]
    # (n,) spectral flux over the whole song at `rate`
    rate: float
    # values of `onset_strength` per second
    start_s: float
    # song time at the film's first frame

    def strength_at(self, times: Times) -> Times:
        """Onset strength at times of the film, 0 outside the song; the flux peaks a hop late."""
        at = (times + self.start_s) * self.rate + 1
        known = np.arange(self.onset_strength.size)
        return np.interp(at, known, self.onset_strength, left=0.0, right=0.0)


def rhythm(song: Path, start_s: float, length_s: float, report: Report) -> Rhythm:
    """Hear a song for a film that shows [start_s, start_s + length_s) of it.

    Raises `AudioError` where the song cannot be decoded.
    """
    sound = decode(song)
    bank = mel_bank(sound.sample_rate, MEL_BANDS)
    mel = filtered_power(sound.samples, HOP, bank, report)
    flux = onset_envelope(mel, sound.sample_rate)
    beats, _ = find_beats(mel, sound.sample_rate)

    def shown(times: Times) -> Times:
        film = np.asarray(times, np.float64) - start_s
        return film[(film >= 0) & (film < length_s)]

    return Rhythm(
        strong_beats=shown(strong_beats(flux, sound.sample_rate)),
        beats=shown(np.array([beat.time_s for beat in beats])),
        onsets=shown(_onsets(flux, sound.sample_rate)),
        onset_strength=flux,
        rate=sound.sample_rate / HOP,
        start_s=start_s,
    )


def strong_beats(flux: NDArray[np.float32], sample_rate: int) -> Times:
    """B of the published AVS: tracked beats whose onset strength, of the song's most, exceeds 0.40.

    Times are librosa's, uncorrected, as published (papers: Pina & Li, with their code).
    """
    if not flux.any():
        return np.empty(0)
    _, frames = librosa.beat.beat_track(onset_envelope=flux, sr=sample_rate, hop_length=HOP)
    strong = frames[flux[frames] / flux.max() > STRONG]
    times: Times = librosa.frames_to_time(strong, sr=sample_rate, hop_length=HOP)
    return times


def _onsets(flux: NDArray[np.float32], sample_rate: int) -> Times:
    if not flux.any():
        return np.empty(0)
    frames = librosa.onset.onset_detect(onset_envelope=flux, sr=sample_rate, hop_length=HOP)
    times: Times = librosa.frames_to_time(frames, sr=sample_rate, hop_length=HOP)
    return times
