import threading
import time
from collections.abc import Callable

from transforms.handover import Handover

LONG_S = 600.0


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def waiting(handover: Handover, batch_id: int = 0) -> threading.Thread:
    began_s = time.monotonic()
    return in_thread(lambda: handover.wait(batch_id, began_s=began_s))


def is_over(thread: threading.Thread) -> bool:
    thread.join(timeout=30)
    return not thread.is_alive()


def is_waiting(thread: threading.Thread) -> bool:
    thread.join(timeout=0.1)
    return thread.is_alive()


def test_reader_goes_on_when_something_is_written() -> None:
    handover = Handover(LONG_S)
    reader = waiting(handover)
    assert is_waiting(reader)
    handover.tell()
    assert is_over(reader)


def test_what_was_written_during_a_batch_is_not_waited_for() -> None:
    handover = Handover(LONG_S)
    handover.tell()
    assert is_over(waiting(handover))


def test_one_writing_ends_one_wait() -> None:
    handover = Handover(LONG_S)
    handover.tell()
    assert is_over(waiting(handover))
    second = waiting(handover, 1)
    assert is_waiting(second)
    handover.end()
    assert is_over(second)


def test_reader_goes_on_after_the_interval_because_timers_may_be_due() -> None:
    handover = Handover(0.2)
    assert is_over(waiting(handover))


def test_batch_that_took_longer_than_the_interval_does_not_wait() -> None:
    handover = Handover(LONG_S)
    began_s = time.monotonic() - LONG_S
    assert is_over(in_thread(lambda: handover.wait(0, began_s=began_s)))


def test_wait_of_the_newest_batch_is_known() -> None:
    handover = Handover(0.2)
    handover.wait(7, began_s=time.monotonic())
    assert handover.waited_s(7) > 0
    assert handover.waited_s(6) == 0


def test_nobody_waits_after_the_end() -> None:
    handover = Handover(LONG_S)
    handover.end()
    assert is_over(waiting(handover))
