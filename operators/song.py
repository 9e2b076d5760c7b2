"""The song: placed as a sound strip, heard by the worker, followed when the editor moves it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
from bpy.props import BoolProperty, IntProperty, StringProperty

from ..core import cache, units
from ..core.client import JobCancelledError
from ..core.errors import AudioError, CoreError, SpecError
from ..core.specs import AnalyzeSong, Heard, SongAnalysis
from . import curves, names
from .blend import fcurves, markers, strips, timeline
from .jobs import Body, JobOperator, SceneRef, scene_ref, start

_SEGMENT_S = 10.0
_MARKERS_A_BREATH = 100


def bring_in(ref: SceneRef, path: Path, frame_start: int, channel: int) -> Body[None]:
    """Place a song and hear it. What cannot be heard is taken off again."""
    scene = ref()
    if strips.song(scene) is not None:
        raise SpecError("There is a song on the timeline already. Delete its strip first.")
    if not path.is_file():
        raise AudioError(f"There is no song at {path}. Choose the file again.")
    _ = ref.results  # asks for the file to be saved before anything is placed
    strips.add_song(scene, path, frame_start, channel, uuid.uuid4().hex)
    scene.sync_mode = "AUDIO_SYNC"
    scene.frame_end = max(scene.frame_end, strips.song_place(scene).end - 1)
    try:
        yield from listen(ref)
    except (CoreError, JobCancelledError):
        if strip := strips.song(ref()):
            strips.collection(ref()).remove(strip)
        raise


def listen_again(ref: SceneRef) -> Body[None]:
    """Follow the song to where it lies now, then hear it anew."""
    yield from follow(ref)
    yield from listen(ref)


def listen(ref: SceneRef) -> Body[None]:
    """Hear the song and lay out what was heard."""
    analysis = yield from _hear(ref)
    yield from _lay_out(ref, analysis)
    if fcurves.find(ref(), curves.DRIVE) is None:
        yield from curves.reset_drive(ref)


def follow(ref: SceneRef) -> Body[None]:
    """Take everything along if the song was moved or trimmed, or the frame rate changed."""
    scene = ref()
    if not scene.strophe.placed or strips.song(scene) is None:
        return
    old, new = _placed(scene), strips.song_place(scene)
    if old != new:
        if (old.origin, old.fps) != (new.origin, new.fps):
            _move_all(scene, (old.origin, old.fps), (new.origin, new.fps))
        if old.fps != new.fps:
            scene.strophe.analysis = ""
        # In the same step as the move: what follows may be cancelled, and must not move things twice.
        _remember(scene)
        scene.strophe.laid_out = False
        yield
    if not ref().strophe.laid_out:
        heard = curves.analysis(ref) if ref().strophe.analysis else (yield from _hear(ref))
        yield from _lay_out(ref, heard)


def _hear(ref: SceneRef) -> Body[SongAnalysis]:
    scene = ref()
    rate, strip = timeline.fps(scene), strips.song_strip(scene)
    heard = yield AnalyzeSong(
        bpy.path.abspath(strip.sound.filepath),
        rate.numerator,
        rate.denominator,
        _SEGMENT_S if scene.strophe.normalise == "SEGMENT" else None,
    )
    assert isinstance(heard, Heard)
    scene = ref()
    scene.strophe.analysis = Path(heard.folder).relative_to(ref.results).as_posix()
    analysis = cache.load_analysis(Path(heard.folder))
    scene.strophe.tempo_bpm = analysis.tempo_bpm
    _remember(scene)
    return analysis


def _lay_out(ref: SceneRef, analysis: SongAnalysis) -> Iterator[None]:
    yield from _lay_out_moments(ref, analysis)
    yield from curves.rebake(ref)
    ref().strophe.laid_out = True


def _lay_out_moments(ref: SceneRef, analysis: SongAnalysis) -> Iterator[None]:
    """Write beats as markers and sections as muted text strips, where the song can be seen."""
    scene, place = ref(), strips.song_place(ref())
    seen = range(place.first, place.end)
    beats = [(place.frame(beat.time_s), beat.downbeat) for beat in analysis.beats]
    beats = [(frame, downbeat) for frame, downbeat in beats if frame in seen]
    markers.clear_beats(scene)
    for k in range(0, len(beats), _MARKERS_A_BREATH):
        yield
        markers.add_beats(ref(), beats[k : k + _MARKERS_A_BREATH])
    yield
    edges = [
        (s.label, max(place.first, place.frame(s.start_s)), min(place.end, place.frame(s.end_s)))
        for s in analysis.sections
    ]
    strips.replace_sections(ref(), [(name, a, b) for name, a, b in edges if b > a])
    yield


def _remember(scene: bpy.types.Scene) -> None:
    state, place = scene.strophe, strips.song_place(scene)
    state.placed = True
    state.placed_origin = float(place.origin)
    state.placed_first, state.placed_end = place.first, place.end
    state.placed_fps_numerator = place.fps.numerator
    state.placed_fps_denominator = place.fps.denominator


def _placed(scene: bpy.types.Scene) -> timeline.SongPlace:
    state = scene.strophe
    rate = Fraction(state.placed_fps_numerator, state.placed_fps_denominator)
    return timeline.SongPlace(
        Fraction(state.placed_origin), state.placed_first, state.placed_end, rate
    )


def _move_all(
    scene: bpy.types.Scene, old: tuple[Fraction, Fraction], new: tuple[Fraction, Fraction]
) -> None:
    """Move shots, their strips and the drive curve's keys to where their moments of the song lie now."""

    def moved(frame: int) -> int:
        return units.nearest(units.refit_frame(frame, old, new))

    edges = {f for shot in scene.strophe.shots for f in (shot.frame_start, shot.frame_end)}
    drive = fcurves.find(scene, curves.DRIVE)
    if drive is not None:
        frames = [
            float(moved(int(f)) if f in edges else units.refit_frame(f, old, new))
            for f in fcurves.key_frames(drive).tolist()
        ]
        fcurves.move_keys(drive, np.array(frames))
    for shot in scene.strophe.shots:
        span = moved(shot.frame_start), moved(shot.frame_end)
        if span != (shot.frame_start, shot.frame_end):
            shot.frame_start, shot.frame_end = span
    strips.take_along(scene)


class STROPHE_OT_import_song(JobOperator):
    """Place a song on the timeline and listen to it"""

    bl_idname = names.IMPORT_SONG
    bl_label = "Import Song"

    filepath: StringProperty(subtype="FILE_PATH")
    frame_start: IntProperty(name="Start Frame", default=1)
    channel: IntProperty(name="Channel", default=strips.CHANNELS["SONG"], min=1, max=128)
    picked: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default="*.wav;*.flac;*.ogg;*.opus;*.mp3;*.m4a", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:
            return super().invoke(context, event)
        self.picked = True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not self.picked:
            return super().execute(context)
        # The file browser calls this in the window, where nothing may block.
        ref = scene_ref(context)
        start(self.bl_label, self.body(ref), ref)
        return {"FINISHED"}

    def body(self, ref: SceneRef) -> Body[None]:
        return bring_in(ref, Path(bpy.path.abspath(self.filepath)), self.frame_start, self.channel)


class STROPHE_OT_listen(JobOperator):
    """Listen to the song again. The drive curve, which is yours, is left alone"""

    bl_idname = names.LISTEN
    bl_label = "Listen"

    def body(self, ref: SceneRef) -> Body[None]:
        return listen_again(ref)


CLASSES = (STROPHE_OT_import_song, STROPHE_OT_listen)
