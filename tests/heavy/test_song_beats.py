"""Beats on songs whose beats are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.song.beats import HOP, bars, find_beats
from core.song.spectra import filtered_power, mel_bank
from core.specs import Beat

SR = 22_050
TOLERANCE_S = 0.07


def clicks(
    bpm: float, metre: int, length_s: float = 24.0
) -> tuple[NDArray[np.float32], list[float]]:
    """A click per beat from 0.37 s on, the first of each bar deeper and louder; and their times."""
    time = np.arange(SR // 20) / SR
    envelope = np.exp(-time / 0.008)
    strong = 0.9 * envelope * np.sin(2 * np.pi * 100 * time)
    weak = 0.4 * envelope * np.sin(2 * np.pi * 1000 * time)
    noise = np.random.default_rng(0).standard_normal(int(length_s * SR))
    sound, times = 1e-3 * noise, np.arange(0.37, length_s - 0.1, 60 / bpm)
    for number, beat in enumerate(times):
        start = round(beat * SR)
        sound[start : start + time.size] += weak if number % metre else strong
    return sound.astype(np.float32), [float(beat) for beat in times]


def heard_in(samples: NDArray[np.float32]) -> tuple[tuple[Beat, ...], float]:
    return find_beats(filtered_power(samples, HOP, mel_bank(SR, 128), lambda done: None), SR)


def f_measure(found: list[float], truth: list[float]) -> float:
    """2PR / (P + R) with ±70 ms; the times of each list lie further apart than that."""
    near = np.abs(np.subtract.outer(found, truth)) <= TOLERANCE_S
    precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
    return float(2 * precision * recall / max(precision + recall, 1e-9))


@pytest.mark.parametrize(("bpm", "metre"), [(70, 4), (97, 4), (120, 3), (120, 4), (150, 4)])
def test_clicks_give_beats_tempo_and_bars(bpm: float, metre: int) -> None:
    samples, truth = clicks(bpm, metre)
    beats, tempo = heard_in(samples)
    times = [beat.time_s for beat in beats]
    assert f_measure([t for t in times if t > 5], [t for t in truth if t > 5]) >= 0.9
    assert tempo == pytest.approx(bpm, rel=0.01)
    errors = [min((time - beat for beat in truth), key=abs) for time in times]
    assert abs(np.median(errors)) < 0.012
    bar_starts = truth[::metre]
    assert f_measure([beat.time_s for beat in beats if beat.downbeat], bar_starts) >= 0.85
    assert max(beat.strength for beat in beats) == 1.0
    assert all(0.0 <= beat.strength <= 1.0 for beat in beats)


def test_silence_and_a_moment_have_no_beats_and_no_tempo() -> None:
    assert heard_in(np.zeros(10 * SR, np.float32)) == ((), 0.0)
    beats, tempo = heard_in(np.random.default_rng(0).standard_normal(2000).astype(np.float32))
    assert len(beats) < 2
    assert tempo == 0.0


@pytest.mark.parametrize(("metre", "phase"), [(4, 0), (4, 3), (3, 2)])
def test_bars_begin_where_accents_stand_out(metre: int, phase: int) -> None:
    accents = np.random.default_rng(1).uniform(0.4, 0.6, 48).astype(np.float32)
    accents[phase::metre] += 0.3
    assert bars(accents) == (metre, phase)


def test_bars_of_four_where_nothing_tells() -> None:
    assert bars(np.ones(40, np.float32)) == (4, 0)
    assert bars(np.arange(5, dtype=np.float32)) == (4, 0)
    assert bars(np.random.default_rng(2).uniform(0, 1, 60).astype(np.float32))[0] == 4
