"""Strophe: a song becomes an editable music video on Blender's timeline."""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import operators, panels

    operators.register()
    panels.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    from . import operators, panels

    panels.unregister()
    operators.unregister()
