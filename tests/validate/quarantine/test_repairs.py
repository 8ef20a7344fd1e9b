"""What a repair makes of a row: pure functions, no table."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.validate.test_verdicts import Table, candidate
from validate.repairs import (
    REJECTED_BY_PERSON,
    Rulings,
    choose,
    judge_repair,
    pending,
    repair_id_of,
    rulings,
)
from validate.verdicts import decide

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KNOWN = Rulings(final=frozenset({"PII"}), of_batches=frozenset({"FLOOD"}))
RULES = ("PII", "SHORT", "RUDE", "FLOOD", REJECTED_BY_PERSON)


def asked(action: str, *, attempt: int = 1, minute: int = 0, **changes: Any) -> dict[str, Any]:
    wish = {
        "example_id": "ex-a", "action": action, "attempt": attempt, "query": None,
        "response": None, "context": None, "rejected_response": None,
        "has_needless_apology": None, "despite": (), "at": NOON + timedelta(minutes=minute),
    }  # fmt: skip
    wish |= changes
    return {"repair_id": repair_id_of(wish), **wish}


def row(verdict: str, *, attempt: int | None = None, repair: str | None = None) -> dict[str, Any]:
    return {"example_id": "ex-a", "verdict": verdict, "attempt": attempt, "repair_id": repair}


def reasons(action: str, stored: tuple[str, ...], broken: tuple[str, ...], *despite: str) -> Any:
    repair = {"action": action, "despite": despite}
    return judge_repair(repair, stored=stored, broken=broken, known=KNOWN)


def test_replay_forgets_rules_that_are_not_broken_any_more() -> None:
    assert reasons("replay", ("SHORT", "RUDE"), ("RUDE",)).reasons == ("RUDE",)


def test_what_a_batch_or_a_person_kept_out_outlasts_a_replay() -> None:
    stored = ("FLOOD", REJECTED_BY_PERSON)
    assert reasons("replay", stored, ()).reasons == stored
    assert reasons("fix", stored, ()).reasons == ("FLOOD",)
    assert reasons("accept", stored, (), *stored).reasons == ()


def test_accept_sets_aside_what_it_names_and_says_so() -> None:
    found = reasons("accept", ("SHORT",), ("SHORT", "RUDE"), "SHORT")
    assert found == (("RUDE",), ("SHORT",))


def test_reject_gives_its_own_reason() -> None:
    assert reasons("reject", (), ()).reasons == (REJECTED_BY_PERSON,)


@given(
    st.sampled_from(["fix", "replay", "accept", "reject"]),
    st.lists(st.sampled_from(RULES), unique=True),
    st.lists(st.sampled_from(RULES[:3]), unique=True),
    st.sets(st.sampled_from(RULES)),
)
def test_final_rule_that_is_broken_keeps_out_whatever_is_asked(
    action: str, stored: list[str], broken: list[str], despite: set[str]
) -> None:
    found = reasons(action, tuple(stored), tuple(broken), *despite)
    assert ("PII" in broken) == ("PII" in found.reasons)
    assert "PII" not in found.set_aside
    assert len(set(found.reasons)) == len(found.reasons)


def test_final_rules_are_those_of_privacy_and_model_safety_or_marked() -> None:
    metas: list[dict[str, Any]] = [
        {"rule_id": "A", "owner": "privacy"},
        {"rule_id": "B", "owner": "data quality"},
        {"rule_id": "C", "owner": "data quality", "is_final": True},
        {"rule_id": "D", "owner": "model safety"},
    ]
    assert rulings(metas, ["X"]) == Rulings(final=frozenset("ACD"), of_batches=frozenset({"X"}))


def test_same_request_has_one_id_and_another_wish_another() -> None:
    one = asked("fix", query="a")
    assert repair_id_of({**one, "at": NOON + timedelta(days=1)}) == one["repair_id"]
    others = [
        asked("fix", response="a"), asked("fix", query="b"), asked("fix", query="a", attempt=2),
        asked("replay"), asked("accept", despite=("SHORT",)), asked("accept", despite=("RUDE",)),
    ]  # fmt: skip
    assert len({r["repair_id"] for r in (one, *others)}) == 7


def test_first_repair_that_fits_is_applied_and_a_later_one_is_skipped() -> None:
    first, second = asked("replay", minute=1), asked("fix", query="x", minute=2)
    found = choose([second, first, first], {"ex-a": row("quarantined")})
    assert found.apply == {"ex-a": first}
    assert [r for r, _ in found.skipped] == [second]


def test_repair_that_the_row_bears_changes_nothing_again() -> None:
    repair = asked("replay")
    found = choose([repair], {"ex-a": row("valid", attempt=1, repair=repair["repair_id"])})
    assert (found.apply, found.applied, found.skipped) == ({}, [repair], [])


@pytest.mark.parametrize(
    ("stored", "action", "why"),
    [
        (None, "fix", "no row"),
        (row("quarantined", attempt=1), "fix", "attempt 1 was asked, the row has had 1"),
        (row("superseded"), "replay", "is superseded now"),
        (row("erased"), "fix", "is erased now"),
        (row("valid"), "accept", "is valid now"),
        (row("quarantined"), "reject", "is quarantined now"),
    ],
)
def test_repair_that_came_too_late_is_skipped_with_its_reason(
    stored: dict[str, Any] | None, action: str, why: str
) -> None:
    found = choose([asked(action)], {"ex-a": stored} if stored else {})
    assert not found.apply
    assert why in found.skipped[0][1]


def test_repairs_wait_until_the_row_bears_their_attempt() -> None:
    one, two = asked("replay"), asked("replay", attempt=2)
    assert pending([one, two], {"ex-a": 1}) == {"ex-a": [two]}
    assert pending([one, two], {}) == {}


def test_copy_of_a_rejected_example_takes_its_place() -> None:
    table = Table()
    table.judge([candidate("a"), candidate("b", minute=1)])
    assert (table.rows["a-1"].verdict, table.rows["b-1"].verdict) == ("valid", "duplicate")
    rejected = candidate("a", reasons=(REJECTED_BY_PERSON,))
    found = decide(table.rows.values(), [rejected], {}, (), anew={"a-1"})
    assert {i: d.verdict for i, d in found.items()} == {"a-1": "quarantined", "b-1": "valid"}
