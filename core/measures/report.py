"""`measure`: a film and its song in, every figure out, in two passes over the film."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import SpecError
from ..specs import FilmedShot, Measure, MeasureFilm
from . import change, events, synchrony
from .change import Change
from .film import Film, Observer, Picture, watch
from .flashes import Flashes
from .flow import MeanFlow, Warp
from .ghosting import Ghosting
from .likeness import Embedder, Likeness
from .linear import MOST_PIXELS, LinearWalk
from .null import beside, correlation_null, event_measure
from .rhythm import Rhythm, rhythm
from .synchrony import Times

Progress = Callable[[str, float], None]
"""Told what is being done and the share of all that is done, in [0, 1]; what it raises ends it."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """What synchrony is judged by, of a film or of its linear walk."""

    rate: float
    scale: float
    # pixels of the film for every pixel that was looked at
    change: Change
    flow: MeanFlow
    key_frames: Collection[int]
    # those that the encoder coded afresh, or what came of them into the linear walk

    @property
    def length_s(self) -> float:
        return len(self.change.steps) / self.rate

    @cached_property
    def steps(self) -> Times:
        """Steps as the film was before it was encoded, as far as that can be told."""
        return change.without_pops(self.change.steps, self.key_frames)

    def published(self) -> Times:
        changed = self.change.values_changed * self.scale
        return events.published_events(changed, events.PUBLISHED_VALUES, self.rate)

    def scaled(self) -> Times:
        share = self.change.share_changed
        return events.published_events(share, events.PUBLISHED_SHARE, self.rate)

    def peaks(self) -> Times:
        return events.visual_events(self.steps, self.rate)

    def flow_peaks(self) -> Times:
        return events.flow_peaks(self.flow.lengths * self.scale**0.5, self.rate)

    def novelty(self) -> Times:
        return events.level(self.steps)


def measure(
    request: MeasureFilm, progress: Progress = lambda stage, done: None
) -> tuple[Measure, ...]:
    """Measure a film; its own sound is not listened to.

    Without shots there is no linear walk to compare with and no ghosting: those figures are None, and
    cuts count as steps.

    Returns
    -------
    Synchrony first, each score with its linear walk, its chance level, z and p; then how the
    pictures themselves behave. `core/measures/README.md` says what each means.

    Raises
    ------
    SpecError : the film cannot be read, or is not the one that the shots lie in.
    AudioError : the song cannot be decoded.
    """
    source = Film.open(Path(request.film))
    _refuse_another_rate(source, request)
    pixels = source.width * source.height
    seen = _Seen(float(source.rate), 1.0, Change(), MeanFlow(), source.key_frames)
    pictures = _Pictures(source, request.shots)
    watch(_told(source, progress, "film", 0.0, 0.6), seen.change, seen.flow, *pictures.observers)
    _refuse_another_length(len(seen.change.steps), request)
    linear = None
    if request.shots:
        told = _told(source, progress, "linear walk", 0.6, 0.9)
        walk = LinearWalk(told, request.shots, source.key_frames)
        scale = max(1.0, pixels / MOST_PIXELS)
        linear = _Seen(seen.rate, scale, Change(), MeanFlow(), walk.key_frames)
        watch(iter(walk), linear.change, linear.flow)
    heard = rhythm(
        Path(request.song),
        request.song_start_s,
        seen.length_s,
        lambda done: progress("song", 0.9 + 0.05 * done),
    )
    in_time = _Synchrony(seen, linear, heard, lambda: progress("chance", 0.95))
    return (*in_time.measures(), *pictures.measures(seen, _cuts(request.shots)))


def _told(
    film: Film, progress: Progress, stage: str, start: float, end: float
) -> Iterator[Picture]:
    for k, frame in enumerate(film.frames()):
        progress(stage, start + (end - start) * min(1.0, k / max(1, film.expected)))
        yield frame


def _refuse_another_rate(film: Film, request: MeasureFilm) -> None:
    rate = Fraction(request.fps_numerator, request.fps_denominator)
    if rate and abs(film.rate / rate - 1) > 1e-4:
        raise SpecError(
            f"{film.path} has {float(film.rate):g} frames a second, the timeline {float(rate):g}. "
            "Render the film again."
        )


def _refuse_another_length(frames: int, request: MeasureFilm) -> None:
    if request.frame_count not in (0, frames):
        raise SpecError(
            f"{request.film} has {frames} frames, the timeline {request.frame_count}. Render the film "
            "again as the timeline is now."
        )
    if request.shots and request.shots[-1].frame_end > frames:
        raise SpecError(
            f"{request.film} has {frames} frames; the shots reach to {request.shots[-1].frame_end}. "
            "Render the film again as the timeline is now."
        )


def _cuts(shots: Sequence[FilmedShot]) -> frozenset[int]:
    """Frames that show something else than the frame before, and are meant to."""
    runs_into = {shot.frame_end for shot in shots if not shot.arrives}
    begins = {shot.frame_start for shot in shots} - runs_into
    return frozenset(begins | {shot.frame_end for shot in shots if shot.arrives})


@dataclass(frozen=True, eq=False)
class _Synchrony:
    """A film's times beside its song's."""

    seen: _Seen
    linear: _Seen | None
    heard: Rhythm
    check: Callable[[], None]

    def measures(self) -> Iterator[Measure]:
        rate = self.seen.rate
        strong, beats, onsets = self.heard.strong_beats, self.heard.beats, self.heard.onsets
        yield self._scored("avs_published", lambda v: synchrony.avs(strong, v), _Seen.published)
        yield self._scored("avs_scaled", lambda v: synchrony.avs(strong, v), _Seen.scaled)
        for name, score in (
            ("beat_alignment_music_to_video", lambda v: synchrony.beat_alignment(beats, v)),
            ("beat_alignment_video_to_music", lambda v: synchrony.beat_alignment(v, beats)),
            ("beat_f_measure", lambda v: synchrony.beat_f_measure(beats, v)),
        ):
            yield self._scored(name, score, _Seen.peaks)
        yield self._scored(
            "av_align", lambda v: synchrony.av_align(onsets, v, rate), _Seen.flow_peaks
        )
        yield from self._correlation()

    def _scored(
        self, name: str, score: Callable[[Times], float], times: Callable[[_Seen], Times]
    ) -> Measure:
        other = None if self.linear is None else times(self.linear)
        return event_measure(name, score, times(self.seen), self.seen.length_s, other, self.check)

    def _correlation(self) -> Iterator[Measure]:
        rate = self.seen.rate
        onset = self.heard.strength_at(np.arange(len(self.seen.steps)) / rate)
        r = synchrony.circular_correlation(onset, self.seen.novelty())
        value, lag = synchrony.best_lag(r, rate)
        linear, linear_lag = None, None
        if self.linear is not None:
            even = synchrony.circular_correlation(onset, self.linear.novelty())
            linear, linear_lag = synchrony.best_lag(even, rate)
        yield beside("novelty_onset_correlation", value, linear, correlation_null(r, rate))
        yield Measure("novelty_lag_s", lag, linear_lag)


class _Pictures:
    """How the pictures themselves behave."""

    def __init__(self, film: Film, shots: Sequence[FilmedShot]) -> None:
        self._warp, self._likeness = Warp(), Likeness(Embedder())
        self._flashes, self._ghosting = Flashes(film.rate), Ghosting(shots)

    @property
    def observers(self) -> tuple[Observer, ...]:
        return self._warp, self._likeness, self._flashes, self._ghosting

    def measures(self, seen: _Seen, cuts: frozenset[int]) -> Iterator[Measure]:
        drifts = change.without_pops(seen.change.drifts, seen.key_frames)
        yield Measure("flicker_vbench", change.flicker(seen.change.steps))
        yield Measure("motion", self._warp.motion(seen.rate))
        yield Measure("warp_error", self._warp.error)
        yield Measure("warp_error_whole", self._warp.whole_error)
        yield Measure("frame_consistency", self._likeness.consistency)
        yield Measure("ghosting", self._ghosting.share)
        yield Measure("still_share", change.still_share(drifts, seen.rate))
        yield Measure("step_ratio", change.step_ratio(drifts, cuts))
        yield Measure("flashes_per_s", float(self._flashes.worst))
