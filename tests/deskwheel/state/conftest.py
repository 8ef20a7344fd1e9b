from collections.abc import Iterator

import pytest

from deskwheel.state import State


@pytest.fixture
def state(database_url: str) -> Iterator[State]:
    made = State(database_url)
    yield made
    made.close()
