"""Strophe's strips on the sequencer: found by role and uid, never by name or a held reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy

from ...core.errors import SpecError
from . import timeline

CHANNELS = {"SONG": 1, "KEYFRAME": 2, "CLIP": 3, "SECTION": 4}
"""Where strips of a role land first; afterwards the editor may put them anywhere."""

_PICTURES = {"IMAGE", "MOVIE", "MOVIECLIP", "SCENE", "COLOR", "META"}
"""Types of strips that hide what lies below them; titles do not."""

_SECTION_COLOURS = {
    "intro": "COLOR_05",
    "verse": "COLOR_04",
    "chorus": "COLOR_01",
    "bridge": "COLOR_06",
    "outro": "COLOR_05",
}


def collection(scene: bpy.types.Scene) -> bpy.types.StripsTopLevel:
    """Return the scene's top-level strips."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips


def of_role(scene: bpy.types.Scene, role: str) -> Iterator[bpy.types.Strip]:
    """Strips of a role, also inside meta strips."""
    if scene.sequence_editor:
        yield from (s for s in scene.sequence_editor.strips_all if s.strophe.role == role)


def visible(scene: bpy.types.Scene, role: str) -> list[bpy.types.Strip]:
    """Top-level strips of a role that no picture on a higher channel covers, even for a while."""
    if not scene.sequence_editor:
        return []
    channels = scene.sequence_editor.channels
    shown = [
        strip
        for strip in scene.sequence_editor.strips
        if not strip.mute and not channels[strip.channel].mute and strip.type in _PICTURES
    ]
    return [s for s in shown if s.strophe.role == role and not _covered(s, shown)]


def _covered(strip: bpy.types.Strip, shown: Sequence[bpy.types.Strip]) -> bool:
    """Whether any of `shown` lies over part of a strip."""
    first, end = timeline.first_frame(strip), timeline.end_frame(strip)
    return any(
        other.channel > strip.channel
        and timeline.first_frame(other) < end
        and timeline.end_frame(other) > first
        for other in shown
    )


def song(scene: bpy.types.Scene) -> bpy.types.SoundStrip | None:
    """Return the song's strip, or None."""
    return next(of_role(scene, "SONG"), None)


def song_strip(scene: bpy.types.Scene) -> bpy.types.SoundStrip:
    """Return the song's strip. Raises `SpecError` where there is none."""
    strip = song(scene)
    if strip is None:
        raise SpecError("There is no song on the timeline. Import one first.")
    return strip


def song_place(scene: bpy.types.Scene) -> timeline.SongPlace:
    """Return where the song lies now. Raises `SpecError` where there is none."""
    return timeline.song_place(song_strip(scene), timeline.fps(scene))


def of_shot(scene: bpy.types.Scene, role: str, shot_uid: str) -> bpy.types.ImageStrip | None:
    """Return a shot's keyframe or clip strip, or None."""
    return next((s for s in of_role(scene, role) if s.strophe.shot_uid == shot_uid), None)


def add_song(
    scene: bpy.types.Scene, path: Path, frame_start: int, channel: int, uid: str
) -> bpy.types.SoundStrip:
    """Place a sound strip as the song."""
    strip = collection(scene).new_sound(path.stem, str(path), channel, frame_start)
    strip.strophe.role, strip.strophe.uid = "SONG", uid
    strip.show_waveform = True
    return strip


def place_pictures(
    scene: bpy.types.Scene,
    role: str,
    shot_uid: str,
    uid: str,
    files: Sequence[Path],
    span: tuple[int, int],
    size: tuple[int, int],
) -> bpy.types.ImageStrip:
    """Show pictures over a span of frames, in the shot's strip of that role.

    A strip that is there already keeps its place, trim, transform, modifiers and everything else the
    editor gave it; only what it shows is exchanged.
    """
    strip = of_shot(scene, role, shot_uid)
    if strip is None:
        strip = _new_pictures(scene, role, files[0], span[0])
        strip.strophe.role, strip.strophe.uid, strip.strophe.shot_uid = role, uid, shot_uid
        _show(strip, files)
        if len(files) == 1:
            timeline.set_end_frame(strip, span[1])
    elif _laid_alike(strip, span, files):
        _show(strip, files)
    else:
        lay_anew(strip, span, files)
    strip.strophe.laid_at, strip.strophe.laid_end = span
    _keep_scale(scene, strip, size)
    return strip


def _keep_scale(scene: bpy.types.Scene, strip: bpy.types.ImageStrip, size: tuple[int, int]) -> None:
    """Keep a strip's scale on the screen when its pictures get another size."""
    before = strip.strophe.laid_width, strip.strophe.laid_height
    if all(before) and before != size:
        screen = scene.render.resolution_x, scene.render.resolution_y
        fits = [min(screen[0] / w, screen[1] / h) for w, h in (size, before)]
        strip.transform.scale_x *= fits[0] / fits[1]
        strip.transform.scale_y *= fits[0] / fits[1]
    strip.strophe.laid_width, strip.strophe.laid_height = size


def _laid_alike(strip: bpy.types.ImageStrip, span: tuple[int, int], files: Sequence[Path]) -> bool:
    laid = strip.strophe.laid_at, strip.strophe.laid_end
    return laid == span and len(strip.elements) == len(files)


def take_along(scene: bpy.types.Scene) -> None:
    """Bring every keyframe's and clip's strip to where its shot lies now.

    Ends that come earlier first, then the strips that go later, the furthest first: at no moment
    does one lie over its neighbour, which Blender would push to another channel.
    """
    spans = {s.uid: (s.frame_start, s.frame_end) for s in scene.strophe.shots}
    moving = [
        (strip, spans[strip.strophe.shot_uid])
        for role in ("KEYFRAME", "CLIP")
        for strip in of_role(scene, role)
        if strip.strophe.shot_uid in spans and not _in_place(strip, spans[strip.strophe.shot_uid])
    ]
    for strip, span in moving:
        if timeline.content_start(strip) == span[0] != strip.strophe.laid_at:
            # The editor moved it together with the song.
            later = span[0] - strip.strophe.laid_at
            strip.strophe.laid_at, strip.strophe.laid_end = span[0], strip.strophe.laid_end + later
        elif timeline.end_frame(strip) > span[1] > timeline.first_frame(strip):
            trimmed = strip.strophe.laid_end - timeline.end_frame(strip)
            timeline.set_end_frame(strip, span[1])
            strip.strophe.laid_end = span[1] + trimmed
    moving.sort(key=lambda pair: pair[1][0])
    later = [pair for pair in moving if pair[1][0] > pair[0].strophe.laid_at]
    for strip, span in [*reversed(later), *(pair for pair in moving if pair not in later)]:
        lay_anew(strip, span)


def _in_place(strip: bpy.types.ImageStrip, span: tuple[int, int]) -> bool:
    at, end = strip.strophe.laid_at, strip.strophe.laid_end
    still = len(strip.elements) == 1
    return at == span[0] and (end == span[1] if still else end <= span[1])


def lay_anew(
    strip: bpy.types.ImageStrip, span: tuple[int, int], files: Sequence[Path] | None = None
) -> None:
    """Take a strip along with its shot; what the editor trimmed off its tail stays trimmed.

    Without `files` it keeps its pictures, and is cut where they reach beyond the shot.
    """
    trimmed = strip.strophe.laid_end - timeline.end_frame(strip)
    later = span[0] - strip.strophe.laid_at
    end = max(timeline.first_frame(strip) + later + 1, span[1] - trimmed)
    if files is None and len(strip.elements) > 1:
        end = min(end, timeline.end_frame(strip) + later)
    # What grows moves before it grows and what shrinks shrinks before it moves: nothing overlaps.
    timeline.set_end_frame(strip, min(timeline.end_frame(strip), end - later))
    timeline.move_content(strip, later)
    if files is not None:
        _show(strip, files)
    timeline.set_end_frame(strip, end)
    # Where it would end untrimmed: too few pictures for the shot are not a trim of the editor's.
    strip.strophe.laid_at, strip.strophe.laid_end = span[0], end + trimmed


def shown_file(strip: bpy.types.ImageStrip) -> Path:
    """Return the picture that a strip's first visible frame shows."""
    into = max(0, int(timeline.first_frame(strip) - timeline.content_start(strip)))
    name = strip.elements[min(into, len(strip.elements) - 1)].filename
    return Path(bpy.path.abspath(strip.directory)) / name


def replace_sections(scene: bpy.types.Scene, sections: Sequence[tuple[str, int, int]]) -> None:
    """Lay (label, first frame, end frame) as muted text strips on a channel of their own."""
    for strip in list(of_role(scene, "SECTION")):
        collection(scene).remove(strip)
    for label, first, end in sections:
        strip = _new_effect(scene, label.title(), "TEXT", CHANNELS["SECTION"], first, end - first)
        strip.text = label.title()
        strip.mute = True
        strip.color_tag = _SECTION_COLOURS.get(label, "COLOR_07")
        strip.strophe.role = "SECTION"


def sections(scene: bpy.types.Scene) -> list[tuple[str, int, int]]:
    """Read the sections from the timeline, where the editor may have moved or renamed them."""
    found = [
        (timeline.first_frame(s), timeline.end_frame(s), s.text) for s in of_role(scene, "SECTION")
    ]
    return [(label, first, end) for first, end, label in sorted(found)]


def _new_pictures(
    scene: bpy.types.Scene, role: str, file: Path, frame: int
) -> bpy.types.ImageStrip:
    return collection(scene).new_image(
        role.title(), str(file), CHANNELS[role], frame, fit_method="FIT"
    )


def _show(strip: bpy.types.ImageStrip, files: Sequence[Path]) -> None:
    folder = str(files[0].parent)
    strip.directory = bpy.path.relpath(folder) if bpy.data.filepath else folder
    elements = strip.elements
    while len(elements) > len(files):
        elements.pop(len(elements) - 1)
    for k, file in enumerate(files):
        if k < len(elements):
            elements[k].filename = file.name
        else:
            elements.append(file.name)


def _new_effect(
    scene: bpy.types.Scene, name: str, kind: str, channel: int, first: int, length: int
) -> bpy.types.Strip:
    strips = collection(scene)
    if bpy.app.version >= (5, 0, 0):
        return strips.new_effect(name, kind, channel, first, length=length)
    return strips.new_effect(name, kind, channel, first, frame_end=first + length)
