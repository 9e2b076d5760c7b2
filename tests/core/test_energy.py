"""Curves, drive keys and walk positions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core import energy
from core.errors import SpecError
from core.specs import POSITION_STEPS

unit = st.floats(0, 1, width=32)
curves = arrays(np.float64, st.integers(2, 200), elements=unit)


@given(curves, st.sampled_from([0.0, 0.02, 0.1]), st.data())
def test_few_keys_hold_the_curve(curve, tolerance, data):
    held = data.draw(st.lists(st.integers(0, len(curve) - 1), max_size=4))
    keys = energy.fewest_keys(curve, tolerance, held)
    assert keys[0] == 0
    assert keys[-1] == len(curve) - 1
    assert set(held) <= set(keys.tolist())
    drawn = np.interp(np.arange(len(curve)), keys, curve[keys])
    assert np.abs(drawn - curve).max() <= tolerance + 1e-9


def test_a_straight_line_needs_two_keys_and_a_corner_three():
    line = np.linspace(0, 1, 500)
    assert energy.fewest_keys(line, 0.02).tolist() == [0, 499]
    corner = np.concatenate([np.linspace(0, 1, 100), np.linspace(1, 0, 100)[1:]])
    assert len(energy.fewest_keys(corner, 1e-6)) == 3


@given(curves, st.booleans())
def test_positions_ascend_from_0_and_arrive(curve, arrives):
    frames = len(curve) - 1
    walk = energy.positions(curve, frames, arrives=arrives)
    assert len(walk) == frames
    assert walk[0] == 0
    assert (np.diff(walk) >= 0).all()
    assert walk.max() <= POSITION_STEPS
    if arrives and frames > 1:
        assert walk[-1] == POSITION_STEPS


def test_positions_are_the_share_of_energy_spent():
    """T[k] = Σ_{1..k} E / Σ E by hand: energies 1, 3, 4 of 8."""
    e = np.array([9.0, 1.0, 3.0, 4.0])
    assert energy.positions(e, 3, arrives=False).tolist() == [0, 128, 512]
    assert energy.positions(e, 4 - 1, arrives=True).tolist() == [0, 256, 1024]


def test_silence_walks_linearly():
    assert energy.positions(np.zeros(5), 4, arrives=False).tolist() == [0, 256, 512, 768]
    assert energy.positions(np.full(5, np.nan), 4, arrives=False).tolist() == [0, 256, 512, 768]


def test_one_frame_is_the_keyframe():
    assert energy.positions(np.ones(2), 1, arrives=True).tolist() == [0]
    assert energy.positions(np.ones(2), 1, arrives=False).tolist() == [0]


def test_an_edit_of_the_drive_outside_a_shot_does_not_reach_it():
    e = np.random.default_rng(3).random(50)
    other = e.copy()
    other[:10] = 0.5
    other[31:] = 0.5
    # The shot is frames 10 to 29 and its walk reads up to frame 30; its own first frame is position 0.
    assert (
        energy.positions(e[10:31], 20, arrives=False).tolist()
        == energy.positions(other[10:31], 20, arrives=False).tolist()
    )


@given(curves, st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(60)]))
def test_frames_sample_the_curve_at_their_own_times(curve, fps):
    rate = 30.0
    out = energy.at_frames(curve, rate, Fraction(0), 40, fps)
    for k in (0, 7, 39):
        at = k / float(fps) * rate
        expected = np.interp(at, np.arange(len(curve)), curve, right=0.0)
        assert out[k] == pytest.approx(expected)


def test_before_the_song_there_is_nothing():
    out = energy.at_frames(np.ones(100), 30.0, Fraction(-1), 30, Fraction(24))
    assert (out[:24] == 0).all()
    assert (out[24:] == 1).all()


def test_attack_and_release_follow_their_time_constants():
    fps = Fraction(100)
    step = np.concatenate([np.ones(100), np.zeros(100)])
    out = energy.shape(step, energy.Shaping(attack_s=0.1, release_s=0.2), fps)
    assert out[9] == pytest.approx(1 - np.exp(-1), abs=1e-6)
    assert out[100 + 19] == pytest.approx(out[99] * np.exp(-1), abs=1e-6)


@given(curves, st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_shaped_curves_stay_in_range(curve, attack, release, gain):
    out = energy.shape(curve, energy.Shaping(attack, release, gain), Fraction(24))
    assert ((out >= 0) & (out <= 1)).all()


def test_a_bad_setting_is_named():
    with pytest.raises(SpecError, match="gain is -1"):
        energy.Shaping(gain=-1)
