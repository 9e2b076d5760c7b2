"""The driver's half of a pipe: a process in another environment that does one job after another."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]


def environment(out: Path) -> dict[str, str]:
    """Return what every process that runs a model is given.

    Idle threads sleep instead of spinning, since two children's would fight for the same cores; the
    processor alone is used; nothing is fetched, and no library's cache lies outside `out`.
    """
    return {
        **os.environ,
        "OMP_WAIT_POLICY": "PASSIVE",
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(out / "hf"),
    }


class ChildError(RuntimeError):
    """A job failed, or the child died."""


class Child:
    """One process, warm between its jobs. It ends when its stdin closes: with `close` or the driver."""

    def __init__(self, python: Path, module: str, out: Path) -> None:
        self.log = out / f"{module.rpartition('.')[2]}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(python), "-m", module],
                cwd=ROOT,
                env=environment(out),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self._answers = self._process.stdin, self._process.stdout

    def ask(self, job: str, **arguments: Any) -> dict[str, Any]:
        """Have a job done and return its answer. Raises `ChildError` with the child's own words."""
        try:
            self._orders.write(json.dumps({"do": job, **arguments}) + "\n")
            self._orders.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ChildError(f"{job}: the child died; see {self.log}")
        message = json.loads(line)
        if "error" in message:
            raise ChildError(f"{job}:\n{message['error']}")
        answer: dict[str, Any] = message["answer"]
        return answer

    def close(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError):
            self._orders.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
