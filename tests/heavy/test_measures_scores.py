"""Scores, chance levels and events against closed forms and other people's code."""

import mir_eval
import numpy as np
import pytest
from fastdtw import fastdtw
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measures import change, events, null, report, synchrony
from core.measures.ghosting import blend_share
from core.measures.linear import LinearWalk, linear_positions
from core.specs import POSITION_STEPS, FilmedShot

times = st.lists(
    st.floats(0, 120, allow_nan=False).map(lambda t: round(t, 3)), min_size=1, max_size=60
).map(lambda values: np.unique(values))


def ticks(period: float, length: float, first: float = 0.0) -> np.ndarray:
    return np.arange(first, length, period)


@settings(max_examples=200, deadline=None)
@given(times, times)
def test_avs_is_what_fastdtw_gives(beats, found):
    cost, path = fastdtw(beats, found, dist=lambda b, v: abs(b - v))
    assert synchrony.avs(beats, found) == pytest.approx(1 / (1 + cost / len(path)), abs=1e-3)


def test_avs_of_known_times():
    beats = ticks(0.5, 10)
    assert synchrony.avs(beats, beats) == 1
    # every beat is met 0.1 s late: D = 0.1 · n, a path of n pairs
    assert synchrony.avs(beats, beats + 0.1) == pytest.approx(1 / 1.1)
    assert synchrony.avs(beats, np.empty(0)) == synchrony.avs(np.empty(0), beats) == 0


@pytest.mark.parametrize("late", [0.0, 0.02, 0.05, 0.1])
def test_beat_alignment_of_events_that_come_late(late):
    beats = ticks(0.5, 20)
    expected = np.exp(-(late**2) / (2 * 0.05**2))
    assert synchrony.beat_alignment(beats, beats + late) == pytest.approx(expected)
    assert synchrony.beat_alignment(beats + late, beats) == pytest.approx(expected)


def test_beat_alignment_one_way_is_gamed_and_the_other_tells():
    beats = ticks(0.5, 20)
    everywhere, seldom = ticks(0.01, 20), beats[::10]
    assert synchrony.beat_alignment(beats, everywhere) > 0.99
    assert synchrony.beat_alignment(everywhere, beats) < 0.3
    assert synchrony.beat_alignment(seldom, beats) == 1
    assert synchrony.beat_alignment(beats, seldom) < 0.2


@settings(max_examples=100, deadline=None)
@given(times, times)
def test_nearest_is_nearest(of, to):
    slow = [np.exp(-min((b - v) ** 2 for v in to) / (2 * 0.05**2)) for b in of]
    assert synchrony.beat_alignment(of, to) == pytest.approx(np.mean(slow))


def test_f_measure_at_its_window():
    beats = ticks(0.5, 20)
    assert synchrony.beat_f_measure(beats, beats + 0.069) == 1
    assert synchrony.beat_f_measure(beats, beats + 0.071) == 0
    half = synchrony.beat_f_measure(beats, beats[::2])
    assert half == pytest.approx(2 * 1 * 0.5 / 1.5)
    assert mir_eval.beat.f_measure(beats, beats[::2]) == pytest.approx(half)


def test_av_align_is_the_share_of_met_times_among_all():
    onsets = ticks(1.0, 10)
    assert synchrony.av_align(onsets, onsets + 0.04, 24) == 1
    assert synchrony.av_align(onsets, onsets + 0.05, 24) == 0
    # 5 of 10 onsets are met by 5 of 7 peaks: 5 / (10 + 7 − 5)
    peaks = np.sort(np.append(onsets[::2], [0.5, 1.5]))
    assert synchrony.av_align(onsets, peaks, 24) == pytest.approx(5 / 12)
    # one peak may not meet two onsets
    assert synchrony.av_align(np.array([1.0, 1.02]), np.array([1.01]), 24) == pytest.approx(1 / 2)


@pytest.mark.parametrize("late", [-5, 0, 3, 7])
def test_correlation_finds_the_lag(late):
    rng = np.random.default_rng(0)
    onset = rng.normal(size=480)
    r, lag = synchrony.best_lag(synchrony.circular_correlation(onset, np.roll(onset, late)), 24)
    assert r == pytest.approx(1)
    assert lag == pytest.approx(late / 24)
    straight = np.corrcoef(onset, np.roll(onset, 2))[0, 1]
    assert synchrony.circular_correlation(onset, np.roll(onset, 2))[0] == pytest.approx(straight)


def test_correlation_with_what_never_changes_is_none():
    assert not synchrony.circular_correlation(np.arange(48.0), np.ones(48)).any()


def test_shifts_keep_all_events_and_their_gaps():
    found = np.array([1.0, 2.5, 9.0])
    moved = null.shifted(found, 4.0, 10.0)
    np.testing.assert_allclose(moved, [3.0, 5.0, 6.5])
    offsets = null.offsets(10.0)
    assert len(offsets) >= 200
    assert offsets.min() >= 0.6
    assert offsets.max() <= 9.4


def test_z_and_p_by_hand():
    chance = np.array([0.1, 0.2, 0.3, 0.4])
    found = null.beside("x", 0.3, None, chance)
    assert found.null_mean == pytest.approx(0.25)
    assert found.z == pytest.approx(0.05 / np.std(chance))
    assert found.p == pytest.approx((1 + 2) / 5)
    assert null.beside("x", 0.3, None, np.full(9, 0.3)).z is None


def test_p_is_honest():
    """Films that know nothing of the song are called significant at 5 % about as often as that."""
    rng = np.random.default_rng(1)
    beats = np.cumsum(rng.uniform(0.4, 0.7, 100))
    length = float(beats[-1] + 1)

    def p(found: np.ndarray) -> float:
        def score(v: np.ndarray) -> float:
            return synchrony.beat_alignment(beats, v)

        return null.event_measure("x", score, found, length, None).p

    deaf = [p(np.sort(rng.uniform(0, length, 60))) for _ in range(150)]
    assert np.mean(np.array(deaf) <= 0.05) <= 0.11  # 99.9 % of fair trials
    assert 0.4 < np.mean(deaf) < 0.6
    assert p(beats + 0.02) <= 0.01


def test_published_events_wait_a_second():
    changed = np.zeros(24 * 5)
    changed[[10, 20, 33, 34, 60]] = 225_001
    changed[80] = 225_000  # not more than the threshold
    found = events.published_events(changed, events.PUBLISHED_VALUES, 24.0)
    np.testing.assert_allclose(found, np.array([10, 34, 60]) / 24)


def test_visual_events_are_where_the_bumps_are():
    rng = np.random.default_rng(2)
    steps = 2.0 + rng.uniform(-0.2, 0.2, 480)
    at = np.arange(12, 480, 12)
    steps[at] += 3
    steps[0] = 0
    np.testing.assert_allclose(events.visual_events(steps, 24.0), at / 24)


@pytest.mark.parametrize(
    "steps", [np.zeros(100), np.full(100, 3.0), np.random.default_rng(0).uniform(0, 0.09, 100)]
)
def test_nothing_happens_where_nothing_stands_out(steps):
    assert not events.visual_events(steps, 24.0).size or not steps[0] < 3
    assert events.visual_events(steps, 24.0).size <= 1  # a film's first movement may count


def test_shares_and_ratios_of_known_steps():
    held = np.zeros(97)
    held[12::12] = 30.0  # 8 jumps in 96 steps
    assert change.still_share(held, 24.0) == pytest.approx(88 / 96)
    assert change.step_ratio(held, frozenset()) == pytest.approx(30 / change.LEAST_VISIBLE)
    assert change.flicker(held) == pytest.approx(1 - 8 * 30 / 96 / 255)
    smooth = np.full(97, 2.0)
    smooth[48] = 60.0
    assert change.step_ratio(smooth, frozenset()) == 30
    assert change.step_ratio(smooth, frozenset({48})) == 1


def test_only_small_jumps_at_key_frames_are_the_encoders():
    steps = np.full(60, 0.5)
    steps[[18, 30, 36]] = [1.8, 1.8, 40.0]  # a pop, the film's own, and a cut with its key frame
    calm = change.without_pops(steps, [0, 18, 36, 54])
    assert calm[18] == pytest.approx(0.5)
    np.testing.assert_array_equal(np.delete(calm, 18), np.delete(steps, 18))


def test_cuts_are_where_a_walk_ends_or_begins_by_itself():
    arrives, runs_on = (0, 512, 1024), (0, 256, 512)
    shots = (FilmedShot(2, runs_on), FilmedShot(5, arrives), FilmedShot(10, arrives))
    assert report._cuts(shots) == {2, 8, 10, 13}


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_blend_is_a_ghost_and_new_edges_are_not(share):
    a, b, other = np.random.default_rng(3).normal(size=(3, 2, 100, 100))
    assert blend_share((1 - share) * a + share * b, a, b) == pytest.approx(1)
    assert blend_share(other, a, b) < 0.01
    assert blend_share(a, a, b) == blend_share(a, a, a) == 0
    # half of what A leaves unexplained is B's, half is its own
    assert blend_share(a + b + other, a, b) == pytest.approx(0.5, abs=0.03)
    assert blend_share(a - b, a, b) == 0  # a picture is not exposed negatively
    assert blend_share(np.zeros_like(a), a, b) == 0


def grey(value: float) -> np.ndarray:
    return np.full((16, 16, 3), round(value), np.uint8)


def test_retiming_makes_an_uneven_walk_even():
    """Pictures whose brightness is their position: even positions are even brightness."""
    walk = (0, 10, 20, 300, 310, 700, 1000, 1010, 1020, 1022)
    shots = (
        FilmedShot(2, walk),
        FilmedShot(12, (0, 512, POSITION_STEPS)),
    )
    shown = [7, 7, *(p / 8 for p in walk), *(128 + p / 16 for p in (0, 512, 1024)), 9]
    out = [int(f[0, 0, 0]) for f in LinearWalk(iter([grey(v) for v in shown]), shots)]
    assert out[:2] == [7, 7]
    assert out[-1] == 9
    assert len(out) == len(shown)
    np.testing.assert_allclose(out[2:12], np.array(linear_positions(10, arrives=False)) / 8, atol=1)
    np.testing.assert_allclose(out[12:15], [128, 160, 192], atol=1)


def test_retiming_a_walk_that_goes_back_and_forth():
    walk = (0, 512, 1024, 512, 0, 512, 1024)
    out = LinearWalk(iter([grey(p / 8) for p in walk]), (FilmedShot(0, walk),))
    shown = [int(f[0, 0, 0]) for f in out]
    np.testing.assert_allclose(shown, np.linspace(0, 128, 7), atol=1)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, POSITION_STEPS), min_size=1, max_size=30), st.integers(0, 5))
def test_retiming_keeps_the_count(walk, before):
    frames = [grey(k) for k in range(before + len(walk) + 2)]
    shots = (FilmedShot(before, tuple(walk)),)
    assert len(list(LinearWalk(iter(frames), shots))) == len(frames)


def test_an_even_walk_is_its_own_linear_walk():
    rng = np.random.default_rng(4)
    frames = [rng.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(9)]
    walk = tuple(128 * k for k in range(9))
    assert walk[-1] == POSITION_STEPS
    for a, b in zip(frames, LinearWalk(iter(frames), (FilmedShot(0, walk),)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_linear_walk_knows_where_key_frames_came_into_it():
    walk = (0, 0, 0, 0, 512, 1024)
    frames = [grey(0), *(grey(p / 8) for p in walk), grey(9)]
    made = LinearWalk(iter(frames), (FilmedShot(1, walk),), {0, 5, 7})
    assert len(list(made)) == len(frames)
    # even positions 0, 205, 410, 614, …: the picture at 512 comes in from 205 on and goes by 614
    assert made.key_frames == {0, 2, 3, 4, 7}
