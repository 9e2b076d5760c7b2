"""What happens to everything when the editor edits: the curve, a prompt, the song's place, the rate."""

import shutil
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from .conftest import drive, module, recipe_of, shots, strips_of


def computed(scene) -> list[int]:
    return [s.frames_computed for s in scene.strophe.shots]


def spans(scene) -> list[tuple[int, int]]:
    return [(s.frame_start, s.frame_end) for s in scene.strophe.shots]


def strip_spans(scene, role: str) -> list[tuple[int, int]]:
    timeline = module("operators.blend.timeline")
    return [(timeline.first_frame(s), timeline.end_frame(s)) for s in strips_of(scene, role)]


def inner_key(scene, index: int):
    """A key of the drive curve well inside a shot."""
    first, end = spans(scene)[index]
    return next(k for k in drive(scene).keyframe_points if first + 2 < k.co.x < end - 2)


def test_moving_one_key_touches_frames_of_that_shot_only(bpy, made):
    key = inner_key(made, 2)
    key.co_ui.y = 0.9 if key.co.y < 0.5 else 0.1
    bpy.ops.strophe.refresh()
    assert [s.state for s in made.strophe.shots].count("STALE") == 1
    assert made.strophe.shots[2].stale_reason == "the drive curve changed"
    before = [s.strophe.fingerprint for s in strips_of(made, "CLIP")]
    bpy.ops.strophe.generate_clips(scope="STALE")
    after = [s.strophe.fingerprint for s in strips_of(made, "CLIP")]
    assert [a != b for a, b in zip(before, after, strict=True)].count(True) == 1
    assert computed(made)[2] > 0
    assert sum(computed(made)) == computed(made)[2]


def test_a_new_prompt_touches_its_keyframe_and_the_clips_on_either_side(bpy, made):
    stills = [s.strophe.fingerprint for s in strips_of(made, "KEYFRAME")]
    made.strophe.shots[2].prompt = "a star"
    bpy.ops.strophe.generate_keyframes(scope="STALE")
    bpy.ops.strophe.generate_clips(scope="STALE")
    now = [s.strophe.fingerprint for s in strips_of(made, "KEYFRAME")]
    assert [i for i, (a, b) in enumerate(zip(stills, now, strict=True)) if a != b] == [2]
    assert [i for i, n in enumerate(computed(made)) if n] == [1, 2]
    assert {s.state for s in made.strophe.shots} == {"MADE"}


def test_a_prompt_back_as_it_was_computes_nothing(bpy, made):
    made.strophe.shots[2].prompt = "a star"
    bpy.ops.strophe.refresh()
    assert made.strophe.shots[2].state == "STALE"
    assert made.strophe.shots[2].stale_reason == "its prompt changed"
    made.strophe.shots[2].prompt = "a moon"
    bpy.ops.strophe.refresh()
    assert made.strophe.shots[2].state == "MADE"


def test_the_editors_own_picture_is_walked_from_and_never_painted_over(
    bpy, made, tmp_path, tiny_model
):
    own = tmp_path / "mine.png"
    shutil.copy(module("operators.blend.strips").shown_file(strips_of(made, "KEYFRAME")[0]), own)
    still = strips_of(made, "KEYFRAME")[1]
    still.directory = str(tmp_path)
    still.elements[0].filename = "mine.png"
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    assert still.elements[0].filename == "mine.png"
    bpy.ops.strophe.generate_clips(scope="STALE")
    clips = [recipe_of(s) for s in strips_of(made, "CLIP")]
    assert clips[1]["start"]["sha256"] == clips[0]["end"]["sha256"] == clips[0]["start"]["sha256"]
    assert [i for i, n in enumerate(computed(made)) if n] == [0, 1]


def test_a_regenerated_clip_keeps_what_the_editor_did_to_its_strip(bpy, made):
    timeline = module("operators.blend.timeline")
    strip = strips_of(made, "CLIP")[2]
    timeline.set_end_frame(strip, timeline.end_frame(strip) - 4)
    strip.channel = 7
    strip.transform.rotation = 0.3
    strip.blend_alpha = 0.5
    strip.modifiers.new("Tone", "BRIGHT_CONTRAST")
    name, end = strip.name, timeline.end_frame(strip)
    made.strophe.shots[2].seed += 1000
    bpy.ops.strophe.generate_keyframes(scope="STALE")
    bpy.ops.strophe.generate_clips(scope="STALE")
    strip = strips_of(made, "CLIP")[2]
    assert (strip.name, strip.channel, timeline.end_frame(strip)) == (name, 7, end)
    assert strip.transform.rotation == pytest.approx(0.3)
    assert strip.blend_alpha == pytest.approx(0.5)
    assert strip.modifiers[0].name == "Tone"
    assert recipe_of(strip)["seed"] == made.strophe.shots[2].seed


def test_a_locked_shot_is_left_alone(bpy, made):
    made.strophe.shots[1].locked = True
    before = spans(made)[1], made.strophe.shots[1].uid
    made.strophe.shot_length = 3
    bpy.ops.strophe.plan_shots()
    locked = next(s for s in made.strophe.shots if s.locked)
    assert ((locked.frame_start, locked.frame_end), locked.uid) == before
    ordered = spans(made)
    assert all(a[1] == b[0] for a, b in pairwise(ordered))


def test_the_song_moved_takes_everything_along(bpy, made):
    timeline = module("operators.blend.timeline")
    beats = [m.frame for m in made.timeline_markers]
    keys = [(k.co.x, k.co.y) for k in drive(made).keyframe_points]
    before = spans(made), strip_spans(made, "CLIP"), strip_spans(made, "KEYFRAME")
    (song,) = strips_of(made, "SONG")
    timeline.move_content(song, 100)
    bpy.ops.strophe.refresh()
    moved = spans(made), strip_spans(made, "CLIP"), strip_spans(made, "KEYFRAME")
    assert [[(a + 100, b + 100) for a, b in rows] for rows in before] == list(moved)
    assert [m.frame for m in made.timeline_markers] == [f + 100 for f in beats]
    assert [k.co.x for k in drive(made).keyframe_points] == pytest.approx(
        [x + 100 for x, _ in keys]
    )
    assert {s.state for s in made.strophe.shots} == {"MADE"}, shots(made)
    bpy.ops.strophe.generate_clips(scope="ALL")
    assert sum(computed(made)) == 0


def test_a_clip_that_the_editor_moved_is_not_moved_again(bpy, made):
    timeline = module("operators.blend.timeline")
    (song,) = strips_of(made, "SONG")
    for strip in [song, *reversed(strips_of(made, "CLIP"))]:
        timeline.move_content(strip, 100)
    bpy.ops.strophe.refresh()
    assert strip_spans(made, "CLIP") == spans(made)


def test_a_trimmed_song_says_which_shots_lost_it(bpy, made):
    timeline = module("operators.blend.timeline")
    (song,) = strips_of(made, "SONG")
    before = spans(made)
    timeline.set_end_frame(song, timeline.end_frame(song) - 72)
    bpy.ops.strophe.refresh()
    assert spans(made) == before
    states = [
        (first, s.state, s.stale_reason)
        for (first, _), s in zip(before, made.strophe.shots, strict=True)
    ]
    for (first, end), (_, state, reason) in zip(before, states, strict=True):
        assert (state, reason) == (
            ("MADE", "") if end <= 73 else ("STALE", "the song no longer reaches this far")
        ), (first, end)
    assert max(m.frame for m in made.timeline_markers) < 73
    fcurves = module("operators.blend.fcurves")
    heard = fcurves.find(made, "strophe.curves.percussive")
    assert fcurves.key_frames(heard).max() == 72


def test_a_song_trimmed_at_its_start_keeps_its_moments(bpy, made):
    (song,) = strips_of(made, "SONG")
    timeline = module("operators.blend.timeline")
    beats = [m.frame for m in made.timeline_markers]
    if timeline.HAS_HANDLES:
        song.left_handle += 72
    else:
        song.frame_final_start += 72
    bpy.ops.strophe.refresh()
    assert [m.frame for m in made.timeline_markers] == [f for f in beats if f >= 73]
    reasons = [s.stale_reason for s in made.strophe.shots]
    assert reasons[0] == "the song begins later now"
    assert reasons[-1] == ""


def test_another_frame_rate_refits_every_boundary_and_says_what_is_stale(bpy, made):
    timeline = module("operators.blend.timeline")
    before = spans(made)
    timeline.set_fps(made, Fraction(30))
    bpy.ops.strophe.refresh()
    assert spans(made) == [tuple(1 + (5 * (f - 1) * 2 + 4) // 8 for f in span) for span in before]
    assert {s.stale_reason for s in made.strophe.shots} == {"the frame rate changed"}
    assert strips_of(made, "SECTION")
    edges = {f for span in spans(made) for f in span}
    assert edges <= {k.co.x for k in drive(made).keyframe_points}
    bpy.ops.strophe.generate_clips(scope="STALE")
    assert {s.state for s in made.strophe.shots} == {"MADE"}, shots(made)
    assert strip_spans(made, "CLIP") == spans(made)
    assert strip_spans(made, "CLIP")[-1][1] == 1 + 6 * 30


def test_a_slower_frame_rate_lays_no_strip_over_another(bpy, made):
    module("operators.blend.timeline").set_fps(made, Fraction(24000, 1001))
    bpy.ops.strophe.generate_clips(scope="STALE")
    module("operators.blend.timeline").set_fps(made, Fraction(12))
    bpy.ops.strophe.generate_clips(scope="STALE")
    assert strip_spans(made, "CLIP") == spans(made)
    assert {s.channel for s in strips_of(made, "CLIP")} == {3}
    assert {s.channel for s in strips_of(made, "KEYFRAME")} == {2}


def test_saved_and_reopened_everything_is_there_and_current(bpy, made):
    path = bpy.data.filepath
    drive(made).keyframe_points[2].co_ui.y = 0.42
    state = {
        "shots": [
            (s.uid, s.prompt, s.seed, s.join, s.keyframe_uid, s.clip_uid)
            for s in made.strophe.shots
        ],
        "clips": [(s.strophe.uid, s.strophe.recipe) for s in strips_of(made, "CLIP")],
        "kinds": [m.strophe_kind for m in made.timeline_markers],
    }
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    assert state == {
        "shots": [
            (s.uid, s.prompt, s.seed, s.join, s.keyframe_uid, s.clip_uid)
            for s in scene.strophe.shots
        ],
        "clips": [(s.strophe.uid, s.strophe.recipe) for s in strips_of(scene, "CLIP")],
        "kinds": [m.strophe_kind for m in scene.timeline_markers],
    }
    assert drive(scene).keyframe_points[2].co.y == pytest.approx(0.42)
    drive(scene).keyframe_points[2].co_ui.y = 0.43
    bpy.ops.strophe.generate_clips(scope="STALE")
    assert sum(n > 0 for n in computed(scene)) == 1


def test_a_project_folder_moved_elsewhere_is_still_current(bpy, made, tmp_path):
    bpy.ops.wm.save_mainfile()
    folder, blend = tmp_path / "moved here", Path(bpy.data.filepath)
    folder.mkdir()
    shutil.move(blend, folder / blend.name)
    shutil.move(tmp_path / "film.strophe", folder / "film.strophe")
    bpy.ops.wm.open_mainfile(filepath=str(folder / blend.name))
    bpy.ops.strophe.generate_clips(scope="ALL")
    assert sum(computed(bpy.context.scene)) == 0


def test_undone_and_redone(bpy, made):
    bpy.ops.ed.undo_push(message="made")
    made.strophe.shots[0].prompt = "a star"
    bpy.ops.ed.undo_push(message="prompt")
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    assert scene.strophe.shots[0].prompt == "a red apple"
    assert len(strips_of(scene, "CLIP")) == len(scene.strophe.shots)
    bpy.ops.ed.redo()
    scene = bpy.context.scene
    assert scene.strophe.shots[0].prompt == "a star"
    bpy.ops.strophe.refresh()
    assert scene.strophe.shots[0].state == "STALE"


def test_pictures_are_fitted_without_distortion(bpy, scene, song):
    scene.render.resolution_x, scene.render.resolution_y = 320, 160
    bpy.ops.strophe.import_song(filepath=str(song), frame_start=1)
    bpy.ops.strophe.plan_shots()
    bpy.ops.strophe.draft()
    transform = strips_of(scene, "KEYFRAME")[0].transform
    assert transform.scale_x == pytest.approx(transform.scale_y) == pytest.approx(160 / 64)


def test_blender_decodes_at_the_same_offset(bpy, runtime, tmp_path):
    """The energy's onset lies where Blender's own decoder puts the sound, in every format."""
    import subprocess

    import aud

    from demo import host

    from .conftest import write_wav

    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    rate = 44100
    sound = np.zeros(3 * rate)
    sound[rate : rate + 2000] = np.random.default_rng(0).normal(0, 0.3, 2000)
    write_wav(tmp_path / "click.wav", sound, rate)
    for kind in ("wav", "flac", "ogg", "opus", "mp3", "m4a"):
        path = tmp_path / f"click.{kind}"
        if kind != "wav":
            command = ["ffmpeg", "-v", "error", "-y", "-i", str(tmp_path / "click.wav"), str(path)]
            subprocess.run(command, check=True, timeout=60)
        cached = aud.Sound(str(path)).cache()
        mono = np.abs(cached.data()).max(axis=1)
        blenders = np.argmax(mono > 0.1) / cached.specs[0]
        code = (
            "import sys, numpy as np; from pathlib import Path; from core.song.decode import decode;"
            "s = decode(Path(sys.argv[1]), sample_rate=None); m = np.abs(s.samples);"
            "m = m if m.ndim == 1 else m.max(axis=1); print(np.argmax(m > 0.1) / s.sample_rate)"
        )
        out = subprocess.run(
            [str(runtime), "-c", code, str(path)],
            cwd=host.ROOT, capture_output=True, text=True, check=True, timeout=120,
        ).stdout  # fmt: skip
        assert float(out) == pytest.approx(blenders, abs=1e-3), kind


def test_a_boundary_moved_by_hand_takes_keyframes_and_clips_along(bpy, made):
    edge = made.strophe.shots[1].frame_start
    made.strophe.shots[0].frame_end = made.strophe.shots[1].frame_start = edge - 5
    bpy.ops.strophe.refresh()
    assert made.strophe.shots[0].stale_reason == "its length changed"
    bpy.ops.strophe.generate_keyframes(scope="STALE")
    bpy.ops.strophe.generate_clips(scope="STALE")
    assert strip_spans(made, "CLIP") == spans(made)
    assert strip_spans(made, "KEYFRAME") == spans(made)
    assert [i for i, n in enumerate(computed(made)) if n] == [0, 1]


def test_a_boundary_moved_later_pushes_nothing_to_another_channel(bpy, made):
    edge = made.strophe.shots[1].frame_start
    made.strophe.shots[0].frame_end = made.strophe.shots[1].frame_start = edge + 5
    bpy.ops.strophe.refresh()
    assert strip_spans(made, "KEYFRAME") == spans(made)
    bpy.ops.strophe.generate_clips(scope="STALE")
    assert strip_spans(made, "CLIP") == spans(made)
    assert {s.channel for s in strips_of(made, "CLIP")} == {3}
    assert {s.channel for s in strips_of(made, "KEYFRAME")} == {2}
    assert {float(f) for span in spans(made) for f in span} <= {
        k.co.x for k in drive(made).keyframe_points
    }


def test_a_new_rate_whose_hearing_fails_moves_nothing_twice(bpy, made, song):
    module("operators.blend.timeline").set_fps(made, Fraction(30))
    away = song.with_suffix(".away")
    song.rename(away)
    try:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="no song at"):
                bpy.ops.strophe.refresh()
    finally:
        away.rename(song)
    assert spans(made)[-1][1] == 1 + 6 * 30
    bpy.ops.strophe.refresh()
    assert spans(made)[-1][1] == 1 + 6 * 30
    assert max(m.frame for m in made.timeline_markers) > 144


def test_pictures_of_another_size_keep_their_scale_on_the_screen(bpy, made):
    strip = strips_of(made, "KEYFRAME")[0]
    strip.transform.scale_x *= 0.5
    before = strip.transform.scale_x * 64, strip.transform.scale_y * 64
    made.strophe.width = made.strophe.height = 128
    bpy.ops.strophe.generate_keyframes(scope="SELECTED")
    strip = strips_of(made, "KEYFRAME")[0]
    shown = strip.transform.scale_x * 128, strip.transform.scale_y * 128
    assert shown == pytest.approx(before)


def test_frames_deleted_from_disk_are_missed_and_made_again(bpy, made):
    folder = module("operators.blend.strips").shown_file(strips_of(made, "CLIP")[1]).parent
    shutil.rmtree(folder)
    bpy.ops.strophe.refresh()
    assert made.strophe.shots[1].stale_reason == "its frames are no longer on disk"
    bpy.ops.strophe.generate_clips(scope="STALE")
    assert [i for i, n in enumerate(computed(made)) if n] == [1]


def test_footage_in_place_of_a_clip_is_left_alone(bpy, made, tmp_path):
    strip = strips_of(made, "CLIP")[1]
    strip.directory = str(tmp_path)
    bpy.ops.strophe.generate_clips(scope="ALL")
    assert Path(bpy.path.abspath(strips_of(made, "CLIP")[1].directory)) == tmp_path
