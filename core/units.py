"""Seconds, frames and sizes: one line of maths each."""

from __future__ import annotations

from fractions import Fraction

__all__ = [
    "fps_fraction",
    "frame_at",
    "nearest",
    "parse_fps",
    "refit_frame",
]


def fps_fraction(fps: int, fps_base: float) -> Fraction:
    """Frames per second as a fraction of small terms: Blender's 30 / 1.001 is exactly 30000/1001."""
    return (Fraction(fps) / Fraction(fps_base).limit_denominator(10**4)).limit_denominator(10**5)


def parse_fps(text: str) -> Fraction:
    """Read `24`, `23.976` or `30000/1001`; decimal NTSC rates are read as the fractions they mean."""
    fps = Fraction(text)
    ntsc = Fraction(round(fps) * 1000, 1001)
    return ntsc if fps.denominator != 1 and abs(fps - ntsc) < Fraction(1, 500) else fps


def frame_at(seconds: float | Fraction, fps: Fraction) -> int:
    """Return the whole frame nearest to a time; halves go up. Exact: no float enters the product."""
    return nearest(Fraction(seconds) * fps)


def refit_frame(
    frame: int | float, old: tuple[Fraction, Fraction], new: tuple[Fraction, Fraction]
) -> Fraction:
    """Find where a frame's moment of the song lies after the song moved or the rate changed.

    `old` and `new` are (frame of song time 0, frames per second). The result is exact; round it where
    a whole frame is needed.
    """
    seconds = (Fraction(frame) - old[0]) / old[1]
    return new[0] + seconds * new[1]


def nearest(frame: Fraction) -> int:
    """Return the nearest whole frame; halves go up."""
    return int((2 * frame + 1) // 2)
