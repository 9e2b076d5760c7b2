"""What crosses the pipe between Blender and the worker: one JSON object a line, a closed vocabulary.

To the worker            From the worker
Do       a job to do     Hello      once, when it is ready to listen
Cancel   stop that job   Progress   any number a job
Free     drop models     Finished | Failed | Cancelled   the last message of a job, exactly one
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Final

from .errors import SpecError
from .specs import ANSWERS, REQUESTS, Answer, Request, from_dict

__all__ = [
    "Cancel",
    "Cancelled",
    "Do",
    "Failed",
    "Finished",
    "Free",
    "Hello",
    "Progress",
    "decode",
    "encode",
]


@dataclass(frozen=True)
class Do:
    """A job to do; its results go below the folder `results`."""

    job: int
    request: Request
    results: str


@dataclass(frozen=True)
class Cancel:
    """Stop a job at its next step. A job that is already over is left alone."""

    job: int


@dataclass(frozen=True)
class Free:
    """Drop every model from memory once the job in hand is over."""


@dataclass(frozen=True)
class Hello:
    """The worker listens."""

    python: str
    pid: int


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    job: int
    stage: str
    done: float
    total: float
    rate: float
    # units of `total` a second, 0 when not yet known


@dataclass(frozen=True)
class Finished:
    """The job's answer."""

    job: int
    answer: Answer


@dataclass(frozen=True)
class Failed:
    """The job was refused or broke; `error` names a class of `core.errors`."""

    job: int
    error: str
    message: str


@dataclass(frozen=True)
class Cancelled:
    """The job was stopped as asked; what was whole stays in the cache."""

    job: int


Message = Do | Cancel | Free | Hello | Progress | Finished | Failed | Cancelled
_MESSAGES: Final[dict[str, type[Any]]] = {
    kind.__name__: kind for kind in (Do, Cancel, Free, Hello, Progress, Finished, Failed, Cancelled)
}


def encode(message: Message) -> bytes:
    """Write a message as one line of ASCII."""
    data: dict[str, Any] = dataclasses.asdict(message)
    for name in ("request", "answer"):
        if name in data:
            data[name]["kind"] = type(getattr(message, name)).__name__
    line = json.dumps({"type": type(message).__name__, **data}, allow_nan=False)
    return line.encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Read a line. Raises `SpecError` on anything outside the vocabulary."""
    try:
        data = json.loads(line)
        kind = _MESSAGES[data.pop("type")]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise SpecError(f"not a message: {line[:200]!r}") from error
    for name, kinds in (("request", REQUESTS), ("answer", ANSWERS)):
        if name in data:
            data[name] = _inner(kinds, data[name])
    message: Message = _assembled(kind, data) if kind in (Do, Finished) else from_dict(kind, data)
    return message


def _inner(kinds: dict[str, Any], data: Any) -> Any:
    if not isinstance(data, dict) or data.get("kind") not in kinds:
        raise SpecError(f"not one of {', '.join(kinds)}: {str(data)[:200]}")
    return from_dict(kinds[data.pop("kind")], data)


def _assembled(kind: type[Any], data: dict[str, Any]) -> Any:
    try:
        return kind(**data)
    except TypeError as error:
        raise SpecError(f"{kind.__name__}: {error}") from error
