"""`python -m core.measures film.mp4 song.ogg`: print what is measured of a film."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..cache import write_whole
from ..errors import CoreError, SpecError
from ..specs import POSITION_STEPS, FilmedShot, Measure, MeasureFilm


def main() -> int:
    """Returns 0 if the film was measured."""
    args = _arguments()
    # Threads that spin while they wait would take the core from those that work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from .report import measure

    try:
        shots = read_shots(args.shots) if args.shots else ()
        found = measure(MeasureFilm(str(args.film), str(args.song), args.song_start, shots))
    except CoreError as error:
        print(error, file=sys.stderr)
        return 1
    print(table(found))
    if args.json:
        write_whole(args.json, json.dumps({"measures": as_json(found)}, indent=1).encode())
    return 0


def read_shots(path: Path) -> tuple[FilmedShot, ...]:
    """Read the shots of a `report.json`: frame_start of the film, and of each shot its frames and
    the .npy file of its positions in [0, 1].

    Raises `SpecError` where the file is not of that form.
    """
    try:
        report = json.loads(path.read_bytes())
        first = report["frame_start"]
        return tuple(_shot(path.parent, first, shot) for shot in report["shots"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpecError(f"{path}: cannot be read as a report of shots: {error!r}") from error


def as_json(measures: Sequence[Measure]) -> dict[str, dict[str, float | None]]:
    """{name: {value, linear, null_mean, z, p}}."""
    rows = [asdict(measure) for measure in measures]
    return {row.pop("name"): row for row in rows}


def table(measures: Sequence[Measure]) -> str:
    """One line a measure."""
    lines = [f"{'':32}{'value':>10}{'linear':>10}{'chance':>10}{'z':>8}{'p':>8}"]
    for m in measures:
        cells = (f"{_cell(v, '.4g'):>10}" for v in (m.value, m.linear, m.null_mean))
        lines.append(f"{m.name:32}{''.join(cells)}{_cell(m.z, '.1f'):>8}{_cell(m.p):>8}")
    return "\n".join(lines)


def _cell(value: float | None, form: str = ".3g") -> str:
    return "–" if value is None else f"{value:{form}}"


def _shot(folder: Path, first: int, shot: dict[str, object]) -> FilmedShot:
    positions = np.load(folder / str(shot["positions"]), allow_pickle=False)
    whole = np.rint(positions * POSITION_STEPS).astype(int)
    return FilmedShot(int(str(shot["frame_start"])) - first, tuple(whole.tolist()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m core.measures")
    parser.add_argument("film", type=Path)
    parser.add_argument("song", type=Path)
    parser.add_argument(
        "--song-start", type=float, default=0.0, help="song time at the first frame"
    )
    parser.add_argument("--shots", type=Path, help="report.json, for linear walks and ghosting")
    parser.add_argument("--json", type=Path, help="where to write the measures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
