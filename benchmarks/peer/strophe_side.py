"""What runs in Strophe's runtime: the worker's own handlers and what they call, timed."""

from __future__ import annotations

import shutil
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import torch
from PIL import Image

from core.cache import picture_of, sha256_model
from core.diffusion.pictures import png, read
from core.energy import Shaping, at_frames, drive_energy, positions, shape
from core.song.decode import decode
from core.song.energies import harmonic_percussive, hop_of
from core.specs import Clip, Keyframe, Model, Picture
from core.worker.handlers import Handlers

from .serve import serve, timed

handlers = Handlers()


def ready(folder: str) -> dict[str, Any]:
    """Load the model and say what runs it."""
    import diffusers

    handlers._load(_model(folder))
    return {
        "threads": torch.get_num_threads(),
        "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__},
    }


def paint(
    folder: str, prompt: str, negative: str, seed: int, steps: int, guidance: float, size: int,
    path: str, scratch: str,
) -> dict[str, Any]:  # fmt: skip
    """Paint one still at `path`."""
    picture = _painted(folder, prompt, negative, seed, steps, guidance, size, Path(scratch))
    shutil.copyfile(picture.path, path)
    return {}


def difference(a: str, b: str) -> dict[str, Any]:
    """Return the mean absolute difference of two pictures, of 255."""
    return {"mean": float(np.abs(read(Path(a)).astype(float) - read(Path(b))).mean())}


def energy(song: str, frames: int, fps: int, settings: dict[str, Any]) -> dict[str, Any]:
    """From the song's file to a position for every frame, as one walk over the whole song."""
    rate = Fraction(fps)
    seconds, walk = timed(lambda: _walk(_energies(Path(song), rate), 0.0, frames, rate, settings))
    return {"seconds": seconds, "frames": len(walk)}


def duration(song: str) -> dict[str, Any]:
    """Return a song's length in seconds."""
    return {"seconds": decode(Path(song)).duration_s}


def frames(
    folder: str, prompts: list[str], seeds: list[int], positions: list[int], size: int,
    steps: int, guidance: float, strength: float, ends: list[str], scratch: str,
) -> dict[str, Any]:  # fmt: skip
    """Walk between two pictures as the worker does, its ledger of whole frames included.

    A clip begins with its start picture, which is written too and not counted.
    """
    _empty(scratch)
    recipe = Clip(
        positions=(0, *positions),
        fps_numerator=24,
        fps_denominator=1,
        width=size,
        height=size,
        start=picture_of(Path(ends[0])),
        end=picture_of(Path(ends[1])),
        start_prompt=prompts[0],
        end_prompt=prompts[1],
        negative_prompt="",
        seed=seeds[0],
        steps=steps,
        guidance=guidance,
        strength=strength,
        model=_model(folder),
    )
    seconds, walked = timed(lambda: handlers.do(recipe, Path(scratch), _silent))
    assert walked.denoiser_evaluations == steps * len(positions)
    return {"seconds": seconds, "frames": walked.frames_computed - 1}


def defaults(
    folder: str, song: str, at_s: float, fps: int, prompts: list[str], seeds: list[int],
    size: int, settings: dict[str, Any], scratch: str,
) -> dict[str, Any]:  # fmt: skip
    """Paint a shot's keyframe and walk the shot, with every setting as a new project has it.

    The picture that the shot walks into is the next shot's keyframe: it is painted outside the time,
    so that a film's keyframes count once each.
    """
    _empty(scratch)
    rate, results = Fraction(fps), Path(scratch)
    heard = _energies(Path(song), rate)
    count = round(settings["shot_length"] * rate)
    walk = _walk(heard, at_s, count, rate, settings)
    still = (settings["negative_prompt"], settings["steps"], settings["guidance"], size)
    end = _painted(folder, prompts[1], still[0], seeds[1], *still[1:], results)

    def shot() -> Any:
        start = _painted(folder, prompts[0], still[0], seeds[0], *still[1:], results)
        recipe = Clip(
            positions=tuple(walk.tolist()),
            fps_numerator=fps,
            fps_denominator=1,
            width=size,
            height=size,
            start=start,
            end=end,
            start_prompt=prompts[0],
            end_prompt=prompts[1],
            negative_prompt=still[0],
            seed=seeds[0],
            steps=settings["walk_steps"],
            guidance=1.0,
            strength=settings["walk_strength"],
            model=_model(folder),
        )
        return handlers.do(recipe, results, _silent)

    seconds, walked = timed(shot)
    return {
        "seconds": seconds,
        "frames": count,
        "film_s": count / fps,
        "evaluations": walked.denoiser_evaluations,
    }


def write_song(song: str, seconds: float, path: str) -> dict[str, Any]:
    """Write the song's first `seconds`, mono; a song that is shorter begins again."""
    sound = decode(Path(song), None)
    count = round(seconds * sound.sample_rate)
    soundfile.write(path, np.resize(sound.samples, count), sound.sample_rate, subtype="PCM_16")
    return {}


def cross_fades(stills: list[str], count: int, folder: str) -> dict[str, Any]:
    """Write `count` PNGs that fade from picture to picture, 100 frames each."""
    pictures = [read(Path(path)) for path in stills]
    _empty(folder)
    for k in range(count):
        a, b = (pictures[(k // 100 + n) % len(pictures)] for n in (0, 1))
        mixed = Image.blend(Image.fromarray(a), Image.fromarray(b), k % 100 / 100)
        (Path(folder) / f"frame{k:06d}.png").write_bytes(png(np.asarray(mixed)))
    return {}


def frames_of(film: str) -> dict[str, Any]:
    """Return how many pictures a film holds, by decoding it."""
    with av.open(film) as container:
        return {"frames": sum(1 for _ in container.decode(video=0))}


def _energies(song: Path, fps: Fraction) -> tuple[Any, Any, float]:
    """Both heard curves and their rate, in values a second."""
    sound = decode(song)
    hop = hop_of(fps, sound.sample_rate)
    harmonic, percussive = harmonic_percussive(sound.samples, sound.sample_rate, hop)
    return harmonic, percussive, sound.sample_rate / hop


def _walk(
    heard: tuple[Any, Any, float],
    first_s: float,
    count: int,
    fps: Fraction,
    settings: dict[str, Any],
) -> Any:
    """Return the positions of `count` frames from `first_s`."""
    harmonic, percussive, rate_hz = heard
    shaping = Shaping(settings["attack"], settings["release"], settings["gain"])
    h, p = (
        shape(at_frames(curve, rate_hz, Fraction(first_s), count + 1, fps), shaping, fps)
        for curve in (harmonic, percussive)
    )
    drive = drive_energy(h, p, settings["weight_harmonic"], settings["weight_percussive"])
    return positions(drive, count, arrives=False)


def _painted(
    folder: str, prompt: str, negative: str, seed: int, steps: int, guidance: float, size: int,
    results: Path,
) -> Picture:  # fmt: skip
    recipe = Keyframe(prompt, "", negative, seed, size, size, steps, guidance, _model(folder))
    picture: Picture = handlers.do(recipe, results, _silent).picture
    return picture


@cache
def _model(folder: str) -> Model:
    return Model(folder, sha256_model(Path(folder)))


def _empty(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)


def _silent(_stage: str, _done: float, _total: float) -> None:
    pass


if __name__ == "__main__":
    serve(
        {
            "ready": ready,
            "paint": paint,
            "difference": difference,
            "energy": energy,
            "duration": duration,
            "frames": frames,
            "defaults": defaults,
            "write_song": write_song,
            "cross_fades": cross_fades,
            "frames_of": frames_of,
        }
    )
