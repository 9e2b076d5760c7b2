"""Real recordings, from a Debian package of free music: `make music` fetches it."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.song import listen
from core.specs import HEARD_CURVES

MUSIC = Path(__file__).parent.parent.parent / "build" / "music"
SONGS = [p for name in ("menu", "practice") for p in MUSIC.rglob(f"themes/default/{name}.ogg")]

pytestmark = pytest.mark.skipif(not SONGS, reason="no recordings (make music)")


@pytest.mark.parametrize("path", SONGS, ids=lambda p: p.stem)
def test_a_real_recording_is_heard_whole(path):
    heard = listen(path, Fraction(30000, 1001))
    assert set(heard.curves) == set(HEARD_CURVES)
    for name, curve in heard.curves.items():
        assert np.isfinite(curve).all(), name
        assert 0 <= curve.min() <= curve.max() <= 1, name
        assert curve.std() > 0.02, name
        assert len(curve) / heard.curve_rate_hz == pytest.approx(heard.duration_s, abs=0.2)
    assert 60 <= heard.tempo_bpm <= 200
    beats = np.array([beat.time_s for beat in heard.beats])
    assert len(beats) == pytest.approx(heard.duration_s * heard.tempo_bpm / 60, rel=0.25)
    assert heard.sections[0].start_s == 0
    assert heard.sections[-1].end_s == pytest.approx(heard.duration_s)
    assert all(a.end_s == b.start_s for a, b in pairwise(heard.sections))


def test_percussive_energy_stands_on_the_beats():
    """On the electronic track the beats carry clearly more percussive energy than what lies between."""
    path = SONGS[0]
    heard = listen(path, Fraction(30))
    curve, rate = heard.curves["percussive"], heard.curve_rate_hz
    times = np.array([beat.time_s for beat in heard.beats])
    on = [curve[max(0, round(t * rate) - 1) : round(t * rate) + 2].max() for t in times]
    between = (times[:-1] + times[1:]) / 2 + 60 / heard.tempo_bpm / 8
    off = [curve[max(0, round(t * rate) - 1) : round(t * rate) + 2].max() for t in between]
    assert np.mean(on) > 1.3 * np.mean(off)
