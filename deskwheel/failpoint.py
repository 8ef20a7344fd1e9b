"""Ends the process at a named line, so that a test can see what a crash there leaves behind.

For tests only: nothing happens unless the environment variable DESKWHEEL_FAILPOINT names one.
"""

import os
import signal

VARIABLE = "DESKWHEEL_FAILPOINT"

BEFORE_WRITE = "before_write"
"""A batch is judged, nothing of it is written."""
AFTER_COMMIT = "after_commit"
"""A batch is committed; index, timeline and stream checkpoint do not know yet."""
BEFORE_REPAIR = "before_repair"
"""A repair is decided, nothing of it is written."""
AFTER_REPAIR = "after_repair"
"""A repair is committed; index, timeline and stream checkpoint do not know yet."""
IN_AUDIT = "in_audit"
"""The tables are read, nothing is told or kept."""
IN_SNAPSHOT = "in_snapshot"
"""The manifest is built, no row is stored."""
AFTER_SNAPSHOT = "after_snapshot"
"""The row is stored, the window is still claimed."""
AFTER_CLAIM = "after_claim"
"""The window is claimed, its watcher knows nothing else of it."""
BEFORE_SUBMIT = "before_submit"
"""The window says that its job is submitted, and it is not."""
AFTER_SUBMIT = "after_submit"
"""The job is submitted, its watcher has not looked at it."""
BEFORE_SEAL = "before_seal"
"""A model checkpoint's files are written, and nothing says that they are whole."""
AFTER_MODEL_VERSION = "after_model_version"
"""The adapter is a model version, the window is still submitted."""
AFTER_TRAINED = "after_trained"
"""The window is trained, alias and evaluation are not there."""


def reach(name: str) -> None:
    """Kill this process by SIGKILL if the environment names this failpoint; else do nothing."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
