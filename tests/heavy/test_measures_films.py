"""Whole films of which every figure is known beforehand: see tests/films.py."""

import json
import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import librosa
import numpy as np
import pytest
import soundfile
from fastdtw import fastdtw

from core.errors import AudioError, SpecError
from core.measures import change
from core.measures.events import visual_events
from core.measures.film import Film, watch
from core.measures.flashes import Flashes, luminance
from core.measures.flow import Warp
from core.measures.report import measure
from core.specs import FilmedShot, Measure, MeasureFilm
from tests import films


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Measures of the films, each made and measured once, when a test first asks."""
    folder, kept = tmp_path_factory.mktemp("films"), {}
    known = {film.name: film for film in films.all_films()}

    def row(name: str) -> films.Row:
        if name not in kept:
            kept[name] = films.measured(known[name], folder)
        return kept[name]

    row.folder = folder
    return row


def ask(film: Path, song: Path, **more: object) -> tuple[Measure, ...]:
    return measure(MeasureFilm(str(film), str(song), **{"song_start_s": 0.0, **more}))


def value(row: films.Row, name: str) -> float:
    found = row[name].value
    assert found is not None
    return found


def test_a_still_does_nothing(rows):
    row = rows("still")
    assert value(row, "flicker_vbench") == pytest.approx(1, abs=1e-3)
    assert value(row, "frame_consistency") == pytest.approx(1, abs=1e-3)
    assert value(row, "still_share") == 1
    assert value(row, "motion") < 1e-3
    assert value(row, "warp_error") < 1e-5
    assert value(row, "step_ratio") < 1
    assert value(row, "ghosting") == value(row, "flashes_per_s") == 0
    for name in ("beat_alignment_music_to_video", "beat_f_measure", "novelty_onset_correlation"):
        assert row[name].value == 0
        assert row[name].p == 1


def test_an_even_pan_moves_and_is_no_ghost(rows):
    row = rows("even pan")
    speed = films.TRAVEL / films.SHOT * films.RATE / films.HEIGHT
    assert value(row, "motion") == pytest.approx(speed, rel=0.15)
    assert value(row, "ghosting") < 0.01
    assert value(row, "still_share") == 0
    assert value(row, "step_ratio") < 1.5
    assert row["beat_alignment_music_to_video"].p > 0.05
    for name in ("avs_published", "avs_scaled", "beat_alignment_music_to_video"):
        assert row[name].linear == pytest.approx(row[name].value, abs=0.05)


def test_a_cross_fade_is_a_ghost(rows):
    row = rows("cross-fade")
    assert value(row, "ghosting") > 0.95
    assert value(row, "motion") < 0.05


def test_events_on_the_beat_are_seen_to_be(rows):
    row, even = rows("on the beat"), rows("even pan")
    for name in ("beat_alignment_music_to_video", "beat_alignment_video_to_music"):
        assert value(row, name) > 0.85
        assert row[name].z > 2
        assert row[name].p < 0.01
        assert value(row, name) > row[name].linear + 0.3
    assert value(row, "beat_f_measure") > 0.9
    assert value(row, "novelty_onset_correlation") > 0.7
    assert row["novelty_onset_correlation"].p < 0.05  # a strict pulse is like itself a beat later
    assert abs(value(row, "novelty_lag_s")) <= 1 / films.RATE
    # The linear walk of these shots is the even pan. The estimate keeps a little of the pulse, since
    # blends stand for what each leap passed over.
    assert row["avs_published"].linear == pytest.approx(value(even, "avs_published"), abs=0.05)


def test_a_metronome_fools_avs_and_not_z(rows):
    row, on_beat = rows("metronome"), rows("on the beat")
    assert value(row, "avs_published") > 0.7
    assert value(row, "avs_published") == pytest.approx(value(on_beat, "avs_published"), abs=0.05)
    # a beat's distance to the nearest event is even over [0, 1.03 / 2]: mean of the bell over that
    half, sigma = films.METRONOME_S / 2, 0.05
    bell = sigma * math.sqrt(math.pi / 2) * math.erf(half / sigma / math.sqrt(2)) / half
    assert value(row, "beat_alignment_music_to_video") == pytest.approx(bell, abs=0.08)
    for name in (
        "avs_published",
        "beat_alignment_music_to_video",
        "beat_alignment_video_to_music",
        "beat_f_measure",
        "novelty_onset_correlation",
    ):
        assert row[name].z < 1.5, name
        assert row[name].p > 0.05, name


def test_hold_and_jump_is_caught(rows):
    row = rows("hold and jump")
    jumps = len(films.beat_frames(films.BEAT_S))
    assert value(row, "beat_alignment_music_to_video") > 0.9  # in time it is
    assert value(row, "still_share") == pytest.approx(1 - jumps / (16 * films.RATE - 1), abs=0.03)
    assert value(row, "step_ratio") > 100


def test_noise_and_flashes(rows):
    assert value(rows("strobe"), "flashes_per_s") == films.STROBE_HZ
    assert value(rows("noise"), "flashes_per_s") == 0
    assert value(rows("noise"), "warp_error") > 10 * value(rows("cross-fade"), "warp_error")
    assert value(rows("strobe"), "frame_consistency") < value(rows("even pan"), "frame_consistency")


def test_lossless_noise_flickers_as_arithmetic_says(tmp_path):
    """E|a − b| of two even values in 0..255 is (256² − 1) / (3 · 256)."""
    path = films.write(films.noise(), tmp_path / "noise.mp4", lossless=True)
    seen = change.Change()
    watch(Film.open(path).frames(), seen)
    assert change.flicker(seen.steps) == pytest.approx(1 - (256**2 - 1) / (3 * 256) / 255, abs=1e-3)
    assert seen.share_changed[1:].mean() == pytest.approx(255 / 256, abs=1e-3)


@pytest.mark.parametrize("name", ["even pan", "metronome", "on the beat", "hold and jump"])
def test_published_avs_by_an_independent_road(rows, name):
    """Read by OpenCV, heard by librosa, warped by fastdtw."""
    row, folder = rows(name), rows.folder
    video = cv2.VideoCapture(str(folder / f"{name}.mp4"))
    rate = video.get(cv2.CAP_PROP_FPS)
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1].astype(np.int16))
    changed = [0, *(np.count_nonzero(b - a) for a, b in pairwise(frames))]
    y, sr = soundfile.read(folder / "song.wav", dtype="float32")
    strength = librosa.onset.onset_strength(y=y, sr=sr)
    _, beats = librosa.beat.beat_track(onset_envelope=strength, sr=sr)
    beats = beats[strength[beats] / strength.max() > 0.4]
    beats = librosa.frames_to_time(beats, sr=sr)
    for measure_name, threshold in (
        ("avs_published", 225_000),
        ("avs_scaled", 225_000 * frames[0].size / (768 * 768 * 3)),
    ):
        found = []
        for k, count in enumerate(changed):
            if count > threshold and (not found or k / rate - found[-1] >= 1.0):
                found.append(k / rate)
        cost, path = fastdtw(beats, np.array(found), dist=lambda b, v: abs(b - v))
        assert value(row, measure_name) == pytest.approx(1 / (1 + cost / len(path)), abs=1e-3)


@pytest.mark.parametrize(
    ("dark", "light", "hertz", "columns", "flashes"),
    [
        (0.0, 1.0, 3, 320, 3),
        (0.0, 1.0, 5, 320, 5),
        (0.0, 0.11, 4, 320, 4),
        (0.0, 0.09, 4, 320, 0),  # less than a tenth of the luminance
        (0.82, 1.0, 4, 320, 0),  # the darker one is too light
        (0.0, 1.0, 4, 41, 4),  # 41 x 60 pixels: over a quarter of a field of 320/3 x 240/3
        (0.0, 1.0, 4, 29, 0),  # 29 x 60: less than that
    ],
)
def test_flashes_by_the_rule(dark, light, hertz, columns, flashes):
    seen, rate = Flashes(Fraction(30)), 30
    levels = [round(255 * _srgb(v)) for v in (dark, light)]
    for k in range(2 * rate):
        frame = np.full((240, 320, 3), levels[0], np.uint8)
        frame[:60, :columns] = levels[int(2 * hertz * k / rate) % 2]
        seen.see(frame)
    assert seen.worst == flashes


def _srgb(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


@pytest.mark.parametrize(
    ("lit", "flashes"),
    [
        # squares of 15 pixels every 31: a quarter of the light, by day and by night
        (lambda k, y, x: (x % 31 < 15) & (y % 31 < 15) & _on(k, 7.5), 7),
        # a board of squares of 4 pixels against its negative: the same light all the time
        (lambda k, y, x: ((x // 4 + y // 4) % 2 == 0) == _on(k, 7.5), 0),
        # nine fields in turn, each three times a second
        (lambda k, y, x: (x * 3 // 1024 + 3 * (y * 3 // 768) == k % 9) & _on(k, 15), 15),
        # left and right, each three times a second, a quarter apart
        (lambda k, y, x: np.where(x < 512, _on(k, 3), _on(k + 2.5, 3)), 6),
    ],
)
def test_flashes_in_parts_and_patterns(lit, flashes):
    y, x = np.mgrid[:768, :1024]
    seen = Flashes(Fraction(30))
    for k in range(45):
        frame = np.where(np.broadcast_to(lit(k, y, x), y.shape), 255, 0).astype(np.uint8)
        seen.see(np.repeat(frame[..., None], 3, axis=2))
    assert abs(seen.worst - flashes) <= 1 if flashes else seen.worst == 0


def _on(k: float, hertz: float) -> bool:
    return bool(int(2 * hertz * k / 30) % 2)


def test_luminance_of_primaries():
    for colour, expected in (((255, 0, 0), 0.2126), ((0, 255, 0), 0.7152), ((0, 0, 255), 0.0722)):
        frame = np.full((48, 64, 3), colour, np.uint8)
        np.testing.assert_allclose(luminance(frame), expected, atol=1e-4)


def test_what_the_encoder_does_is_not_taken_for_the_film(tmp_path):
    """A held, grainy picture pops at every key frame; nothing happens in it."""
    grain = np.random.default_rng(0).normal(0, 6, (films.HEIGHT, films.WIDTH, 3))
    shown = np.clip(films.texture(2) + grain, 0, 255).astype(np.uint8)
    film = replace(
        films.still(), frames=films.SECONDS * films.RATE, picture=lambda k: shown, shots=()
    )
    source = Film.open(films.write(film, tmp_path / "film.mp4"))
    seen = change.Change()
    watch(source.frames(), seen)
    assert len(source.key_frames) == -(-film.frames // films.GROUP)
    assert visual_events(seen.steps, 24.0).size >= 5  # there is something to take out
    calm = change.without_pops(seen.steps, source.key_frames)
    assert visual_events(calm, 24.0).size <= 2
    assert change.still_share(change.without_pops(seen.drifts, source.key_frames), 24.0) == 1


@pytest.mark.parametrize(("grain", "least"), [(0.0, 0.9), (0.3, 0.9)])
def test_faint_grain_does_not_hide_a_hold(grain, least):
    jumps, seen = films.all_films()[-1], change.Change()
    rng = np.random.default_rng(0)
    for k in range(96):
        shown = jumps.picture(k) + rng.normal(0, grain, (films.HEIGHT, films.WIDTH, 3))
        seen.see(np.rint(shown).astype(np.uint8))
    assert change.still_share(seen.drifts, 24.0) >= least


@pytest.mark.parametrize("rate", [24, 60])
def test_a_slow_fade_and_a_small_ball_move(rate):
    a, b = (films.texture(k) for k in (3, 4))
    fade, ball = change.Change(), change.Change()
    for k in range(30):
        share = k / (20 * rate)
        fade.see(np.rint((1 - share) * a + share * b).astype(np.uint8))
        table = np.full((720, 1280, 3), 90, np.uint8)
        ball.see(cv2.circle(table, (100 + 10 * k, 360), 40, (230, 60, 60), -1))
    assert change.still_share(fade.drifts, rate) == change.still_share(ball.drifts, rate) == 0


@pytest.mark.parametrize(("width", "height"), [(64, 8), (120, 12), (18, 200), (130, 66)])
def test_odd_sizes(tmp_path, width, height):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for k in range(6):
            picture = np.random.default_rng(k).integers(0, 256, (height, width, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    found = {m.name: m for m in ask(path, films.song(tmp_path / "song.wav"))}
    assert math.isfinite(found["motion"].value)


@pytest.mark.parametrize("name", ["film.h264", "film.avi", "film.mov"])
def test_containers_with_and_without_times(tmp_path, name):
    path = films.write(films.strobe(), tmp_path / name)
    assert sum(1 for _ in Film.open(path).frames()) == films.SHOT


def test_warp_follows_a_shift_that_is_known():
    wide = films.texture(9, 500)
    warp = Warp()
    for k in range(12):
        warp.see(np.rint(wide[:, 6 * k : 6 * k + films.WIDTH]).astype(np.uint8))
    assert warp.motion(24) == pytest.approx(6 * 24 / films.HEIGHT, rel=0.1)
    unrelated = Warp()
    for k in range(12):
        unrelated.see(films.noise().picture(k))
    assert unrelated.error > 3 * warp.error


def test_without_shots_what_needs_them_is_none(rows, tmp_path):
    film = films.write(films.still(), tmp_path / "film.mp4")
    found = {m.name: m for m in ask(film, films.song(tmp_path / "song.wav"))}
    assert found["ghosting"].value is None
    assert all(m.linear is None for m in found.values())
    assert found["still_share"].value == 1


def test_a_song_that_starts_elsewhere(rows):
    """The film is the song's from 0.25 s on: its beats come 0.25 s earlier, and meet nothing."""
    folder = rows.folder
    rows("on the beat")
    found = ask(folder / "on the beat.mp4", folder / "song.wav", song_start_s=0.25)
    late = {m.name: m for m in found}
    assert value(late, "beat_alignment_music_to_video") < 0.1
    assert late["novelty_onset_correlation"].value > 0.5
    assert abs(late["novelty_lag_s"].value - 0.25) < 0.05


def test_films_that_cannot_be_measured(tmp_path):
    song, film = films.song(tmp_path / "song.wav"), tmp_path / "film.mp4"
    with pytest.raises(SpecError, match="no such film"):
        ask(film, song)
    film.write_bytes(b"not a film")
    with pytest.raises(SpecError, match="cannot be read as a film"):
        ask(film, song)
    with pytest.raises(SpecError, match="no pictures"):
        ask(song, song)
    films.write(films.still(), film)
    with pytest.raises(AudioError, match="no such file"):
        ask(film, tmp_path / "gone.wav")
    with pytest.raises(SpecError, match="has 96 frames; the shots reach to 97"):
        ask(film, song, shots=(FilmedShot(0, tuple(range(97))),))
    with pytest.raises(SpecError, match="has 96 frames, the timeline 95"):
        ask(film, song, frame_count=95)
    with pytest.raises(SpecError, match="has 24 frames a second, the timeline 25"):
        ask(film, song, frame_count=96, fps_numerator=25)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_the_shortest_films_against_silence(tmp_path, frames):
    soundfile.write(tmp_path / "silence.wav", np.zeros(4000), 22050)
    film = replace(films.noise(), frames=frames)
    path = films.write(film, tmp_path / "film.mp4")
    for m in ask(path, tmp_path / "silence.wav"):
        assert m.value is None or math.isfinite(m.value), m
        assert m.p is None or m.p == 1, m


def test_a_film_of_no_constant_rate_is_refused(tmp_path):
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 24)
        for k in range(48):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 4 * k, np.uint8), "rgb24")
            frame.pts = k + (k // 24) * 24
            frame.time_base = Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(SpecError, match="not constant"):
        list(Film.open(path).frames())


def test_the_command_prints_and_writes(rows, tmp_path, monkeypatch, capsys):
    from core.measures import __main__ as command

    film = films.still()
    path = films.write(film, tmp_path / "film.mp4")
    song = films.song(tmp_path / "song.wav")
    np.save(tmp_path / "walk.npy", np.array(film.shots[0].positions) / 1024)
    shots = [{"frame_start": 1, "frame_end": 97, "positions": "walk.npy"}]
    (tmp_path / "report.json").write_text(json.dumps({"frame_start": 1, "shots": shots}))
    arguments = [str(path), str(song), "--shots", str(tmp_path / "report.json")]
    monkeypatch.setattr("sys.argv", ["measures", *arguments, "--json", str(tmp_path / "out.json")])
    assert command.main() == 0
    written = json.loads((tmp_path / "out.json").read_text())["measures"]
    assert set(written["avs_published"]) == {"value", "linear", "null_mean", "z", "p"}
    assert written["still_share"]["value"] == 1
    printed = capsys.readouterr().out
    assert all(name in printed for name in written)
    monkeypatch.setattr("sys.argv", ["measures", str(tmp_path / "no.mp4"), str(song)])
    assert command.main() == 1
    assert "no such film" in capsys.readouterr().err
