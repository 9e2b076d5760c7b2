"""`measure`: a film and its song in, every figure out, in two passes over the film."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SpecError
from ..specs import FilmedShot, Measure
from . import change, events, synchrony
from .change import Change
from .film import Film, Picture, watch
from .flashes import Flashes
from .flow import MeanFlow, Warp
from .ghosting import Ghosting
from .likeness import Embedder, Likeness
from .linear import MOST_PIXELS, retimed
from .null import beside, correlation_null, event_measure
from .rhythm import Rhythm, rhythm

Progress = Callable[[str, float], None]
"""Told what is being done and the share of all that is done, in [0, 1]; what it raises ends it."""

Times = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Seen:
    """What synchrony is judged by, of a film or of its linear walk."""

    rate: float
    scale: float
    # pixels of the film for every pixel that was looked at
    change: Change
    flow: MeanFlow

    @property
    def length_s(self) -> float:
        return len(self.change.steps) / self.rate

    def published(self) -> Times:
        changed = self.change.values_changed * self.scale
        return events.published_events(changed, events.PUBLISHED_VALUES, self.rate)

    def scaled(self) -> Times:
        share = self.change.share_changed
        return events.published_events(share, events.PUBLISHED_SHARE, self.rate)

    def peaks(self) -> Times:
        return events.visual_events(self.change.steps, self.rate)

    def flow_peaks(self) -> Times:
        return events.flow_peaks(self.flow.lengths * self.scale**0.5, self.rate)

    def novelty(self) -> Times:
        return events.level(self.change.steps)


def measure(
    film: Path,
    song: Path,
    *,
    song_start_s: float = 0.0,
    shots: Sequence[FilmedShot] = (),
    progress: Progress = lambda stage, done: None,
) -> tuple[Measure, ...]:
    """Measure a film.

    Parameters
    ----------
    film : any video file of a constant frame rate; its own sound is not listened to.
    song : the audio file.
    song_start_s : song time at the film's first frame.
    shots : how the film's frames stand between keyframes. Without them there is no linear walk to
        compare with and no ghosting: those figures are None, and cuts count as steps.

    Returns
    -------
    Synchrony first, each score with its linear walk, its chance level, z and p; then how the
    pictures themselves behave. `core/measures/README.md` says what each means.

    Raises
    ------
    SpecError : the film cannot be read, or shots lie outside it.
    AudioError : the song cannot be decoded.
    """
    source = Film.open(film)
    rate, pixels = float(source.rate), source.width * source.height
    seen = _Seen(rate, 1.0, Change(), MeanFlow())
    pictures = (Warp(), Likeness(Embedder()), Flashes(source.rate), Ghosting(shots))
    told = _told(source, progress, "film", 0.0, 0.6)
    watch(told, seen.change, seen.flow, *pictures)
    _refuse_misfits(film, shots, len(seen.change.steps))
    linear = None
    if shots:
        linear = _Seen(rate, max(1.0, pixels / MOST_PIXELS), Change(), MeanFlow())
        told = _told(source, progress, "linear walk", 0.6, 0.9)
        watch(retimed(told, shots), linear.change, linear.flow)
    heard = rhythm(
        song, song_start_s, seen.length_s, lambda done: progress("song", 0.9 + 0.05 * done)
    )
    progress("chance", 0.95)
    return (
        *_synchrony(seen, linear, heard),
        *_pictures(seen, rate, _cuts(shots), *pictures),
    )


def _told(
    film: Film, progress: Progress, stage: str, start: float, end: float
) -> Iterator[Picture]:
    for k, frame in enumerate(film.frames()):
        progress(stage, start + (end - start) * min(1.0, k / max(1, film.expected)))
        yield frame


def _refuse_misfits(film: Path, shots: Sequence[FilmedShot], frames: int) -> None:
    if shots and shots[-1].frame_end > frames:
        raise SpecError(
            f"{film} has {frames} frames; the shots reach to {shots[-1].frame_end}. Render the film "
            "again as the timeline is now."
        )


def _cuts(shots: Sequence[FilmedShot]) -> frozenset[int]:
    """First frames of shots that do not go on from the one before."""
    return frozenset(b.frame_start for a, b in pairwise(shots) if a.arrives)


def _synchrony(seen: _Seen, linear: _Seen | None, heard: Rhythm) -> Iterator[Measure]:
    rate, length = seen.rate, seen.length_s

    def scored(
        name: str, score: Callable[[Times], float], times: Callable[[_Seen], Times]
    ) -> Measure:
        other = None if linear is None else times(linear)
        return event_measure(name, score, times(seen), length, other)

    strong, beats, onsets = heard.strong_beats, heard.beats, heard.onsets
    yield scored("avs_published", lambda v: synchrony.avs(strong, v), _Seen.published)
    yield scored("avs_scaled", lambda v: synchrony.avs(strong, v), _Seen.scaled)
    for name, score in (
        ("beat_alignment_music_to_video", lambda v: synchrony.beat_alignment(beats, v)),
        ("beat_alignment_video_to_music", lambda v: synchrony.beat_alignment(v, beats)),
        ("beat_f_measure", lambda v: synchrony.beat_f_measure(beats, v)),
    ):
        yield scored(name, score, _Seen.peaks)
    yield scored("av_align", lambda v: synchrony.av_align(onsets, v, rate), _Seen.flow_peaks)
    yield from _correlation(seen, linear, heard)


def _correlation(seen: _Seen, linear: _Seen | None, heard: Rhythm) -> Iterator[Measure]:
    onset = heard.strength_at(np.arange(len(seen.change.steps)) / seen.rate)

    def best(of: _Seen) -> tuple[float, float]:
        return synchrony.best_lag(synchrony.circular_correlation(onset, of.novelty()), of.rate)

    value, lag = best(seen)
    null = correlation_null(synchrony.circular_correlation(onset, seen.novelty()), seen.rate)
    yield beside("novelty_onset_correlation", value, best(linear)[0] if linear else None, null)
    yield Measure("novelty_lag_s", lag, best(linear)[1] if linear else None)


def _pictures(
    seen: _Seen,
    rate: float,
    cuts: frozenset[int],
    warp: Warp,
    likeness: Likeness,
    flashes: Flashes,
    ghosting: Ghosting,
) -> Iterator[Measure]:
    steps = seen.change.steps
    yield Measure("flicker_vbench", change.flicker(steps))
    yield Measure("motion", warp.motion(rate))
    yield Measure("warp_error", warp.error)
    yield Measure("frame_consistency", likeness.consistency)
    yield Measure("ghosting", ghosting.share)
    yield Measure("still_share", change.still_share(steps))
    yield Measure("step_ratio", change.step_ratio(steps, cuts))
    yield Measure("flashes_per_s", float(flashes.worst))
