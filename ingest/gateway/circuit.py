"""Whether the brokers are believed to answer: out of acknowledgements and silences.

Pure state with a clock given to it; reads and writes no topic.
"""

from collections.abc import Callable
from typing import Literal

BrokerState = Literal["answering", "probing", "away"]
STATES: tuple[BrokerState, ...] = ("answering", "probing", "away")


class Circuit:
    """Lets everything through while the brokers answer, nothing while they are away.

    In between one request at a time is let through as a probe, and its acknowledgement closes the
    circuit again. Not thread-safe: it belongs to the event loop.
    """

    def __init__(self, silence_s: float, clock: Callable[[], float]) -> None:
        """Start with brokers that nobody has reached yet.

        Args:
            silence_s: without an acknowledgement for this long, though events wait for one, the
                brokers are away.
            clock: monotonic seconds.
        """
        self._silence_s = silence_s
        self._clock = clock
        self._last_sign = clock()
        self._has_probe = False
        self.state: BrokerState = "away"

    def admit(self) -> bool:
        """Whether a request may try the brokers now; in doubt it becomes the one probe."""
        if self.state == "answering":
            return True
        if self.state == "away" or self._has_probe:
            return False
        self._has_probe = True
        return True

    def acknowledge(self) -> None:
        """An event was acknowledged, or a connection was made."""
        self._last_sign = self._clock()
        self._has_probe = False
        self.state = "answering"

    def reach(self) -> None:
        """A broker answers questions again; whether it takes events is for a probe to find out."""
        if self.state == "away":
            self._has_probe = False
            self.state = "probing"

    def miss(self) -> None:
        """A request was not acknowledged in time."""
        if self.state == "probing" or self._clock() - self._last_sign >= self._silence_s:
            self.fail()

    def fail(self) -> None:
        """The brokers cannot be reached, or gave an event up."""
        self._has_probe = False
        self.state = "away"
