"""Blender as a module with Strophe enabled from the checkout, a tiny real model, and a real song."""

from __future__ import annotations

import json
import subprocess
import wave
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from demo import host

ROOT = Path(__file__).parent.parent.parent
TWINKLE = ROOT / "assets" / "song" / "twinkle.ogg"


def pytest_addoption(parser):
    parser.addoption("--runtime", required=True, help="the runtime's Python")


@pytest.fixture(scope="session")
def runtime(request) -> Path:
    return Path(request.config.getoption("--runtime"))


@pytest.fixture(scope="session")
def tiny_model(runtime, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    subprocess.run(
        [str(runtime), "-m", "tests.tiny_pipeline", str(folder)], cwd=ROOT, check=True, timeout=200
    )
    return folder


@pytest.fixture(scope="session")
def blender(runtime, tiny_model, tmp_path_factory) -> Iterator[ModuleType]:
    """The bpy module, Strophe enabled in it."""
    host.start(tmp_path_factory.mktemp("blender"), runtime)
    import bpy

    yield bpy
    bpy.ops.preferences.addon_disable(module=host.MODULE)


@pytest.fixture
def bpy(blender, runtime, tiny_model, tmp_path) -> ModuleType:
    """A new project, saved in a folder of its own."""
    preferences = blender.context.preferences.addons[host.MODULE].preferences
    preferences.runtime_python, preferences.model_folder = str(runtime), str(tiny_model)
    host.new_project()
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "film.blend"))
    state = blender.context.scene.strophe
    state.width = state.height = 64
    state.steps, state.walk_steps, state.shot_length = 2, 2, 1.0
    state.prompts = blender.data.texts.new("Prompts")
    state.prompts.from_string("a red apple\na green tree\na moon")
    return blender


@pytest.fixture
def scene(bpy):
    return bpy.context.scene


@pytest.fixture(scope="session")
def song(tmp_path_factory) -> Path:
    """Six seconds: clicks at 120 bpm that grow louder, over a tone."""
    rate = 22050
    t = np.arange(6 * rate) / rate
    sound = 0.1 * np.sin(2 * np.pi * 330 * t)
    noise = np.random.default_rng(0).normal(0, 0.25, 400)
    for k in range(12):
        at = k * rate // 2
        sound[at : at + 400] += noise * (0.4 + 0.05 * k)
    path = tmp_path_factory.mktemp("song") / "clicks with ü.wav"
    write_wav(path, sound, rate)
    return path


def write_wav(path: Path, sound: np.ndarray, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def module(name: str) -> ModuleType:
    """A module of the enabled extension."""
    return import_module(f"{host.MODULE}.{name}")


def shots(scene) -> list[tuple[int, int, str, str]]:
    return [(s.frame_start, s.frame_end, s.state, s.stale_reason) for s in scene.strophe.shots]


def drive(scene):
    return module("operators.blend.fcurves").find(scene, "strophe.curves.drive")


def strips_of(scene, role: str) -> list:
    found = module("operators.blend.strips").of_role(scene, role)
    return sorted(found, key=module("operators.blend.timeline").first_frame)


def recipe_of(strip) -> dict:
    return json.loads(strip.strophe.recipe)


@pytest.fixture
def planned(bpy, scene, song):
    """The song is heard and shots are planned."""
    bpy.ops.strophe.import_song(filepath=str(song), frame_start=1)
    bpy.ops.strophe.plan_shots()
    return scene


@pytest.fixture
def made(bpy, planned):
    """Every clip is on the timeline."""
    bpy.ops.strophe.generate_keyframes(scope="ALL")
    bpy.ops.strophe.generate_clips(scope="ALL")
    return planned
