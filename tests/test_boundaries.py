"""Who may import whom. Held over the syntax trees, so that nothing needs to be installed for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIGHT = {"errors", "units", "specs", "energy", "protocol", "client", "cache"}
HEAVY = {"worker", "song", "story", "diffusion", "identity", "singing", "measures"}
BLENDER = {"bpy", "mathutils", "aud", "gpu", "bpy_extras"}
LIBRARIES = {"torch", "diffusers", "transformers", "peft", "safetensors", "librosa", "scipy", "PIL"}
LIBRARIES |= {"soundfile", "soxr", "av", "accelerate", "cv2", "mir_eval"}


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield what a file imports, as absolute parts; the checkout's own start with '.'."""
    package = path.relative_to(ROOT).with_suffix("").parts
    package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level == 0:
                yield module
                continue
            base = package[: len(package) - node.level + 1]
            yield from ((".", *base, *module, alias.name) for alias in node.names)


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT / "core").parts[0].removesuffix(".py")


def test_core_knows_no_blender_and_nothing_above_itself():
    for path in files("core"):
        for parts in imports(path):
            assert parts[0] not in BLENDER, f"{path}: {parts}"
            assert parts[0] not in {"core", "operators", "panels"}, f"{path}: not relative: {parts}"
            if parts[0] == ".":
                assert parts[1] == "core", f"{path}: {parts}"


def test_the_light_ring_imports_numpy_and_itself_alone():
    for path in (p for p in files("core") if room(p) in LIGHT):
        for parts in imports(path):
            assert parts[0] not in LIBRARIES, f"{path}: {parts}"
            if parts[0] == ".":
                assert parts[2] in LIGHT, f"{path}: {parts}"


def test_every_room_of_core_is_in_one_ring():
    rooms = {room(p) for p in files("core")} - {"__init__"}
    assert rooms <= LIGHT | HEAVY


def test_domain_modules_do_not_import_the_worker():
    for path in (p for p in files("core") if room(p) in HEAVY - {"worker"}):
        assert all(parts[:3] != (".", "core", "worker") for parts in imports(path)), path


def test_operators_reach_core_through_the_light_ring_alone():
    for path in files("operators"):
        for parts in imports(path):
            assert parts[0] not in LIBRARIES, f"{path}: {parts}"
            if parts[:2] == (".", "core"):
                assert parts[2] in LIGHT, f"{path}: {parts}"
            assert parts[:2] != (".", "panels"), f"{path}: {parts}"


def test_blend_is_below_the_operators():
    for path in files("operators/blend"):
        for parts in imports(path):
            if parts[:2] == (".", "operators"):
                assert parts[2] == "blend", f"{path}: {parts}"


def test_panels_import_names_alone():
    for path in files("panels"):
        for parts in imports(path):
            if parts[0] == "." and parts[1] != "panels":
                assert parts[1:3] in {("operators", "names"), ("operators", "properties")}, path


@pytest.mark.parametrize("name", ["__init__.py", "operators/names.py"])
def test_imports_nothing_at_module_scope(name):
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def test_a_body_takes_its_settings_along():
    """In the window an operator is gone once its button is released: no generator may need it."""
    for path in files("operators"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "body":
                yields = (ast.Yield, ast.YieldFrom)
                assert not any(isinstance(n, yields) for n in ast.walk(node)), path


def test_versions_of_blender_are_known_in_one_place():
    for path in [*files("operators"), *files("panels")]:
        if "blend" not in path.parts:
            assert "bpy.app.version" not in path.read_text("utf-8"), path
