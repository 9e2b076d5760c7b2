"""Everything that touches Blender's data and asks for work."""


def register() -> None:
    """Register properties, preferences, jobs and operators."""
    import bpy

    from . import jobs, preferences, properties, watch

    properties.register()
    preferences.register()
    jobs.register()
    for cls in _classes():
        bpy.utils.register_class(cls)
    watch.register()


def unregister() -> None:
    """Undo `register`, last first."""
    import bpy

    from . import jobs, preferences, properties, watch

    watch.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
    jobs.unregister()
    preferences.unregister()
    properties.unregister()


def _classes() -> list[type]:
    from . import baking, clips, film, keyframes, measuring, song, storyboard

    return [
        cls
        for module in (song, baking, storyboard, keyframes, clips, film, measuring)
        for cls in module.CLASSES
    ]
