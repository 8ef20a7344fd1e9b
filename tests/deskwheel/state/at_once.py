"""Calls that start together, each on connections of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from deskwheel.errors import StateError
from deskwheel.state import State


def at_once(url: str, calls: int, do: Callable[[State, int], Any]) -> list[Any]:
    """What each call returned or raised."""
    barrier = threading.Barrier(calls)

    def one(number: int) -> Any:
        barrier.wait(timeout=30)
        mine = State(url)
        try:
            return do(mine, number)
        except StateError as error:
            return error
        finally:
            mine.close()

    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(one, range(calls)))
