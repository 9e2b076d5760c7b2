"""The add-on's preferences: which Python does the work, and which model paints."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import StringProperty

ADDON = __package__.rpartition(".")[0]
EXTENSION = Path(__file__).parent.parent
STARTER = EXTENSION / "core" / "diffusion" / "starter"


class StrophePreferences(bpy.types.AddonPreferences):
    """Shown in Edit > Preferences > Add-ons > Strophe."""

    bl_idname = ADDON

    runtime_python: StringProperty(
        name="Runtime Python",
        description="Interpreter of the environment that holds torch and diffusers",
        subtype="FILE_PATH",
    )
    model_folder: StringProperty(
        name="Model",
        description="A diffusers pipeline folder. Empty: the starter model that Strophe brings along",
        subtype="DIR_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop(self, "runtime_python")
        self.layout.prop(self, "model_folder")


def get() -> StrophePreferences:
    """Return Strophe's preferences."""
    return bpy.context.preferences.addons[ADDON].preferences


def runtime_python() -> Path:
    """Return the runtime's interpreter as chosen; it need not exist."""
    return Path(bpy.path.abspath(get().runtime_python))


def model_folder() -> Path:
    """Return the folder of the model that paints."""
    chosen = get().model_folder
    return Path(bpy.path.abspath(chosen)) if chosen else STARTER


def register() -> None:
    bpy.utils.register_class(StrophePreferences)


def unregister() -> None:
    bpy.utils.unregister_class(StrophePreferences)
