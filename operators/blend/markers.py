"""Beats as timeline markers."""

from __future__ import annotations

from collections.abc import Iterable

import bpy


def clear_beats(scene: bpy.types.Scene) -> None:
    """Remove Strophe's markers; the editor's own stay."""
    for marker in [m for m in scene.timeline_markers if m.strophe_kind != "NONE"]:
        scene.timeline_markers.remove(marker)


def add_beats(scene: bpy.types.Scene, beats: Iterable[tuple[int, bool]]) -> None:
    """Place (frame, is downbeat) markers."""
    for frame, downbeat in beats:
        marker = scene.timeline_markers.new("Bar" if downbeat else "Beat", frame=frame)
        marker.strophe_kind = "DOWNBEAT" if downbeat else "BEAT"


def beats(scene: bpy.types.Scene) -> list[tuple[int, bool]]:
    """Read the beats from the timeline, where the editor may have moved them."""
    found = [
        (m.frame, m.strophe_kind == "DOWNBEAT")
        for m in scene.timeline_markers
        if m.strophe_kind != "NONE"
    ]
    return sorted(found)
