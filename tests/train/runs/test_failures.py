import errno

import pytest

from deskwheel.errors import (
    AdapterError,
    CheckpointError,
    DivergedError,
    LeaseLostError,
    ServiceError,
    SnapshotError,
    StateError,
)
from train.runs.failures import final_reason


class GroupError(Exception):
    """What Ray raises, as far as it is looked at."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__("Training failed due to worker errors")
        self.worker_failures = dict(enumerate(failures))


def chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


DIVERGED = DivergedError("loss is nan at step 7", step=7, value=float("nan"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SnapshotError("snapshot snap-1 is contaminated"), "contaminated"),
        (GroupError(DIVERGED), "nan at step 7"),
        (GroupError(RuntimeError("connection reset"), AdapterError("another base")), "another"),
        (chained(RuntimeError("failed"), SnapshotError("digest")), "digest"),
        (GroupError(OSError(errno.ENOSPC, "No space left on device")), "disk is full"),
        (GroupError(RuntimeError("pwrite: No space left on device (28)")), "disk is full"),
        (chained(CheckpointError("cannot be written"), OSError(errno.ENOSPC, "")), "disk is full"),
    ],
)
def test_what_every_attempt_would_meet_is_final(error: Exception, said: str) -> None:
    assert said in (final_reason(error) or "")


@pytest.mark.parametrize(
    "error",
    [
        GroupError(RuntimeError("the worker was killed by SIGKILL")),
        ServiceError("MLflow does not answer"),
        GroupError(CheckpointError("the newest model checkpoint is broken")),
        StateError("the window has moved"),
        LeaseLostError("another process publishes"),
        GroupError(),
        OSError(errno.EPIPE, "broken pipe"),
    ],
)
def test_what_the_next_attempt_may_survive_is_not(error: Exception) -> None:
    assert final_reason(error) is None


def test_a_circle_of_causes_has_an_end() -> None:
    one, other = RuntimeError("one"), RuntimeError("other")
    one.__context__, other.__context__ = other, one
    assert final_reason(one) is None
