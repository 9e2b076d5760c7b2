"""From a shot, as it stands on the timeline now, to the requests that would make its pictures.

What a strip shows is current when the recipe it was made from is the recipe that would be made now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import bpy

from ..core import cache, energy, specs
from ..core.errors import SpecError
from ..core.specs import Clip, Keyframe, Model, Picture
from . import preferences
from .blend import fcurves, strips, timeline
from .curves import DRIVE

DRAFT_STEPS = 6
_WORDS = {
    "positions": "the drive curve changed",
    "fps_numerator": "the frame rate changed",
    "fps_denominator": "the frame rate changed",
    "width": "the size changed",
    "height": "the size changed",
    "start": "its keyframe changed",
    "end": "the keyframe it walks to changed",
    "start_prompt": "its prompt changed",
    "end_prompt": "the prompt it walks to changed",
    "negative_prompt": "the negative prompt changed",
    "prompt": "its prompt changed",
    "secondary_prompt": "its style changed",
    "seed": "the seed changed",
    "steps": "the steps changed",
    "guidance": "the guidance changed",
    "strength": "the walk's strength changed",
    "walk": "the walk changed",
    "model": "the model changed",
}


def next_shot(scene: bpy.types.Scene, index: int) -> bpy.types.PropertyGroup | None:
    """Return the shot that a shot walks into, or None where it cuts."""
    shots = scene.strophe.shots
    if shots[index].join == "CUT" or index + 1 == len(shots):
        return None
    following = shots[index + 1]
    return following if following.frame_start == shots[index].frame_end else None


def model(scene: bpy.types.Scene) -> Model:
    """Return the model that paints, as it was when the worker last looked at it."""
    state = scene.strophe
    return Model(str(preferences.model_folder()), state.model_sha256, state.dtype or "float32")


def keyframe(
    scene: bpy.types.Scene, shot: bpy.types.PropertyGroup, *, draft: bool = False
) -> Keyframe:
    """Return the request that paints a shot's keyframe."""
    state = scene.strophe
    if not shot.prompt.strip():
        raise SpecError(
            f"The shot at frame {shot.frame_start} has no prompt. Type what it shows in the shot list."
        )
    return Keyframe(
        prompt=shot.prompt,
        secondary_prompt=shot.secondary_prompt,
        negative_prompt=shot.negative_prompt,
        seed=shot.seed,
        width=state.width,
        height=state.height,
        steps=min(state.steps, DRAFT_STEPS) if draft else state.steps,
        guidance=state.guidance,
        model=model(scene),
    )


def end_keyframe(scene: bpy.types.Scene, shot: bpy.types.PropertyGroup) -> Keyframe:
    """Return the request for the picture that a CUT shot walks to: its own words, the next seed."""
    recipe = keyframe(scene, shot)
    return replace(recipe, seed=recipe.seed + 1)


def is_editors_own(strip: bpy.types.ImageStrip) -> bool:
    """Whether the editor chose the picture that a keyframe strip shows."""
    return strips.shown_file(strip).stem != strip.strophe.fingerprint


def is_editors_footage(strip: bpy.types.ImageStrip) -> bool:
    """Whether the editor exchanged a clip's frames for others."""
    return strips.shown_file(strip).parent.name != strip.strophe.fingerprint


def clip(scene: bpy.types.Scene, index: int, results: Path) -> Clip | None:
    """Return the request that makes a shot's clip, or None while a keyframe it needs is missing."""
    state, shot = scene.strophe, scene.strophe.shots[index]
    rate, following = timeline.fps(scene), next_shot(scene, index)
    start = _shown(scene, shot)
    end = _shown(scene, following) if following else _end_picture(scene, shot, results)
    if start is None or end is None:
        return None
    frames = shot.frame_end - shot.frame_start
    drive = fcurves.sample(fcurves.find(scene, DRIVE), shot.frame_start, frames + 1)
    walk = energy.positions(drive, frames, arrives=following is None)
    return Clip(
        positions=tuple(walk.tolist()),
        fps_numerator=rate.numerator,
        fps_denominator=rate.denominator,
        width=state.width,
        height=state.height,
        start=start,
        end=end,
        start_prompt=_words(shot),
        end_prompt=_words(following or shot),
        negative_prompt=shot.negative_prompt,
        seed=shot.seed,
        steps=state.walk_steps,
        guidance=1.0,
        strength=state.walk_strength,
        model=model(scene),
    )


def note(strip: bpy.types.Strip, recipe: Keyframe | Clip) -> None:
    """Write on a strip what made it, with paths relative to the .blend file."""
    strip.strophe.recipe = json.dumps(_relative(asdict(recipe)), separators=(",", ":"))
    strip.strophe.fingerprint = specs.fingerprint(recipe)


def refresh(scene: Callable[[], bpy.types.Scene], results: Path) -> Iterator[None]:
    """Set every shot's state from the timeline as it is, a shot at a time."""
    index = 0
    while index < len(scene().strophe.shots):
        shot = scene().strophe.shots[index]
        if shot.state != "FAILED":
            state = _state_or_refusal(scene(), index, results)
            if state != (shot.state, shot.stale_reason):
                shot.state, shot.stale_reason = state
        index += 1
        yield


def _state_or_refusal(scene: bpy.types.Scene, index: int, results: Path) -> tuple[str, str]:
    try:
        return _state(scene, index, results)
    except SpecError as error:
        return "STALE", str(error)


def _state(scene: bpy.types.Scene, index: int, results: Path) -> tuple[str, str]:
    shot = scene.strophe.shots[index]
    still = strips.of_shot(scene, "KEYFRAME", shot.uid)
    walk = strips.of_shot(scene, "CLIP", shot.uid)
    if not scene.strophe.model_sha256:
        return "PLANNED", ""
    reason = _keyframe_reason(scene, shot, still)
    if walk is None:
        return ("PLANNED", reason) if still is None or reason else ("KEYED", "")
    place = strips.song(scene)
    if place and shot.frame_end > timeline.end_frame(place) + 1:
        return "STALE", "the song no longer reaches this far"
    if place and shot.frame_end <= timeline.first_frame(place):
        return "STALE", "the song begins later now"
    if is_editors_footage(walk):
        return "MADE", ""
    if not strips.shown_file(walk).is_file():
        return "STALE", "its frames are no longer on disk"
    if scene.strophe.model_folder != str(preferences.model_folder()):
        return "STALE", "the model changed"
    wanted = clip(scene, index, results)
    if wanted is None:
        return "STALE", "its keyframe or the one it walks to is missing"
    reason = reason or _clip_reason(walk, wanted)
    return ("STALE", reason) if reason else ("MADE", "")


def _keyframe_reason(
    scene: bpy.types.Scene, shot: bpy.types.PropertyGroup, still: bpy.types.ImageStrip | None
) -> str:
    if still is None:
        return "its keyframe is missing"
    if is_editors_own(still):
        return ""
    if not shot.prompt.strip():
        return "it has no prompt"
    wanted = keyframe(scene, shot)
    if still.strophe.fingerprint == specs.fingerprint(wanted):
        return ""
    return _difference(still.strophe.recipe, wanted)


def _clip_reason(walk: bpy.types.ImageStrip, wanted: Clip) -> str:
    if walk.strophe.fingerprint == specs.fingerprint(wanted):
        return ""
    made = json.loads(walk.strophe.recipe)
    if (
        len(made["positions"]) != len(wanted.positions)
        and made["fps_numerator"] == wanted.fps_numerator
    ):
        return "its length changed"
    return _difference(walk.strophe.recipe, wanted)


def _difference(recipe: str, wanted: Keyframe | Clip) -> str:
    made, now = json.loads(recipe), asdict(wanted)
    # The rate and the pictures explain a change of positions or of words, not the other way round.
    order = ["fps_numerator", "fps_denominator", "start_prompt", "end_prompt", "start", "end", *now]
    for name in order:
        if name in now and _bytes_of(made.get(name)) != _bytes_of(now[name]):
            return _WORDS.get(name, f"{name} changed")
    return "it was made by another version of Strophe"


def _bytes_of(value: object) -> object:
    if isinstance(value, dict):
        return value.get("sha256")
    return list(value) if isinstance(value, tuple) else value


def _words(shot: bpy.types.PropertyGroup) -> str:
    return specs.styled(shot.secondary_prompt, shot.prompt)


def _shown(scene: bpy.types.Scene, shot: bpy.types.PropertyGroup) -> Picture | None:
    still = strips.of_shot(scene, "KEYFRAME", shot.uid)
    if still is None:
        return None
    path = strips.shown_file(still)
    return _picture(path) if path.is_file() else None


def _end_picture(
    scene: bpy.types.Scene, shot: bpy.types.PropertyGroup, results: Path
) -> Picture | None:
    if not shot.prompt.strip():
        return None
    path = cache.keyframe_path(results, end_keyframe(scene, shot))
    return _picture(path) if path.is_file() else None


def _picture(path: Path) -> Picture:
    stat = path.stat()
    return _hashed(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hashed(path: Path, size: int, mtime_ns: int) -> Picture:
    return cache.picture_of(path)


def _relative(value: object) -> object:
    """Write paths below the .blend file's folder relative to it; others stay as they are."""
    if isinstance(value, dict):
        return {
            k: _relative_path(v) if k in ("path", "folder") else _relative(v)
            for k, v in value.items()
        }
    return value


def _relative_path(path: str) -> str:
    beside = Path(path).is_relative_to(Path(bpy.data.filepath).parent)
    return bpy.path.relpath(path) if beside else path
