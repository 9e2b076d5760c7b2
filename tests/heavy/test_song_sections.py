"""Sections of songs whose form is known, and the rules that name them."""

from itertools import pairwise

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.song.beats import HOP
from core.song.sections import boundaries, find_sections, name_sections, novelty, self_similarity
from core.song.spectra import N_FFT, filtered_power, mel_bank
from core.specs import Beat, Section

SR = 22_050
BEAT_S = 0.5
CHORDS = {
    "A": [(262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294)],
    "B": [(277, 349, 415), (233, 277, 349), (311, 392, 466), (208, 262, 311)],
    "C": [(294, 370, 440), (247, 294, 370)],
}


def played(form: str, beats_each: int = 24) -> NDArray[np.float32]:
    """Letters of `CHORDS` in turn, a chord per beat, B twice as loud and brighter."""
    time = np.arange(int(BEAT_S * SR)) / SR
    sound = []
    for letter in form:
        for beat in range(beats_each):
            chord = CHORDS[letter][beat % len(CHORDS[letter])]
            overtones = (1, 2, 3, 4) if letter == "B" else (1, 2)
            tones = [np.sin(2 * np.pi * hertz * k * time) / k for hertz in chord for k in overtones]
            sound.append((0.2 if letter == "B" else 0.1) * np.exp(-time / 0.3) * sum(tones))
    return np.concatenate(sound).astype(np.float32)


def sections_of(samples: NDArray[np.float32], with_beats: bool = True) -> tuple[Section, ...]:
    duration_s = samples.size / SR
    chroma = librosa.filters.chroma(sr=SR, n_fft=N_FFT).astype(np.float32)
    bank = np.vstack([mel_bank(SR, 128), chroma])
    power = filtered_power(samples, HOP, bank, lambda done: None)
    count = int(duration_s / BEAT_S) if with_beats else 0
    beats = [Beat(number * BEAT_S, 1.0, number % 4 == 0) for number in range(count)]
    return find_sections(power[:128], power[128:], SR, beats, duration_s)


def covers(sections: tuple[Section, ...], duration_s: float) -> bool:
    joined = all(a.end_s == b.start_s for a, b in pairwise(sections))
    whole = sections[0].start_s == 0.0 and sections[-1].end_s == duration_s
    return joined and whole and all(s.start_s < s.end_s for s in sections)


@pytest.mark.parametrize("with_beats", [True, False])
def test_a_known_form_is_found(with_beats: bool) -> None:
    samples = played("ABABCB")
    sections = sections_of(samples, with_beats)
    assert covers(sections, samples.size / SR)
    assert [s.start_s for s in sections] == pytest.approx([0, 12, 24, 36, 48, 60], abs=0.5)
    assert [s.group for s in sections] == [0, 1, 0, 1, 2, 1]
    labels = " ".join(s.label for s in sections)
    assert labels == "verse chorus verse chorus bridge chorus"


def test_boundaries_stand_on_downbeats() -> None:
    starts = [section.start_s for section in sections_of(played("ABA"))]
    assert len(starts) == 3
    assert all(start % (4 * BEAT_S) == 0.0 for start in starts)


@pytest.mark.parametrize("length_s", [0.2, 3.0, 40.0])
def test_silence_is_one_section(length_s: float) -> None:
    silence = np.zeros(int(length_s * SR), np.float32)
    assert sections_of(silence, with_beats=False) == (Section(0.0, silence.size / SR, "verse", 0),)


def test_one_sound_is_one_section() -> None:
    noise = np.random.default_rng(0).standard_normal(60 * SR).astype(np.float32)
    assert len(sections_of(noise)) == 1


def test_novelty_of_two_blocks_peaks_between_them() -> None:
    features = np.repeat(np.eye(2, dtype=np.float32), 30, axis=1)
    likeness = self_similarity(features)
    assert novelty(likeness, 8).argmax() == 30
    assert novelty(likeness, 8)[30] == pytest.approx(0.5)
    assert boundaries(likeness).tolist() == [30]


@pytest.mark.parametrize(
    ("groups", "lengths", "levels", "labels"),
    [
        ([0], [9], [1], "verse"),
        ([0, 1], [9, 9], [1, 1], "verse verse"),
        ([0, 1, 2], [9, 9, 9], [1, 1, 1], "intro verse outro"),
        ([0, 0, 1, 0, 0], [4, 13, 9, 9, 5], [1, 1, 1, 1, 1], "intro verse bridge verse outro"),
        ([0, 1, 2, 1, 2, 3], [5] * 6, [1, 2, 3, 2, 3, 1], "intro verse chorus verse chorus outro"),
        ([0, 1, 2, 0, 3], [9] * 5, [1] * 5, "verse verse verse verse outro"),
    ],
)
def test_names(groups: list[int], lengths: list[float], levels: list[float], labels: str) -> None:
    assert name_sections(groups, lengths, levels) == labels.split()


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(1, 60), st.floats(0, 1)), min_size=1))
def test_every_section_has_a_name(rows: list[tuple[int, float, float]]) -> None:
    groups, lengths, levels = zip(*rows, strict=True)
    labels = name_sections(groups, lengths, levels)
    assert len(labels) == len(rows)
    assert set(labels) <= {"intro", "verse", "chorus", "bridge", "outro"}
