"""Everything Strophe refuses, as one tree. `operators/jobs.py` alone turns it into a report.

CoreError
├── SpecError         a request names a value that is not allowed
├── AudioError        a song cannot be decoded or holds no sound
├── ModelError        a model folder is missing a part, or is not what it says
├── DeviceFullError   memory ran out after every step down was tried
├── ConsentError      an identity is used without a valid consent record
└── WorkerError       the worker process died, lied, or never answered
"""

__all__ = [
    "AudioError",
    "ConsentError",
    "CoreError",
    "DeviceFullError",
    "ModelError",
    "SpecError",
    "WorkerError",
    "error_from_name",
]


class CoreError(Exception):
    """Root of the tree. The message names the thing and the remedy."""


class SpecError(CoreError):
    """A request names a field, its value, and what would have been allowed."""


class AudioError(CoreError):
    """A song cannot be decoded or holds no sound."""


class ModelError(CoreError):
    """A model folder is missing a part, or is not what it says."""


class DeviceFullError(CoreError):
    """Memory ran out after every step down was tried."""


class ConsentError(CoreError):
    """An identity is used without a valid consent record."""


class WorkerError(CoreError):
    """The worker process died, lied, or never answered."""


_BY_NAME: dict[str, type[CoreError]] = {
    kind.__name__: kind
    for kind in (AudioError, ConsentError, DeviceFullError, ModelError, SpecError, WorkerError)
}


def error_from_name(name: str, message: str) -> CoreError:
    """Rebuild an error that crossed the wire; an unknown name is a `WorkerError`."""
    return _BY_NAME.get(name, WorkerError)(message)
