"""The `through` walk: from one picture to another, through noise.

Between two pictures x_a and x_b with encodings z_a and z_b, at p in (0, 1):

    s(p) = strength · sin²(πp)                       share of the noise schedule reached
    z_s  = α(s)·mix(p; z_a, z_b) + σ(s)·n            one noise n for the whole walk
    ẑ    = DDIM from s(p) to 0, the same number of evaluations for every p
    x    = D(ẑ) + f(p)·(x_a − D(z_a)) + f(1 − p)·(x_b − D(z_b))

At the ends s is 0 and f is 1, so that the walk runs into the pictures themselves without a pop. The
square is what takes the pop away: for small s, σ grows as √s, and so as p itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import ModelError, SpecError
from ..specs import POSITION_STEPS, Clip
from .pipeline import Painter

__all__ = ["walk"]

Picture = NDArray[np.uint8]
Check = Callable[[float], None]

FADE: Final = 0.2
"""Share of the walk over which the autoencoder's residual of an end fades out."""

LEAST_ALPHA_BAR: Final = 2e-3
"""An epsilon prediction says nothing about the picture where ᾱ is 0; walks stay above this."""


def walk(
    painter: Painter,
    recipe: Clip,
    start: Picture,
    end: Picture,
    positions: Sequence[int],
    check: Check,
) -> Iterator[tuple[int, Picture]]:
    """Walk from `start` to `end` and yield each distinct position once, ascending.

    Parameters
    ----------
    start, end : (height, width, 3) uint8, of the recipe's size. Position 0 is `start` itself and
        POSITION_STEPS is `end` itself, bit for bit and without an evaluation.
    positions : the positions wanted, some or all of the recipe's. On a CPU a position's pixels do
        not depend on which others are wanted: the denoiser is given the recipe's positions in
        fixed groups, and runs on every group that holds a wanted one.
    check : called with the share that is done, (0, 1], after every denoising step and every
        decoding; what it raises ends the walk.

    Yields
    ------
    position, (height, width, 3) uint8. Memory does not grow with the number of positions; the
    denoiser is evaluated `recipe.steps` times for each position that is not an end.

    Raises
    ------
    SpecError : a picture or a position does not fit the recipe.
    ModelError : the model predicts something unknown, or overflows in its precision.
    DeviceFullError : a picture of this size does not fit into memory.
    """
    wanted = sorted(set(positions))
    _refuse_misfits(recipe, start, end, wanted)
    inner = [p for p in wanted if 0 < p < POSITION_STEPS]
    if 0 in wanted:
        yield 0, start
    if inner:
        yield from _between(painter, recipe, start, end, inner, check)
    if POSITION_STEPS in wanted:
        yield POSITION_STEPS, end


def _between(
    painter: Painter,
    recipe: Clip,
    start: Picture,
    end: Picture,
    wanted: Sequence[int],
    check: Check,
) -> Iterator[tuple[int, Picture]]:
    groups = _groups(painter, recipe, wanted)
    whole = len(groups) * recipe.steps + len(wanted)
    ticks = itertools.count(1)

    def tick() -> None:
        check(min(next(ticks) / whole, 1.0))

    path = _Path.between(painter, recipe, start, end)
    for group in groups:
        p = torch.tensor(group, device=painter.device) / POSITION_STEPS
        z = path.denoised(p, tick)
        for row, position in enumerate(group):
            if position in wanted:
                frame = path.shown(z[row], group[row] / POSITION_STEPS)
                tick()
                yield position, frame


def _groups(painter: Painter, recipe: Clip, wanted: Sequence[int]) -> list[list[int]]:
    """Return the recipe's positions in calls of the denoiser, without calls that hold none wanted.

    The whole recipe is grouped, so that a position shares its call with the same others, and has
    the same bits, whichever are wanted.
    """
    inner = sorted(set(recipe.positions) - {0, POSITION_STEPS})
    size = painter.rows_at_once(recipe.width, recipe.height)
    groups = [inner[i : i + size] for i in range(0, len(inner), size)]
    return [group for group in groups if not set(group).isdisjoint(wanted)]


@dataclass(frozen=True, eq=False)
class _Path:
    """All that is computed once for a walk."""

    painter: Painter
    recipe: Clip
    schedule: _Schedule
    z: torch.Tensor
    # (2, channels, rows, columns) latents of both ends
    residual: NDArray[np.float32]
    # (2, h, w, 3) x − D(E(x)) of both ends
    text: torch.Tensor
    # (2, tokens, dim)
    negative: torch.Tensor | None
    # (1, tokens, dim); None: no guidance
    noise: torch.Tensor
    # (1, channels, rows, columns)

    @classmethod
    def between(cls, painter: Painter, recipe: Clip, start: Picture, end: Picture) -> _Path:
        ends = np.stack([start, end])
        z = painter.encode_picture(ends)
        guided = recipe.guidance > 1
        return cls(
            painter,
            recipe,
            _Schedule.of(painter),
            z,
            ends - painter.decode_exactly(z),
            painter.encode_text([recipe.start_prompt, recipe.end_prompt]),
            painter.encode_text([recipe.negative_prompt]) if guided else None,
            painter.noise(recipe.seed, recipe.width, recipe.height),
        )

    def denoised(self, p: torch.Tensor, after_step: Callable[[], None]) -> torch.Tensor:
        """Return the clean latents at positions `p` in (0, 1): (n, channels, rows, columns)."""
        steps, schedule = self.recipe.steps, self.schedule
        t = schedule.last * self.recipe.strength * _level(p)
        alpha, sigma = schedule.at(t)
        x = alpha * _mix(p, *self.z) + sigma * self.noise
        text = torch.lerp(self.text[:1], self.text[1:], p[:, None, None].to(self.text.dtype))
        for left in range(steps, 0, -1):
            y = self.painter.denoise(
                x, schedule.step(t * left / steps), text, self.negative, self.recipe.guidance
            )
            x = schedule.ddim(x, y, t * left / steps, t * (left - 1) / steps)
            after_step()
        return x

    def shown(self, z: torch.Tensor, p: float) -> Picture:
        """Decode clean latents and add what the autoencoder lost of the end that is near."""
        lost = _fade(p) * self.residual[0] + _fade(1 - p) * self.residual[1]
        pixels: NDArray[np.float32] = self.painter.decode_exactly(z[None])[0] + lost
        shown: Picture = np.rint(pixels.clip(0, 255)).astype(np.uint8)
        return shown


@dataclass(frozen=True, eq=False)
class _Schedule:
    """The noise the model was trained with, at times t that need not be whole.

    x_t = α(t)·x_0 + σ(t)·ε with α² + σ² = 1. Time 0 is clean, and time i + 1 is training step i.
    """

    alpha_bar: torch.Tensor
    # (training steps + 1,) ᾱ, 1 first
    predicts_v: bool
    last: float
    # the noisiest time that is used

    @classmethod
    def of(cls, painter: Painter) -> _Schedule:
        scheduler = painter.pipe.scheduler
        kind = scheduler.config.get("prediction_type")
        if kind not in ("v_prediction", "epsilon"):
            raise ModelError(f"the model predicts {kind}; a walk needs v_prediction or epsilon")
        trained = scheduler.alphas_cumprod.to(torch.float32).cpu()
        alpha_bar = torch.cat([torch.ones(1), trained])
        last = len(trained) if kind == "v_prediction" else int((trained > LEAST_ALPHA_BAR).sum())
        return cls(alpha_bar.to(painter.device), kind == "v_prediction", float(last))

    def at(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return α(t) and σ(t) as (n, 1, 1, 1), ᾱ taken linearly between training steps."""
        before = t.floor().long().clamp(max=len(self.alpha_bar) - 2)
        alpha_bar = torch.lerp(self.alpha_bar[before], self.alpha_bar[before + 1], t - before)
        alpha_bar = alpha_bar[:, None, None, None]
        return alpha_bar.sqrt(), (1 - alpha_bar).clamp(min=0).sqrt()

    def step(self, t: torch.Tensor) -> torch.Tensor:
        """Return the model's own name for a time."""
        return (t - 1).clamp(min=0)

    def ddim(
        self, x: torch.Tensor, y: torch.Tensor, t: torch.Tensor, s: torch.Tensor
    ) -> torch.Tensor:
        """Step from time t to s < t without new noise: x_s = α(s)·x̂_0 + σ(s)·ε̂ (DDIM, η = 0)."""
        (alpha, sigma), (alpha_s, sigma_s) = self.at(t), self.at(s)
        if self.predicts_v:
            x_0, epsilon = alpha * x - sigma * y, sigma * x + alpha * y
        else:
            x_0, epsilon = (x - sigma * y) / alpha, y
        return alpha_s * x_0 + sigma_s * epsilon


def _level(p: torch.Tensor) -> torch.Tensor:
    """sin²(πp): the share of the walk's strength that is reached at p."""
    return torch.sin(torch.pi * p) ** 2


def _mix(p: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the latents (1 − p)·ā + p·b̄ + slerp(p; a − ā, b − b̄), ā the mean of each channel.

    The arc keeps the contrast that a line would lose half-way. Channel means share a direction in
    any two pictures, and an arc through them would bleach what both have in common.
    """
    p = p[:, None, None, None]
    mean_a, mean_b = (z.mean((-2, -1), keepdim=True) for z in (a, b))
    return torch.lerp(mean_a, mean_b, p) + _slerp(p, a - mean_a, b - mean_b)


def _slerp(p: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """sin((1 − p)θ)/sin θ · a + sin(pθ)/sin θ · b; a line where |cos θ| > 0.9995."""
    cosine = torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0)
    if cosine.abs() > 0.9995:
        return torch.lerp(a, b, p)
    theta = torch.acos(cosine)
    return (torch.sin((1 - p) * theta) * a + torch.sin(p * theta) * b) / torch.sin(theta)


def _fade(p: float) -> float:
    """1 at p = 0, 0 from p = FADE on, flat at both: 1 − 3u² + 2u³ with u = p / FADE."""
    u = min(p / FADE, 1.0)
    return 1 - 3 * u**2 + 2 * u**3


def _refuse_misfits(recipe: Clip, start: Picture, end: Picture, wanted: list[int]) -> None:
    size = (recipe.height, recipe.width, 3)
    for name, picture in (("start", start), ("end", end)):
        if picture.shape != size or picture.dtype != np.uint8:
            raise SpecError(f"{name} is {picture.shape} {picture.dtype}; needed is {size} uint8")
    if strange := sorted(set(wanted) - set(recipe.positions)):
        raise SpecError(f"position {strange[0]} is wanted; the recipe has no such position")
