"""Pictures as arrays: read, fitted, written."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..errors import SpecError

__all__ = ["fit", "png", "read"]

Picture = NDArray[np.uint8]


def read(path: Path) -> Picture:
    """Read an image file as (h, w, 3) uint8 RGB, turned upright; transparency lies over black.

    Raises
    ------
    SpecError : the file is not an image that can be read.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            return np.array(_as_rgb(upright))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SpecError(f"{path} cannot be read as a picture: {error}") from error


def fit(picture: Picture, width: int, height: int) -> Picture:
    """Return the picture at (height, width, 3), undistorted: it covers the size, cropped evenly.

    Cropping keeps a walk free of bars that would have to morph. A picture of that size is returned
    bit for bit.
    """
    if picture.shape == (height, width, 3):
        return picture
    return np.array(
        ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.LANCZOS)
    )


def png(picture: Picture) -> bytes:
    """Return the bytes of a PNG, the same for the same pixels: lightly compressed, no metadata."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow would clip it at 255 instead of scaling it
        image = Image.fromarray((np.asarray(image).astype(np.uint32) // 257).astype(np.uint8))
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", colour.size, (0, 0, 0, 255)), colour)
    return image.convert("RGB")
