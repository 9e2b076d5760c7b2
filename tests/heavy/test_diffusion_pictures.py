"""Pictures in and out."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.diffusion.pictures import fit, png, read
from core.errors import SpecError

RANDOM = np.random.default_rng(0)


def test_a_picture_of_the_right_size_is_left_alone() -> None:
    picture = RANDOM.integers(0, 256, (48, 64, 3), np.uint8)
    assert np.array_equal(fit(picture, 64, 48), picture)


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (64, 128), (512, 512)])
def test_fitting_covers_without_distortion(size: tuple[int, int]) -> None:
    y, x = np.mgrid[-100:100, -150:150]
    disc = np.where((x**2 + y**2 < 40**2)[..., None], 255, 0).astype(np.uint8).repeat(3, axis=2)
    inside = fit(disc, *size)[..., 0] > 127
    assert inside.shape == (size[1], size[0])
    assert np.ptp(np.flatnonzero(inside.any(0))) == pytest.approx(
        np.ptp(np.flatnonzero(inside.any(1))), abs=1
    )


def test_png_keeps_every_bit_and_nothing_else(tmp_path: Path) -> None:
    picture = RANDOM.integers(0, 256, (20, 30, 3), np.uint8)
    assert png(picture) == png(picture.copy())
    with Image.open(io.BytesIO(png(picture))) as image:
        assert (image.info, image.mode) == ({}, "RGB")
    (tmp_path / "a.png").write_bytes(png(picture))
    assert np.array_equal(read(tmp_path / "a.png"), picture)


def test_grey_deep_transparent_and_turned_pictures_are_read(tmp_path: Path) -> None:
    deep = np.full((4, 6), 128 * 257, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert (read(tmp_path / "deep.png") == 128).all()
    Image.new("RGBA", (6, 4), (200, 100, 50, 0)).save(tmp_path / "clear.png")
    assert (read(tmp_path / "clear.png") == 0).all()
    Image.new("L", (6, 4), 7).save(tmp_path / "grey.png")
    assert read(tmp_path / "grey.png").shape == (4, 6, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "turned.jpg", exif=exif)
    assert read(tmp_path / "turned.jpg").shape == (6, 4, 3)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_what_is_no_picture_is_named(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(SpecError, match=r"a\.png"):
        read(tmp_path / "a.png")
    with pytest.raises(SpecError, match=r"gone\.png"):
        read(tmp_path / "gone.png")
