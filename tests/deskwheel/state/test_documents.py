import pytest

from deskwheel.errors import StateError
from deskwheel.state import State
from tests.deskwheel.state.at_once import at_once


def test_a_document_counts_its_revisions(state: State) -> None:
    assert state.put("split", "support", {"share": 0.05}) == 1
    assert state.put("split", "support", {"share": 0.25}) == 2
    assert state.get("split", "support") == ({"share": 0.25}, 2)
    assert state.get("split", "other") is None


def test_a_document_of_another_revision_is_not_overwritten(state: State) -> None:
    state.put("split", "support", {"share": 0.05})
    with pytest.raises(StateError, match="revision 1, not 0"):
        state.put("split", "support", {"share": 0.5}, expect=0)
    assert state.put("split", "support", {"share": 0.5}, expect=1) == 2


def test_one_of_many_writers_changes_a_document(database_url: str, state: State) -> None:
    state.put("split", "support", {"by": "nobody"})
    results = at_once(
        database_url, 6, lambda mine, n: mine.put("split", "support", {"by": n}, expect=1)
    )
    assert [r for r in results if not isinstance(r, StateError)] == [2]
    found = state.get("split", "support")
    assert found is not None
    assert found[1] == 2


def test_one_of_many_writers_creates_a_document(database_url: str) -> None:
    results = at_once(
        database_url, 6, lambda mine, n: mine.put("split", "support", {"by": n}, expect=0)
    )
    assert [r for r in results if not isinstance(r, StateError)] == [1]


def test_documents_of_a_kind_are_read_by_id(state: State) -> None:
    for name in ("b", "a"):
        state.put("variant", name, {"name": name})
    assert list(state.documents("variant")) == ["a", "b"]
    assert state.documents("run") == {}
