"""The Strophe tab in the sequencer's sidebar."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy

from ..operators import names

_ICONS = {
    "PLANNED": "RADIOBUT_OFF",
    "KEYED": "KEYFRAME",
    "MADE": "CHECKMARK",
    "STALE": "FILE_REFRESH",
    "FAILED": "ERROR",
}

_MEASURES = {
    "avs_published": "AVS as published",
    "avs_scaled": "AVS, frame size",
    "beat_alignment_music_to_video": "Beats met",
    "beat_alignment_video_to_music": "Picture on beats",
    "beat_f_measure": "Beats, F-measure",
    "av_align": "AV-Align",
    "novelty_onset_correlation": "Change and onset",
    "novelty_lag_s": "Picture late, s",
    "flicker_vbench": "Flicker (VBench)",
    "motion": "Motion, heights/s",
    "warp_error": "Warp error",
    "warp_error_whole": "Warp error, whole",
    "frame_consistency": "Consistency",
    "ghosting": "Ghosting",
    "still_share": "Still frames",
    "step_ratio": "Largest step",
    "flashes_per_s": "Flashes a second",
}


def _scene(context: bpy.types.Context) -> bpy.types.Scene:
    return getattr(context, "sequencer_scene", None) or context.scene


class STROPHE_UL_shots(bpy.types.UIList):
    """The storyboard."""

    def draw_item(
        self, context, layout, data, shot, icon, active_data, active_property, index
    ) -> None:
        row = layout.row(align=True)
        row.label(text=str(shot.frame_start), icon=_ICONS[shot.state])
        row.prop(shot, "prompt", text="", emboss=False)
        row.prop(shot, "join", text="", icon_only=True)
        locked = "LOCKED" if shot.locked else "UNLOCKED"
        row.prop(shot, "locked", text="", icon=locked, emboss=False)


class _Panel:
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Strophe"


class STROPHE_PT_song(_Panel, bpy.types.Panel):
    """The song and what is going on."""

    bl_label = "Song"

    def draw(self, context: bpy.types.Context) -> None:
        layout, state = self.layout, _scene(context).strophe
        job = context.window_manager.strophe_job
        if job.running:
            layout.progress(factor=job.share, text=f"{job.title}: {job.stage}")
            layout.operator(names.CANCEL, icon="CANCEL")
        elif job.error:
            for line in job.error.splitlines()[:6]:
                layout.label(text=line, icon="ERROR")
        column = layout.column(align=True)
        column.operator(names.IMPORT_SONG, icon="SOUND")
        column.operator(names.LISTEN, icon="PLAY_SOUND")
        if state.tempo_bpm:
            layout.label(text=f"{state.tempo_bpm:.0f} beats per minute")
        column = layout.column(align=True)
        column.operator(names.MAKE_VIDEO, icon="RENDER_ANIMATION")


class STROPHE_PT_curves(_Panel, bpy.types.Panel):
    """How the song becomes curves."""

    bl_label = "Curves"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, state = self.layout, _scene(context).strophe
        layout.use_property_split = True
        column = layout.column(align=True)
        for name in ("attack", "release", "gain", "normalise"):
            column.prop(state, name)
        layout.operator(names.REBAKE, icon="FCURVE")
        column = layout.column(align=True)
        column.prop(state, "weight_harmonic")
        column.prop(state, "weight_percussive")
        layout.operator(names.RESET_DRIVE, icon="LOOP_BACK")


class STROPHE_PT_shots(_Panel, bpy.types.Panel):
    """The storyboard and what makes its pictures."""

    bl_label = "Shots"

    def draw(self, context: bpy.types.Context) -> None:
        layout, state = self.layout, _scene(context).strophe
        layout.template_list("STROPHE_UL_shots", "", state, "shots", state, "active_shot", rows=6)
        if state.active_shot < len(state.shots):
            self._draw_shot(layout, state.shots[state.active_shot])
        layout.prop(state, "prompts")
        layout.prop(state, "shot_length")
        column = layout.column(align=True)
        column.operator(names.PLAN_SHOTS, icon="SEQUENCE")
        column.operator(names.DRAFT, icon="IMAGE_DATA")
        column.operator(names.GENERATE_KEYFRAMES, icon="KEYFRAME").scope = "STALE"
        column.operator(names.GENERATE_CLIPS, icon="FILE_MOVIE").scope = "STALE"
        row = layout.row(align=True)
        row.operator(names.GENERATE_CLIPS, text="Selected Clips").scope = "SELECTED"
        row.operator(names.REFRESH, icon="FILE_REFRESH")

    def _draw_shot(self, layout: bpy.types.UILayout, shot: bpy.types.PropertyGroup) -> None:
        column = layout.column(align=True)
        for name in ("prompt", "secondary_prompt", "negative_prompt", "seed", "join"):
            column.prop(shot, name)
        row = column.row(align=True)
        row.prop(shot, "frame_start")
        row.prop(shot, "frame_end")
        if shot.stale_reason:
            layout.label(text=shot.stale_reason, icon="INFO")


class STROPHE_PT_pictures(_Panel, bpy.types.Panel):
    """How pictures are painted, and the film."""

    bl_label = "Pictures and Film"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, state = self.layout, _scene(context).strophe
        layout.use_property_split = True
        for group in (
            ("secondary_prompt", "negative_prompt", "seed"),
            ("width", "height"),
            ("steps", "guidance"),
            ("walk_steps", "walk_strength"),
        ):
            column = layout.column(align=True)
            for name in group:
                column.prop(state, name)
        column = layout.column(align=True)
        column.operator(names.SET_UP_OUTPUT, icon="OUTPUT")
        column.operator(names.RENDER, icon="RENDER_ANIMATION")


class STROPHE_PT_measures(_Panel, bpy.types.Panel):
    """What was measured of the film."""

    bl_label = "Measures"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, state = self.layout, _scene(context).strophe
        layout.operator(names.MEASURE_FILM, icon="VIEWZOOM")
        if not state.measures:
            return
        layout.label(text=bpy.path.basename(state.measured_film), icon="FILE_MOVIE")
        column = layout.column(align=True)
        self._draw_row(column, "", ("film", "linear", "chance", "z", "p"))
        for measure in state.measures:
            figures = (measure.value, measure.linear, measure.null_mean, measure.z, measure.p)
            words = _MEASURES.get(measure.name, measure.name)
            self._draw_row(column, words, [_figure(figure) for figure in figures])

    def _draw_row(self, layout: bpy.types.UILayout, name: str, cells: Sequence[str]) -> None:
        row = layout.split(factor=0.36, align=True)
        row.label(text=name)
        row = row.row(align=True)
        for cell in cells:
            row.label(text=cell)


def _figure(figure: float) -> str:
    if math.isnan(figure):
        return "–"
    return f"{figure:.0e}" if 0 < abs(figure) < 1e-3 else f"{figure:.3g}"


CLASSES = (
    STROPHE_UL_shots,
    STROPHE_PT_song,
    STROPHE_PT_curves,
    STROPHE_PT_shots,
    STROPHE_PT_pictures,
    STROPHE_PT_measures,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
