"""From a song to a film, through the operators that an editor presses."""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from demo import host

from .conftest import TWINKLE, drive, module, recipe_of, shots, strips_of


def test_a_song_lands_heard(bpy, scene, song):
    bpy.ops.strophe.import_song(filepath=str(song), frame_start=1)
    assert len(strips_of(scene, "SONG")) == 1
    assert scene.sync_mode == "AUDIO_SYNC"
    kinds = [m.strophe_kind for m in scene.timeline_markers]
    assert kinds.count("DOWNBEAT") >= 2
    assert kinds.count("BEAT") >= 6
    sections = strips_of(scene, "SECTION")
    assert sections
    assert all(s.mute and s.color_tag != "NONE" for s in sections)
    fcurves = module("operators.blend.fcurves")
    for name in ("percussive", "harmonic", "onset", "loudness", "low", "mid", "high"):
        curve = fcurves.find(scene, f"strophe.curves.{name}")
        assert curve.group.name == "Strophe"
        values = fcurves.sample(curve, 1, 144)
        assert values.min() >= 0
        assert values.max() <= 1
        assert values.max() > 0.5, name


def test_percussive_peaks_stand_where_the_clicks_are(bpy, scene, song):
    scene.strophe.release = 0
    bpy.ops.strophe.import_song(filepath=str(song), frame_start=1)
    fcurves = module("operators.blend.fcurves")
    values = fcurves.sample(fcurves.find(scene, "strophe.curves.percussive"), 1, 144)
    for k in range(2, 12):
        at = 12 * k
        assert at - 1 <= at - 3 + int(np.argmax(values[at - 3 : at + 4])) <= at + 1


def test_the_drive_curve_holds_the_energy_with_few_keys(planned):
    scene = planned
    fcurves, energy = module("operators.blend.fcurves"), module("core.energy")
    sampled = {
        n: fcurves.sample(fcurves.find(scene, f"strophe.curves.{n}"), 1, 144)
        for n in ("harmonic", "percussive")
    }
    e = energy.drive_energy(sampled["harmonic"], sampled["percussive"], 0.2, 0.8)
    held = fcurves.sample(drive(scene), 1, 144)
    assert np.abs(held - e).max() <= 0.02 + 1e-6
    assert len(drive(scene).keyframe_points) < 144 * 0.8


def test_rebaking_leaves_the_drive_alone_and_reset_derives_it(bpy, planned):
    scene = planned
    drive(scene).keyframe_points[3].co_ui.y = 0.77
    scene.strophe.gain = 0.5
    bpy.ops.strophe.rebake()
    bpy.ops.strophe.listen()
    assert drive(scene).keyframe_points[3].co_ui.y == pytest.approx(0.77)
    fcurves = module("operators.blend.fcurves")
    assert fcurves.sample(fcurves.find(scene, "strophe.curves.percussive"), 1, 144).max() <= 0.5
    bpy.ops.strophe.reset_drive()
    assert fcurves.sample(drive(scene), 1, 144).max() <= 0.5


def test_shots_cover_the_song_without_gaps(planned):
    spans = [(first, end) for first, end, *_ in shots(planned)]
    assert spans[0][0] == 1
    assert spans[-1][1] == 1 + 6 * 24
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert len({s.uid for s in planned.strophe.shots}) == len(spans) >= 4
    assert [s.prompt for s in planned.strophe.shots][:4] == [
        "a red apple", "a green tree", "a moon", "a red apple",
    ]  # fmt: skip
    keys = {k.co.x for k in drive(planned).keyframe_points}
    assert {f for span in spans for f in span} <= keys


def test_draft_makes_the_whole_timeline_playable(bpy, planned):
    bpy.ops.strophe.draft()
    stills = strips_of(planned, "KEYFRAME")
    timeline = module("operators.blend.timeline")
    spans = [(timeline.first_frame(s), timeline.end_frame(s)) for s in stills]
    assert spans == [(first, end) for first, end, *_ in shots(planned)]
    assert {s.state for s in planned.strophe.shots} == {"PLANNED"} or planned.strophe.steps <= 6


def test_clips_are_whole_and_current(made):
    assert {s.state for s in made.strophe.shots} == {"MADE"}, shots(made)
    for shot, strip in zip(made.strophe.shots, strips_of(made, "CLIP"), strict=True):
        frames = shot.frame_end - shot.frame_start
        assert len(strip.elements) == frames
        files = {e.filename for e in strip.elements}
        assert len(files) == frames
        assert shot.frames_computed == frames
        distinct = set(recipe_of(strip)["positions"]) - {0, 1024}
        assert shot.denoiser_evaluations <= made.strophe.walk_steps * len(distinct)
        assert recipe_of(strip)["start"]["path"].startswith("//film.strophe/keyframes/")


def test_a_morph_arrives_at_the_next_keyframe_and_a_cut_at_its_own(bpy, planned):
    planned.strophe.shots[1].join = "CUT"
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    bpy.ops.strophe.generate_clips(scope="ALL")
    recipes = [recipe_of(s) for s in strips_of(planned, "CLIP")]
    assert recipes[0]["end"]["sha256"] == recipes[1]["start"]["sha256"]
    assert recipes[0]["positions"][-1] < 1024
    assert recipes[1]["end"]["sha256"] != recipes[2]["start"]["sha256"]
    assert recipes[1]["positions"][-1] == 1024
    assert recipes[-1]["positions"][-1] == 1024


def test_a_second_run_computes_nothing(bpy, made):
    before = [s.strophe.fingerprint for s in strips_of(made, "CLIP")]
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    bpy.ops.strophe.generate_clips(scope="ALL")
    assert [s.frames_computed for s in made.strophe.shots] == [0] * len(before)
    assert [s.strophe.fingerprint for s in strips_of(made, "CLIP")] == before


def test_a_dead_silent_song_gives_a_linear_walk(bpy, scene, tmp_path):
    from .conftest import write_wav

    write_wav(tmp_path / "silence.wav", np.zeros(22050 * 3), 22050)
    bpy.ops.strophe.import_song(filepath=str(tmp_path / "silence.wav"), frame_start=1)
    bpy.ops.strophe.plan_shots()
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    bpy.ops.strophe.generate_clips(scope="ALL")
    for strip in strips_of(scene, "CLIP"):
        steps = np.diff(recipe_of(strip)["positions"])
        assert steps.max() - steps.min() <= 1


def probe(film: Path) -> dict:
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(film)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    return {s["codec_type"]: s for s in json.loads(out)["streams"]}


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffprobe is not installed")
def test_the_whole_way_in_one_press(bpy, scene, song, tmp_path):
    timeline = module("operators.blend.timeline")
    from fractions import Fraction

    timeline.set_fps(scene, Fraction(30000, 1001))
    scene.render.resolution_x = scene.render.resolution_y = 128
    bpy.ops.strophe.import_song(filepath=str(song), frame_start=1)
    bpy.ops.strophe.make_video(filepath=str(tmp_path / "film.mp4"))
    streams = probe(tmp_path / "film.mp4")
    assert int(streams["video"]["nb_read_frames"]) == 180
    assert streams["video"]["r_frame_rate"] == "30000/1001"
    assert streams["audio"]["codec_name"] == "aac"


def length(frames: int) -> dict[str, int]:
    import bpy

    return {"length": frames} if bpy.app.version >= (5, 0, 0) else {"frame_end": 1 + frames}


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffprobe is not installed")
def test_ten_minutes_at_29_97_are_exactly_their_frames(bpy, scene, tmp_path):
    """A colour alone: what is counted are the frames of the song, not the pictures on them."""
    from fractions import Fraction

    from .conftest import write_wav

    rng = np.random.default_rng(1)
    write_wav(tmp_path / "long.wav", rng.normal(0, 0.05, 600 * 8000), 8000)
    timeline = module("operators.blend.timeline")
    timeline.set_fps(scene, Fraction(30000, 1001))
    scene.render.resolution_x = scene.render.resolution_y = 64
    strips, film = module("operators.blend.strips"), tmp_path / "film.mp4"
    strips.add_song(scene, tmp_path / "long.wav", 1, 1, "u")
    bpy.ops.strophe.plan_shots()
    strips.collection(scene).new_effect("Colour", "COLOR", 2, 1, **length(17982))
    assert shots(scene)[-1][1] - 1 == round(600 * Fraction(30000, 1001)) == 17982
    bpy.ops.strophe.set_up_output(filepath=str(film))
    scene.render.ffmpeg.constant_rate_factor = "LOWEST"
    bpy.ops.strophe.render()
    assert int(probe(film)["video"]["nb_read_frames"]) == 17982


def test_the_starter_model_makes_a_clip_of_the_bundled_song(bpy, scene):
    bpy.context.preferences.addons[host.MODULE].preferences.model_folder = ""
    scene.strophe.width = scene.strophe.height = 128
    scene.strophe.shot_length = 4
    bpy.ops.strophe.import_song(filepath=str(TWINKLE), frame_start=1)
    bpy.ops.strophe.plan_shots()
    for shot in list(scene.strophe.shots)[2:]:
        shot.locked = True
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    with pytest.raises(RuntimeError, match="no keyframe to walk"):
        bpy.ops.strophe.generate_clips(scope="ALL")
    first, second = scene.strophe.shots[0], scene.strophe.shots[1]
    assert first.state == "MADE"
    assert first.frames_computed == first.frame_end - first.frame_start
    assert second.state == "FAILED"
    assert "Generate Keyframes" in second.stale_reason
