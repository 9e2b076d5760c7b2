"""A real worker in a real child process, and a tiny real model."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from core import cache
from core.client import Worker
from core.specs import Clip, Keyframe, Model, Picture
from tests import tiny_pipeline


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Model:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny_pipeline.save(folder)
    return Model(str(folder), cache.sha256_model(folder))


@pytest.fixture(scope="session")
def worker(tmp_path_factory) -> Iterator[Worker]:
    """One worker for all tests that leave it alive: loading torch takes its time."""
    folder = tmp_path_factory.mktemp("worker")
    shared = Worker(Path(sys.executable), folder / "worker.log", folder / "cwd")
    yield shared
    shared.close()


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Worker]]:
    """Start workers that are ended with the test."""
    workers: list[Worker] = []

    def starter(python: Path = Path(sys.executable)) -> Worker:
        workers.append(Worker(python, tmp_path / "worker.log", tmp_path / "cwd"))
        return workers[-1]

    yield starter
    for worker in workers:
        worker.close()


@pytest.fixture
def results(tmp_path) -> Path:
    return tmp_path / "film.strophe"


@pytest.fixture
def song(tmp_path) -> Path:
    """Four seconds of clicks over a tone."""
    rate = 22050
    t = np.arange(4 * rate) / rate
    sound = 0.2 * np.sin(2 * np.pi * 330 * t)
    for k in range(8):
        sound[k * rate // 2 : k * rate // 2 + 400] += np.random.default_rng(k).normal(0, 0.3, 400)
    path = tmp_path / "song with ü and space.wav"
    soundfile.write(path, np.clip(sound, -1, 1), rate)
    return path


def picture(path: Path, seed: int) -> Picture:
    """A smooth picture of its own for every seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC).save(path)
    return Picture(str(path), hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def keyframe(model) -> Keyframe:
    return Keyframe("a red apple", "", "", 3, 64, 64, 3, 2.0, model)


@pytest.fixture
def clip(model, tmp_path) -> Clip:
    return Clip(
        positions=tuple(min(1024, 30 * k) for k in range(36)),
        fps_numerator=24,
        fps_denominator=1,
        width=64,
        height=64,
        start=picture(tmp_path / "a.png", 1),
        end=picture(tmp_path / "b.png", 2),
        start_prompt="a red apple",
        end_prompt="a green tree",
        negative_prompt="",
        seed=3,
        steps=3,
        guidance=1.0,
        strength=0.6,
        model=model,
    )
