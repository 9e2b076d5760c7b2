"""The same operators as a person in the window meets them: queued, ticked, cancelled, undone."""

import time

import pytest

from .conftest import module, shots, strips_of


@pytest.fixture
def ticked(bpy, monkeypatch):
    """Timers do not run without a window: the test is the clock."""
    monkeypatch.setattr(bpy.app.timers, "register", lambda *a, **k: None)
    monkeypatch.setattr(bpy.app.timers, "is_registered", lambda *a: False)
    return module("operators.jobs")


def press(jobs, what: str, *args, **settings) -> None:
    """Queue a body as its button does: without a window Blender calls no operator's `invoke`."""
    room, name = what.split(".")
    ref = jobs.scene_ref(module("operators.jobs").bpy.context)
    jobs.start(name, getattr(module(f"operators.{room}"), name)(ref, *args, **settings), ref)


def until_idle(jobs, patience_s: float = 100) -> None:
    until = time.monotonic() + patience_s
    while jobs.tick() is not None:
        assert time.monotonic() < until
        time.sleep(jobs.TICK_S)


def test_a_button_returns_at_once_and_the_ticks_do_the_rest(bpy, scene, song, ticked):
    press(ticked, "song.bring_in", song, 1, 1)
    assert ticked.busy()
    assert not strips_of(scene, "SONG")
    press(ticked, "storyboard.replan")
    press(ticked, "keyframes.generate", "ALL")
    press(ticked, "clips.generate", "ALL")
    until_idle(ticked)
    job = bpy.context.window_manager.strophe_job
    assert (job.running, job.error) == (False, "")
    assert {s.state for s in scene.strophe.shots} == {"MADE"}, shots(scene)


def test_an_error_is_shown_not_raised(bpy, scene, ticked):
    press(ticked, "clips.generate", "ALL")
    until_idle(ticked)
    assert "Plan Shots first" in bpy.context.window_manager.strophe_job.error


def test_cancel_keeps_whole_shots_and_leaves_no_half_made_strip(bpy, planned, ticked):
    planned.strophe.walk_steps = 20
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    press(ticked, "clips.generate", "ALL")
    press(ticked, "clips.generate", "ALL")
    while len(strips_of(planned, "CLIP")) < 2:
        ticked.tick()
        time.sleep(0.005)
    bpy.ops.strophe.cancel()
    began = time.monotonic()
    until_idle(ticked)
    assert time.monotonic() - began < 20
    clips = strips_of(planned, "CLIP")
    assert 2 <= len(clips) < len(planned.strophe.shots)
    for strip in clips:
        shot = next(s for s in planned.strophe.shots if s.uid == strip.strophe.shot_uid)
        assert len(strip.elements) == shot.frame_end - shot.frame_start
    assert not bpy.context.window_manager.strophe_job.error
    bpy.ops.strophe.generate_clips(scope="ALL")
    assert all(s.frames_computed == 0 for s in list(planned.strophe.shots)[: len(clips)])


def test_undo_while_a_job_runs_harms_nothing(bpy, planned, ticked):
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    bpy.ops.ed.undo_push(message="before")
    planned.strophe.shots[0].prompt = "a star"
    bpy.ops.ed.undo_push(message="after")
    press(ticked, "clips.generate", "ALL")
    while len(strips_of(bpy.context.scene, "CLIP")) < 1:
        ticked.tick()
        time.sleep(0.005)
    bpy.ops.ed.undo()
    until_idle(ticked)
    bpy.ops.strophe.generate_clips(scope="ALL")
    assert {s.state for s in bpy.context.scene.strophe.shots} == {"MADE"}


def test_a_shot_removed_while_its_clip_is_made_is_passed_over(bpy, planned, ticked):
    planned.strophe.walk_steps = 20
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    press(ticked, "clips.generate", "ALL")
    while len(strips_of(planned, "CLIP")) < 1:
        ticked.tick()
        time.sleep(0.005)
    last = planned.strophe.shots[len(planned.strophe.shots) - 1].uid
    planned.strophe.shots.remove(len(planned.strophe.shots) - 1)
    until_idle(ticked)
    assert not bpy.context.window_manager.strophe_job.error
    assert last not in {s.strophe.shot_uid for s in strips_of(planned, "CLIP")}


def test_loading_another_file_ends_what_runs(bpy, planned, ticked):
    press(ticked, "keyframes.generate", "ALL")
    ticked.tick()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert not ticked.busy()


def test_a_song_that_cannot_be_heard_leaves_the_timeline_as_it_was(bpy, scene, tmp_path):
    (tmp_path / "words.ogg").write_bytes(b"words, not music" * 100)
    with pytest.raises(RuntimeError, match=r"words\.ogg"):
        bpy.ops.strophe.import_song(filepath=str(tmp_path / "words.ogg"))
    assert not list(scene.sequence_editor.strips_all)


def test_an_unsaved_file_is_asked_to_be_saved(bpy, song):
    from demo import host

    host.new_project()
    with pytest.raises(RuntimeError, match=r"Save the \.blend file first"):
        bpy.ops.strophe.import_song(filepath=str(song))
    assert not strips_of(bpy.context.scene, "SONG")


def test_an_edit_is_noticed_without_pressing_anything(bpy, made, ticked):
    watch = module("operators.watch")
    made.strophe.shots[1].prompt = "a star"
    watch.look()
    until_idle(ticked)
    assert [s.state for s in made.strophe.shots][:3] == ["STALE", "STALE", "MADE"]
    state = [(s.state, s.stale_reason) for s in made.strophe.shots]
    watch.look()
    until_idle(ticked)
    assert [(s.state, s.stale_reason) for s in made.strophe.shots] == state


def test_a_script_waits_for_what_was_queued_before(bpy, planned, ticked):
    press(ticked, "keyframes.generate", "ALL")
    ticked.tick()
    bpy.ops.strophe.generate_clips(scope="ALL")
    assert not ticked.busy()
    assert {s.state for s in planned.strophe.shots} == {"MADE"}
