"""Heard curves against closed forms and against librosa computed directly on the whole song."""

import warnings
from fractions import Fraction

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.errors import SpecError
from core.song.energies import (
    BANDS_HZ,
    harmonic_percussive,
    heard_curves,
    hop_of,
    hpss,
    loudness,
    normalised,
)
from core.specs import HEARD_CURVES

SR = 22_050
FPS = [Fraction(24_000, 1001), Fraction(30), Fraction(60)]


def music(length_s: float, seed: int = 0) -> NDArray[np.float32]:
    """A chord, hits and noise that grow louder: something for every curve."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(length_s * SR)) / SR
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (110, 220, 277.2, 329.6))
    hits = np.exp(-(time % 0.5) / 0.02) * generator.standard_normal(time.size)
    growing = np.linspace(0.2, 1.0, time.size)
    return (growing * (0.1 * chord + 0.3 * hits)).astype(np.float32)


def published(samples: NDArray[np.float32], hop: int) -> list[NDArray[np.float32]]:
    """S_H and S_P by librosa alone, before normalisation."""
    parts = librosa.effects.hpss(samples, margin=(5.0, 5.0))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Empty filters")
        mels = [
            librosa.feature.melspectrogram(y=part, sr=SR, n_mels=512, hop_length=hop)
            for part in parts
        ]
    return [mel.max(axis=0) for mel in mels]


def scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = (values - values.min()) / np.ptp(values)
    return result


@pytest.mark.parametrize("fps", FPS)
def test_energies_equal_librosa_on_the_whole_song(fps: Fraction) -> None:
    samples, hop = music(25.3), hop_of(fps, SR)
    heard = harmonic_percussive(samples, SR, hop)
    for ours, theirs in zip(heard, published(samples, hop), strict=True):
        np.testing.assert_allclose(ours, scaled(theirs), atol=1e-5)


def test_published_form_normalises_each_segment_apart() -> None:
    samples, hop = music(24.0), 735
    heard = harmonic_percussive(samples, SR, hop, segment_s=10.0)
    for start in (0, 10, 20):
        piece = samples[start * SR : (start + 10) * SR]
        for ours, theirs in zip(heard, published(piece, hop), strict=True):
            part = ours[start * 30 : (start + 10) * 30]
            np.testing.assert_allclose(part, scaled(theirs)[: part.size], atol=1e-5)


def test_the_whole_song_keeps_loudness_across_segments_and_segments_lose_it() -> None:
    soft = music(10.0)
    samples = np.concatenate([0.1 * soft, soft])
    whole = harmonic_percussive(samples, SR, 735)[1]
    apart = harmonic_percussive(samples, SR, 735, segment_s=10.0)[1]
    assert whole[:290].max() < 0.02
    assert whole[310:].max() == 1.0
    assert apart[:300].max() == 1.0
    assert apart[300:].max() == 1.0


def test_hpss_equals_librosa() -> None:
    samples = music(5.0)
    for ours, theirs in zip(hpss(samples), librosa.effects.hpss(samples, margin=5.0), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_click_is_percussive_at_its_time_and_a_tone_harmonic() -> None:
    clicks, hop = np.zeros(10 * SR, np.float32), hop_of(Fraction(60), SR)
    times = np.arange(0.5, 9.6, 0.75)
    clicks[np.round(times * SR).astype(int)] = 0.9
    percussive = harmonic_percussive(clicks, SR, hop)[1]
    for time in times:
        near = slice(round((time - 0.3) * 60), round((time + 0.3) * 60))
        peak = (near.start + percussive[near].argmax()) * hop / SR
        assert abs(peak - time) <= hop / SR
        assert percussive[near].max() > 0.5

    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(10 * SR) / SR).astype(np.float32)
    harmonic, percussive = harmonic_percussive(tone, SR, hop)
    assert harmonic[30:-30].min() > 0.9
    assert percussive[30:-30].max() < 0.05


@pytest.mark.parametrize("segment_s", [None, 10.0])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_silence_gives_zeros_and_a_constant_no_nan(level: float, segment_s: float | None) -> None:
    curves = heard_curves(np.full(11 * SR, level, np.float32), SR, 735, segment_s)
    for curve in curves.values():
        assert np.isfinite(curve).all()
        assert level or not curve.any()


def test_onset_equals_librosa_and_peaks_where_sound_begins() -> None:
    samples = music(14.0)
    curve = heard_curves(samples, SR, 735)["onset"]
    expected = librosa.onset.onset_strength(y=samples, sr=SR, hop_length=735)
    np.testing.assert_allclose(curve, scaled(expected), atol=1e-4)

    for start in range(45, 390, 15):
        near = curve[start - 7 : start + 8]
        assert abs(int(near.argmax()) - 7) <= 1


def test_loudness_is_decibels_below_the_loudest_with_a_floor() -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 2 * SR).astype(np.float32)
    steps_db = [0.0, -12.0, -30.0, -54.0, -80.0]
    samples = np.concatenate([noise * np.float32(10 ** (step / 20)) for step in steps_db])
    curve = loudness(samples, 735)
    for number, step in enumerate(steps_db):
        middle = curve[60 * number + 10 : 60 * number + 50]
        assert middle.mean() == pytest.approx(max(0.0, 1 + step / 60), abs=0.02)


def test_bands_equal_the_root_of_their_power() -> None:
    samples = music(13.0)
    curves = heard_curves(samples, SR, 735)
    power = np.abs(librosa.stft(samples, hop_length=735)) ** 2
    hertz = librosa.fft_frequencies(sr=SR)
    for name, (low, high) in BANDS_HZ.items():
        expected = np.sqrt(power[(low <= hertz) & (hertz < high)].sum(axis=0))
        np.testing.assert_allclose(curves[name], scaled(expected), atol=1e-4)


@pytest.mark.parametrize(("hertz", "band"), [(100, "low"), (1000, "mid"), (8000, "high")])
def test_a_tone_that_swells_swells_in_its_band(hertz: float, band: str) -> None:
    time = np.arange(4 * SR) / SR
    swell = np.sin(np.pi * time / 4)
    curve = heard_curves((swell * np.sin(2 * np.pi * hertz * time)).astype(np.float32), SR, 735)
    np.testing.assert_allclose(curve[band], np.sin(np.pi * np.arange(121) / 120), atol=0.03)


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(30_000, 1001), Fraction(240)])
@pytest.mark.parametrize("length_s", [0.01, 0.2, 3.21])
def test_every_curve_has_its_length_kind_and_range(fps: Fraction, length_s: float) -> None:
    samples, hop = music(length_s), hop_of(fps, SR)
    told: list[float] = []
    curves = heard_curves(samples, SR, hop, report=told.append)
    assert sorted(curves) == sorted(HEARD_CURVES)
    for curve in curves.values():
        assert curve.dtype == np.float32
        assert curve.shape == (1 + samples.size // hop,)
        assert curve.min() >= 0.0
        assert curve.max() <= 1.0
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


@given(st.fractions(1, 240))
def test_hop_is_the_floor_of_rate_over_fps(fps: Fraction) -> None:
    assert hop_of(fps, SR) * fps <= SR < (hop_of(fps, SR) + 1) * fps


@pytest.mark.parametrize("fps", [Fraction(0), Fraction(999, 1000), Fraction(241)])
def test_fps_out_of_range_is_refused(fps: Fraction) -> None:
    with pytest.raises(SpecError, match="allowed are 1 to 240"):
        hop_of(fps, SR)


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=50))
def test_normalised_stays_in_the_unit_interval(values: list[float]) -> None:
    result = normalised(np.array(values, np.float32))
    assert result.dtype == np.float32
    assert result.min() >= 0.0
    assert result.max() <= 1.0
