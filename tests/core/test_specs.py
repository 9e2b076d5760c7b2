"""Requests check themselves, cross the pipe unchanged, and are addressed by what decides them."""

import dataclasses
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import specs
from core.errors import CoreError, SpecError, error_from_name
from core.protocol import (
    Cancel,
    Cancelled,
    Do,
    Failed,
    Finished,
    Free,
    Hello,
    Progress,
    decode,
    encode,
)
from core.specs import (
    AnalyzeSong,
    Clip,
    DescribeModel,
    FilmedShot,
    Heard,
    Keyframe,
    Measure,
    Measured,
    MeasureFilm,
    ModelFacts,
    Painted,
    Walked,
)

from .samples import CLIP, KEYFRAME, MODEL


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 100}, "width is 100; a multiple of 16"),
        ({"height": 8192}, "height is 8192; allowed is 64 to 4096"),
        ({"steps": 0}, "steps is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"guidance": 0.5}, "guidance is 0.5"),
    ],
)
def test_a_bad_keyframe_names_field_value_and_range(change, words):
    with pytest.raises(SpecError, match=words):
        replace(KEYFRAME, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"positions": ()},
        {"positions": (5,)},
        {"positions": (0, 1025)},
        {"walk": "fly"},
        {"strength": 2},
    ],
)
def test_a_bad_clip_is_refused(change):
    with pytest.raises(SpecError):
        replace(CLIP, **change)


@pytest.mark.parametrize("recipe", [KEYFRAME, CLIP], ids=["Keyframe", "Clip"])
def test_every_field_that_decides_the_pixels_changes_the_fingerprint(recipe):
    others = {
        "positions": (0, 1), "start": specs.Picture("/a.png", "ff" * 32),
        "end": specs.Picture("/b.png", "ff" * 32), "model": replace(MODEL, sha256="cd" * 32),
    }  # fmt: skip
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.name == "walk":
            continue  # there is one so far
        if field.name in others:
            other = others[field.name]
        elif isinstance(value, str):
            other = value + " more"
        elif field.name in ("width", "height"):
            other = value + 16
        else:
            other = value + 1 if isinstance(value, int) else value / 2 + 0.7
        changed = replace(recipe, **{field.name: other})
        assert specs.fingerprint(changed) != specs.fingerprint(recipe), field.name
    assert specs.fingerprint(replace(recipe, model=replace(MODEL, dtype="bfloat16"))) != (
        specs.fingerprint(recipe)
    )


@pytest.mark.parametrize(
    ("shots", "words"),
    [
        ([(0, (0, 1)), (1, (0,))], "begins before the one before it ends"),
        ([(0, ())], "at least one frame"),
        ([(0, (0, 1025))], "positions is 1025"),
        ([(-1, (0,))], "frame_start is -1"),
    ],
)
def test_shots_that_cannot_lie_in_a_film_are_refused(shots, words):
    with pytest.raises(SpecError, match=words):
        MeasureFilm("/f", "/s", 0.0, tuple(FilmedShot(*shot) for shot in shots))


def test_where_things_lie_does_not_change_the_fingerprint():
    moved = replace(
        CLIP,
        start=replace(CLIP.start, path="/elsewhere.png"),
        model=replace(MODEL, folder="/models/two"),
    )
    assert specs.fingerprint(moved) == specs.fingerprint(CLIP)


def test_the_fingerprint_is_the_same_in_five_years():
    """A changed value here makes every cached result unreachable: raise the step version instead."""
    assert specs.fingerprint(KEYFRAME) == "2719e58bf957b74c7bd4e39a83287d67"
    assert specs.fingerprint(CLIP) == "34bac553c6b1b33dbb08c21c0631f1d0"


MESSAGES = [
    Do(1, KEYFRAME, "/r"),
    Do(2, CLIP, "/r"),
    Do(3, AnalyzeSong("/ü/song.ogg", 30000, 1001, 10.0), "/r"),
    Do(4, DescribeModel("/m"), "/r"),
    Do(
        5,
        MeasureFilm("/f.mp4", "/s.ogg", -0.5, (FilmedShot(0, (0, 512)), FilmedShot(3, (0,)))),
        "/r",
    ),
    Cancel(3),
    Free(),
    Hello("3.11", 12),
    Progress(1, "clip", 3.0, 9.0, 1.5),
    Finished(1, Heard("/f", True)),
    Finished(1, ModelFacts("00", "cpu", "float32", "P")),
    Finished(1, Painted(CLIP.start, False, 20)),
    Finished(1, Walked("/c", 4, 3, 1, 12)),
    Finished(1, Measured((Measure("avs", 0.5, 0.4, 0.3, None, 1.0), Measure("ghosting", None)))),
    Failed(1, "AudioError", "no\nsong"),
    Cancelled(1),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_every_message_crosses_the_pipe_unchanged(message):
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_never_breaks(line):
    with pytest.raises(SpecError):
        decode(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"Cancel"}',
        b'{"type":"Cancel","job":"1"}',
        b'{"type":"Cancel","job":1,"more":2}',
        b'{"type":"Do","job":1,"request":{"kind":"Shell","command":"x"},"results":""}',
        b'{"type":"Do","job":1,"request":3,"results":""}',
        b"[]",
        b"null",
    ],
)
def test_messages_outside_the_vocabulary_are_refused(line):
    with pytest.raises(SpecError):
        decode(line)


def test_json_of_a_recipe_reads_back():
    assert specs.from_json(Clip, specs.to_json(CLIP)) == CLIP
    assert specs.from_json(Keyframe, specs.to_json(KEYFRAME)) == KEYFRAME


def test_errors_cross_the_pipe_by_name():
    kinds = CoreError.__subclasses__()
    assert len(kinds) == 6
    for kind in kinds:
        assert type(error_from_name(kind.__name__, "x")) is kind
    assert type(error_from_name("NoSuchError", "x")).__name__ == "WorkerError"
