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
IN_AUDIT = "in_audit"
"""The tables are read, nothing is told or kept."""
IN_SNAPSHOT = "in_snapshot"
"""The manifest is built, no row is stored."""
AFTER_SNAPSHOT = "after_snapshot"
"""The row is stored, the window is still claimed."""


def reach(name: str) -> None:
    """Kill this process by SIGKILL if the environment names this failpoint; else do nothing."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
