"""`listen` as the worker calls it: whole files in, a whole analysis out."""

import hashlib
import json
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from core.errors import AudioError, SpecError
from core.song import listen
from core.specs import HEARD_CURVES, SongAnalysis

ROOT = Path(__file__).parents[2]
TWINKLE = ROOT / "assets" / "song" / "twinkle.ogg"
TRUTH = ROOT / "assets" / "song" / "truth.json"
SR = 22_050
MEMORY_BUDGET_MB = 1000


def noise(length_s: float, level: float = 0.3) -> NDArray[np.float32]:
    generator = np.random.default_rng(0)
    return (level * generator.uniform(-1, 1, round(length_s * SR))).astype(np.float32)


def saved(path: Path, samples: NDArray[np.float32]) -> Path:
    soundfile.write(path, samples, SR, subtype="FLOAT")
    return path


def assert_sound(analysis: SongAnalysis) -> None:
    assert set(analysis.curves) == set(HEARD_CURVES)
    assert len({curve.shape for curve in analysis.curves.values()}) == 1
    for curve in analysis.curves.values():
        assert curve.dtype == np.float32
        assert np.isfinite(curve).all()
        assert curve.min() >= 0.0
        assert curve.max() <= 1.0
    assert analysis.sections[0].start_s == 0.0
    assert analysis.sections[-1].end_s == analysis.duration_s
    assert all(a.end_s == b.start_s for a, b in pairwise(analysis.sections))
    times = [beat.time_s for beat in analysis.beats]
    assert times == sorted(set(times))
    assert all(0 <= t <= analysis.duration_s for t in times)


@pytest.mark.parametrize(
    "fps",
    [Fraction(1), Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(60), Fraction(240)],
)
def test_curves_run_at_a_whole_hop_just_above_the_videos_rate(
    tmp_path: Path, fps: Fraction
) -> None:
    path = saved(tmp_path / "song.wav", noise(4.0))
    analysis = listen(path, fps)
    hop = int(SR // fps)
    assert_sound(analysis)
    assert analysis.curve_rate_hz == SR / hop >= fps
    assert analysis.curves["onset"].shape == (1 + 4 * SR // hop,)
    assert analysis.duration_s == 4.0
    assert analysis.song_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("length_s", [0.001, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("segment_s", [None, 10.0])
def test_short_songs_are_heard(tmp_path: Path, length_s: float, segment_s: float | None) -> None:
    assert_sound(listen(saved(tmp_path / "short.wav", noise(length_s)), Fraction(30), segment_s))


@pytest.mark.parametrize("level", [0.0, 3e-5])
def test_silence_and_dither_give_zeros_no_beats_and_one_section(
    tmp_path: Path, level: float
) -> None:
    analysis = listen(saved(tmp_path / "silence.wav", noise(21.0, level)), Fraction(24))
    assert_sound(analysis)
    assert not any(curve.any() for curve in analysis.curves.values())
    assert analysis.beats == ()
    assert analysis.tempo_bpm == 0.0
    assert len(analysis.sections) == 1


def test_progress_only_rises_and_what_it_raises_passes_through(tmp_path: Path) -> None:
    path, told = saved(tmp_path / "song.wav", noise(30.0)), list[float]()
    listen(path, Fraction(24), progress=lambda stage, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 30

    def cancel(stage: str, done: float) -> None:
        if stage == "curves":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        listen(path, Fraction(24), progress=cancel)


def test_bad_requests_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"gone\.mp3.*Choose the song again"):
        listen(tmp_path / "gone.mp3", Fraction(24))
    with pytest.raises(SpecError, match="fps is 300"):
        listen(saved(tmp_path / "song.wav", noise(1.0)), Fraction(300))


def test_hearing_twice_gives_the_same(tmp_path: Path) -> None:
    path = saved(tmp_path / "song.wav", noise(6.0))
    first, second = listen(path, Fraction(25)), listen(path, Fraction(25))
    assert first.beats == second.beats
    assert first.sections == second.sections
    for name, curve in first.curves.items():
        assert np.array_equal(curve, second.curves[name])


MEASURE = """
import resource, sys
from fractions import Fraction
from pathlib import Path
from core.song import listen
def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
warm, long = map(Path, sys.argv[1:])
listen(warm, Fraction(30))
before = peak_mb()
analysis = listen(long, Fraction(30))
print(before, peak_mb(), analysis.duration_s)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_ten_minutes_stay_within_the_memory_budget(tmp_path: Path) -> None:
    warm, long = saved(tmp_path / "warm.wav", noise(1.0)), tmp_path / "long.flac"
    minute = np.repeat(noise(60.0)[:, None], 2, axis=1)
    minute *= (np.arange(minute.shape[0]) % (SR // 2) < SR // 10)[:, None]
    with soundfile.SoundFile(long, "w", 2 * SR, 2) as file:
        for _ in range(20):
            file.write(minute)
    command = [sys.executable, "-c", MEASURE, str(warm), str(long)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    before, peak, duration_s = map(float, done.stdout.split())
    assert duration_s == 600.0
    assert peak - before < MEMORY_BUDGET_MB, f"{peak - before:.0f} MB over {before:.0f} MB"


@pytest.mark.skipif(not TRUTH.exists(), reason="the bundled song is not there")
def test_the_bundled_songs_beats_and_sections_are_found() -> None:
    truth = json.loads(TRUTH.read_text())
    analysis = listen(TWINKLE, Fraction(24))
    assert_sound(analysis)
    assert analysis.tempo_bpm == pytest.approx(truth["tempo_bpm"], rel=0.01)

    def share_near(times: list[float], others: list[float], tolerance_s: float) -> float:
        gaps = np.abs(np.subtract.outer(times, others))
        return float((gaps.min(axis=1) <= tolerance_s).mean())

    for downbeats_only, least in ((False, 0.95), (True, 0.85)):
        found = [b.time_s for b in analysis.beats if b.downbeat or not downbeats_only]
        there = [b["time_s"] for b in truth["beats"] if b["downbeat"] or not downbeats_only]
        precision, recall = share_near(found, there, 0.07), share_near(there, found, 0.07)
        assert 2 * precision * recall / (precision + recall) >= least

    starts = [section.start_s for section in analysis.sections[1:]]
    there = [section["start_s"] for section in truth["sections"][1:]]
    within_a_beat = 1.1 * 60 / truth["tempo_bpm"]
    assert share_near(starts, there, within_a_beat) >= 0.6
    assert share_near(there, starts, within_a_beat) >= 0.6
