"""`make demo`: a song in, a film, its .blend, a contact sheet and a report out."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from importlib import import_module
from pathlib import Path

from . import host

_SONGS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a")


def main() -> int:
    """Run the whole main job; returns 0 if the film is there."""
    args = _arguments()
    began = time.monotonic()
    print("Starting Blender …", flush=True)
    host.start(args.out / "blender", args.runtime)
    seconds = {"setup": time.monotonic() - began}
    try:
        _make(args, seconds)
    except RuntimeError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    for name in ("film.mp4", "film.blend", "contact.png", "report.json"):
        print(f"  {args.out / name}")
    return 0


def _make(args: argparse.Namespace, seconds: dict[str, float]) -> None:
    import bpy

    from . import report

    scene = _new_scene(args)
    with _timed("listen", seconds):
        bpy.ops.strophe.import_song(filepath=str(args.song), frame_start=1)
    with _timed("plan", seconds):
        bpy.ops.strophe.plan_shots()
    with _timed("keyframes", seconds):
        bpy.ops.strophe.generate_keyframes(scope="ALL")
    with _timed("clips", seconds):
        bpy.ops.strophe.generate_clips(scope="ALL")
    bpy.ops.strophe.set_up_output(filepath=str(args.out / "film.mp4"))
    bpy.ops.wm.save_mainfile()
    with _timed("render", seconds), _output_to(args.out / "render.log"):
        bpy.ops.strophe.render()
    with _timed("measure", seconds):
        bpy.ops.strophe.measure_film()
    bpy.ops.wm.save_mainfile()
    jobs = import_module(f"{host.MODULE}.operators.jobs")
    rss = {"host": _peak_mb(), "worker": _peak_mb_of(jobs.worker().pid)}
    facts = report.collect(scene, args.out, seconds, rss)
    (args.out / "report.json").write_text(json.dumps(facts, indent=1))
    _contact_sheet(args, report.curves(scene))


def _new_scene(args: argparse.Namespace):
    import bpy

    scene = bpy.context.scene
    bpy.ops.wm.save_as_mainfile(filepath=str(args.out / "film.blend"))
    timeline = import_module(f"{host.MODULE}.operators.blend.timeline")
    timeline.set_fps(scene, args.fps)
    scene.render.resolution_x, scene.render.resolution_y = args.size
    state = scene.strophe
    state.width, state.height = args.size
    state.seed = args.seed
    if args.prompts:
        state.prompts = bpy.data.texts.new("Prompts")
        state.prompts.from_string(args.prompts.read_text("utf-8"))
    return scene


@contextmanager
def _timed(name: str, seconds: dict[str, float]) -> Iterator[None]:
    print(f"{name.title()}", flush=True)
    began = time.monotonic()
    yield
    seconds[name] = time.monotonic() - began
    print(f"  {seconds[name]:.1f} s", flush=True)


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send what Blender prints, a line for every frame, to a file."""
    sys.stdout.flush()
    terminal = os.dup(1)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(terminal, 1)
        os.close(terminal)


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _peak_mb_of(pid: int) -> float | None:
    """Peak memory of another process; Linux alone tells it without help."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def _contact_sheet(args: argparse.Namespace, curves: dict[str, list[float]]) -> None:
    """The runtime draws it: Blender's Python has no picture library."""
    command = [str(args.runtime), "-m", "demo.contact", str(args.out)]
    subprocess.run(
        command, cwd=host.ROOT, input=json.dumps(curves), text=True, check=True, timeout=120
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--song", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fps", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--size", required=True)
    parser.add_argument("--prompts", default="")
    parser.add_argument("--runtime", type=Path, required=True)
    args = parser.parse_args()
    args.song, args.out = args.song.resolve(), args.out.resolve()
    if args.song.suffix.lower() not in _SONGS or not args.song.is_file():
        parser.error(f"SONG={args.song}: not an audio file ({', '.join(_SONGS)})")
    args.prompts = Path(args.prompts).resolve() if args.prompts else None
    if args.prompts and not args.prompts.is_file():
        parser.error(f"PROMPTS={args.prompts}: no such file")
    args.fps = _fps(parser, args.fps)
    if not 0 <= args.seed < 2**31 - 2:
        parser.error(f"SEED={args.seed}: 0 to {2**31 - 3} is possible")
    args.size = _size(parser, args.size)
    args.out.mkdir(parents=True, exist_ok=True)
    return args


def _fps(parser: argparse.ArgumentParser, text: str) -> Fraction:
    from core.units import parse_fps

    try:
        rate = parse_fps(text)
    except (ValueError, ZeroDivisionError):
        parser.error(f"FPS={text}: write 24 or 30000/1001")
    if not 1 <= rate <= 240:
        parser.error(f"FPS={text}: 1 to 240 is possible")
    return rate


def _size(parser: argparse.ArgumentParser, text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.split("x"))
    except ValueError:
        parser.error(f"SIZE={text}: write 256x256")
    if width % 64 or height % 64 or not (64 <= width <= 4096 and 64 <= height <= 4096):
        parser.error(f"SIZE={text}: multiples of 64 from 64 to 4096 are possible")
    return width, height


if __name__ == "__main__":
    sys.exit(main())
