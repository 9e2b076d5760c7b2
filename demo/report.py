"""What a run made, read off the timeline."""

from __future__ import annotations

import json
import math
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import host


def collect(
    scene: bpy.types.Scene, out: Path, seconds: dict[str, float], rss: dict[str, float | None]
) -> dict[str, Any]:
    """Return the report; positions go beside it as one .npy a shot."""
    strips = import_module(f"{host.MODULE}.operators.blend.strips")
    timeline = import_module(f"{host.MODULE}.operators.blend.timeline")
    cache = import_module(f"{host.MODULE}.core.cache")
    state = scene.strophe
    song = Path(bpy.path.abspath(strips.song_strip(scene).sound.filepath))
    rate = timeline.fps(scene)
    heard = cache.load_analysis(Path(bpy.path.abspath(state.results)) / state.analysis)
    model = import_module(f"{host.MODULE}.operators.preferences").model_folder()
    return {
        "version": tomllib.loads((host.ROOT / "blender_manifest.toml").read_text())["version"],
        "song": {"path": str(song), "sha256": heard.song_sha256, "duration_s": heard.duration_s},
        "fps": [rate.numerator, rate.denominator],
        "size": [state.width, state.height],
        "frame_start": scene.frame_start,
        "frame_count": scene.frame_end - scene.frame_start + 1,
        "shots": [_shot(scene, shot, out) for shot in state.shots],
        "seconds": seconds,
        "peak_rss_mb": rss,
        "measures": {measure.name: _figures(measure) for measure in state.measures},
        "model": {"path": str(model.resolve()), "sha256": state.model_sha256},
        "device": state.device,
        "dtype": state.dtype,
    }


def curves(scene: bpy.types.Scene) -> dict[str, list[float]]:
    """Return the curves over the film's frames."""
    fcurves = import_module(f"{host.MODULE}.operators.blend.fcurves")
    first, count = scene.frame_start, scene.frame_end - scene.frame_start + 1
    return {
        name: fcurves.sample(fcurves.find(scene, f"strophe.curves.{name}"), first, count).tolist()
        for name in ("drive", "percussive", "harmonic")
    }


def _figures(measure: bpy.types.PropertyGroup) -> dict[str, float | None]:
    figures = {name: getattr(measure, name) for name in ("value", "linear", "null_mean", "z", "p")}
    # Blender keeps single precision: more digits than it has would be made up.
    return {n: None if math.isnan(figure) else float(f"{figure:.6g}") for n, figure in figures.items()}


def _shot(scene: bpy.types.Scene, shot: bpy.types.PropertyGroup, out: Path) -> dict[str, Any]:
    strips = import_module(f"{host.MODULE}.operators.blend.strips")
    specs = import_module(f"{host.MODULE}.core.specs")
    clip = strips.of_shot(scene, "CLIP", shot.uid)
    positions = out / "positions" / f"{shot.frame_start:06d}.npy"
    positions.parent.mkdir(exist_ok=True)
    walk = json.loads(clip.strophe.recipe)["positions"]
    np.save(positions, np.array(walk, dtype=np.float64) / specs.POSITION_STEPS)
    return {
        "uid": shot.uid,
        "frame_start": shot.frame_start,
        "frame_end": shot.frame_end,
        "prompt": shot.prompt,
        "seed": shot.seed,
        "fingerprint": clip.strophe.fingerprint,
        "frames_computed": shot.frames_computed,
        "frames_cached": shot.frames_cached,
        "denoiser_evaluations": shot.denoiser_evaluations,
        "positions": str(positions),
        "clip": bpy.path.abspath(clip.directory),
        "keyframe": str(strips.shown_file(strips.of_shot(scene, "KEYFRAME", shot.uid))),
    }
