"""The least that the peer needs to paint with the starter model. It paints its own way otherwise.

Each change is declared in NOTES, which the bench prints.
"""

from __future__ import annotations

from typing import Any

import torch
from stable_diffusion_videos import StableDiffusionWalkPipeline

NOTES = (
    "The peer's sizes are asked for as latents × 8, since it takes every autoencoder for an 8× one; the "
    "starter's is 16×. The latents are those that Strophe has.",
    "The peer divides latents by 0.18215, Stable Diffusion 1's constant, whatever the model says; its "
    "vae.decode is wrapped so that the starter's own scaling factor is used.",
    "The peer hands its text encoder no attention mask, which CLIP does without; the starter's encoder "
    "is a BERT, and is wrapped so that padding is masked as the model's folder asks.",
    "The safety checker is off (the starter has none), and so is the progress bar.",
    "At some lengths the peer's walk breaks, since it computes int(frames / fps · fps) positions; its "
    "film's clips are a frame shorter there. In its film's time is a video of every clip, which it "
    "always writes.",
)

_ITS_CONSTANT = 0.18215
_ITS_SCALE = 8


def load(folder: str) -> Any:
    """Load the peer's pipeline from a folder, on the CPU in float32."""
    pipe = StableDiffusionWalkPipeline.from_pretrained(
        folder,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        local_files_only=True,
        torch_dtype=torch.float32,
    )
    pipe.set_progress_bar_config(disable=True)
    _scale_as_the_model_says(pipe.vae)
    _mask_padding(pipe.text_encoder, pipe.tokenizer.pad_token_id)
    return pipe


def asked(pipe: Any, pixels: int) -> int:
    """Return the height or width to ask the peer for, to get a picture of `pixels`."""
    return pixels * _ITS_SCALE // int(pipe.vae_scale_factor)


def _scale_as_the_model_says(vae: Any) -> None:
    decode = vae.decode
    factor = _ITS_CONSTANT / vae.config.scaling_factor
    vae.decode = lambda latents: decode(latents * factor)


def _mask_padding(text_encoder: Any, padding: int) -> None:
    forward = text_encoder.forward
    text_encoder.forward = lambda ids: forward(ids, attention_mask=(ids != padding).long())
