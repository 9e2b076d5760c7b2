"""How alike consecutive frames are to a network that knows pictures.

The embedding is the bundled starter model's own: features of its denoiser's first upward block, at
noise step 261 of the lightly noised picture with no words, averaged over the picture (diffusion
features: Tang et al. 2023). It ships with Strophe and is the same whichever model paints, so that
figures can be compared among films; they cannot be compared with CLIP's or DINO's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch

from ..diffusion.pipeline import Painter
from ..specs import Model
from .film import Picture

STARTER: Final = Path(__file__).parent.parent / "diffusion" / "starter"
SIZE: Final = 128
"""Pixels along both sides of what the network is shown."""

STEP: Final = 261
AT_ONCE: Final = 8
"""Frames of one call of the network."""


class Embedder:
    """The starter model's features of pictures."""

    def __init__(self) -> None:
        self._painter = Painter.load(Model(str(STARTER), ""))
        self._text = self._painter.encode_text([""])
        self._noise = self._painter.noise(0, SIZE, SIZE)
        self._features = torch.empty(0)
        self._painter.pipe.unet.up_blocks[0].register_forward_hook(self._keep)

    def __call__(self, frames: Sequence[Picture]) -> torch.Tensor:
        """Return unit vectors of (SIZE, SIZE, 3) frames, (n, features)."""
        with _one_thread():
            return self._embedded(frames)

    def _embedded(self, frames: Sequence[Picture]) -> torch.Tensor:
        z = self._painter.encode_picture(np.stack(frames))
        kept = self._painter.pipe.scheduler.alphas_cumprod[STEP].to(z.device)
        noisy = kept.sqrt() * z + (1 - kept).sqrt() * self._noise
        self._painter.denoise(
            noisy, torch.full((len(z),), float(STEP)), self._text.expand(len(z), -1, -1)
        )
        return torch.nn.functional.normalize(self._features.float().mean((-2, -1)), dim=1)

    def _keep(self, _block: Any, _arguments: Any, features: torch.Tensor) -> None:
        self._features = features


@contextmanager
def _one_thread() -> Iterator[None]:
    """Layers this small gain nothing from more threads, and wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Likeness:
    """Mean cosine of the embeddings of consecutive frames."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._waiting: list[Picture] = []
        self._last: list[torch.Tensor] = []
        self._cosines: list[float] = []

    def see(self, frame: Picture) -> None:
        """Take a frame in; the network sees a few at a time."""
        self._waiting.append(
            np.asarray(cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
        )
        if len(self._waiting) == AT_ONCE:
            self._compare()

    @property
    def consistency(self) -> float:
        """Mean cosine, [−1, 1]; a film of one frame is consistent, 1."""
        self._compare()
        return float(np.mean(self._cosines)) if self._cosines else 1.0

    def _compare(self) -> None:
        if not self._waiting:
            return
        rows = torch.cat([*self._last, self._embedder(self._waiting)])
        self._cosines += (rows[1:] * rows[:-1]).sum(dim=1).tolist()
        self._last, self._waiting = [rows[-1:]], []
