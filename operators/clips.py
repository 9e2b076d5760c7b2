"""Clips: the frames of a shot, walked at the pace of the drive curve as the editor has edited it."""

from __future__ import annotations

import uuid
from pathlib import Path

from ..core import cache
from ..core.errors import CoreError, SpecError
from ..core.specs import Clip, Walked
from . import keyframes, names, recipes, storyboard
from .blend import strips
from .jobs import Body, JobOperator, SceneRef


def generate(ref: SceneRef, scope: str) -> Body[None]:
    """Make the clips of the shots in scope and lay each on the timeline as soon as it is whole."""
    storyboard.require_shots(ref())
    yield from keyframes.look_at_model(ref)
    yield from storyboard.refresh(ref)
    _forget_counts(ref)
    for uid in storyboard.in_scope(ref(), scope):
        yield from _clip_of(ref, uid)
    yield from storyboard.refresh(ref)


def _clip_of(ref: SceneRef, uid: str) -> Body[None]:
    scene = ref()
    index = storyboard.index_of(scene, uid)
    if index is None:
        return  # the editor removed the shot meanwhile
    walk = strips.of_shot(scene, "CLIP", uid)
    if walk is not None and recipes.is_editors_footage(walk):
        return
    try:
        if recipes.next_shot(scene, index) is None:
            yield recipes.end_keyframe(scene, scene.strophe.shots[index])
        scene, index = ref(), storyboard.index_of(ref(), uid)
        if index is None:
            return
        recipe = recipes.clip(scene, index, ref.results)
        if recipe is None:
            raise SpecError(
                f"The shot at frame {scene.strophe.shots[index].frame_start} has no keyframe to walk "
                "from or to. Press Generate Keyframes first."
            )
        walked = yield recipe
    except CoreError as error:
        keyframes.mark_failed(ref, uid, error)
        raise
    assert isinstance(walked, Walked)
    _place(ref, uid, recipe, walked)
    yield


def _place(ref: SceneRef, uid: str, recipe: Clip, walked: Walked) -> None:
    scene = ref()
    index = storyboard.index_of(scene, uid)
    if index is None:
        return
    shot = scene.strophe.shots[index]
    shot.clip_uid = shot.clip_uid or uuid.uuid4().hex
    shot.frames_computed, shot.frames_cached = walked.frames_computed, walked.frames_cached
    shot.denoiser_evaluations = walked.denoiser_evaluations
    folder = Path(walked.folder)
    files = [folder / cache.frame_name(k) for k in range(walked.frame_count)]
    span = (shot.frame_start, shot.frame_end)
    size = recipe.width, recipe.height
    strip = strips.place_pictures(scene, "CLIP", uid, shot.clip_uid, files, span, size)
    recipes.note(strip, recipe)
    shot.state, shot.stale_reason = "MADE", ""


def _forget_counts(ref: SceneRef) -> None:
    """Counts are those of the last run: a shot it does not touch has made nothing."""
    for shot in ref().strophe.shots:
        made = shot.frame_end - shot.frame_start if shot.state == "MADE" else 0
        shot.frames_computed, shot.frames_cached, shot.denoiser_evaluations = 0, made, 0


class STROPHE_OT_generate_clips(JobOperator):
    """Walk from keyframe to keyframe at the pace of the drive curve"""

    bl_idname = names.GENERATE_CLIPS
    bl_label = "Generate Clips"

    scope: keyframes.scope_property()

    def body(self, ref: SceneRef) -> Body[None]:
        return generate(ref, self.scope)


CLASSES = (STROPHE_OT_generate_clips,)
