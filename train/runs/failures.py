"""Which failure of a training is final: the next attempt would meet it again, so a person must.

Reads and writes no table; loads no engine.
"""

import errno
from collections.abc import Iterator

from deskwheel.errors import DeskwheelError, StateError

_FULL = "No space left on device"


class FinalFailure(DeskwheelError):
    """A training ended for a reason that every further attempt would meet, too."""


def final_reason(error: BaseException) -> str | None:
    """Why nobody should try again, as a sentence; None for what the next attempt may survive.

    Final is what deskwheel refuses on purpose (a loss that is no number, a base or a snapshot that
    is not the frozen one, contamination, a wrong setting) and a full disk, whose remedy no attempt
    brings. Not final: a killed worker or driver, a service that does not answer, and whatever
    nobody has foreseen.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, DeskwheelError) and not isinstance(cause, StateError):
            if not cause.retriable:
                return str(cause)
    if any(_is_full_disk(cause) for cause in causes):
        return (
            "the disk is full where model checkpoints are written (train.runs_dir and the"
            " temporary folder); free some space, then `python -m train retry WINDOW`, or for a"
            " run by itself the same command again"
        )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from, and what the workers of a failed group raised."""
    seen: set[int] = set()
    queue = [error]
    while queue:
        found = queue.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        # Ray's WorkerGroupError and ControllerError, by what they carry: Ray is not loaded here.
        queue += list(getattr(found, "worker_failures", {}).values())
        inner = (getattr(found, "controller_failure", None), found.__cause__, found.__context__)
        queue += [cause for cause in inner if isinstance(cause, BaseException)]


def _is_full_disk(error: BaseException) -> bool:
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return is_full or _FULL in str(error)
