"""Every exception deskwheel raises on purpose, in one tree.

DeskwheelError
├── ConfigError      a setting is unknown, mistyped or out of range
├── SetupError       a program, jar or port that the machine should offer is missing
├── SchemaError      a record and its table do not have the same shape
├── StateError       the state database refused a compare-and-set
│   └── LeaseLostError   another process has taken over the writer's lease
├── PublishError     the broker did not acknowledge an event
├── LineageError     a stream checkpoint does not continue its table
├── SnapshotError    a frozen training set cannot be read back as it was frozen
├── AdapterError     an adapter does not fit the base model it is loaded on
├── BaseModelError   the base model is missing, or is not the one that was named
├── DivergedError    the loss of a training step is no number any more
├── CheckpointError  a model checkpoint cannot be written, or is not what was written
│   └── NoRoomError      the disk it should be written to is full
└── ServiceError     a process of the embedded stack did not start or answer

Bad *input data* never raises: it becomes a rejection with a reason code
(`deskwheel.reasons`).
"""

from typing import Any


class DeskwheelError(Exception):
    """A failure whose message says what, the value, where, and the remedy.

    `retriable` says whether the same call may succeed later without a change.
    """

    retriable = False


class ConfigError(DeskwheelError):
    """A setting is unknown, has the wrong type or lies outside its range."""


class SetupError(DeskwheelError):
    """A program, jar or port that the machine should offer is missing."""


class SchemaError(DeskwheelError):
    """A record and the table it is written to do not have the same shape."""


class StateError(DeskwheelError):
    """The state database refused a change because the row was not as expected."""


class LeaseLostError(StateError):
    """The state database refused a change because another process has taken over the lease."""


class PublishError(DeskwheelError):
    """The broker did not acknowledge an event within its delivery time-out."""

    retriable = True


class LineageError(DeskwheelError):
    """A stream checkpoint does not continue the table it feeds."""


class SnapshotError(DeskwheelError):
    """A frozen training set cannot be read back as it was frozen."""


class ContaminationError(SnapshotError):
    """Training examples say what an example says that models are measured by."""


class AdapterError(DeskwheelError):
    """An adapter does not fit the base model or chat template it is loaded on."""


class BaseModelError(DeskwheelError):
    """The base model is missing, or is not the one that the settings name."""


class DivergedError(DeskwheelError):
    """The loss of a training step is not finite, so nothing that is learnt after it is sound."""

    def __init__(self, message: str, *, step: int, value: float) -> None:
        """Say what happened; `value` is the loss in nats a token of optimizer step `step`."""
        super().__init__(message)
        self.step = step
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels between processes with step and value."""
        return _diverged, (str(self), self.step, self.value)


class CheckpointError(DeskwheelError):
    """A model checkpoint cannot be written now, or what is read is not what was written."""

    retriable = True


class NoRoomError(CheckpointError):
    """The disk that a model checkpoint should be written to is full, and stays so by itself."""

    retriable = False


class ServiceError(DeskwheelError):
    """A process of the embedded stack did not start, answer or stop."""

    retriable = True


def _diverged(message: str, step: int, value: float) -> DivergedError:
    return DivergedError(message, step=step, value=value)
