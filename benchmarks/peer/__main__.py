"""`python -m benchmarks.peer`: the driver."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from . import environment, parts
from .bench import QUICK, Bench, Plan, Result
from .child import ROOT, ChildError
from .films import films
from .table import markdown, measures_markdown

PARTS = {
    "energy": parts.energy,
    "frames": parts.frames,
    "defaults": parts.defaults,
    "mux": parts.mux,
    "films": films,
}


def main() -> int:
    """Measure the chosen parts; returns 0 if all came to their end."""
    args = _arguments()
    peer = args.peer_python or environment.ready(ROOT / ".venv" / "peer", args.python)
    pythons = {"peer": peer, "runtime": args.runtime, "host": args.host}
    args.out.mkdir(parents=True, exist_ok=True)
    done: dict[str, Result] = {}
    machine = _machine()
    with ExitStack() as stack:
        bench = Bench(args.song, args.prompts, args.out, pythons, args.plan, stack)
        for name in args.only:
            print(f"\n## {name}\n", flush=True)
            try:
                done[name] = PARTS[name](bench)
            except ChildError as error:
                print(error, file=sys.stderr)
                return 1
            text = _text(done[name])
            print(text, flush=True)
            _write(args.out, done, {"machine": machine, "children": bench.facts})
        print("\n".join(_about(machine, bench)))
    return 0


def _text(result: Result) -> str:
    tables = [markdown(result.rows)]
    if result.measures:
        tables.append(measures_markdown(result.measures["peer"], result.measures["strophe"]))
    notes = [f"- {note}" for note in result.notes]
    return "\n\n".join([*tables, "\n".join(notes)])


def _about(machine: dict[str, Any], bench: Bench) -> list[str]:
    children = [
        f"{name}: {json.dumps({**facts, 'notes': []})}" for name, facts in bench.facts.items()
    ]
    changes = [f"- {note}" for note in bench.facts.get("peer", {}).get("notes", ())]
    return ["", json.dumps(machine), *children, *changes]


def _write(out: Path, done: dict[str, Result], about: dict[str, Any]) -> None:
    """Keep everything so far: a run that is interrupted loses the part it was at, no more."""
    results = {
        name: {
            "rows": [row.as_dict() for row in result.rows],
            "notes": result.notes,
            "measures": result.measures,
        }
        for name, result in done.items()
    }
    (out / "results.json").write_text(json.dumps({**about, "parts": results}, indent=1))
    (out / "table.md").write_text("\n\n".join(map(_text, done.values())) + "\n", "utf-8")


def _machine() -> dict[str, Any]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "date": date.today().isoformat(),
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg(),
        "system": platform.platform(),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peer")
    parser.add_argument("--song", type=Path, default=ROOT / "assets/song/twinkle.ogg")
    parser.add_argument("--prompts", type=Path, default=ROOT / "assets/song/prompts.txt")
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--quick", action="store_true", help="a few minutes, figures of no worth")
    parser.add_argument("--repetitions", type=int)
    parser.add_argument("--film-seconds", type=float)
    parser.add_argument("--film-steps", type=int, help="of the peer's film; 50 is its default")
    parser.add_argument("--python", default="python3.11", help="makes the peer's environment")
    parser.add_argument("--peer-python", type=Path, help="a ready environment's Python instead")
    parser.add_argument("--runtime", type=Path, default=ROOT / ".venv/runtime/bin/python")
    parser.add_argument("--host", type=Path, default=ROOT / ".venv/host/bin/python")
    args = parser.parse_args()
    args.only = args.only.split(",")
    if strange := [name for name in args.only if name not in PARTS]:
        parser.error(f"--only {strange[0]}: the parts are {', '.join(PARTS)}")
    args.song, args.out = args.song.resolve(), args.out.resolve()
    for name in ("peer_python", "runtime", "host"):  # a link to Python must stay one
        if path := getattr(args, name):
            setattr(args, name, path.absolute())
    args.prompts = [line for line in args.prompts.read_text("utf-8").splitlines() if line.strip()]
    args.plan = _plan(args)
    return args


def _plan(args: argparse.Namespace) -> Plan:
    chosen = {
        "repetitions": args.repetitions,
        "film_s": args.film_seconds,
        "film_steps": args.film_steps,
    }
    plan = QUICK if args.quick else Plan()
    return replace(plan, **{name: value for name, value in chosen.items() if value is not None})


if __name__ == "__main__":
    sys.exit(main())
