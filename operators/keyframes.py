"""Keyframes: a still at every shot's start, held on the timeline until a clip lies over it."""

from __future__ import annotations

import uuid
from pathlib import Path

from bpy.props import EnumProperty

from ..core.errors import CoreError
from ..core.specs import DescribeModel, Keyframe, ModelFacts, Painted
from . import names, preferences, recipes, storyboard
from .blend import strips
from .jobs import Body, JobOperator, SceneRef

SCOPES = [
    ("ALL", "All", "Every shot that is not locked"),
    ("SELECTED", "Selected", "Shots with a selected strip, else the active shot in the list"),
    ("STALE", "Stale", "Shots that are not made, or no longer current"),
]


def scope_property() -> EnumProperty:
    """The `scope` of an operator that makes pictures."""
    return EnumProperty(name="Scope", items=SCOPES, default="ALL")


def look_at_model(ref: SceneRef) -> Body[None]:
    """Ask the worker what the model is now; recipes name it by its bytes."""
    facts = yield DescribeModel(str(preferences.model_folder()))
    assert isinstance(facts, ModelFacts)
    state = ref().strophe
    state.model_folder = str(preferences.model_folder())
    state.model_sha256, state.device, state.dtype = facts.sha256, facts.device, facts.dtype


def generate(ref: SceneRef, scope: str, *, draft: bool = False) -> Body[None]:
    """Paint the keyframes of the shots in scope and show each as soon as it is there."""
    storyboard.require_shots(ref())
    yield from look_at_model(ref)
    yield from storyboard.refresh(ref)
    for uid in storyboard.in_scope(ref(), scope):
        index = storyboard.index_of(ref(), uid)
        if index is not None:
            yield from _keyframe_of(ref, index, uid, draft=draft)
    yield from storyboard.refresh(ref)


def _keyframe_of(ref: SceneRef, index: int, uid: str, *, draft: bool) -> Body[None]:
    scene = ref()
    shot = scene.strophe.shots[index]
    still = strips.of_shot(scene, "KEYFRAME", uid)
    try:
        if still is None or not recipes.is_editors_own(still):
            yield from _paint_and_place(ref, uid, recipes.keyframe(scene, shot, draft=draft))
    except CoreError as error:
        mark_failed(ref, uid, error)
        raise
    index = storyboard.index_of(ref(), uid)
    if index is not None and ref().strophe.shots[index].state == "FAILED":
        ref().strophe.shots[index].state = "PLANNED"  # it did not fail this time


def mark_failed(ref: SceneRef, uid: str, error: CoreError) -> None:
    index = storyboard.index_of(ref(), uid)
    if index is not None:
        shot = ref().strophe.shots[index]
        shot.state, shot.stale_reason = "FAILED", str(error)


def _paint_and_place(ref: SceneRef, uid: str, recipe: Keyframe) -> Body[None]:
    painted = yield recipe
    assert isinstance(painted, Painted)
    scene = ref()
    index = storyboard.index_of(scene, uid)
    if index is None:
        return  # the editor removed the shot meanwhile
    shot = scene.strophe.shots[index]
    shot.keyframe_uid = shot.keyframe_uid or uuid.uuid4().hex
    strip = strips.place_pictures(
        scene,
        "KEYFRAME",
        uid,
        shot.keyframe_uid,
        [Path(painted.picture.path)],
        (shot.frame_start, shot.frame_end),
        (recipe.width, recipe.height),
    )
    recipes.note(strip, recipe)
    yield


class STROPHE_OT_draft(JobOperator):
    """Make the whole timeline playable at once: a quick still for every shot, held"""

    bl_idname = names.DRAFT
    bl_label = "Draft"

    def body(self, ref: SceneRef) -> Body[None]:
        return generate(ref, "ALL", draft=True)


class STROPHE_OT_generate_keyframes(JobOperator):
    """Paint keyframes. A picture that you put in a keyframe's place yourself is left alone"""

    bl_idname = names.GENERATE_KEYFRAMES
    bl_label = "Generate Keyframes"

    scope: scope_property()

    def body(self, ref: SceneRef) -> Body[None]:
        return generate(ref, self.scope)


CLASSES = (STROPHE_OT_draft, STROPHE_OT_generate_keyframes)
