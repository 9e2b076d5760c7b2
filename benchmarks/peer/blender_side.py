"""What runs in Blender: Strophe's output through its operators, timed."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

from demo import host

from .serve import memory_mb, serve, timed

_SETTINGS = (
    "attack", "gain", "guidance", "negative_prompt", "release", "shot_length", "steps",
    "walk_steps", "walk_strength", "weight_harmonic", "weight_percussive",
)  # fmt: skip


def ready(resources: str, runtime: str) -> dict[str, Any]:
    """Start Blender with Strophe; say its version and what a new project is set to."""
    host.start(Path(resources), Path(runtime))
    import bpy

    state = bpy.context.scene.strophe
    return {
        "version": bpy.app.version_string,
        "settings": {name: getattr(state, name) for name in _SETTINGS},
    }


def mux(pictures: str, size: int, song: str, fps: int, film: str) -> dict[str, Any]:
    """Lay the PNGs of a folder and the song in a new project and render it, as an editor would."""
    import bpy

    host.new_project()
    before, _ = memory_mb()
    files = sorted(Path(pictures).glob("*.png"))
    seconds, _ = timed(lambda: _film(bpy.context.scene, files, size, Path(song), fps, film))
    _, peak = memory_mb()
    return {"seconds": seconds, "peak_mb": peak, "growth_mb": peak - before}


def _film(scene: Any, files: list[Path], size: int, song: Path, fps: int, film: str) -> None:
    import bpy

    strips, timeline = (
        import_module(f"{host.MODULE}.operators.blend.{name}") for name in ("strips", "timeline")
    )
    timeline.set_fps(scene, Fraction(fps))
    scene.render.resolution_x = scene.render.resolution_y = size
    strips.add_song(scene, song, 1, strips.CHANNELS["SONG"], "song")
    strips.place_pictures(scene, "CLIP", "shot", "clip", files, (1, 1 + len(files)), (size, size))
    bpy.ops.strophe.set_up_output(filepath=film)
    bpy.ops.strophe.render()


if __name__ == "__main__":
    serve({"ready": ready, "mux": mux})
