"""A diffusion model taken from a folder, and the few things that are asked of it.

On a CPU the same call gives the same bits. Which rows share a call can change them, and so can the
number of threads: pictures and texts are therefore encoded and decoded one by one, the denoiser is
given its rows in groups that the caller fixes, and the number of threads follows from the machine,
never from its load.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray

from ..errors import DeviceFullError, ModelError, SpecError
from ..specs import Keyframe, Model

__all__ = ["Painter"]

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]

WEIGHTED_PARTS: Final = ("unet", "vae", "text_encoder")
PARTS: Final = (*WEIGHTED_PARTS, "tokenizer", "scheduler")
PICKLES: Final = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
MOST_THREADS: Final = 8

MOST_ROWS: Final = 8
"""Rows of one denoiser call, where pictures are small enough."""

CPU_CELLS: Final = 2048
"""Latent cells of one denoiser call on a CPU: more gain nothing there, and delay a cancel."""

ACCELERATOR_CELLS: Final = 65536
"""Latent cells of one denoiser call on a GPU; eight pictures of 512 x 512 are half of it."""

OUT_OF_MEMORY: Final = ("out of memory", "can't allocate memory", "not enough memory")


class Painter:
    """A loaded model: words and pictures in, predictions and pictures out.

    Attributes
    ----------
    name : the pipeline's class.
    device, dtype : where and in what precision it runs.
    evaluations : denoiser evaluations since loading, counted by a hook on the UNet. One evaluation
        is one sample at one step. Under guidance it takes two rows of the UNet, and counts once.
    """

    def __init__(self, pipe: Any, device: torch.device, dtype: torch.dtype) -> None:
        self.pipe = pipe
        self.name = type(pipe).__name__
        self.device = device
        self.dtype = dtype
        self.evaluations = 0
        self._most_rows = MOST_ROWS
        self._rows_per_evaluation = 1
        pipe.unet.register_forward_hook(self._count)

    @classmethod
    def load(cls, model: Model) -> Painter:
        """Load a folder in `StableDiffusionPipeline` layout, from disk and never from the network.

        Raises
        ------
        ModelError : a part is missing or broken, or its weights are pickles; another pipeline.
        DeviceFullError : the weights do not fit into the device's memory.
        """
        folder = Path(model.folder)
        _refuse_incomplete(folder)
        device, dtype = _best_device(), getattr(torch, model.dtype)
        # cpu_count, not the share of it that is free or allotted now: bits must not depend on load
        torch.set_num_threads(min(os.cpu_count() or 1, MOST_THREADS))
        try:
            pipe = _from_folder(folder, dtype).to(device)
        except Exception as error:  # a foreign folder can fail in any way
            if _is_out_of_memory(error):
                raise DeviceFullError(
                    f"{folder}: its weights do not fit into the memory of {device}; "
                    "choose float16 or bfloat16, or a smaller model"
                ) from error
            raise ModelError(f"{folder}: cannot be loaded: {error}") from error
        if device.type != "mps":
            for network in (pipe.unet, pipe.vae):
                network.to(memory_format=torch.channels_last)  # a decode takes half the time
        return cls(pipe, device, dtype)

    @property
    def scale(self) -> int:
        """Pixels along the edge of one latent cell."""
        return int(self.pipe.vae_scale_factor)

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """Return (channels, rows, columns) of a picture's latents.

        Raises
        ------
        SpecError : the model has no latents of that size.
        """
        for name, size in (("width", width), ("height", height)):
            if size % self.scale:
                raise SpecError(f"{name} is {size}; this model needs a multiple of {self.scale}")
        return int(self.pipe.unet.config.in_channels), height // self.scale, width // self.scale

    def rows_at_once(self, width: int, height: int) -> int:
        """Return how many pictures of this size one denoiser call should hold; always the same."""
        _, rows, columns = self.latent_shape(width, height)
        cells = CPU_CELLS if self.device.type == "cpu" else ACCELERATOR_CELLS
        return max(1, min(MOST_ROWS, cells // (rows * columns)))

    def noise(self, seed: int, width: int, height: int) -> torch.Tensor:
        """Return (1, channels, rows, columns) standard normal float32 noise.

        Drawn on the CPU in float32: a seed means the same on any device and in any precision.
        """
        shape = (1, *self.latent_shape(width, height))
        generator = torch.Generator("cpu").manual_seed(seed)
        return torch.randn(shape, generator=generator).to(self.device)

    def encode_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the text encoder's states, (n, tokens, dim), each text encoded by itself."""
        with torch.inference_mode():
            states = [self.pipe.encode_prompt(text, self.device, 1, False)[0] for text in texts]
        return torch.cat(states)

    def encode_picture(self, pictures: Pictures) -> torch.Tensor:
        """Return the scaled latents of (n, h, w, 3) uint8: (n, channels, rows, columns) float32.

        The mean of the posterior where the autoencoder has one: a picture has one encoding.
        """
        pixels = torch.tensor(pictures, dtype=torch.float32, device=self.device)
        return self._in_turn(self._encode, pixels.permute(0, 3, 1, 2) / 127.5 - 1.0)

    def decode(self, latents: torch.Tensor) -> Pictures:
        """Return the pictures of scaled latents, (n, h, w, 3) uint8. Raises as `decode_exactly`."""
        return np.rint(self.decode_exactly(latents)).astype(np.uint8)

    def decode_exactly(self, latents: torch.Tensor) -> Floats:
        """Return the pictures of scaled latents, unrounded: (n, h, w, 3) float32 in [0, 255].

        Raises
        ------
        ModelError : the model overflowed in its precision.
        """
        pixels = self._in_turn(self._decode, latents)
        if not torch.isfinite(pixels).all():
            raise ModelError(
                f"{self.name}: the picture overflowed in {self.dtype}; choose bfloat16 or float32"
            )
        shown = ((pixels + 1.0) * 127.5).clamp(0.0, 255.0)
        return shown.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def denoise(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        text: torch.Tensor,
        negative: torch.Tensor | None = None,
        guidance: float = 1.0,
    ) -> torch.Tensor:
        """Evaluate the denoiser once for every row, all rows in one call while memory lasts.

        When memory runs out, calls hold half the rows from then on.

        Parameters
        ----------
        latents : (n, channels, rows, columns), noisy.
        timesteps : (n,) the noise step each row is at, in [0, training steps); need not be whole.
        text : (n, tokens, dim) states.
        negative : (1, tokens, dim) states to be guided away from; None when `guidance` is 1.
        guidance : w in ŷ = ŷ_neg + w·(ŷ_text − ŷ_neg).

        Returns
        -------
        (n, channels, rows, columns) float32, in the terms of the scheduler's `prediction_type`.
        """
        self._rows_per_evaluation = 1 if negative is None else 2

        def predict(z: torch.Tensor, t: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
            if negative is None:
                return self._predict(z, t, c)
            both = torch.cat([negative.expand_as(c), c])
            away, towards = self._predict(torch.cat([z, z]), torch.cat([t, t]), both).chunk(2)
            return away + guidance * (towards - away)

        return self._in_halves(predict, latents, timesteps, text)

    def draw(self, recipe: Keyframe, after_step: Callable[[int, int], None]) -> torch.Tensor:
        """Return the (1, channels, rows, columns) latents that the pipeline's own sampler makes.

        `after_step(i, n)` is called after the i-th of n steps, 1 first; what it raises passes.
        """

        def tell(pipe: Any, i: int, _t: Any, state: dict[str, Any]) -> dict[str, Any]:
            after_step(i + 1, pipe.num_timesteps)
            return state

        def sample(noise: torch.Tensor) -> torch.Tensor:
            latents: torch.Tensor = self.pipe(
                recipe.text,
                negative_prompt=recipe.negative_prompt,
                latents=noise.to(self.dtype),
                height=recipe.height,
                width=recipe.width,
                num_inference_steps=recipe.steps,
                guidance_scale=recipe.guidance,
                generator=torch.Generator("cpu").manual_seed(recipe.seed),
                output_type="latent",
                callback_on_step_end=tell,
            ).images
            return latents

        distilled = self.pipe.unet.config.time_cond_proj_dim is not None  # reads guidance as input
        self._rows_per_evaluation = 2 if recipe.guidance > 1 and not distilled else 1
        return self._in_turn(sample, self.noise(recipe.seed, recipe.width, recipe.height))

    def free(self) -> None:
        """Let go of the model's memory. The painter is of no use afterwards."""
        self.pipe = None
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        elif self.device.type == "mps":
            torch.mps.empty_cache()

    def _in_turn(
        self, network: Callable[[torch.Tensor], torch.Tensor], rows: torch.Tensor
    ) -> torch.Tensor:
        try:
            with torch.inference_mode():
                return torch.cat([network(row).float() for row in torch.split(rows, 1)])
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            raise DeviceFullError(self._what_would_fit(rows)) from error

    def _in_halves(self, network: Callable[..., torch.Tensor], *rows: torch.Tensor) -> torch.Tensor:
        while True:
            try:
                with torch.inference_mode():
                    parts = zip(*(torch.split(r, self._most_rows) for r in rows), strict=True)
                    return torch.cat([network(*part) for part in parts])
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                if self._most_rows == 1:
                    raise DeviceFullError(self._what_would_fit(rows[0])) from error
            self._most_rows //= 2

    def _what_would_fit(self, rows: torch.Tensor) -> str:
        factor = 1 if rows.shape[1] == 3 else self.scale
        height, width = (size * factor for size in rows.shape[-2:])
        less = [int(size / 2**0.5) // 16 * 16 for size in (width, height)]
        return (
            f"{self.device} has no memory left for a single picture of {width} x {height}; "
            f"{less[0]} x {less[1]} needs half of it, and other programs may hold some"
        )

    def _predict(self, z: torch.Tensor, t: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        out = self.pipe.unet(
            z.to(self.dtype), t, encoder_hidden_states=c.to(self.dtype), return_dict=False
        )
        prediction: torch.Tensor = out[0].float()
        return prediction

    def _encode(self, pixels: torch.Tensor) -> torch.Tensor:
        encoded = self.pipe.vae.encode(pixels.to(self.dtype))
        z: torch.Tensor = (
            encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
        )
        scaling: float = self.pipe.vae.config.scaling_factor
        return z.float() * scaling

    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        z = (latents / self.pipe.vae.config.scaling_factor).to(self.dtype)
        pixels: torch.Tensor = self.pipe.vae.decode(z, return_dict=False)[0]
        return pixels

    def _count(self, _unet: torch.nn.Module, arguments: tuple[Any, ...], _out: Any) -> None:
        self.evaluations += len(arguments[0]) // self._rows_per_evaluation


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _from_folder(folder: Path, dtype: torch.dtype) -> Any:
    pipe: Any = StableDiffusionPipeline.from_pretrained(  # type: ignore[no-untyped-call]
        folder,
        dtype=dtype,
        variant=_variant(folder),
        local_files_only=True,
        use_safetensors=True,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    for part in WEIGHTED_PARTS:
        getattr(pipe, part).eval().requires_grad_(False)
    return pipe


def _variant(folder: Path) -> str | None:
    """Return "fp16" for a folder whose denoiser comes as diffusers' half-size variant alone."""
    names = [file.name for file in (folder / "unet").glob("*.safetensors")]
    return "fp16" if all(".fp16" in name for name in names) else None


def _refuse_incomplete(folder: Path) -> None:
    index = folder / "model_index.json"
    if not index.is_file():
        raise ModelError(f"{index} is missing; choose the folder of a diffusers pipeline")
    try:
        parts = json.loads(index.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(f"{index} is not JSON: {error}") from error
    name = parts.get("_class_name") if isinstance(parts, dict) else None
    if name != "StableDiffusionPipeline":
        raise ModelError(f"{index} is a {name}; only StableDiffusionPipeline can be used")
    for part in PARTS:
        if not (folder / part).is_dir():
            raise ModelError(f"{folder} has no {part}; download or copy the model's folder anew")
    for part in WEIGHTED_PARTS:
        _refuse_pickles(folder / part)


def _refuse_pickles(part: Path) -> None:
    files = sorted(part.iterdir())
    if any(file.suffix == ".safetensors" for file in files):
        return
    for file in files:
        if file.suffix in PICKLES:
            raise ModelError(
                f"{file} is a pickle, which can run code; get the model in safetensors, "
                "or convert it with save_pretrained(safe_serialization=True)"
            )
    raise ModelError(
        f"{part} has no .safetensors weights; download or copy the model's folder anew"
    )


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)
