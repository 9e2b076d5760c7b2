"""How long Strophe holds Blender's main thread while a four-minute song's shots are made and placed.

`.venv/host/bin/python -m benchmarks.main_thread --runtime .venv/runtime/bin/python`

The window's driver is used as it is; this program stands in for Blender's event loop and calls the
tick. Pictures come from a tiny untrained model: what is measured is placing them, not painting them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import wave
from importlib import import_module
from pathlib import Path

import numpy as np

from demo import host


def main() -> None:
    """Print the time of registering, the ticks' percentiles and what the worst tick was doing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runtime", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ticks = _ticks(folder, args.runtime.absolute(), args.minutes)
    ms = np.array(ticks) * 1000
    print(f"ticks           {len(ms)}")
    for label, value in (
        ("median", np.median(ms)),
        ("p99", np.percentile(ms, 99)),
        ("worst", ms.max()),
    ):
        print(f"tick {label:<10} {value:8.2f} ms")


def _ticks(folder: Path, runtime: Path, minutes: float) -> list[float]:
    tiny = folder / "tiny"
    subprocess.run(
        [str(runtime), "-m", "tests.tiny_pipeline", str(tiny)],
        cwd=host.ROOT, check=True, capture_output=True,
    )  # fmt: skip
    host.start(folder / "blender", runtime)
    import bpy

    _time_registering(bpy)
    preferences = bpy.context.preferences.addons[host.MODULE].preferences
    preferences.runtime_python, preferences.model_folder = str(runtime), str(tiny)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "film.blend"))
    _song(folder / "song.wav", minutes * 60)
    bpy.app.timers.register = lambda *_args, **_kw: None
    bpy.app.timers.is_registered = lambda *_args: False
    state = bpy.context.scene.strophe
    state.width = state.height = 64
    state.steps = state.walk_steps = 1
    jobs = import_module(f"{host.MODULE}.operators.jobs")
    ref = jobs.scene_ref(bpy.context)
    song, storyboard, keyframes, clips = (
        import_module(f"{host.MODULE}.operators.{name}")
        for name in ("song", "storyboard", "keyframes", "clips")
    )
    # Without a window Blender calls no operator's `invoke`: this is what the buttons would queue.
    for body in (
        song.bring_in(ref, folder / "song.wav", 1, 1),
        storyboard.replan(ref),
        keyframes.generate(ref, "ALL"),
        clips.generate(ref, "ALL"),
    ):
        jobs.start("benchmark", body, ref)
    ticks = _until_idle(jobs)
    states = [shot.state for shot in bpy.context.scene.strophe.shots]
    print(f"shots           {len(states)}, made {states.count('MADE')}")
    error = bpy.context.window_manager.strophe_job.error
    if error or set(states) != {"MADE"}:
        sys.exit(f"the run did not come to its end: {error}")
    jobs.stop_worker()
    return ticks


def _time_registering(bpy) -> None:
    """The first time Python compiles the modules, as after an install; then it finds them compiled."""
    sys.dont_write_bytecode = False
    extension = sys.modules[host.MODULE]
    for when in ("once more", "compiled"):
        extension.unregister()
        for name in [n for n in sys.modules if n.startswith(f"{host.MODULE}.")]:
            del sys.modules[name]
        began = time.perf_counter()
        extension.register()
        took = (time.perf_counter() - began) * 1000
        print(f"registering     {took:8.2f} ms, {when}, its modules' import included")


def _until_idle(jobs) -> list[float]:
    ticks: list[float] = []
    again: float | None = 0.0
    while again is not None:
        began = time.perf_counter()
        again = jobs.tick()
        ticks.append(time.perf_counter() - began)
        time.sleep(again or 0)
    return ticks


def _song(path: Path, seconds: float) -> None:
    """Clicks at 120 bpm under a swelling tone."""
    rate = 22050
    t = np.arange(int(seconds * rate)) / rate
    sound = 0.2 * np.sin(2 * np.pi * 220 * t) * (0.5 + 0.5 * np.sin(2 * np.pi * t / 17))
    noise = np.random.default_rng(0).normal(0, 0.2, 400)
    for at in range(0, len(t) - 400, rate // 2):
        sound[at : at + 400] += noise
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
