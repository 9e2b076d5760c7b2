"""A child's half of the pipe, its clock and its memory. Python's own library alone: every side uses it.

Takes {"do": job, …arguments} a line and answers {"answer": {…}} or {"error": words} a line.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = Callable[..., dict[str, Any]]


def serve(jobs: dict[str, Job]) -> None:
    """Do jobs until stdin closes, also in the middle of one: without a driver nobody waits for it.

    Answers go to a duplicate of stdout, and file descriptor 1 is pointed at stderr, so that no
    library's print can break an answer.
    """
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="ascii") as out:
        os.dup2(2, 1)
        while True:
            out.write(json.dumps(_answer(jobs, json.loads(orders.get()))) + "\n")
            out.flush()


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that `act` took, and its result."""
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result


def memory_mb() -> tuple[float, float]:
    """Return this process's memory now and at its peak, in MB (RSS); Linux tells it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    words = dict(line.split(":", 1) for line in lines)
    now, peak = (int(words[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak


def _listen(orders: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        orders.put(line)
    os._exit(0)


def _answer(jobs: dict[str, Job], order: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": jobs[order.pop("do")](**order)}
    except Exception:
        return {"error": traceback.format_exc()}
