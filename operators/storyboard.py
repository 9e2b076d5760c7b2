"""The storyboard: the ordered shots of the song, planned from its sections and bars."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import pairwise

import bpy

from ..core.errors import SpecError
from . import curves, names, recipes
from .blend import markers, strips, timeline
from .jobs import Body, JobOperator, SceneRef
from .song import follow

FIRST_PROMPTS = (
    "a big yellow star in the night sky over dark hills",
    "a smiling moon above a sleeping house",
    "a bright sun over a green meadow with flowers",
    "a little boat on the blue sea",
)
"""Given to the shots when the editor has written no prompts yet: something to start rewriting."""


def plan(scene: bpy.types.Scene) -> None:
    """Lay out shots anew over the visible song; locked shots stay as they are."""
    place = strips.song_place(scene)
    kept = [_as_dict(shot) for shot in scene.strophe.shots if shot.locked]
    spans = _free_spans(_cuts(scene, place), place.end, kept)
    texts = _prompts(scene)
    fresh = [
        _fresh(scene, first, end, texts[k % len(texts)], k) for k, (first, end) in enumerate(spans)
    ]
    _forget(scene, {shot["uid"] for shot in kept})
    scene.strophe.shots.clear()
    for values in sorted([*kept, *fresh], key=lambda v: v["frame_start"]):
        shot = scene.strophe.shots.add()
        for name, value in values.items():
            setattr(shot, name, value)
    curves.hold_boundaries(scene)


def replan(ref: SceneRef) -> Iterator[None]:
    """Follow the song, then plan."""
    yield from follow(ref)
    plan(ref())


def in_scope(scene: bpy.types.Scene, scope: str) -> list[str]:
    """Return the uids of the unlocked shots that an operator's scope names, in order."""
    shots = [shot for shot in scene.strophe.shots if not shot.locked]
    if scope == "SELECTED":
        chosen = {s.strophe.shot_uid for s in scene.sequence_editor.strips_all if s.select}
        if not any(shot.uid in chosen for shot in scene.strophe.shots) and scene.strophe.shots:
            active = min(scene.strophe.active_shot, len(scene.strophe.shots) - 1)
            chosen = {scene.strophe.shots[active].uid}
        shots = [shot for shot in shots if shot.uid in chosen]
    elif scope == "STALE":
        shots = [shot for shot in shots if shot.state != "MADE"]
    return [shot.uid for shot in shots]


def index_of(scene: bpy.types.Scene, uid: str) -> int | None:
    """Return a shot's place in the storyboard, or None once the editor removed it."""
    return next((i for i, shot in enumerate(scene.strophe.shots) if shot.uid == uid), None)


def require_shots(scene: bpy.types.Scene) -> None:
    """Raise `SpecError` where there is nothing to make pictures for."""
    if not scene.strophe.shots:
        raise SpecError("There are no shots yet. Press Plan Shots first.")


def refresh(ref: SceneRef) -> Iterator[None]:
    """Read the timeline again: follow the song, then set every shot's state."""
    yield from follow(ref)
    strips.take_along(ref())
    curves.hold_boundaries(ref())
    yield
    yield from recipes.refresh(ref, ref.results)


def _cuts(scene: bpy.types.Scene, place: timeline.SongPlace) -> list[int]:
    """Cut where sections begin, and inside a section at the bars nearest to the wished length."""
    bars = [frame for frame, downbeat in markers.beats(scene) if downbeat]
    starts = sorted({place.first} | {first for _, first, _ in strips.sections(scene)})
    wished = scene.strophe.shot_length * float(place.fps)
    cuts: list[int] = []
    for first, end in zip(starts, [*starts[1:], place.end], strict=True):
        parts = max(1, round((end - first) / wished))
        cuts.append(first)
        for part in range(1, parts):
            cuts.append(_nearest_bar(bars, first + (end - first) * part / parts, wished))
    least = max(2.0, wished / 4)
    kept: list[int] = []
    for cut in sorted(set(cuts)):
        if (not kept or cut - kept[-1] >= least) and (
            cut == place.first or place.end - cut >= least
        ):
            kept.append(cut)
    return kept


def _nearest_bar(bars: list[int], wished_at: float, wished: float) -> int:
    bar = min(bars, key=lambda frame: abs(frame - wished_at), default=round(wished_at))
    return bar if abs(bar - wished_at) < wished / 2 else round(wished_at)


def _free_spans(cuts: list[int], end: int, kept: list[dict[str, object]]) -> list[tuple[int, int]]:
    """Pair cuts into spans and take out what locked shots hold."""
    locked = [(int(s["frame_start"]), int(s["frame_end"])) for s in kept]
    edges = sorted({*cuts, end, *(f for span in locked for f in span)})
    spans = pairwise(edges)
    return [(a, b) for a, b in spans if b <= end and not any(x <= a and b <= y for x, y in locked)]


def _prompts(scene: bpy.types.Scene) -> tuple[str, ...]:
    text = scene.strophe.prompts
    lines = [line.body.strip() for line in text.lines] if text else []
    return tuple(line for line in lines if line) or FIRST_PROMPTS


def _fresh(scene: bpy.types.Scene, first: int, end: int, prompt: str, k: int) -> dict[str, object]:
    state = scene.strophe
    return {
        "uid": uuid.uuid4().hex,
        "frame_start": first,
        "frame_end": end,
        "prompt": prompt,
        "secondary_prompt": state.secondary_prompt,
        "negative_prompt": state.negative_prompt,
        "seed": (state.seed + 2 * k) % (2**31 - 2),  # the odd ones between are for end keyframes
        "join": "MORPH",
        "state": "PLANNED",
    }


def _as_dict(shot: bpy.types.PropertyGroup) -> dict[str, object]:
    return {
        p.identifier: getattr(shot, p.identifier)
        for p in shot.bl_rna.properties
        if p.identifier not in ("rna_type", "name")
    }


def _forget(scene: bpy.types.Scene, kept: set[object]) -> None:
    """Take the strips of shots that are no more off the timeline; their files stay in the cache."""
    for role in ("KEYFRAME", "CLIP"):
        for strip in list(strips.of_role(scene, role)):
            if strip.strophe.shot_uid not in kept:
                strips.collection(scene).remove(strip)


class STROPHE_OT_plan_shots(JobOperator):
    """Plan shots from the song's sections and bars, with your prompts in turn. Locked shots stay"""

    bl_idname = names.PLAN_SHOTS
    bl_label = "Plan Shots"

    def body(self, ref: SceneRef) -> Body[None]:
        return replan(ref)


class STROPHE_OT_refresh(JobOperator):
    """Read the timeline again: follow the song if it moved, and say which shots are stale and why"""

    bl_idname = names.REFRESH
    bl_label = "Refresh"

    def body(self, ref: SceneRef) -> Body[None]:
        return refresh(ref)


CLASSES = (STROPHE_OT_plan_shots, STROPHE_OT_refresh)
