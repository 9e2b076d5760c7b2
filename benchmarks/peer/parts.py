"""What is measured beside each other, a part a function; films are a room of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from .bench import SIZE, STARTER, Bench, Result
from .child import Child, ChildError
from .table import Row

Answer = dict[str, Any]

FPS: Final = 30
"""Of energies and of films that are only joined: the peer's default."""

STROPHE_FPS: Final = 24
POSITION_STEPS: Final = 1024
BATCH: Final = 8
"""Rows of one denoiser call that Strophe takes at this size; the peer is asked for as many."""

SEEDS: Final = [1, 3]
MOST_DIFFERENCE: Final = 1.0
"""Of 255, on average: pictures further apart do not come from the same model and settings."""


def energy(bench: Bench) -> Result:
    """From the song's file to the positions of a walk over the whole song."""
    count = int(bench.duration_s * FPS)
    song = str(bench.song)

    def peer() -> Answer:
        return bench.peer.ask("energy", song=song, duration_s=bench.duration_s, fps=FPS)

    def strophe() -> Answer:
        return bench.strophe.ask(
            "energy", song=song, frames=count, fps=FPS, settings=bench.settings
        )

    _ = bench.settings  # starts and ends Blender, which must not run beside what is timed
    peer()  # the first call of each compiles
    strophe()
    pairs = in_turn(bench.plan.repetitions, peer, strophe)
    row = Row(f"positions of {bench.duration_s:.1f} s of song at {FPS} fps", "s", *_seconds(pairs))
    note = (
        f"Positions: {pairs[0][0]['frames']} of the peer, {pairs[0][1]['frames']} of Strophe. The peer "
        "computes the percussive energy; Strophe the percussive and the harmonic one."
    )
    return Result([row], [note])


def frames(bench: Bench) -> Result:
    """A frame of a walk at equal steps, guidance, precision, size and batch; no frame is shared."""
    note = _same_picture(bench)
    _warm(bench)
    rows = []
    for steps in bench.plan.steps:
        for guidance in (1.0, 3.0):
            pairs = in_turn(
                bench.plan.repetitions,
                lambda s=steps, g=guidance: _peer_frames(bench, s, g, bench.plan.frames),
                lambda s=steps, g=guidance: _strophe_frames(bench, s, g, bench.plan.frames),
            )
            what = f"a frame, {steps} steps, guidance {guidance:g}"
            rows.append(Row(what, "ms", *_each(pairs, lambda a: 1000 * a["seconds"] / a["frames"])))
    return Result(
        rows,
        [
            note,
            f"{bench.plan.frames} frames a repetition at distinct positions, none of them an end; "
            f"{SIZE}x{SIZE}, float32, {BATCH} frames a denoiser call. The time begins with two prompts "
            "(Strophe: and two pictures) and ends when every PNG is on disk.",
        ],
    )


def defaults(bench: Bench) -> Result:
    """A second of film with everything left as it comes."""
    settings = bench.settings
    _warm(bench)
    at_s = bench.duration_s / 5
    pairs = in_turn(
        bench.plan.repetitions,
        lambda: bench.peer.ask(
            "defaults", folder=STARTER, song=str(bench.song), at_s=at_s,
            seconds=bench.plan.peer_default_s, prompts=bench.prompts[:2], seeds=SEEDS, size=SIZE,
            scratch=str(bench.scratch / "peer"),
        ),
        lambda: bench.strophe.ask(
            "defaults", folder=STARTER, song=str(bench.song), at_s=at_s, fps=STROPHE_FPS,
            prompts=bench.prompts[:2], seeds=SEEDS, size=SIZE, settings=settings,
            scratch=str(bench.scratch / "strophe"),
        ),
    )  # fmt: skip
    row = Row("a second of film, both at their defaults", "s",
              *_each(pairs, lambda a: a["seconds"] / a["film_s"]))  # fmt: skip
    a, b = pairs[0]
    note = (
        f"Peer: {a['frames']} frames at 30 fps, 50 steps, guidance 7.5, one at a time. Strophe: a shot "
        f"of {b['film_s']:g} s, {b['frames']} frames at {STROPHE_FPS} fps, its keyframe at "
        f"{settings['steps']} steps and guidance {settings['guidance']:g}, its walk at "
        f"{settings['walk_steps']} steps without guidance and strength {settings['walk_strength']:.2f}; "
        f"{b['evaluations']} evaluations, as frames at the same position are one."
    )
    return Result([row], [note])


def mux(bench: Bench) -> Result:
    """Joining PNGs and the song to a film, each time in a fresh process."""
    stills = [str(_still(bench, k)) for k in range(min(4, len(bench.prompts)))]
    bench.strophe.ask("cross_fades", stills=stills, count=8, folder=str(bench.scratch / "8"))
    rows, notes = [], []
    for count in bench.plan.mux_frames:
        folder, song = bench.scratch / str(count), bench.scratch / f"{count}.wav"
        bench.strophe.ask("cross_fades", stills=stills, count=count, folder=str(folder))
        bench.strophe.ask("write_song", song=str(bench.song), seconds=count / FPS, path=str(song))
        pairs = in_turn(
            bench.plan.repetitions,
            lambda f=folder, s=song: _muxed(bench, bench.fresh("peer", "peer_side"), f, s, {}),
            lambda f=folder, s=song: _muxed(bench, bench.blender(), f, s, {"size": SIZE}),
        )
        rows += _mux_rows(count, pairs)
        notes.append(
            f"{count} frames: {pairs[0][0]['bytes']:,} bytes of the peer's film, "
            f"{pairs[0][1]['bytes']:,} of Strophe's."
        )
    notes.append(
        "Joining: the peer's process has imported what it joins with and nothing else; Strophe's is the "
        "whole of Blender. Both have joined eight frames before. Growth is the peak less what the "
        "process held just before."
    )
    return Result(rows, notes)


def in_turn(
    repetitions: int, peer: Callable[[], Answer], strophe: Callable[[], Answer]
) -> list[tuple[Answer, Answer]]:
    """Measure A B A B …, so that whatever else the machine does falls on both."""
    return [(peer(), strophe()) for _ in range(repetitions)]


def _each(
    pairs: list[tuple[Answer, Answer]], figure: Callable[[Answer], float]
) -> Iterator[tuple[float, ...]]:
    """Yield a figure of every answer of the peer's, then of Strophe's."""
    yield from (tuple(figure(pair[side]) for pair in pairs) for side in (0, 1))


def _seconds(pairs: list[tuple[Answer, Answer]]) -> Iterator[tuple[float, ...]]:
    return _each(pairs, lambda answer: answer["seconds"])


def _same_picture(bench: Bench) -> str:
    """Have both paint the same still. Raises `ChildError` where the pictures are not the same."""
    theirs, ours = bench.out / "peer.png", bench.out / "strophe.png"
    bench.peer.ask("paint", **_still_request(bench, 0), path=str(theirs))
    shutil.copyfile(_still(bench, 0), ours)
    difference = bench.strophe.ask("difference", a=str(theirs), b=str(ours))["mean"]
    if difference > MOST_DIFFERENCE:
        raise ChildError(f"{theirs} and {ours} differ by {difference:.2f} of 255 on average")
    return (
        f"The same prompt, seed, steps and guidance give both the same still: {difference:.5f} of 255 "
        "apart on average."
    )


def _still_request(bench: Bench, k: int) -> Answer:
    settings = bench.settings
    return {
        "folder": STARTER,
        "prompt": bench.prompts[k],
        "negative": settings["negative_prompt"],
        "seed": 1 + 2 * k,
        "steps": settings["steps"],
        "guidance": settings["guidance"],
        "size": SIZE,
    }


def _still(bench: Bench, k: int) -> Path:
    path = bench.scratch / f"still-{k}.png"
    keyframes = str(bench.scratch / "keyframes")
    bench.strophe.ask("paint", **_still_request(bench, k), path=str(path), scratch=keyframes)
    return path


def _warm(bench: Bench) -> None:
    """Have both walk a little, since the first pass of everything is slow."""
    for guidance in (1.0, 3.0):
        _peer_frames(bench, 2, guidance, BATCH)
        _strophe_frames(bench, 2, guidance, BATCH)


def _inner(count: int) -> list[int]:
    """Distinct positions, none of them an end."""
    return [round((k + 0.5) / count * POSITION_STEPS) for k in range(count)]


def _peer_frames(bench: Bench, steps: int, guidance: float, count: int) -> Answer:
    return bench.peer.ask(
        "frames", folder=STARTER, prompts=bench.prompts[:2], seeds=SEEDS,
        positions=[p / POSITION_STEPS for p in _inner(count)], size=SIZE, steps=steps,
        guidance=guidance, batch=BATCH, scratch=str(bench.scratch / "peer"),
    )  # fmt: skip


def _strophe_frames(bench: Bench, steps: int, guidance: float, count: int) -> Answer:
    return bench.strophe.ask(
        "frames", folder=STARTER, prompts=bench.prompts[:2], seeds=SEEDS, positions=_inner(count),
        size=SIZE, steps=steps, guidance=guidance, strength=bench.settings["walk_strength"],
        ends=[str(_still(bench, k)) for k in (0, 1)], scratch=str(bench.scratch / "strophe"),
    )  # fmt: skip


def _muxed(bench: Bench, child: Child, pictures: Path, song: Path, extra: dict[str, int]) -> Answer:
    """Join a folder's PNGs in a child that has joined a few before, and look at the film."""
    film = bench.scratch / "film.mp4"
    film.unlink(missing_ok=True)
    with child:
        request = {"song": str(song), "fps": FPS, "film": str(film), **extra}
        child.ask("mux", pictures=str(bench.scratch / "8"), **request)
        answer = child.ask("mux", pictures=str(pictures), **request)
    count = bench.strophe.ask("frames_of", film=str(film))["frames"]
    if str(count) != pictures.name:
        raise ChildError(f"{film} has {count} frames, not {pictures.name}")
    return {**answer, "bytes": film.stat().st_size}


def _mux_rows(count: int, pairs: list[tuple[Answer, Answer]]) -> list[Row]:
    return [
        Row(f"joining {count} frames and the song", "s", *_seconds(pairs)),
        Row(f"memory at its peak, {count} frames", "MB", *_each(pairs, lambda a: a["peak_mb"])),
        Row(f"memory it grew by, {count} frames", "MB", *_each(pairs, lambda a: a["growth_mb"])),
    ]
