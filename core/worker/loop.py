"""Takes jobs from a pipe, one after another, and sends exactly one last message for each."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import BinaryIO

from ..errors import CoreError, SpecError, WorkerError
from ..protocol import (
    Cancel,
    Cancelled,
    Do,
    Failed,
    Finished,
    Free,
    Hello,
    Message,
    Progress,
    decode,
    encode,
)
from .handlers import Handlers

_PROGRESS_EVERY_S = 0.1
_FREE_WHEN_IDLE_S = 300.0


class _StopJob(BaseException):
    """Raised inside a job that was cancelled. No library may mistake it for an error of its own."""


class Loop:
    """One worker's life."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox, self._outbox = inbox, outbox
        self._todo: queue.SimpleQueue[Do | Free] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._sending = threading.Lock()
        self._handlers = Handlers()

    def run(self) -> None:
        """Say hello, then work until stdin closes."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(Hello(sys.version.split()[0], os.getpid()))
        while True:
            try:
                order = self._todo.get(timeout=_FREE_WHEN_IDLE_S)
            except queue.Empty:
                order = Free()
            if isinstance(order, Free):
                self._handlers.free()
            else:
                self._send(self._last_message(order))

    def _listen(self) -> None:
        for line in self._inbox:
            try:
                message = decode(line)
            except SpecError as error:
                print(f"refused: {error}", file=sys.stderr)
                continue
            if isinstance(message, Cancel):
                self._cancelled.add(message.job)
            elif isinstance(message, Do | Free):
                self._todo.put(message)
        # Blender is gone. Files are only ever renamed when whole, so leaving at once loses nothing.
        os._exit(0)

    def _last_message(self, order: Do) -> Message:
        progress = _Reporter(self, order.job)
        try:
            progress.check()
            return Finished(
                order.job, self._handlers.do(order.request, Path(order.results), progress)
            )
        except _StopJob:
            return Cancelled(order.job)
        except CoreError as error:
            return Failed(order.job, type(error).__name__, str(error))
        except Exception as error:
            traceback.print_exc()
            return Failed(order.job, WorkerError.__name__, f"{type(error).__name__}: {error}")

    def _send(self, message: Message) -> None:
        with self._sending:
            self._outbox.write(encode(message))
            self._outbox.flush()

    def _is_cancelled(self, job: int) -> bool:
        return job in self._cancelled


class _Reporter:
    """Tells how far one job is, at most ten times a second, and stops it once it is cancelled."""

    def __init__(self, loop: Loop, job: int) -> None:
        self._loop, self._job = loop, job
        self._stage, self._since, self._from = "", time.monotonic(), 0.0
        self._sent_at = -_PROGRESS_EVERY_S

    def check(self) -> None:
        if self._loop._is_cancelled(self._job):
            raise _StopJob

    def __call__(self, stage: str, done: float, total: float) -> None:
        self.check()
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._since, self._from = stage, now, done
        elif now - self._sent_at < _PROGRESS_EVERY_S:
            return
        self._sent_at = now
        elapsed = now - self._since
        rate = (done - self._from) / elapsed if elapsed > 0.2 else 0.0
        self._loop._send(Progress(self._job, stage, float(done), float(total), rate))
