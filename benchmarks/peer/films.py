"""A film of each from the same song, prompts and seeds, and all measures of both."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from .bench import SIZE, STARTER, Bench, Result
from .parts import BATCH, STROPHE_FPS
from .table import Row


def films(bench: Bench) -> Result:
    """Make both films and measure them.

    Strophe plans the shots; the peer is given their times, prompts and seeds, as its users do by hand.
    """
    folder = bench.out / "films"
    folder.mkdir(exist_ok=True)
    song = folder / "song.wav"
    seconds = min(bench.plan.film_s, bench.duration_s)
    bench.strophe.ask("write_song", song=str(bench.song), seconds=seconds, path=str(song))
    ours = _strophe_film(bench, song, folder / "strophe")
    theirs = _peer_film(bench, song, ours["shots"], folder / "peer")
    measures = {
        "peer": _measured(bench, theirs["film"], song, Path(theirs["shots"]), folder / "peer.json"),
        "strophe": _measured(
            bench, folder / "strophe" / "film.mp4", song, _note_shots(ours, folder / "strophe"),
            folder / "strophe.json",
        ),
    }  # fmt: skip
    took = Row(
        f"a film of {seconds:g} s from nothing, the peer at {bench.plan.film_steps} steps",
        "s",
        (theirs["took_s"],),
        (ours["took_s"],),
    )
    return Result([took], [_note(bench, ours, theirs)], measures)


def _strophe_film(bench: Bench, song: Path, out: Path) -> dict[str, Any]:
    """Go the whole way through the operators, as `make demo` does; returns its report.

    The demo measures its film as well: the bench does that for both, outside the time.
    """
    shutil.rmtree(out, ignore_errors=True)  # nothing may come from the cache
    prompts = out.with_suffix(".txt")
    prompts.write_text("\n".join(bench.prompts), "utf-8")
    began = time.perf_counter()
    with bench.fresh("host", "module_side") as child:
        child.ask(
            "run", module="demo", arguments=[
                "--song", str(song), "--out", str(out), "--prompts", str(prompts),
                "--fps", str(STROPHE_FPS), "--seed", "1", "--size", f"{SIZE}x{SIZE}",
                "--runtime", str(bench.pythons["runtime"]),
            ],
        )  # fmt: skip
    took = time.perf_counter() - began
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    return {**report, "took_s": took - report["seconds"]["measure"]}


def _peer_film(bench: Bench, song: Path, shots: list[dict[str, Any]], out: Path) -> dict[str, Any]:
    """Have the peer walk the same shots; as Strophe's last does, its last walks to the next seed."""
    first = shots[0]["frame_start"]
    request = {
        "folder": STARTER,
        "song": str(song),
        "prompts": [*(shot["prompt"] for shot in shots), shots[-1]["prompt"]],
        "seeds": [*(shot["seed"] for shot in shots), shots[-1]["seed"] + 1],
        "ends_s": [(shot["frame_end"] - first) / STROPHE_FPS for shot in shots],
        "size": SIZE,
        "steps": bench.plan.film_steps,
        "batch": BATCH,
        "out": str(out),
    }
    threads = bench.facts["strophe"]["threads"]
    began = time.perf_counter()
    with bench.fresh("peer", "peer_side") as child:
        bench.facts["peer"] = child.ask("ready", folder=STARTER, threads=threads)
        answer = child.ask("film", **request)
    return {**answer, "took_s": time.perf_counter() - began}


def _note_shots(report: dict[str, Any], out: Path) -> Path:
    """Write the part of Strophe's report that the measures read."""
    shots = [
        {name: shot[name] for name in ("frame_start", "frame_end", "positions")}
        for shot in report["shots"]
    ]
    path = out / "shots.json"
    path.write_text(json.dumps({"frame_start": shots[0]["frame_start"], "shots": shots}, indent=1))
    return path


def _measured(bench: Bench, film: Path | str, song: Path, shots: Path, out: Path) -> dict[str, Any]:
    """Return every measure of a film by its name."""
    out.unlink(missing_ok=True)
    arguments = [str(film), str(song), "--shots", str(shots), "--json", str(out)]
    with bench.fresh("runtime", "module_side") as child:
        child.ask("run", module="core.measures", arguments=arguments)
    measures: dict[str, Any] = json.loads(out.read_text())["measures"]
    return measures


def _note(bench: Bench, ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    frames = [shot["frame_end"] - shot["frame_start"] for shot in ours["shots"]]
    return (
        f"Peer's film: {bench.plan.film_steps} steps (its default is 50), {BATCH} frames a denoiser "
        f"call (its default is 1), all else its default: guidance 7.5, 30 fps; clips of "
        f"{theirs['clips']} frames at the times of Strophe's shots. Strophe's film: every setting its "
        f"default; shots of {frames} frames at {STROPHE_FPS} fps. Both times begin with starting the "
        "programs and end with the film; Strophe's holds a contact sheet as well."
    )
