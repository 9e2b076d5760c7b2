"""Blender as a module, with Strophe enabled from this very checkout."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
_REPOSITORY = "strophe_checkout"
MODULE = f"bl_ext.{_REPOSITORY}.strophe"


def start(resources: Path, runtime_python: Path) -> None:
    """Import bpy with its own, empty user folder and enable the extension in place.

    The checkout may lie in a folder of any name; Blender sees it through a link called `strophe`.
    """
    resources.mkdir(parents=True, exist_ok=True)
    link = resources / "checkout" / "strophe"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)  # it may be left over from where the checkout lay before
    link.symlink_to(ROOT, target_is_directory=True)
    os.environ["BLENDER_USER_RESOURCES"] = str(resources)
    import bpy

    new_project()
    bpy.context.preferences.extensions.repos.new(
        name="Checkout", module=_REPOSITORY, custom_directory=str(link.parent), remote_url=""
    )
    bpy.ops.preferences.addon_enable(module=MODULE)
    bpy.context.preferences.addons[MODULE].preferences.runtime_python = str(runtime_python)


def new_project() -> None:
    """Start an empty video editing project, as File > New > Video Editing does."""
    import bpy

    bpy.ops.wm.read_homefile(app_template="Video_Editing", use_factory_startup=True, load_ui=True)
