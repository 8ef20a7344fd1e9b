"""Every exception deskwheel raises on purpose, in one tree.

DeskwheelError
├── ConfigError      a setting is unknown, mistyped or out of range
├── SetupError       a program, jar or port that the machine should offer is missing
├── SchemaError      a record and its table do not have the same shape
├── StateError       the state database refused a compare-and-set
├── PublishError     the broker did not acknowledge an event
├── LineageError     a stream checkpoint does not continue its table
├── SnapshotError    a frozen training set cannot be read back as it was frozen
├── AdapterError     an adapter does not fit the base model it is loaded on
└── ServiceError     a process of the embedded stack did not start or answer

Bad *input data* never raises: it becomes a rejection with a reason code
(`deskwheel.reasons`).
"""


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


class PublishError(DeskwheelError):
    """The broker did not acknowledge an event within its delivery time-out."""

    retriable = True


class LineageError(DeskwheelError):
    """A stream checkpoint does not continue the table it feeds."""


class SnapshotError(DeskwheelError):
    """A frozen training set cannot be read back as it was frozen."""


class AdapterError(DeskwheelError):
    """An adapter does not fit the base model or chat template it is loaded on."""


class ServiceError(DeskwheelError):
    """A process of the embedded stack did not start, answer or stop."""

    retriable = True
