"""Whether the middle of a walk is a double exposure of its two keyframes.

Neighbouring frames cannot tell a cross-fade from a smooth pan; the ends of the walk can. Edges are
compared, since two pictures share light above and dark below without being each other's ghosts:

    edges(middle) = a·edges(start) + b·edges(end) + rest,   a, b ≥ 0
    ghosting = (R²(both) − max(R²(start), R²(end))) / (1 − max(R²(start), R²(end)))

which is the share of what the nearer keyframe alone leaves unexplained that a blend of both explains:
1 for a cross-fade, 0 for a still, near 0 for a pan or a picture of its own. Only places where the
keyframes differ are looked at, in every colour: a title over both is nobody's ghost.

Keyframes are compared where they lie. A cross-fade that also zooms or pans escapes with its motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..specs import POSITION_STEPS, FilmedShot
from .film import Picture, reduced

LEAST_UNEXPLAINED: Final = 0.05
"""A frame that one keyframe explains to this share, coding noise included, is that keyframe."""

LEAST_UNLIKE: Final = 0.1
"""Slopes that differ by less than this share of their spread are the same in both keyframes."""

SMOOTHED: Final = 1.0
"""Pixels of the working size."""

_MIDDLE: Final = POSITION_STEPS // 2
Edges = NDArray[np.float32]


class Ghosting:
    """Keeps of every shot its keyframes and its middle, as the film shows them."""

    def __init__(self, shots: Sequence[FilmedShot]) -> None:
        self._wanted: dict[int, list[tuple[int, str]]] = {}
        for number, shot in enumerate(shots):
            for part, frame in _parts(shot).items():
                self._wanted.setdefault(frame, []).append((number, part))
        self._edges: dict[int, dict[str, Edges]] = {}
        self._found: list[float] = []
        self._frame = 0

    def see(self, frame: Picture) -> None:
        """Keep the frame's edges where a shot needs them; compare once a shot has all three."""
        for number, part in self._wanted.get(self._frame, ()):
            held = self._edges.setdefault(number, {})
            held[part] = edges(frame)
            if len(held) == 3:
                self._found.append(blend_share(held["middle"], held["start"], held["end"]))
                del self._edges[number]
        self._frame += 1

    @property
    def share(self) -> float | None:
        """Mean over the shots, [0, 1]; None where no shot has a middle between two keyframes."""
        return float(np.mean(self._found)) if self._found else None


def _parts(shot: FilmedShot) -> dict[str, int]:
    """Film frames of the start keyframe, of the middle and of the end keyframe.

    A walk that does not arrive runs into the next shot's first frame. A walk whose nearest frame to
    the middle is nearer to a keyframe has no middle.
    """
    middle = min(range(len(shot.positions)), key=lambda k: abs(shot.positions[k] - _MIDDLE))
    if abs(shot.positions[middle] - _MIDDLE) > POSITION_STEPS // 4:
        return {}
    end = shot.positions.index(POSITION_STEPS) if shot.arrives else len(shot.positions)
    return {
        "start": shot.frame_start,
        "middle": shot.frame_start + middle,
        "end": shot.frame_start + end,
    }


def edges(frame: Picture) -> Edges:
    """Horizontal and vertical slopes of each colour, (2, h, w, 3), grain smoothed away."""
    smooth = cv2.GaussianBlur(reduced(frame), (0, 0), SMOOTHED)
    return np.stack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])


def blend_share(middle: Edges, start: Edges, end: Edges) -> float:
    """Return the ghosting of `middle` between `start` and `end`; see the top of this file."""
    unlike = np.abs(start - end) > LEAST_UNLIKE * max(start.std(), end.std())
    m, a, b = (e[unlike].astype(np.float64) for e in (middle, start, end))
    whole = float(m @ m)
    if not whole:
        return 0.0
    alone = max(_explained(m, a), _explained(m, b)) / whole
    if 1 - alone < LEAST_UNEXPLAINED:
        return 0.0
    both = _explained_by_both(m, a, b) / whole
    return max(0.0, float(both - alone) / (1 - float(alone)))


def _explained(m: NDArray[np.float64], a: NDArray[np.float64]) -> float:
    """‖m‖² − min over w ≥ 0 of ‖m − w·a‖²."""
    along, size = m @ a, a @ a
    return float(along**2 / size) if size and along > 0 else 0.0


def _explained_by_both(
    m: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> float:
    """‖m‖² − min over v, w ≥ 0 of ‖m − v·a − w·b‖²; where a weight would be negative, one is left."""
    single = max(_explained(m, a), _explained(m, b))
    gram = np.array([[a @ a, a @ b], [a @ b, b @ b]])
    if np.linalg.det(gram) <= 1e-9 * gram[0, 0] * gram[1, 1]:
        return single
    along = np.array([m @ a, m @ b])
    weights = np.linalg.solve(gram, along)
    return float(weights @ along) if (weights > 0).all() else single
