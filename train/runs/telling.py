"""How far a run is, line by line, for whoever waits for it at a terminal.

Reads the state document `progress`; writes nothing. Loads no engine.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from deskwheel.errors import DeskwheelError
from deskwheel.progress import progress_sentence, read_progress
from deskwheel.state import State

_EVERY_S = 10.0


@contextmanager
def telling_progress(
    state_url: str, run_id: str, *, tell: Callable[[str], None], every_s: float = _EVERY_S
) -> Iterator[None]:
    """Look at the run's progress beside what runs inside, and tell what is new.

    Args:
        state_url: address of the state database.
        run_id: the run's.
        tell: receives each sentence.
        every_s: time between two looks; the first comes after it.
    """
    stop = threading.Event()

    def look() -> None:
        last = ""
        while not stop.wait(every_s):
            sentence = _sentence(state_url, run_id)
            if sentence != last:
                tell(sentence)
            last = sentence

    thread = threading.Thread(target=look, name="telling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=every_s)


def _sentence(state_url: str, run_id: str) -> str:
    """What is known of the run; a database that is away for a moment is said, not raised."""
    try:
        state = State(state_url)
        try:
            found = read_progress(state, run_id)
        finally:
            state.close()
    except DeskwheelError as error:
        return f"progress is not known: {error}"
    return progress_sentence(found, now=datetime.now(UTC)) if found else "starting"
