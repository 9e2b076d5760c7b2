"""Blender's own output settings for the film."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...core.errors import SpecError


def set_film(scene: bpy.types.Scene, path: str, first: int, end: int) -> None:
    """Render frames [first, end) as H.264 and AAC in an MP4, colours as the pictures have them."""
    render = scene.render
    image = render.image_settings
    if hasattr(image, "media_type"):  # 5.0 and newer
        image.media_type = "VIDEO"
    image.file_format = "FFMPEG"
    film = render.ffmpeg
    film.format, film.codec, film.constant_rate_factor = "MPEG4", "H264", "HIGH"
    film.audio_codec, film.audio_bitrate = "AAC", 192
    film.audio_mixrate, film.audio_channels = 48000, "STEREO"
    render.filepath = path
    render.use_file_extension = False
    render.use_sequencer = True
    scene.frame_start, scene.frame_end = first, end - 1
    # AgX, a new scene's view transform, would change every pixel of a picture.
    scene.view_settings.view_transform = "Standard"


def film_path(scene: bpy.types.Scene) -> Path:
    """Return the file that an animation render writes, as far as it is one file."""
    return Path(scene.render.frame_path(frame=scene.frame_start))


def render(scene: bpy.types.Scene, *, blocking: bool) -> None:
    """Render the animation of a scene, which may not be the window's.

    Raises `SpecError` with Blender's own words where it refuses.
    """
    extra = {"use_sequencer_scene": True} if bpy.app.version >= (5, 0, 0) else {}
    how = "EXEC_DEFAULT" if blocking else "INVOKE_DEFAULT"
    windows = bpy.context.window_manager.windows
    window = {"window": windows[0]} if windows else {}  # a timer has no window of its own
    try:
        with bpy.context.temp_override(**window):
            bpy.ops.render.render(how, animation=True, scene=scene.name, **extra)
    except RuntimeError as error:
        raise SpecError(f"Blender did not render: {str(error).strip()}") from error
