"""A film's frames, one at a time, so that memory does not grow with the film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
        with _container(self.path) as container:
            stream = _video(self.path, container)
            stream.thread_type = "AUTO"
            first = None
            try:
                for k, frame in enumerate(container.decode(stream)):
                    first = frame.time if first is None else first
                    self._check_time(k, frame.time - first)
                    yield frame.to_ndarray(format="rgb24")
            except av.error.FFmpegError as error:
                raise SpecError(f"{self.path}: breaks off ({error.strerror}).") from error
        if first is None:
            raise SpecError(f"{self.path}: holds no frames.")

    def _check_time(self, k: int, seconds: float) -> None:
        if abs(seconds * self.rate - k) > 1:
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
    scale = WORKING_SIDE / max(frame.shape[:2])
    if scale >= 1:
        return frame
    size = [max(16, round(n * scale)) for n in frame.shape[1::-1]]
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
