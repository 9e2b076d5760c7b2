"""What runs in the peer's environment: the peer's own functions, timed."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_diffusion_videos.utils import get_timesteps_arr, make_video_pyav

from .serve import memory_mb, serve, timed

FPS = 30
"""The peer's default."""


def ready(folder: str, threads: int) -> dict[str, Any]:
    """Load the model and say what runs it."""
    import diffusers

    from . import adapter

    torch.set_num_threads(threads)
    _pipeline(folder)
    return {
        "threads": torch.get_num_threads(),
        "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__},
        "notes": adapter.NOTES,
    }


def paint(
    folder: str, prompt: str, negative: str, seed: int, steps: int, guidance: float, size: int,
    path: str,
) -> dict[str, Any]:  # fmt: skip
    """Paint one still, to be laid beside Strophe's."""
    pipe, side = _pipeline(folder), _side(folder, size)
    pipe(
        prompt,
        height=side,
        width=side,
        num_inference_steps=steps,
        guidance_scale=guidance,
        negative_prompt=negative,
        generator=torch.Generator("cpu").manual_seed(seed),
    ).images[0].save(path)
    return {}


def energy(song: str, duration_s: float, fps: int) -> dict[str, Any]:
    """From the song's file to a position for every frame."""
    seconds, positions = timed(lambda: get_timesteps_arr(song, 0, duration_s, fps))
    return {"seconds": seconds, "frames": len(positions)}


def frames(
    folder: str, prompts: list[str], seeds: list[int], positions: list[float], size: int,
    steps: int, guidance: float, batch: int, scratch: str,
) -> dict[str, Any]:  # fmt: skip
    """Walk between two prompts and write a PNG for every position."""
    shutil.rmtree(scratch, ignore_errors=True)
    side = _side(folder, size)
    seconds, _ = timed(
        lambda: _pipeline(folder).make_clip_frames(
            *prompts,
            *seeds,
            num_interpolation_steps=len(positions),
            save_path=scratch,
            num_inference_steps=steps,
            guidance_scale=guidance,
            height=side,
            width=side,
            batch_size=batch,
            T=np.array(positions),
        )
    )
    return {"seconds": seconds, "frames": len(list(Path(scratch).glob("*.png")))}


def defaults(
    folder: str, song: str, at_s: float, seconds: float, prompts: list[str], seeds: list[int],
    size: int, scratch: str,
) -> dict[str, Any]:  # fmt: skip
    """Walk a stretch of the song with everything that decides quality and speed left as it comes."""
    shutil.rmtree(scratch, ignore_errors=True)
    side = _side(folder, size)
    walk = get_timesteps_arr(song, at_s, seconds, FPS)
    took, _ = timed(
        lambda: _pipeline(folder).make_clip_frames(
            *prompts,
            *seeds,
            num_interpolation_steps=len(walk),
            save_path=scratch,
            height=side,
            width=side,
            T=walk,
        )
    )
    return {"seconds": took, "frames": len(walk), "film_s": len(walk) / FPS}


def mux(pictures: str, song: str, fps: int, film: str) -> dict[str, Any]:
    """Join the PNGs of a folder and the song, as `walk` does at its end."""
    before, _ = memory_mb()
    count = len(list(Path(pictures).glob("*.png")))
    seconds, _ = timed(
        lambda: make_video_pyav(
            pictures,
            audio_filepath=song,
            fps=fps,
            audio_offset=0,
            audio_duration=count / fps,
            sr=44100,
            output_filepath=film,
        )
    )
    _, peak = memory_mb()
    return {"seconds": seconds, "peak_mb": peak, "growth_mb": peak - before}


def film(
    folder: str, song: str, prompts: list[str], seeds: list[int], ends_s: list[float], size: int,
    steps: int, batch: int, out: str,
) -> dict[str, Any]:  # fmt: skip
    """Walk a film whose k-th clip ends at `ends_s[k]`, and note where every frame stood.

    Everything that is not named is the peer's default. Answers with the film's path, the frames of its
    clips, and the path of a JSON with the shots' frames, counted from 0, and positions.
    """
    spans = _spans(ends_s)
    side = _side(folder, size)
    shutil.rmtree(out, ignore_errors=True)
    seconds, path = timed(
        lambda: _pipeline(folder).walk(
            prompts=prompts,
            seeds=seeds,
            num_interpolation_steps=[end - first for first, end in spans],
            output_dir=out,
            name="film",
            num_inference_steps=steps,
            height=side,
            width=side,
            batch_size=batch,
            audio_filepath=song,
        )
    )
    return {
        "seconds": seconds,
        "film": path,
        "clips": [end - first for first, end in spans],
        "shots": str(_note_shots(song, spans, Path(out))),
    }


def _note_shots(song: str, spans: list[tuple[int, int]], out: Path) -> Path:
    shots = []
    for first, end in spans:
        positions = out / f"{first:06d}.npy"
        np.save(positions, get_timesteps_arr(song, first / FPS, (end - first) / FPS, FPS))
        shots.append({"frame_start": first, "frame_end": end, "positions": str(positions)})
    path = out / "shots.json"
    path.write_text(json.dumps({"frame_start": 0, "shots": shots}, indent=1))
    return path


def _spans(ends_s: list[float]) -> list[tuple[int, int]]:
    """Return frames [first, end) of the clips that end nearest to `ends_s` seconds."""
    spans, first = [], 0
    for end_s in ends_s:
        count = round(end_s * FPS) - first
        # The peer asks for int(count / fps · fps) positions, and breaks where rounding makes that less.
        while int(count / FPS * FPS) != count:
            count -= 1
        spans.append((first, first + count))
        first += count
    return spans


@cache
def _pipeline(folder: str) -> Any:
    from . import adapter  # what joins films alone should not wait for it, nor hold its memory

    return adapter.load(folder)


def _side(folder: str, size: int) -> int:
    from .adapter import asked

    return asked(_pipeline(folder), size)


if __name__ == "__main__":
    serve(
        {
            "ready": ready,
            "paint": paint,
            "energy": energy,
            "frames": frames,
            "defaults": defaults,
            "mux": mux,
            "film": film,
        }
    )
