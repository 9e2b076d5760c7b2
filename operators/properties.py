"""Strophe's state: one group on the scene (`scene.strophe`), one on each strip, a mark on markers."""

from __future__ import annotations

from collections.abc import Callable

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

JOINS = [
    ("MORPH", "Morph", "Walk into the next shot's keyframe, shown once as its first frame"),
    ("CUT", "Cut", "Walk to an end keyframe of the shot's own, then cut"),
]
STATES = [
    ("PLANNED", "Planned", "No keyframe yet"),
    ("KEYED", "Keyed", "The keyframe is there, the clip is not"),
    ("MADE", "Made", "The clip shows what the shot asks for"),
    ("STALE", "Stale", "The clip was made from something that has changed since"),
    ("FAILED", "Failed", "The last try ended in an error"),
]
ROLES = [(role, role.title(), "") for role in ("NONE", "SONG", "KEYFRAME", "CLIP", "SECTION")]
MARKS = [(mark, mark.title(), "") for mark in ("NONE", "BEAT", "DOWNBEAT")]


listeners: list[Callable[[], None]] = []
"""Called when the editor edits a setting that decides what a picture shows."""


def _edited(group: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    if getattr(group, "state", "") == "FAILED":
        group.state, group.stale_reason = "PLANNED", ""  # what was wrong may be mended now
    for listener in listeners:
        listener()


def _curve(description: str) -> FloatProperty:
    return FloatProperty(description=description, min=0.0, max=1.0, options={"ANIMATABLE"})


class StropheCurves(bpy.types.PropertyGroup):
    """Animated values: what was heard, and the editor's own drive curve."""

    percussive: _curve("Energy of drums and other attacks")
    harmonic: _curve("Energy of voices and held notes")
    onset: _curve("How strongly something begins")
    loudness: _curve("How loud it is")
    low: _curve("Bass")
    mid: _curve("Middle")
    high: _curve("Treble")
    drive: _curve("The pace of every walk. Yours to edit: rebaking never touches it")


class StropheShot(bpy.types.PropertyGroup):
    """One shot of the storyboard: whole frames [frame_start, frame_end)."""

    uid: StringProperty()
    frame_start: IntProperty(name="First", description="First frame", update=_edited)
    frame_end: IntProperty(name="End", description="Frame after the last one", update=_edited)
    prompt: StringProperty(name="Prompt", description="What the picture shows", update=_edited)
    secondary_prompt: StringProperty(
        name="Style", description="Put before the prompt", update=_edited
    )
    negative_prompt: StringProperty(
        name="Not", description="What the picture must not show", update=_edited
    )
    seed: IntProperty(name="Seed", min=0, max=2**31 - 2, update=_edited)
    join: EnumProperty(name="Join", items=JOINS, update=_edited)
    state: EnumProperty(name="State", items=STATES)
    stale_reason: StringProperty(description="What changed, or what went wrong")
    locked: BoolProperty(name="Locked", description="Planning and generating leave this shot alone")
    keyframe_uid: StringProperty()
    clip_uid: StringProperty()
    frames_computed: IntProperty(description="Frames that the last run had to make")
    frames_cached: IntProperty(description="Frames that the last run found finished")
    denoiser_evaluations: IntProperty(description="Denoiser evaluations of the last run")


class StropheStrip(bpy.types.PropertyGroup):
    """What Strophe knows of a strip."""

    uid: StringProperty()
    role: EnumProperty(items=ROLES)
    shot_uid: StringProperty()
    laid_at: IntProperty(description="The shot's first frame when this strip was laid")
    laid_width: IntProperty()
    laid_height: IntProperty()
    laid_end: IntProperty(description="Where this strip ended, untrimmed, when it was laid")
    recipe: StringProperty(description="The whole request that made this strip's pictures, as JSON")
    fingerprint: StringProperty(description="Address of the result in the cache")


def _figure(description: str) -> FloatProperty:
    return FloatProperty(description=description + ". Not a number where there is none")


class StropheMeasure(bpy.types.PropertyGroup):
    """One figure of a film, under its name."""

    value: _figure("What the film scores")
    linear: _figure("What the same shots would score if they did not hear the song")
    null_mean: _figure("What the film scores by chance, shifted against the song at random")
    z: _figure("How many standard deviations the film is above chance")
    p: _figure("Share of chance films that score as well")


class StropheScene(bpy.types.PropertyGroup):
    """Everything Strophe keeps with a scene."""

    curves: PointerProperty(type=StropheCurves)
    shots: CollectionProperty(type=StropheShot)
    active_shot: IntProperty()
    measures: CollectionProperty(type=StropheMeasure)
    measured_film: StringProperty(description="The film that was measured last")

    results: StringProperty(description="Results folder, relative to the .blend file")
    analysis: StringProperty(description="Folder of the song's analysis, below the results folder")
    tempo_bpm: FloatProperty(name="Tempo")
    model_folder: StringProperty(description="Where the model lay that was last looked at")
    model_sha256: StringProperty(description="The model as it was when it was last looked at")
    device: StringProperty(description="What runs the model")
    dtype: StringProperty()
    # Where the song lay, and at what rate, when shots and curves were last laid out.
    placed: BoolProperty()
    laid_out: BoolProperty(description="Beats, sections and heard curves stand where the song lies")
    placed_origin: FloatProperty()
    placed_first: IntProperty()
    placed_end: IntProperty()
    placed_fps_numerator: IntProperty()
    placed_fps_denominator: IntProperty()

    weight_harmonic: FloatProperty(
        name="Harmonic", description="Share of held sound in the drive", default=0.2, min=0, max=2
    )
    weight_percussive: FloatProperty(
        name="Percussive", description="Share of attacks in the drive", default=0.8, min=0, max=2
    )
    attack: FloatProperty(
        name="Attack", description="Seconds that heard curves take to rise", min=0, max=10
    )
    release: FloatProperty(
        name="Release",
        description="Seconds that heard curves take to fall",
        default=0.15,
        min=0,
        max=10,
    )
    gain: FloatProperty(
        name="Gain", description="Heard curves are multiplied by", default=1, min=0, max=10
    )
    normalise: EnumProperty(
        name="Normalise",
        items=[
            ("SONG", "Whole song", "Loud passages stay louder than quiet ones"),
            ("SEGMENT", "Each 10 s", "The published form: every 10 s segment fills the range"),
        ],
    )

    prompts: PointerProperty(
        name="Prompts",
        type=bpy.types.Text,
        description="One prompt a line, given to the shots in turn when shots are planned",
    )
    shot_length: FloatProperty(
        name="Shot Length",
        description="Wished length of a shot; cuts fall on the nearest bar",
        default=4.0,
        min=0.5,
        max=60,
        unit="TIME_ABSOLUTE",
    )
    secondary_prompt: StringProperty(name="Style", description="Given to every planned shot")
    negative_prompt: StringProperty(
        name="Not", description="Given to every planned shot", default="text, letters, words"
    )
    seed: IntProperty(name="Seed", default=1, min=0, max=2**31 - 2)
    width: IntProperty(
        name="Width", default=256, min=64, max=4096, step=16, subtype="PIXEL", update=_edited
    )
    height: IntProperty(
        name="Height", default=256, min=64, max=4096, step=16, subtype="PIXEL", update=_edited
    )
    steps: IntProperty(
        name="Steps",
        description="Denoising steps of a keyframe",
        default=16,
        min=1,
        max=200,
        update=_edited,
    )
    guidance: FloatProperty(
        name="Guidance",
        description="How closely a keyframe follows its words",
        default=3,
        min=1,
        max=30,
        update=_edited,
    )
    walk_steps: IntProperty(
        name="Walk Steps",
        description="Denoising steps of a frame of a clip",
        default=5,
        min=1,
        max=200,
        update=_edited,
    )
    walk_strength: FloatProperty(
        name="Reimagine",
        description="How far the middle of a walk is given back to noise and painted anew",
        default=0.55,
        min=0,
        max=1,
        subtype="FACTOR",
        update=_edited,
    )


class StropheJob(bpy.types.PropertyGroup):
    """What is going on, for the panel to show. Lives with the window manager, never in a file."""

    running: BoolProperty()
    title: StringProperty()
    stage: StringProperty()
    share: FloatProperty(min=0, max=1, subtype="FACTOR")
    error: StringProperty()


CLASSES = (StropheCurves, StropheShot, StropheStrip, StropheMeasure, StropheScene, StropheJob)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.strophe = PointerProperty(type=StropheScene)
    bpy.types.Strip.strophe = PointerProperty(type=StropheStrip)
    bpy.types.TimelineMarker.strophe_kind = EnumProperty(items=MARKS)
    bpy.types.WindowManager.strophe_job = PointerProperty(type=StropheJob)


def unregister() -> None:
    del bpy.types.WindowManager.strophe_job
    del bpy.types.TimelineMarker.strophe_kind
    del bpy.types.Strip.strophe
    del bpy.types.Scene.strophe
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
