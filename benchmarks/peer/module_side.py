"""Runs a program of the checkout in any of its environments, as `python -m` does, once.

As a child's job, and not as a process of the driver's own, it ends when the driver dies.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from .serve import serve


def run(module: str, arguments: list[str]) -> dict[str, Any]:
    """Raises where the program ends with anything but success; what it printed is in the log."""
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise RuntimeError(f"python -m {module} ended with {end.code}") from end
    return {}


if __name__ == "__main__":
    serve({"run": run})
