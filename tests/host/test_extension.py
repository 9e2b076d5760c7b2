"""What the extension is to Blender: quick to register, light, and gone when it is disabled."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("torch", "librosa", "diffusers", "transformers", "scipy", "PIL", "soundfile", "av")


def test_blenders_process_never_holds_a_heavy_module(bpy, made):
    assert not [name for name in HEAVY if name in sys.modules]


def test_no_heavy_module_is_even_installed_in_the_host():
    code = f"import importlib.util as u; print([n for n in {HEAVY!r} if u.find_spec(n)])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_disabled_it_leaves_nothing_behind(bpy):
    from demo import host

    bpy.ops.preferences.addon_disable(module=host.MODULE)
    try:
        assert not hasattr(bpy.types.Scene, "strophe")
        assert not hasattr(bpy.types.Strip, "strophe")
        assert not hasattr(bpy.types, "STROPHE_PT_song")
        assert not [h for h in bpy.app.handlers.load_pre if "strophe" in str(h.__module__)]
    finally:
        bpy.ops.preferences.addon_enable(module=host.MODULE)
    assert hasattr(bpy.types.Scene, "strophe")


def test_the_manifest_is_valid():
    import addon_utils

    tool = next(Path(addon_utils.__file__).parent.parent.rglob("bl_pkg/cli/blender_ext.py"))
    out = subprocess.run(
        [sys.executable, str(tool), "validate", str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 0, out.stdout + out.stderr
