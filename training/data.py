"""The packed dataset as the other programs read it."""

import numpy as np
import torch
from numpy.typing import NDArray

from .paths import DATASET


def read_captions() -> list[list[str]]:
    """Per picture: the subject's name, then its captions."""
    text = (DATASET / "captions.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()]


def read_pictures() -> NDArray[np.uint8]:
    """The pictures packed so far, (pictures, 256, 256, 3), mapped from disk."""
    pictures: NDArray[np.uint8] = np.load(DATASET / "pictures.npy", mmap_mode="r")
    return pictures[: len(read_captions())]


def to_tensor(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """(pictures, height, width, 3) in 0..255 to (pictures, 3, height, width) in [-1, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)
    return tensor.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


def to_pixels(tensor: torch.Tensor) -> NDArray[np.uint8]:
    """The inverse of `to_tensor`, clipped."""
    scaled = tensor.float().clamp(-1, 1).add(1).mul(127.5).round().byte()
    return scaled.permute(0, 2, 3, 1).contiguous().numpy()


def random_crops(
    pictures: NDArray[np.uint8], rng: np.random.Generator, count: int, size: int
) -> torch.Tensor:
    """Square crops at random places, half of them mirrored."""
    crops = np.empty((count, size, size, 3), np.uint8)
    for index in range(count):
        picture = pictures[rng.integers(len(pictures))]
        top, left = rng.integers(0, picture.shape[0] - size + 1, 2)
        crop = picture[top : top + size, left : left + size]
        crops[index] = crop[:, ::-1] if rng.random() < 0.5 else crop
    return to_tensor(crops)
