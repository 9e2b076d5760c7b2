"""Train the decoder on crops of the packed pictures, for a given number of minutes.

python -m training.vae --minutes 22     continues from its checkpoint when there is one
"""

import argparse
import time

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor
from torch.nn import functional

from .contact import contact_sheet
from .data import random_crops, read_pictures, to_pixels, to_tensor
from .export import newest_vae
from .paths import BUILD
from .perceptual import PerceptualDistance

RATE = 1e-3
NOISE = 0.5  # largest noise on latents of unit variance
CHECKPOINT = BUILD / "vae.pt"


def edges(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the right and to the lower neighbour."""
    return x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]


def edge_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """L1 of the edges at full and half size: keeps outlines sharp."""
    total = ours.new_zeros(())
    for _ in range(2):
        for a, b in zip(edges(ours), edges(theirs), strict=True):
            total = total + (a - b).abs().mean()
        ours, theirs = functional.avg_pool2d(ours, 2), functional.avg_pool2d(theirs, 2)
    return total


def losses(vae: AutoencoderTiny, perceptual: PerceptualDistance, x: Tensor) -> dict[str, Tensor]:
    """The terms of the decoder's loss, weighted.

    A little noise on the latents teaches the decoder to forgive the denoiser's small errors.
    """
    with torch.no_grad():
        z = vae.encode(x).latents
        noise = torch.randn_like(z) * torch.rand(len(z), 1, 1, 1)
    y = vae.decode(z + NOISE / vae.config.scaling_factor * noise).sample
    half = len(x) // 2
    return {
        "pixels": (y - x).abs().mean(),
        "edges": edge_loss(y, x),
        "features": 0.6 * perceptual(y[:half], x[:half]),
    }


def reconstructions(vae: AutoencoderTiny, pictures: np.ndarray) -> float:
    """Write a sheet of originals and reconstructions; return their PSNR in dB."""
    x = to_tensor(pictures[np.linspace(0, len(pictures) - 1, 12).astype(int)])
    with torch.no_grad():
        y = vae.decode(vae.encode(x).latents).sample.clamp(-1, 1)
    both = [p for pair in zip(to_pixels(x), to_pixels(y), strict=True) for p in pair]
    contact_sheet(both, ["original", "decoded"] * 12, BUILD / "vae.png", columns=8)
    return float(10 * torch.log10(4 / (x - y).square().mean()))


def save(vae: AutoencoderTiny, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write the checkpoint, and the autoencoder where the other programs look for it."""
    state = {"decoder": vae.decoder.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    torch.save(state, CHECKPOINT)
    vae.save_pretrained(str(BUILD / "vae"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=22)
    parser.add_argument("--crop", type=int, default=128, help="pixels")
    parser.add_argument("--batch", type=int, default=4, help="crops")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    seconds = arguments.minutes * 60
    torch.set_num_threads(arguments.threads)
    vae = newest_vae().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(vae.decoder.parameters(), lr=RATE, betas=(0.9, 0.98))
    step = 0
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT, weights_only=True)
        vae.decoder.load_state_dict(saved["decoder"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    rng = np.random.default_rng(step)
    torch.manual_seed(step)
    perceptual = PerceptualDistance()
    pictures = read_pictures()
    first, start, told = step, time.monotonic(), time.monotonic()
    sums: dict[str, float] = {}
    while (gone := time.monotonic() - start) < seconds:
        # Warm up over 50 steps, then down a half cosine to the deadline.
        rate = RATE * min(1.0, (step - first + 1) / 50)
        rate *= 0.5 + 0.5 * np.cos(np.pi * gone / seconds)
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        crops = random_crops(pictures, rng, arguments.batch, arguments.crop)
        terms = losses(vae, perceptual, crops)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(vae.decoder.parameters(), 1.0)
        optimizer.step()
        step += 1
        for name, term in terms.items():
            value = float(term.detach())
            sums[name] = 0.95 * sums.get(name, value) + 0.05 * value
        if time.monotonic() - told > 60:
            told = time.monotonic()
            pictures = read_pictures()
            speed = (step - first) * arguments.batch / gone
            line = " ".join(f"{name} {value:.4f}" for name, value in sums.items())
            decibels = reconstructions(vae, pictures)
            print(f"step {step} {speed:.1f}/s {line} psnr {decibels:.2f}", flush=True)
            save(vae, optimizer, step)
    save(vae, optimizer, step)
    print(f"psnr {reconstructions(vae, pictures):.2f} after {step} steps", flush=True)


if __name__ == "__main__":
    main()
