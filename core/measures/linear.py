"""The same shots walked linearly: what a film would be if its walks did not hear the song.

A walk shows a picture for every position. The linear walk goes through the same pictures at even
pace, so its frames are taken from the film's own: between the two frames whose positions enclose the
wanted one, a blend of the two. This is an estimate: where the walk leapt, the pictures it leapt over
are not in the film, and a blend stands for them. Coding noise is the film's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import cv2
import numpy as np

from ..specs import POSITION_STEPS, FilmedShot
from .film import Picture

MOST_PIXELS = 768 * 768
"""Larger frames are reduced, since a shot whose walk goes back is held whole."""


class LinearWalk:
    """As many frames as come in, those of the shots at linear positions.

    Memory: two frames, or those of one shot where its walk goes back, of at most `MOST_PIXELS` each.
    """

    def __init__(
        self,
        frames: Iterator[Picture],
        shots: Sequence[FilmedShot],
        key_frames: Collection[int] = (),
    ) -> None:
        """Take the film's frames, and which of them its encoder coded afresh."""
        self.key_frames: set[int] = set()
        # frames of the walk into which something of the encoder's key frames came
        self._coming = _Ahead(_held_small(frame) for frame in frames)
        self._shots, self._keys = shots, key_frames
        self._shown = 0

    def __iter__(self) -> Iterator[Picture]:
        for shot in self._shots:
            yield from self._as_it_is(shot.frame_start - self._coming.taken)
            yield from self._evenly(shot)
        yield from self._as_it_is(None)

    def _as_it_is(self, count: int | None) -> Iterator[Picture]:
        for source, picture in self._coming.take(count):
            yield self._noted(picture, source in self._keys)

    def _evenly(self, shot: FilmedShot) -> Iterator[Picture]:
        """The pictures of one shot at even positions."""
        known = self._known(shot)
        left = right = next(known, None)
        for position in linear_positions(len(shot.positions), arrives=shot.arrives):
            passed = False
            while right and right.position < position and (following := next(known, None)):
                left, right = right, following
                passed = passed or left.is_key or right.is_key
            if left is None or right is None:
                return  # the film ended within the shot
            gap = right.position - left.position
            share = min(1.0, max(0.0, (position - left.position) / gap)) if gap else 1.0
            between = right.is_key and 0 < share < 1
            yield self._noted(_blend(left.picture, right.picture, share), passed or between)
        for _ in known:
            pass  # what is left of the shot is taken all the same

    def _known(self, shot: FilmedShot) -> Iterator[_Known]:
        """The shot's pictures and, where it does not arrive, the next frame, positions ascending.

        A walk that goes back must be held whole for that; others pass through.
        """
        held: Iterator[_Known] = (
            _Known(position, picture, source in self._keys)
            for position, (source, picture) in zip(
                shot.positions, self._coming.take(len(shot.positions)), strict=False
            )
        )
        if any(b < a for a, b in pairwise(shot.positions)):
            held = iter(sorted(held, key=lambda known: known.position))
        yield from held
        if not shot.arrives:
            for picture in self._coming.peek():
                yield _Known(POSITION_STEPS, picture, self._coming.taken in self._keys)

    def _noted(self, picture: Picture, is_key: bool) -> Picture:
        if is_key:
            self.key_frames.add(self._shown)
        self._shown += 1
        return picture


@dataclass(frozen=True, eq=False)
class _Known:
    """A picture of a shot and where it stands."""

    position: int
    picture: Picture
    is_key: bool


class _Ahead:
    """Frames and their numbers in order, the next one to be had before it is taken."""

    def __init__(self, frames: Iterator[Picture]) -> None:
        self._frames = frames
        self._next: list[Picture] = []
        self.taken = 0

    def peek(self) -> list[Picture]:
        if not self._next:
            self._next = list(islice(self._frames, 1))
        return self._next

    def take(self, count: int | None) -> Iterator[tuple[int, Picture]]:
        end = None if count is None else self.taken + count
        while (end is None or self.taken < end) and self.peek():
            self.taken += 1
            yield self.taken - 1, self._next.pop()


def linear_positions(frames: int, *, arrives: bool) -> list[float]:
    """Positions in [0, POSITION_STEPS] at even steps, as `core.energy.positions` walks silence."""
    steps = max(1, frames - 1 if arrives else frames)
    return [POSITION_STEPS * k / steps for k in range(frames)]


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
