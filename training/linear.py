"""The encoder in closed form: nested principal components of picture patches.

    python -m training.linear

A deep encoder and its decoder have to find a common language, which takes longer than the first
training could wait. `AutoencoderTiny` without encoder blocks is a chain of strided convolutions;
with the principal components of 2x2 patches at each level, it is (nearly) the best linear code of
16x16 patches at once, and the decoder and the denoiser can be trained on it side by side.
"""

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from .data import read_pictures, to_tensor
from .layout import LATENT_CHANNELS, VAE_WIDTH, new_vae
from .paths import BUILD

SAMPLE = 400  # pictures
SPREAD = 0.5  # each latent keeps its deviation to this power: large things first, small not lost
RAW = 0.3  # deviation of the encoder's output; the decoder squashes at 3


def patches(x: Tensor) -> Tensor:
    """(n, c, h, w) to the 2x2 patches as columns (n, 4c, h/2, w/2), in the order c, dy, dx."""
    return torch.nn.functional.pixel_unshuffle(x, 2)


def components(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` strongest components (count, channels) of (n, channels, h, w), and deviations."""
    rows = x.permute(1, 0, 2, 3).flatten(1)
    values, vectors = torch.linalg.eigh(torch.cov(rows.double()))
    strongest = torch.argsort(values, descending=True)[:count]
    return vectors[:, strongest].T.float(), values[strongest].clamp(min=0).sqrt().float()


@torch.no_grad()
def linear_encoder(vae: AutoencoderTiny, pictures: Tensor) -> None:
    """Set the encoder's weights from `pictures` (n, 3, 256, 256) in [-1, 1]."""
    layers = list(vae.encoder.layers)
    first, halvings, last = layers[0], layers[1:-1], layers[-1]
    for layer in layers:
        layer.weight.zero_()
        if layer.bias is not None:
            layer.bias.zero_()
    # The encoder first maps [-1, 1] to [0, 1]; undo that, so that grey is 0.
    for channel in range(3):
        first.weight[channel, channel, 1, 1] = 2
        first.bias[channel] = -1
    x = pictures
    for layer in halvings:
        x = patches(x)
        basis, _ = components(x, min(VAE_WIDTH, x.shape[1]))
        kernel = basis.view(len(basis), -1, 2, 2)
        # Stride 2 and padding 1: taps 1 and 2 of each kernel row meet the 2x2 patch.
        layer.weight[: kernel.shape[0], : kernel.shape[1], 1:, 1:] = kernel
        x = torch.einsum("oc,nchw->nohw", basis, x)
    basis, deviation = components(x, LATENT_CHANNELS)
    scale = deviation.pow(SPREAD - 1)
    scale *= RAW / float((deviation * scale).square().mean().sqrt())
    weight = basis * scale[:, None]
    last.weight[:, : basis.shape[1], 1, 1] = weight
    last.bias.copy_(-weight @ x.mean((0, 2, 3)))


def main() -> None:
    torch.manual_seed(0)
    every = read_pictures()
    chosen = every[np.linspace(0, len(every) - 1, SAMPLE).astype(int)]
    vae = new_vae()
    linear_encoder(vae, to_tensor(chosen))
    with torch.no_grad():
        z = vae.encode(to_tensor(chosen[:64])).latents
    print("mean", float(z.mean()), "deviation", float(z.std()), "largest", float(z.abs().max()))
    print("per channel", [round(float(d), 2) for d in z.std((0, 2, 3))])
    vae.register_to_config(scaling_factor=round(float(1 / z.std()), 4))
    vae.save_pretrained(str(BUILD / "vae"))


if __name__ == "__main__":
    main()
