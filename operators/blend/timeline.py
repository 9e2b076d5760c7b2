"""Seconds and frames of a scene's timeline. The song strip's place and trim enter here, nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import bpy

from ...core import units

HAS_HANDLES = bpy.app.version >= (5, 1, 0)
"""5.1 renamed a strip's times; the old names warn and go in 6.0."""


def fps(scene: bpy.types.Scene) -> Fraction:
    """Return the scene's exact frames per second."""
    return units.fps_fraction(scene.render.fps, scene.render.fps_base)


def set_fps(scene: bpy.types.Scene, rate: Fraction) -> None:
    """Set the scene's frames per second; NTSC rates as Blender writes them, 30 / 1.001."""
    whole = round(rate)
    scene.render.fps = whole
    scene.render.fps_base = float(whole / rate)


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """Return the scene that the sequencer shows: from 5.0 on it need not be the window's."""
    return getattr(context, "sequencer_scene", None) or context.scene


def first_frame(strip: bpy.types.Strip) -> int:
    """First visible frame."""
    return strip.left_handle if HAS_HANDLES else strip.frame_final_start


def end_frame(strip: bpy.types.Strip) -> int:
    """Frame after the last visible one."""
    return strip.right_handle if HAS_HANDLES else strip.frame_final_end


def content_start(strip: bpy.types.Strip) -> float:
    """Frame of the content's own start, trimmed away or not."""
    return strip.content_start if HAS_HANDLES else strip.frame_start


def set_end_frame(strip: bpy.types.Strip, frame: int) -> None:
    """Move the right handle; a still is held for as long as that makes it."""
    if HAS_HANDLES:
        strip.right_handle = frame
    else:
        strip.frame_final_end = frame


def move_content(strip: bpy.types.Strip, frames: float) -> None:
    """Move a strip in time, its trims with it."""
    if HAS_HANDLES:
        strip.content_start += frames
    else:
        strip.frame_start += frames


@dataclass(frozen=True)
class SongPlace:
    """Where a song lies on the timeline."""

    origin: Fraction
    # frame of song time 0; a subframe where Blender keeps one
    first: int
    # first visible frame
    end: int
    # frame after the last visible one
    fps: Fraction

    def frame(self, seconds: float) -> int:
        """Return the whole frame nearest to a song time, rounded once from the song's own start."""
        return units.nearest(self.origin + Fraction(seconds) * self.fps)

    def seconds(self, frame: int) -> Fraction:
        """Return the song time at which a frame begins."""
        return (frame - self.origin) / self.fps


def song_place(strip: bpy.types.Strip, rate: Fraction) -> SongPlace:
    """Read where a song strip lies."""
    return SongPlace(Fraction(content_start(strip)), first_frame(strip), end_frame(strip), rate)
