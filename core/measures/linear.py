"""The same shots walked linearly: what a film would be if its walks did not hear the song.

A walk shows a picture for every position. The linear walk goes through the same pictures at even
pace, so its frames are taken from the film's own: between the two frames whose positions enclose the
wanted one, a blend of the two. This is an estimate: where the walk leapt, the pictures it leapt over
are not in the film, and a blend stands for them. Coding noise is the film's own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

import cv2
import numpy as np

from ..specs import POSITION_STEPS, FilmedShot
from .film import Picture

MOST_PIXELS = 768 * 768
"""Larger frames are reduced, since a whole shot is held at once."""


def retimed(frames: Iterator[Picture], shots: Sequence[FilmedShot]) -> Iterator[Picture]:
    """Yield as many frames as come in, those of the shots at linear positions.

    Memory: the frames of one shot, of at most `MOST_PIXELS` each.
    """
    coming = _Ahead(_held_small(frame) for frame in frames)
    for shot in shots:
        yield from coming.take(shot.frame_start - coming.taken)
        held = list(coming.take(len(shot.positions)))
        ending = [] if shot.arrives else coming.peek()
        yield from _evenly(held, ending, shot)
    yield from coming.take(None)


class _Ahead:
    """Frames in order, the next one to be had before it is taken."""

    def __init__(self, frames: Iterator[Picture]) -> None:
        self._frames = frames
        self._next: list[Picture] = []
        self.taken = 0

    def peek(self) -> list[Picture]:
        if not self._next:
            self._next = list(islice(self._frames, 1))
        return self._next

    def take(self, count: int | None) -> Iterator[Picture]:
        end = None if count is None else self.taken + count
        while (end is None or self.taken < end) and self.peek():
            self.taken += 1
            yield self._next.pop()


def linear_positions(frames: int, *, arrives: bool) -> list[float]:
    """Positions in [0, POSITION_STEPS] at even steps, as `core.energy.positions` walks silence."""
    steps = max(1, frames - 1 if arrives else frames)
    return [POSITION_STEPS * k / steps for k in range(frames)]


def _evenly(held: list[Picture], ending: list[Picture], shot: FilmedShot) -> Iterator[Picture]:
    """The pictures of one shot at even positions; `ending` shows position POSITION_STEPS."""
    known = sorted(zip([*shot.positions, POSITION_STEPS], [*held, *ending], strict=False), key=_at)
    at = [position for position, _ in known]
    for wanted in linear_positions(len(held), arrives=shot.arrives):
        right = min(bisect_right(at, wanted), len(at) - 1)
        left = max(0, right - 1)
        gap = at[right] - at[left]
        share = min(1.0, (wanted - at[left]) / gap) if gap else 0.0
        yield _blend(known[left][1], known[right][1], share)


def _at(pair: tuple[int, Picture]) -> int:
    return pair[0]


def _blend(a: Picture, b: Picture, share: float) -> Picture:
    if share in (0.0, 1.0):
        return b if share else a
    return np.asarray(cv2.addWeighted(a, 1 - share, b, share, 0.0), np.uint8)


def _held_small(frame: Picture) -> Picture:
    scale = (MOST_PIXELS / (frame.shape[0] * frame.shape[1])) ** 0.5
    if scale >= 1:
        return frame
    size = [round(n * scale) for n in frame.shape[1::-1]]
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
