"""Notices the editor's edits, so that nothing stale is ever shown as current. For the window only.

An edit starts a short countdown; when it ends and nothing else is going on, the
timeline is read again. Reading writes only what differs, so that it does not set itself off.
"""

from __future__ import annotations

import bpy

from . import jobs, properties, storyboard

PATIENCE_S = 0.5


def look() -> float | None:
    """Read the timeline again, unless Strophe or the playhead is running. A timer's function."""
    windows = bpy.context.window_manager.windows
    if jobs.busy() or any(window.screen.is_animation_playing for window in windows):
        return PATIENCE_S
    with bpy.context.temp_override(window=windows[0]):  # a timer has no window of its own
        ref = jobs.scene_ref(bpy.context)
    if ref().strophe.shots or ref().strophe.placed:
        jobs.start("Refresh", storyboard.refresh(ref), ref, quiet=True)
    return None


@bpy.app.handlers.persistent
def notice(*_: object) -> None:
    """Start the countdown."""
    if not bpy.app.timers.is_registered(look):
        bpy.app.timers.register(look, first_interval=PATIENCE_S)


def register() -> None:
    if not bpy.app.background:
        # An edit of a curve or a strip comes through the handler, one of a setting does not.
        bpy.app.handlers.depsgraph_update_post.append(notice)
        properties.listeners.append(notice)


def unregister() -> None:
    if not bpy.app.background:
        properties.listeners.remove(notice)
        bpy.app.handlers.depsgraph_update_post.remove(notice)
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)
