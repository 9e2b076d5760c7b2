"""A film's frames, one at a time, so that memory does not grow with the film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import SpecError

Picture = NDArray[np.uint8]
"""(height, width, 3) RGB."""

WORKING_SIDE: Final = 128
"""Pixels of the longer side on which flow and edges are looked for."""

LEAST_SIDE: Final = 16
"""Pixels of the shorter side: the flow needs as many."""

MOST_DRIFT: Final = 3
"""Frames by which a time stamp may be off: some containers stamp reordered frames as stored."""


class Observer(Protocol):
    """Looks at every frame of a film in turn."""

    def see(self, frame: Picture) -> None: ...


@dataclass(frozen=True)
class Film:
    """A film file with a constant frame rate."""

    path: Path
    rate: Fraction
    # frames per second
    expected: int
    # how many frames its header states; 0 where it states none
    width: int
    height: int
    key_frames: set[int] = field(default_factory=set, compare=False)
    # frames that were coded by themselves; known once `frames` is through

    @classmethod
    def open(cls, path: Path) -> Film:
        """Read a film's header. Raises `SpecError` where it is not a film."""
        with _container(path) as container:
            stream = _video(path, container)
            if not stream.average_rate:
                raise SpecError(f"{path}: states no frame rate. Render it again as MP4.")
            return cls(
                path, stream.average_rate, int(stream.frames or 0), stream.width, stream.height
            )

    def frames(self) -> Iterator[Picture]:
        """Decode the frames in order.

        Raises
        ------
        SpecError : the file breaks off, or its frames do not come at a constant rate, on which every
            time that is measured rests.
        """
        self.key_frames.clear()
        began, k = None, -1
        with _container(self.path) as container:
            stream = _video(self.path, container)
            stream.thread_type = "AUTO"
            try:
                for k, frame in enumerate(container.decode(stream)):
                    if frame.time is not None:  # a raw stream has no times, and only a rate
                        began = frame.time if began is None else began
                        self._check_time(k, frame.time - began)
                    if frame.key_frame:
                        self.key_frames.add(k)
                    yield frame.to_ndarray(format="rgb24")
            except av.error.FFmpegError as error:
                raise SpecError(f"{self.path}: breaks off ({error.strerror}).") from error
        if k < 0:
            raise SpecError(f"{self.path}: holds no frames.")

    def _check_time(self, k: int, seconds: float) -> None:
        if abs(seconds * self.rate - k) > MOST_DRIFT:
            raise SpecError(
                f"{self.path}: frame {k} comes at {seconds:.3f} s, not at {float(k / self.rate):.3f} s: "
                "its frame rate is not constant. Convert it to a constant rate first."
            )


def watch(frames: Iterator[Picture], *observers: Observer) -> None:
    """Show every frame to every observer."""
    for frame in frames:
        for observer in observers:
            observer.see(frame)


def reduced(frame: Picture) -> Picture:
    """The frame with its longer side at `WORKING_SIDE` at most, pixels averaged."""
    scale = min(1.0, WORKING_SIDE / max(frame.shape[:2]))
    size = [max(LEAST_SIDE, round(n * scale)) for n in frame.shape[1::-1]]
    if size == [*frame.shape[1::-1]]:
        return frame
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))


def _container(path: Path) -> Any:
    if not path.is_file():
        raise SpecError(f"{path}: no such film. Render it first, or choose another file.")
    try:
        return av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise SpecError(f"{path}: cannot be read as a film ({error.strerror}).") from error


def _video(path: Path, container: Any) -> Any:
    if not container.streams.video:
        raise SpecError(f"{path}: holds no pictures. Choose a film.")
    return container.streams.video[0]
