import sys
from importlib.util import find_spec

import pytest

from deskwheel.errors import ServiceError, SetupError
from deskwheel.state import State
from tests.deskwheel.state.at_once import at_once


def test_state_survives_its_process(database_url: str) -> None:
    first = State(database_url)
    assert first.claim_window("support", 0, to_version=5, owner="a", detail={})
    first.close()
    second = State(database_url)
    assert not second.claim_window("support", 0, to_version=5, owner="b", detail={})
    second.close()


def test_many_processes_may_create_the_database_at_once(database_url: str) -> None:
    assert at_once(database_url, 8, lambda mine, _: mine.documents("split")) == [{}] * 8


@pytest.mark.skipif(find_spec("psycopg") is None, reason="psycopg is not installed")
def test_a_database_that_does_not_answer_may_be_asked_again() -> None:
    with pytest.raises(ServiceError, match=r"pipeline\.state_url") as raised:
        State("postgresql://nobody:secret@127.0.0.1:1/none")
    assert raised.value.retriable
    assert "secret" not in str(raised.value)


def test_a_missing_driver_names_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SetupError, match=r"deskwheel\[postgres\]"):
        State("postgresql://deskwheel:secret@127.0.0.1/deskwheel")
