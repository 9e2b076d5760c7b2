"""A rendered film's figures, kept with its scene."""

import math

import pytest

from .conftest import module, strips_of


@pytest.fixture
def rendered(bpy, made, tmp_path):
    made.render.resolution_x = made.render.resolution_y = 64
    bpy.ops.strophe.set_up_output(filepath=str(tmp_path / "film.mp4"))
    bpy.ops.strophe.render()
    return made


def filmed(scene) -> list[tuple[int, int]]:
    shots = module("operators.measuring").filmed_shots(scene)
    return [(shot.frame_start, shot.frame_end) for shot in shots]


def spans(scene) -> list[tuple[int, int]]:
    first = scene.frame_start
    return [(s.frame_start - first, s.frame_end - first) for s in scene.strophe.shots]


def test_the_rendered_film_is_measured_and_kept(bpy, rendered, tmp_path):
    bpy.ops.strophe.measure_film()
    state = rendered.strophe
    assert state.measured_film == str(tmp_path / "film.mp4")
    found = {m.name: m for m in state.measures}
    assert 0 <= found["avs_scaled"].value <= 1
    assert 0 < found["avs_scaled"].p <= 1
    for name in ("avs_published", "beat_alignment_music_to_video", "novelty_onset_correlation"):
        assert not math.isnan(found[name].linear), name
    assert math.isnan(found["still_share"].linear)
    assert not math.isnan(found["ghosting"].value)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
    kept = {m.name: m.value for m in bpy.context.scene.strophe.measures}
    assert kept == {name: m for name, m in kept.items() if not math.isnan(m)}
    assert len(kept) == len(found)


def test_a_film_that_is_not_there_is_named(bpy, made, tmp_path):
    bpy.ops.strophe.set_up_output(filepath=str(tmp_path / "later.mp4"))
    with pytest.raises(RuntimeError, match=r"no film at .*later\.mp4.*Render it first"):
        bpy.ops.strophe.measure_film()


def test_shots_lie_in_the_film_as_on_the_timeline(bpy, made):
    timeline = module("operators.blend.timeline")
    assert filmed(made) == spans(made)
    made.frame_start += 3  # the first shot is cut into
    assert filmed(made) == spans(made)[1:]
    made.frame_start -= 3
    clips = strips_of(made, "CLIP")
    clips[1].mute = True
    # The shot before walks into one that cannot be seen: where it arrives is not known.
    assert filmed(made) == [span for k, span in enumerate(spans(made)) if k not in (0, 1)]
    clips[1].mute = False
    timeline.set_end_frame(clips[-1], timeline.end_frame(clips[-1]) - 2)
    assert filmed(made) == spans(made)[:-1]


def test_what_covers_or_hides_a_shot_takes_it_out(bpy, made):
    strips = module("operators.blend.strips")
    second = spans(made)[1]
    cover = strips._new_effect(made, "Over", "COLOR", 8, second[0] + 3, 4)
    assert second not in filmed(made)
    assert spans(made)[3] in filmed(made)
    cover.mute = True
    assert filmed(made) == spans(made)
    clips = strips_of(made, "CLIP")
    clips[1].use_reverse_frames = True
    assert second not in filmed(made)
    clips[1].use_reverse_frames = False
    clips[1].blend_alpha = 0.5
    assert second not in filmed(made)
    clips[1].blend_alpha = 1.0
    strips._new_effect(made, "Title", "TEXT", 9, second[0], 10)
    assert filmed(made) == spans(made)
    made.sequence_editor.channels[clips[0].channel].mute = True
    assert filmed(made) == []


def test_a_film_of_another_timeline_is_refused(bpy, rendered):
    rendered.frame_end -= 5
    with pytest.raises(RuntimeError, match="Render the film again as the timeline is now"):
        bpy.ops.strophe.measure_film()
    rendered.frame_end += 5
    rendered.render.fps = 25
    with pytest.raises(RuntimeError, match="24 frames a second, the timeline 25"):
        bpy.ops.strophe.measure_film()
