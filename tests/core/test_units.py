"""Frame arithmetic against exact fractions."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import units

RATES = [
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(50),
    Fraction(60),
]
seconds = st.fractions(min_value=0, max_value=3 * 3600)


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_no_drift_over_2000_lengths(fps):
    """A song cut into shots of any length fills exactly the frames of its whole length."""
    for length in range(1, 2001):
        shot = Fraction(length, 97)
        times = [k * shot for k in range(9)]
        frames = [units.frame_at(time, fps) for time in times]
        assert all(abs(f - t * fps) <= Fraction(1, 2) for f, t in zip(frames, times, strict=True))
        spans = [b - a for a, b in pairwise(frames)]
        assert sum(spans) == frames[-1] == round_half_up(times[-1] * fps)


def round_half_up(value: Fraction) -> int:
    return value.numerator // value.denominator + (value % 1 >= Fraction(1, 2))


@given(seconds, st.sampled_from(RATES))
def test_a_frame_is_the_nearest_one(time, fps):
    frame = units.frame_at(time, fps)
    assert abs(frame - time * fps) <= Fraction(1, 2)


@given(st.integers(0, 10**6), st.sampled_from(RATES), st.sampled_from(RATES))
def test_a_frame_refitted_there_and_back_is_the_same_moment(frame, old, new):
    there = units.refit_frame(frame, (Fraction(5), old), (Fraction(9), new))
    assert units.refit_frame(there, (Fraction(9), new), (Fraction(5), old)) == frame


@pytest.mark.parametrize(
    ("fps", "base", "exact"),
    [(24, 1.001, Fraction(24000, 1001)), (30, 1.0010000467300415, Fraction(30000, 1001)),
     (25, 1.0, Fraction(25)), (60, 1.001, Fraction(60000, 1001))],
)  # fmt: skip
def test_blenders_rates_are_read_as_what_they_mean(fps, base, exact):
    assert units.fps_fraction(fps, base) == exact


@pytest.mark.parametrize(
    ("text", "exact"),
    [("24", Fraction(24)), ("23.976", Fraction(24000, 1001)), ("29.97", Fraction(30000, 1001)),
     ("30000/1001", Fraction(30000, 1001)), ("12.5", Fraction(25, 2))],
)  # fmt: skip
def test_written_rates(text, exact):
    assert units.parse_fps(text) == exact
