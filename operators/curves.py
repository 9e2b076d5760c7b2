"""Heard curves, which rebaking replaces, and the drive curve, which belongs to the editor."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from ..core import cache, energy
from ..core.errors import SpecError
from ..core.specs import HEARD_CURVES, SongAnalysis
from .blend import fcurves, strips, timeline
from .jobs import SceneRef

DRIVE = "strophe.curves.drive"
TOLERANCE = 0.02


def analysis(ref: SceneRef) -> SongAnalysis:
    """Read what was heard. Raises `SpecError` where the song was not listened to yet."""
    folder = ref().strophe.analysis
    if not folder:
        raise SpecError("The song has not been heard yet. Press Listen first.")
    try:
        return cache.load_analysis(ref.results / folder)
    except (OSError, EOFError, ValueError) as error:
        raise SpecError("What was heard is no longer on disk. Press Listen again.") from error


def rebake(ref: SceneRef) -> Iterator[None]:
    """Write the heard curves anew from the cached analysis; the drive curve is not touched."""
    heard = analysis(ref)
    for name in HEARD_CURVES:
        scene = ref()
        place = strips.song_place(scene)
        values = _visible(scene, heard, name, place)
        frames = np.arange(place.first, place.end)
        fcurves.write(fcurves.ensure(scene, f"strophe.curves.{name}"), frames, values)
        yield


def reset_drive(ref: SceneRef) -> Iterator[None]:
    """Derive the drive curve from the heard ones, with few keys and one at every shot's boundary."""
    analysis(ref)  # a drive of zeros, from curves that nobody has heard yet, helps no one
    scene = ref()
    place = strips.song_place(scene)
    heard = {
        name: fcurves.sample(
            fcurves.find(scene, f"strophe.curves.{name}"), place.first, place.end - place.first
        )
        for name in ("harmonic", "percussive")
    }
    yield
    scene = ref()
    state = scene.strophe
    e = energy.drive_energy(
        heard["harmonic"], heard["percussive"], state.weight_harmonic, state.weight_percussive
    )
    held = sorted(
        {f - place.first for s in scene.strophe.shots for f in (s.frame_start, s.frame_end)}
    )
    keys = energy.fewest_keys(e, TOLERANCE, [k for k in held if 0 <= k < len(e)])
    yield
    fcurves.write(fcurves.ensure(ref(), DRIVE), keys + place.first, e[keys])


def hold_boundaries(scene: bpy.types.Scene) -> None:
    """Set a key at every shot's boundary, so that an edit inside a shot stays inside it."""
    drive = fcurves.find(scene, DRIVE)
    if drive is not None:
        shots = scene.strophe.shots
        fcurves.hold_keys(drive, (f for s in shots for f in (s.frame_start, s.frame_end)))


def _visible(
    scene: bpy.types.Scene, heard: SongAnalysis, name: str, place: timeline.SongPlace
) -> np.ndarray:
    state = scene.strophe
    curve = energy.at_frames(
        heard.curves[name],
        heard.curve_rate_hz,
        place.seconds(place.first),
        place.end - place.first,
        place.fps,
    )
    return energy.shape(curve, energy.Shaping(state.attack, state.release, state.gain), place.fps)
