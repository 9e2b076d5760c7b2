"""Films whose every event is placed by arithmetic, so that their measures are known beforehand.

`python -m tests.films [FOLDER]`, in the runtime, makes them and prints what is measured, a line each.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from core.energy import positions
from core.measures.report import measure
from core.specs import POSITION_STEPS, FilmedShot, Measure, MeasureFilm

RATE = 24
WIDTH, HEIGHT = 384, 288
SECONDS = 16
BEAT_S = 0.5
METRONOME_S = 1.03
SHOT = 4 * RATE
TRAVEL = 96
"""Pixels that the pan goes in a shot."""

STROBE_HZ = 4
GROUP = 18
"""Frames from key frame to key frame, Blender's default: a held picture pops at each."""

Picture = NDArray[np.uint8]
Row = dict[str, Measure]


@dataclass(frozen=True)
class Film:
    """What a film shows."""

    name: str
    frames: int
    picture: Callable[[int], Picture]
    shots: tuple[FilmedShot, ...]


def texture(seed: int, width: int = WIDTH) -> NDArray[np.float32]:
    """A picture with the spectrum of a photograph (1/f) and hard edges, (HEIGHT, width, 3)."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.normal(size=(3, HEIGHT, width)))
    f = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(width)[None])
    soft = np.fft.irfft2(spectrum / np.maximum(f, 1 / width), s=(HEIGHT, width))
    soft = (soft - soft.mean()) / soft.std() * 40 + 120
    picture = np.ascontiguousarray(soft.transpose(1, 2, 0)).astype(np.float32)
    for _ in range(width // 8):
        centre = rng.integers(0, (width, HEIGHT)).tolist()
        colour = rng.integers(20, 235, 3).tolist()
        cv2.circle(picture, centre, int(rng.integers(6, 24)), colour, -1, cv2.LINE_AA)
    return picture.clip(16, 235)


def shot_walks(energy: NDArray[np.float64], shots: int) -> tuple[FilmedShot, ...]:
    """Shots of SHOT frames that run into one another; the last arrives."""
    padded = np.append(energy, 0.0)
    return tuple(
        FilmedShot(
            k * SHOT,
            tuple(positions(padded[k * SHOT :], SHOT, arrives=k == shots - 1).tolist()),
        )
        for k in range(shots)
    )


def beat_frames(period_s: float) -> list[int]:
    """Frames nearest to every multiple of a period within the film, from the first one on."""
    count = int((SECONDS - 1e-9) / period_s)
    return [round(k * period_s * RATE) for k in range(1, count + 1)]


def bumps(frames: list[int], floor: float) -> NDArray[np.float64]:
    """Energy that is `floor` but for 1 at the given frames."""
    energy = np.full(SECONDS * RATE, floor)
    energy[frames] = 1.0
    return energy


def pan(name: str, energy: NDArray[np.float64]) -> Film:
    """A walk along a wide picture at the pace of an energy."""
    shots = shot_walks(energy, SECONDS * RATE // SHOT)
    wide = texture(1, WIDTH + TRAVEL * len(shots))

    def picture(k: int) -> Picture:
        number, frame = divmod(k, SHOT)
        x = TRAVEL * (number + shots[number].positions[frame] / POSITION_STEPS)
        shift = np.array([[1, 0, -x], [0, 1, 0]], np.float32)
        moved = cv2.warpAffine(wide, shift, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        return np.rint(moved).astype(np.uint8)

    return Film(name, SECONDS * RATE, picture, shots)


def still() -> Film:
    """One picture, held."""
    shown = np.rint(texture(2)).astype(np.uint8)
    return Film("still", SHOT, lambda k: shown, (FilmedShot(0, even(SHOT)),))


def cross_fade() -> Film:
    """One picture dissolved into another, evenly."""
    a, b = texture(3), texture(4)

    def picture(k: int) -> Picture:
        share = even(SHOT)[k] / POSITION_STEPS
        return np.rint((1 - share) * a + share * b).astype(np.uint8)

    return Film("cross-fade", SHOT, picture, (FilmedShot(0, even(SHOT)),))


def noise() -> Film:
    """Nothing but noise, evenly distributed over 0 to 255 and new in every frame."""

    def picture(k: int) -> Picture:
        rng = np.random.default_rng(k)
        return rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)

    return Film("noise", SHOT, picture, (FilmedShot(0, even(SHOT)),))


def strobe() -> Film:
    """Dark and light, STROBE_HZ times a second, over a third of the picture."""
    base = np.rint(texture(5) * 0.3).astype(np.uint8)

    def picture(k: int) -> Picture:
        shown = base.copy()
        if int(2 * STROBE_HZ * k / RATE) % 2:
            shown[:, : WIDTH // 3] = 230
        return shown

    return Film("strobe", SHOT, picture, (FilmedShot(0, even(SHOT)),))


def even(frames: int) -> tuple[int, ...]:
    """Positions at even steps from the start keyframe to the end one."""
    return tuple(round(POSITION_STEPS * k / (frames - 1)) for k in range(frames))


def all_films() -> list[Film]:
    """Every film, in the order of the table."""
    on_beats, by_metronome = beat_frames(BEAT_S), beat_frames(METRONOME_S)
    return [
        still(),
        cross_fade(),
        noise(),
        strobe(),
        pan("even pan", np.ones(SECONDS * RATE)),
        pan("metronome", bumps(by_metronome, 0.02)),
        pan("on the beat", bumps(on_beats, 0.02)),
        pan("hold and jump", bumps(on_beats, 0.0)),
    ]


def write(film: Film, path: Path, *, lossless: bool = False) -> Path:
    """Encode as H.264: as an editor's film, or with every value as it was."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb" if lossless else "libx264", rate=RATE)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "rgb24" if lossless else "yuv420p"
        stream.options = {"crf": "0" if lossless else "18", "g": str(GROUP)}
        for k in range(film.frames):
            frame = av.VideoFrame.from_ndarray(film.picture(k), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def song(path: Path) -> Path:
    """Clicks on every beat from BEAT_S on, a faint tone under them."""
    rate = 22050
    t = np.arange(SECONDS * rate) / rate
    sound = 0.05 * np.sin(2 * np.pi * 220 * t)
    click = np.random.default_rng(0).normal(0, 0.3, 600) * np.linspace(1, 0, 600)
    for k in range(1, int(SECONDS / BEAT_S)):
        at = round(k * BEAT_S * rate)
        sound[at : at + 600] += click
    soundfile.write(path, sound, rate)
    return path


def measured(film: Film, folder: Path) -> Row:
    """Encode a film, measure it against the song, and name the figures."""
    path = write(film, folder / f"{film.name}.mp4")
    found = measure(MeasureFilm(str(path), str(song(folder / "song.wav")), 0.0, film.shots))
    return {m.name: m for m in found}


def lines(folder: Path) -> Iterator[str]:
    """The table of all films in Markdown."""
    for k, film in enumerate(all_films()):
        row = measured(film, folder)
        if k == 0:
            yield "| film | " + " | ".join(name.replace("_", " ") for name in row) + " |"
            yield "| --- |" + " --- |" * len(row)
        yield f"| {film.name} | " + " | ".join(cell(measure) for measure in row.values()) + " |"


def cell(measure: Measure) -> str:
    """The value; of a synchrony score, its linear walk, z and p in brackets."""
    if measure.p is None:
        return number(measure.value)
    beside = f"linear {number(measure.linear)}, z {number(measure.z, '.1f')}, p {measure.p:.3f}"
    return f"{number(measure.value)} ({beside})"


def number(value: float | None, form: str = ".3g") -> str:
    return "–" if value is None else f"{value:{form}}"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for line in lines(folder):
            print(line, flush=True)


if __name__ == "__main__":
    main()
