"""One still from text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..specs import Keyframe
from .pipeline import Painter

__all__ = ["paint"]


def paint(painter: Painter, recipe: Keyframe, check: Callable[[float], None]) -> NDArray[np.uint8]:
    """Paint a keyframe with the pipeline's own sampler.

    Parameters
    ----------
    check : called with the share that is done, (0, 1], after every step and after decoding; what it
        raises ends the work.

    Returns
    -------
    (height, width, 3) uint8.

    Raises
    ------
    SpecError : the size does not fit the model.
    ModelError : the model overflowed in its precision.
    DeviceFullError : a picture of this size does not fit into memory.
    """

    def after_step(i: int, n: int) -> None:
        check(i / (n + 1))

    latents = painter.draw(recipe, after_step)
    picture: NDArray[np.uint8] = painter.decode(latents)[0]
    check(1.0)
    return picture
