"""A query that goes on as soon as the query before it has written, instead of at the next interval.

Spark starts the micro-batches of all queries at multiples of the interval, so what one has written
waits for the rest of the interval, and then both work at once. Here the reader's batch ends when
there is something new to read. Source: Spark's `ProcessingTimeExecutor.nextBatchTime`.
"""

import threading
import time


class Handover:
    """Between the query that writes a table and the one that reads it, in one process.

    A reader that waits in its batch has written already: a crash meanwhile repeats the batch, which
    `write_once` skips.
    """

    def __init__(self, interval_s: float) -> None:
        """Make the reader wait for `interval_s` after its batch began at most: timers are due."""
        self._interval_s = interval_s
        self._changed = threading.Condition()
        self._written = 0
        self._taken = 0
        self._is_over = False
        self._waited: tuple[int, float] = (-1, 0.0)

    def tell(self) -> None:
        """Say that a batch is written; the reader need not wait."""
        with self._changed:
            self._written += 1
            self._changed.notify_all()

    def wait(self, batch_id: int, *, began_s: float) -> None:
        """Return when something is written since the last return, or when the interval is over.

        What is written between that return and the batch that follows may be in this batch
        already; the next one then comes too early and finds nothing.

        Args:
            batch_id: of the reader.
            began_s: when its batch began, by `time.monotonic`.
        """
        start_s = time.monotonic()
        left_s = max(0.0, began_s + self._interval_s - start_s)
        with self._changed:
            self._changed.wait_for(lambda: self._written > self._taken or self._is_over, left_s)
            self._taken = self._written
            self._waited = (batch_id, time.monotonic() - start_s)

    def waited_s(self, batch_id: int) -> float:
        """For how long the reader's batch waited; 0 for any but its newest."""
        newest, waited_s = self._waited
        return waited_s if newest == batch_id else 0.0

    def end(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
