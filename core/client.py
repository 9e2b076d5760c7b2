"""Blender's end of the pipe: starts the worker, sends jobs, hands over what came back.

Nothing here blocks Blender's main thread: a thread of its own reads the worker's answers into a
queue, and `poll` takes what lies there. `wait` is for scripts and for Blender without a window.
"""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from .errors import SpecError, WorkerError, error_from_name
from .protocol import (
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
from .specs import Answer, Request

__all__ = ["FromWorker", "JobCancelledError", "Worker"]

FromWorker = Hello | Progress | Finished | Failed | Cancelled
_TAIL_LINES = 12


class JobCancelledError(Exception):
    """The job waited for was cancelled. Not a `CoreError`: nothing went wrong."""


class Worker:
    """A running worker process and the jobs it was given."""

    def __init__(self, python: Path, log: Path, cwd: Path, *, online: bool = False) -> None:
        """Start a worker.

        Parameters
        ----------
        python : the runtime's interpreter, never Blender's own.
        log : the worker's stderr is appended here.
        cwd : a folder outside the extension; it is made if it is not there.
        online : whether models may be fetched from the hub.

        Raises
        ------
        WorkerError : there is no such interpreter, or it cannot be started.
        """
        self._messages: queue.SimpleQueue[FromWorker] = queue.SimpleQueue()
        self._next_job = 1
        self._open: set[int] = set()
        self._strange: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self.log = log
        cwd.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._process = _start(python.absolute(), log, cwd, online)
        self._reader = threading.Thread(target=self._read, name="strophe-worker", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def submit(self, request: Request, results: Path) -> int:
        """Send a job; its results go below `results`. Returns the job's number."""
        job = self._next_job
        self._next_job += 1
        self._open.add(job)
        self._send(Do(job, request, str(results)))
        return job

    def cancel(self, job: int) -> None:
        """Ask for a job to stop at its next step; its last message still comes."""
        if self.alive:
            self._send(Cancel(job))

    def free(self) -> None:
        """Ask the worker to drop its models."""
        self._send(Free())

    def poll(self) -> Iterator[FromWorker]:
        """Hand over what came since the last call; a dead worker fails every job it still owed."""
        while True:
            try:
                message = self._messages.get_nowait()
            except queue.Empty:
                break
            if isinstance(message, Finished | Failed | Cancelled):
                if message.job not in self._open:
                    continue  # answered before: a job ends once
                self._open.discard(message.job)
            yield message
        if self._open and not self.alive and not self._reader.is_alive() and self._messages.empty():
            for job in sorted(self._open):
                yield Failed(job, WorkerError.__name__, self._obituary())
            self._open.clear()

    def wait(self, job: int, on_progress: Callable[[Progress], None] | None = None) -> Answer:
        """Block until a job is over.

        Raises the error the job failed with, or `JobCancelledError`. Cancels the job when
        interrupted from the keyboard.
        """
        try:
            while True:
                for message in self.poll():
                    if isinstance(message, Progress) and on_progress:
                        on_progress(message)
                    if isinstance(message, Hello) or message.job != job:
                        continue
                    if isinstance(message, Finished):
                        return message.answer
                    if isinstance(message, Failed):
                        raise error_from_name(message.error, message.message)
                    if isinstance(message, Cancelled):
                        raise JobCancelledError
                time.sleep(0.005)
        except KeyboardInterrupt:
            self.cancel(job)
            raise

    def close(self, patience_s: float = 5.0) -> None:
        """End the worker: it leaves when its stdin closes; one that does not is killed."""
        if self._process.stdin:
            with suppress(OSError):  # it died with a line unread
                self._process.stdin.close()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(patience_s)
        if self._process.stdout:
            self._process.stdout.close()

    def _send(self, message: Do | Cancel | Free) -> None:
        stdin = self._process.stdin
        try:
            if stdin is None or stdin.closed:
                raise BrokenPipeError
            stdin.write(encode(message))
            stdin.flush()
        except OSError as error:
            raise WorkerError(self._obituary()) from error

    def _read(self) -> None:
        stdout: IO[bytes] | None = self._process.stdout
        if stdout is None:
            return
        for line in stdout:
            try:
                message = decode(line)
            except SpecError:
                self._strange.append(line)
                continue
            if isinstance(message, Hello | Progress | Finished | Failed | Cancelled):
                self._messages.put(message)

    def _obituary(self) -> str:
        code = self._process.poll()
        try:
            tail = self.log.read_text("utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        except OSError:
            tail = []
        tail += [line.decode("ascii", "backslashreplace").rstrip() for line in self._strange]
        said = "\n".join(tail) or "it left no word"
        return (
            f"The worker ended (exit code {code}). Run the step again: finished frames are kept. "
            f"Its log is {self.log}. Last lines:\n{said}"
        )


def _start(python: Path, log: Path, cwd: Path, online: bool) -> subprocess.Popen[bytes]:
    if not python.is_file():
        raise WorkerError(
            f"There is no runtime at {python}. Set it up in Strophe's preferences (Runtime Python)."
        )
    flags: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows alone would open a console
    with log.open("ab") as stderr:
        try:
            return subprocess.Popen(
                [str(python), "-m", f"{_package_name()}.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=cwd,
                env=_environment(online),
                creationflags=flags,
            )
        except OSError as error:
            raise WorkerError(f"The runtime {python} cannot be started: {error}") from error


def _package_name() -> str:
    return Path(__file__).parent.name


def _environment(online: bool) -> dict[str, str]:
    """Blender's environment without what would steer another Python, plus where Strophe lies."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env["PYTHONPATH"] = str(Path(__file__).parent.parent)
    env["PYTHONSAFEPATH"] = "1"  # nothing that lies in the working directory is ever imported
    env["PYTHONNOUSERSITE"] = "1"
    env["PYTHONDONTWRITEBYTECODE"] = "1"  # the extension's folder is not the worker's to write in
    env["PYTHONUTF8"] = "1"
    # Idle threads sleep instead of spinning: Blender, playing the timeline, needs the same cores. On
    # two contended cores a keyframe took 2 s with this and 20 to 49 s without.
    env["OMP_WAIT_POLICY"] = "PASSIVE"
    if not online:
        env["HF_HUB_OFFLINE"] = "1"
    return env
