"""The peer's own environment: built once, in `.venv/peer`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

PEER: Final = "stable-diffusion-videos==0.9.2"

_HERE: Final = Path(__file__).parent
_REQUIREMENTS: Final = _HERE / "requirements.txt"


def ready(folder: Path, base_python: str) -> Path:
    """Return the Python of the peer's environment; build it where it is missing or outdated.

    Building takes about 6 GB of disk, most of it a torch that also knows GPUs.
    """
    python, stamp = folder / "bin" / "python", folder / ".ready"
    if stamp.is_file() and stamp.stat().st_mtime >= _REQUIREMENTS.stat().st_mtime:
        return python
    print(f"Setting up {PEER} in {folder} …", flush=True)
    subprocess.run([base_python, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-r", str(_REQUIREMENTS)], check=True)
    subprocess.run([*pip, "--no-deps", PEER], check=True)
    stamp.touch()
    return python
