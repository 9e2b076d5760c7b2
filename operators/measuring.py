"""The film as it was rendered, measured against its song."""

from __future__ import annotations

import json
import math
from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..core.errors import SpecError
from ..core.specs import POSITION_STEPS, FilmedShot, Measured, MeasureFilm
from . import names, recipes
from .blend import output, strips, timeline
from .jobs import Body, JobOperator, SceneRef


def measure(ref: SceneRef, path: str) -> Body[None]:
    """Measure a film of this scene and keep the figures with it."""
    scene = ref()
    film = Path(bpy.path.abspath(path)) if path else output.film_path(scene)
    if not film.is_file():
        raise SpecError(f"There is no film at {film}. Render it first, or choose one.")
    place, song = strips.song_place(scene), strips.song_strip(scene)
    measured = yield MeasureFilm(
        film=str(film),
        song=bpy.path.abspath(song.sound.filepath),
        song_start_s=float(place.seconds(scene.frame_start)),
        shots=filmed_shots(scene),
        frame_count=scene.frame_end - scene.frame_start + 1,
        fps_numerator=place.fps.numerator,
        fps_denominator=place.fps.denominator,
    )
    assert isinstance(measured, Measured)
    _keep(ref(), film, measured)


def filmed_shots(scene: bpy.types.Scene) -> tuple[FilmedShot, ...]:
    """Read off the timeline how clips lie in the film that the scene renders.

    Those that the editor trimmed, muted, covered, turned around, made transparent, exchanged or put
    into a meta strip are not, or not alone, what the film shows, and are left out.
    """
    clips = [strip for strip in strips.visible(scene, "CLIP") if _shows_its_start(strip)]
    starts = {timeline.first_frame(strip) for strip in clips}
    walks = sorted((timeline.first_frame(strip), _whole_walk(strip)) for strip in clips)
    shots: list[FilmedShot] = []
    for first, positions in walks:
        begins, end = first - scene.frame_start, first + len(positions)
        free = begins >= (shots[-1].frame_end if shots else 0)
        goes_on = end in starts or positions[-1:] == (POSITION_STEPS,)
        if positions and free and goes_on and end <= scene.frame_end + 1:
            shots.append(FilmedShot(begins, positions))
    return tuple(shots)


def _shows_its_start(strip: bpy.types.ImageStrip) -> bool:
    """Whether a strip's first visible frame is the start of a walk of ours."""
    ours = strip.strophe.recipe and not recipes.is_editors_footage(strip)
    untouched = not strip.use_reverse_frames and strip.blend_alpha == 1
    starts = timeline.first_frame(strip) == timeline.content_start(strip)
    return bool(ours and untouched and starts)


def _whole_walk(strip: bpy.types.ImageStrip) -> tuple[int, ...]:
    """The positions of a clip that is not cut short, else none."""
    positions = tuple(json.loads(strip.strophe.recipe)["positions"])
    length = timeline.end_frame(strip) - timeline.first_frame(strip)
    return positions if length == len(positions) else ()


def _keep(scene: bpy.types.Scene, film: Path, measured: Measured) -> None:
    state = scene.strophe
    state.measured_film = str(film)
    state.measures.clear()
    for found in measured.measures:
        measure = state.measures.add()
        measure.name = found.name
        for field in ("value", "linear", "null_mean", "z", "p"):
            figure = getattr(found, field)
            setattr(measure, field, math.nan if figure is None else figure)


class STROPHE_OT_measure_film(JobOperator):
    """Measure the rendered film: is it in time with the song, steady, safe to look at?"""

    bl_idname = names.MEASURE_FILM
    bl_label = "Measure Film"

    filepath: StringProperty(
        subtype="FILE_PATH", description="Film to measure; empty: the one that the output writes"
    )

    def body(self, ref: SceneRef) -> Body[None]:
        return measure(ref, self.filepath)


CLASSES = (STROPHE_OT_measure_film,)
