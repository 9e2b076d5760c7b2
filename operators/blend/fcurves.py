"""F-curves of a scene, written and read as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

GROUP = "Strophe"


def find(scene: bpy.types.Scene, data_path: str) -> bpy.types.FCurve | None:
    """Return the scene's F-curve of a property, or None."""
    bag = _bag(scene)
    return bag.fcurves.find(data_path) if bag else None


def ensure(scene: bpy.types.Scene, data_path: str) -> bpy.types.FCurve:
    """Return the scene's F-curve of a property, made in the group "Strophe" if it is not there."""
    if curve := find(scene, data_path):
        return curve
    animation = scene.animation_data or scene.animation_data_create()
    if animation.action is None:
        animation.action = bpy.data.actions.new(f"{scene.name} Strophe")
    action = animation.action
    if bpy.app.version >= (5, 0, 0):
        return action.fcurve_ensure_for_datablock(scene, data_path, group_name=GROUP)
    curve = action.fcurve_ensure_for_datablock(scene, data_path)
    groups = _bag(scene).groups
    curve.group = groups.get(GROUP) or groups.new(GROUP)
    return curve


def write(curve: bpy.types.FCurve, frames: Sequence[float], values: NDArray[np.floating]) -> None:
    """Replace a curve's keys by straight lines through (frames, values)."""
    keys = curve.keyframe_points
    keys.clear()
    keys.add(len(frames))
    co = np.empty(2 * len(frames), dtype=np.float32)
    co[0::2], co[1::2] = frames, values
    keys.foreach_set("co", co)
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    keys.foreach_set("interpolation", np.full(len(frames), linear, dtype=np.int32))
    curve.update()


def sample(curve: bpy.types.FCurve | None, first: int, count: int) -> NDArray[np.float64]:
    """Read a curve at `count` whole frames from `first`; no curve reads as zero."""
    if curve is None:
        return np.zeros(count)
    return np.array([curve.evaluate(first + k) for k in range(count)])


def hold_keys(curve: bpy.types.FCurve, frames: Iterable[int]) -> None:
    """Make sure that keys stand at these frames, without changing what the curve reads there."""
    missing = sorted(set(frames) - set(key_frames(curve).tolist()))
    if not missing:
        return
    values = [curve.evaluate(frame) for frame in missing]
    for frame, value in zip(missing, values, strict=True):
        curve.keyframe_points.insert(frame, value, options={"FAST"}).interpolation = "LINEAR"
    curve.update()


def move_keys(curve: bpy.types.FCurve, frames: NDArray[np.floating]) -> None:
    """Put the curve's keys at other frames, values and handles' shapes kept."""
    keys = curve.keyframe_points
    for key, frame in zip(keys, frames, strict=True):
        key.co_ui.x = frame  # co_ui takes the handles along
    curve.update()


def key_frames(curve: bpy.types.FCurve) -> NDArray[np.float32]:
    """Return the frames of a curve's keys."""
    co = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
    curve.keyframe_points.foreach_get("co", co)
    return co[0::2]


def _bag(scene: bpy.types.Scene) -> bpy.types.ActionChannelbag | None:
    animation = scene.animation_data
    if animation is None or animation.action is None or animation.action_slot is None:
        return None
    for layer in animation.action.layers:
        for strip in layer.strips:
            if bag := strip.channelbag(animation.action_slot):
                return bag
    return None
