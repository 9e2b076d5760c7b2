"""The film: Blender's own output, set up for it, and the whole way from song to film in one press."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from . import clips, keyframes, names, storyboard
from .blend import output, strips
from .jobs import Body, JobOperator, SceneRef
from .song import listen


def set_up(scene: bpy.types.Scene, path: str) -> None:
    """Set the scene's output to a film of the visible song."""
    place = strips.song_place(scene)
    output.set_film(scene, path, place.first, place.end)


def set_up_output(ref: SceneRef, path: str) -> Body[None]:
    """Have the output ready for a person to change before rendering."""
    set_up(ref(), path)
    yield


def render(ref: SceneRef) -> Body[None]:
    """Have Blender render; in the window it goes on by itself."""
    ref().strophe.measures.clear()  # they are the film's that is overwritten now
    output.render(ref(), blocking=bpy.app.background)
    yield


def make_video(ref: SceneRef, path: str) -> Body[None]:
    """Go the whole way from where the project stands now."""
    if not ref().strophe.analysis:
        yield from listen(ref)
    yield from storyboard.refresh(ref)
    if not ref().strophe.shots:
        storyboard.plan(ref())
        yield
    yield from keyframes.generate(ref, "STALE")
    yield from clips.generate(ref, "STALE")
    set_up(ref(), path)
    yield from render(ref)


class STROPHE_OT_set_up_output(JobOperator):
    """Set Blender's output to an MP4 of the song's length, with the pictures' own colours"""

    bl_idname = names.SET_UP_OUTPUT
    bl_label = "Set Up Output"

    filepath: StringProperty(subtype="FILE_PATH", default="//film.mp4")

    def body(self, ref: SceneRef) -> Body[None]:
        return set_up_output(ref, self.filepath)


class STROPHE_OT_render(JobOperator):
    """Render the film of the scene that the sequencer shows"""

    bl_idname = names.RENDER
    bl_label = "Render"

    def body(self, ref: SceneRef) -> Body[None]:
        return render(ref)


class STROPHE_OT_make_video(JobOperator):
    """The whole way: listen, plan shots if there are none, paint keyframes, make clips, render"""

    bl_idname = names.MAKE_VIDEO
    bl_label = "Make Video"

    filepath: StringProperty(subtype="FILE_PATH", default="//film.mp4")

    def body(self, ref: SceneRef) -> Body[None]:
        return make_video(ref, self.filepath)


CLASSES = (STROPHE_OT_set_up_output, STROPHE_OT_render, STROPHE_OT_make_video)
