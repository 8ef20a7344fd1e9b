"""What a long-running process of a stage owes whoever supervises it: a sign of life and a stop.

The supervisor names a file in DESKWHEEL_READY_FILE; the process writes it when it serves.
Without a supervisor nothing is written and the process runs until a signal.
"""

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

READY_FILE = "DESKWHEEL_READY_FILE"


def announce_ready(**facts: Any) -> None:
    """Tell the supervisor that this process does its work now, with facts such as its address.

    The file appears whole or not at all.
    """
    name = os.environ.get(READY_FILE)
    if not name:
        return
    path = Path(name)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"pid": os.getpid(), **facts}), encoding="utf-8")
    temporary.replace(path)


def stop_event() -> threading.Event:
    """An event that SIGTERM or SIGINT sets; call it from the main thread, then wait on it."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop
