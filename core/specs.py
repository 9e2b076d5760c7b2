"""What is asked of the worker and what it answers: frozen values, checked where they are made.

Every request is a job as a value: all that decides its result is in its fields, and nothing else is.
`fingerprint` hashes just those fields, so that a result can be found again by what was asked for.
Paths never enter a fingerprint: a picture, a model or an artwork counts by its bytes (`sha256`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import SpecError

HEARD_CURVES: Final = ("percussive", "harmonic", "onset", "loudness", "low", "mid", "high")
POSITION_STEPS: Final = 1024
"""Walk positions are whole multiples of 1/POSITION_STEPS."""

KEYFRAME_STEP_VERSION: Final = 1
"""Raised when the same keyframe recipe would give other pixels."""

CLIP_STEP_VERSION: Final = 1
"""Raised when the same clip recipe would give other pixels."""


# -- what is heard ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Beat:
    """A beat of the song."""

    time_s: float
    # seconds from the first decoded sample
    strength: float
    # onset strength at the beat, [0, 1], 1 is the song's strongest
    downbeat: bool
    # first beat of a bar


@dataclass(frozen=True)
class Section:
    """A stretch of the song with one role in its form."""

    start_s: float
    end_s: float
    label: str
    # intro, verse, chorus, bridge, outro …
    group: int
    # sections of one group repeat each other


@dataclass(frozen=True, eq=False)
class SongAnalysis:
    """Everything heard in a song, independent of where the song lies on a timeline."""

    song_sha256: str
    duration_s: float
    tempo_bpm: float
    # 0 when no beat was found
    curve_rate_hz: float
    # sample n of every curve is at n / curve_rate_hz seconds
    beats: tuple[Beat, ...]
    sections: tuple[Section, ...]
    curves: dict[str, NDArray[np.float32]] = field(repr=False)
    # HEARD_CURVES -> equally long arrays in [0, 1]


# -- what is pointed at ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """An image file, known by its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Model:
    """A diffusers pipeline folder, known by the bytes of all its files."""

    folder: str
    sha256: str
    dtype: str = "float32"

    def __post_init__(self) -> None:
        _one_of("dtype", self.dtype, ("float32", "bfloat16", "float16"))


# -- what is asked ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class AnalyzeSong:
    """Hear a song. Answer: `Heard`."""

    path: str
    fps_numerator: int
    fps_denominator: int
    segment_s: float | None = None
    # None: normalise over the whole song. A length: the published form, each segment apart

    def __post_init__(self) -> None:
        _within("fps_numerator", self.fps_numerator, 1, 10**7)
        _within("fps_denominator", self.fps_denominator, 1, 10**6)
        _within("fps", float(self.fps), 1, 240)
        if self.segment_s is not None:
            _within("segment_s", self.segment_s, 1, 600)

    @property
    def fps(self) -> Fraction:
        """Frames per second, exact."""
        return Fraction(self.fps_numerator, self.fps_denominator)


@dataclass(frozen=True)
class DescribeModel:
    """Hash a model folder and say what would run it. Answer: `ModelFacts`."""

    folder: str


@dataclass(frozen=True)
class Keyframe:
    """Paint one still from text. Answer: `Painted`."""

    prompt: str
    secondary_prompt: str
    # a style, put before the prompt
    negative_prompt: str
    seed: int
    width: int
    # pixels, a multiple of 16
    height: int
    steps: int
    guidance: float
    # classifier-free guidance; 1 is none
    model: Model
    version: int = KEYFRAME_STEP_VERSION

    def __post_init__(self) -> None:
        _picture_fields(self.seed, self.width, self.height, self.steps, self.guidance)

    @property
    def text(self) -> str:
        """The words the model reads."""
        return styled(self.secondary_prompt, self.prompt)


def styled(secondary_prompt: str, prompt: str) -> str:
    """Put a style before what is shown."""
    return ", ".join(part.strip() for part in (secondary_prompt, prompt) if part.strip())


@dataclass(frozen=True)
class Clip:
    """Walk from one picture to another. Answer: `Walked`.

    Frame k shows the walk at positions[k] / POSITION_STEPS; frame 0 is the start picture itself.
    """

    positions: tuple[int, ...]
    fps_numerator: int
    fps_denominator: int
    width: int
    height: int
    start: Picture
    end: Picture
    start_prompt: str
    # the words of the start picture, style included
    end_prompt: str
    negative_prompt: str
    seed: int
    steps: int
    # denoiser evaluations of every distinct position
    guidance: float
    strength: float
    # (0, 1]: share of the noise schedule reached in the middle of the walk
    model: Model
    walk: str = "through"
    version: int = CLIP_STEP_VERSION

    def __post_init__(self) -> None:
        _picture_fields(self.seed, self.width, self.height, self.steps, self.guidance)
        _one_of("walk", self.walk, ("through",))
        _within("strength", self.strength, 0.0, 1.0)
        if not self.positions:
            raise SpecError("positions: a clip needs at least one frame")
        if self.positions[0] != 0:
            raise SpecError(f"positions[0] is {self.positions[0]}; a walk starts at 0")
        _within("positions", min(self.positions), 0, POSITION_STEPS)
        _within("positions", max(self.positions), 0, POSITION_STEPS)


@dataclass(frozen=True)
class FilmedShot:
    """A shot as it lies in a film."""

    frame_start: int
    # counted from the film's first frame, which is 0
    positions: tuple[int, ...]
    # one a frame, whole multiples of 1/POSITION_STEPS

    def __post_init__(self) -> None:
        _within("frame_start", self.frame_start, 0, 10**7)
        if not self.positions:
            raise SpecError("positions: a shot needs at least one frame")
        _within("positions", min(self.positions), 0, POSITION_STEPS)
        _within("positions", max(self.positions), 0, POSITION_STEPS)

    @property
    def frame_end(self) -> int:
        """Frame after the last one."""
        return self.frame_start + len(self.positions)

    @property
    def arrives(self) -> bool:
        """Whether its last frame shows the end keyframe; else the next shot's first frame does."""
        return self.positions[-1] == POSITION_STEPS


@dataclass(frozen=True)
class MeasureFilm:
    """Measure a film against its song. Answer: `Measured`."""

    film: str
    song: str
    song_start_s: float
    # song time at the film's first frame
    shots: tuple[FilmedShot, ...] = ()
    # in order; none: what needs shots is not measured
    frame_count: int = 0
    # frames that the film must have for the shots to lie in it as said; 0: any number
    fps_numerator: int = 0
    fps_denominator: int = 1
    # the rate that it must have; 0: any

    def __post_init__(self) -> None:
        end = 0
        for shot in self.shots:
            if shot.frame_start < end:
                raise SpecError(
                    f"shots: the one at frame {shot.frame_start} begins before the one before it ends"
                )
            end = shot.frame_end


Request = AnalyzeSong | DescribeModel | Keyframe | Clip | MeasureFilm
REQUESTS: Final = {
    kind.__name__: kind for kind in (AnalyzeSong, DescribeModel, Keyframe, Clip, MeasureFilm)
}


# -- what is answered ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """Where a song's analysis lies; `core.cache.load_analysis` reads it."""

    folder: str
    cached: bool


@dataclass(frozen=True)
class ModelFacts:
    """What a model folder is and what runs it."""

    sha256: str
    device: str
    dtype: str
    pipeline: str


@dataclass(frozen=True)
class Painted:
    """A finished still."""

    picture: Picture
    cached: bool
    denoiser_evaluations: int


@dataclass(frozen=True)
class Walked:
    """A finished clip: `frame_count` files named as `core.cache.frame_name` names them."""

    folder: str
    frame_count: int
    frames_computed: int
    frames_cached: int
    denoiser_evaluations: int


@dataclass(frozen=True)
class Measure:
    """One figure of a film. What a measure does not have is None."""

    name: str
    value: float | None
    # None: it needs shots, and none are known
    linear: float | None = None
    # what the same shots would score walked linearly
    null_mean: float | None = None
    # mean over films whose pictures are shifted against the song at random
    z: float | None = None
    # (value − null_mean) / their standard deviation; None where all score alike
    p: float | None = None
    # (1 + number of them that score at least value) / (number of them + 1)


@dataclass(frozen=True)
class Measured:
    """What was measured of a film, in the order in which it is best read."""

    measures: tuple[Measure, ...]


Answer = Heard | ModelFacts | Painted | Walked | Measured
ANSWERS: Final = {kind.__name__: kind for kind in (Heard, ModelFacts, Painted, Walked, Measured)}


# -- fingerprints and JSON -------------------------------------------------------------------------


def fingerprint(recipe: Keyframe | Clip) -> str:
    """Return the address of a recipe's result: 32 hex digits of the SHA-256 of what decides it."""
    content = {"kind": type(recipe).__name__, **_without_paths(dataclasses.asdict(recipe))}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:32]


def to_json(spec: Any) -> str:
    """Write a spec as one line of JSON."""
    return json.dumps(dataclasses.asdict(spec), separators=(",", ":"), allow_nan=False)


Spec = TypeVar("Spec")


def from_json(kind: type[Spec], text: str) -> Spec:
    """Read a spec of the given kind. Raises `SpecError` on anything but exactly its fields."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise SpecError(f"{kind.__name__}: not JSON: {error}") from error
    return from_dict(kind, data)


def from_dict(kind: type[Spec], data: Any) -> Spec:
    """Build a spec from a decoded JSON object. Raises `SpecError` naming the field at fault."""
    if not isinstance(data, dict):
        raise SpecError(f"{kind.__name__}: expected an object, got {type(data).__name__}")
    hints = typing.get_type_hints(kind)
    known = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if strange := sorted(set(data) - known):
        raise SpecError(f"{kind.__name__}: unknown field {strange[0]!r}; known: {sorted(known)}")
    values = {name: _decode(f"{kind.__name__}.{name}", hints[name], data[name]) for name in data}
    try:
        return kind(**values)
    except TypeError as error:
        raise SpecError(f"{kind.__name__}: {error}") from error


def _decode(where: str, hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        if value is None:
            return None
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
        return _decode(where, hint, value)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise SpecError(f"{where}: expected a list, got {type(value).__name__}")
        return tuple(_decode(where, typing.get_args(hint)[0], item) for item in value)
    if origin is dict and isinstance(value, dict):
        return value
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast("type[Any]", hint), value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise SpecError(f"{where}: expected {hint.__name__}, got {type(value).__name__} {value!r}")
    return value


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_paths(item)
            for key, item in value.items()
            if key not in ("path", "folder")
        }
    return value


# -- checks ----------------------------------------------------------------------------------------


def _picture_fields(seed: int, width: int, height: int, steps: int, guidance: float) -> None:
    _within("seed", seed, 0, 2**31 - 1)
    for name, size in (("width", width), ("height", height)):
        _within(name, size, 64, 4096)
        if size % 16:
            raise SpecError(f"{name} is {size}; a multiple of 16 is needed")
    _within("steps", steps, 1, 200)
    _within("guidance", guidance, 1.0, 30.0)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SpecError(f"{name} is {value}; allowed is {low} to {high}")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SpecError(f"{name} is {value!r}; allowed is one of {', '.join(allowed)}")
