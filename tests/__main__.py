"""Run every ring the machine has the means for, each in its own environment, and say what was left out.

core    numpy alone, in the host's Python       heavy   the runtime
worker  real child processes, in the runtime    host    Blender as a module, each version found
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Run the rings; returns 0 if all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True, help="Python with bpy")
    parser.add_argument("--runtime", required=True, help="Python with torch")
    parser.add_argument("--other-hosts", default="", help="Pythons with other versions of bpy")
    args = parser.parse_args()
    runs = [
        ("core", args.host, "tests/core tests/test_boundaries.py"),
        ("worker", args.runtime, "tests/worker"),
        ("heavy", args.runtime, "tests/heavy"),
        *(("host", python, "tests/host") for python in (args.host, *args.other_hosts.split())),
    ]
    failed = [
        name for name, python, paths in runs if not _passes(name, python, paths, args.runtime)
    ]
    for line in _left_out(args.other_hosts):
        print(f"left out: {line}")
    print(f"rings failed: {', '.join(failed)}" if failed else f"all {len(runs)} rings passed")
    return 1 if failed else 0


def _passes(ring: str, python: str, paths: str, runtime: str) -> bool:
    print(f"\n== {ring}: {Path(python).parent.parent.name}", flush=True)
    started = time.monotonic()
    command = [python, "-m", "pytest", "-q", *paths.split()]
    if ring == "host":
        command += ["--runtime", runtime]
    # Threads that spin while another process has the core would make the suite many times slower.
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    print(f"== {ring}: {time.monotonic() - started:.0f} s", flush=True)
    return code == 0


def _left_out(other_hosts: str) -> list[str]:
    lines = [
        f"Blender {version} (make host-{version}, then make test)"
        for version in ("4.5", "5.2")
        if f"host-{version}" not in other_hosts
    ]
    if not (ROOT / "build" / "music" / ".ready").exists():
        lines.append("hearing of real recordings (make music)")
    if not shutil.which("ffprobe"):
        lines.append("checks of files by ffprobe (install ffmpeg)")
    lines.append("gui: a real Blender window (not yet part of this suite)")
    return lines


if __name__ == "__main__":
    sys.exit(main())
