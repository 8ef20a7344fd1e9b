from typing import Any

import pytest

from deskwheel import ids, reasons
from tests.transforms import toys
from tests.transforms.toys import chat, mail, outcome, turns

EDIT = {"kind": "edit", "csat": ..., "draft": "Write to a@example.net.", "final": "Call 555-0100.",
        "message_id": "m-1", "agent_id": "a-1"}  # fmt: skip


def row_of(**changes: Any) -> Any:
    (row,) = turns(outcome(**changes))
    assert (row.verdict, row.reason) == ("accepted", None)
    return row


def test_an_outcome_joins_the_conversation_that_it_is_about() -> None:
    row, (said,) = row_of(), turns(chat())
    assert row.conversation_id == said.conversation_id
    assert (row.channel, row.subject_key) == (said.channel, said.subject_key)
    assert row.turn_id != said.turn_id
    assert row_of(channel="call").conversation_id == ids.record_id("call", "acme", "ch-1")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ("csat", True, None, 2)),
        ({"kind": "status", "status": "solved"}, ("status", True, "solved", None)),
        ({"kind": "status", "status": "pending"}, ("status", False, "pending", None)),
        ({"kind": "status", "status": "on Mars"}, ("status", False, "other", None)),
        ({"kind": "reopened", "status": "solved"}, ("reopened", False, "open", None)),
        ({"kind": "thumbs", "thumbs": "up"}, ("thumbs_up", False, None, None)),
        ({"kind": "thumbs", "thumbs": "down"}, ("thumbs_down", False, None, None)),
        (EDIT, ("edit", False, None, None)),
    ],
)
def test_a_kind_of_outcome_says_what_it_says_and_no_more(
    changes: dict[str, Any], told: tuple[Any, ...]
) -> None:
    row = row_of(**changes)
    assert (row.outcome, row.is_closing, row.status, row.csat) == told
    assert row.text is None


def test_the_texts_of_an_edit_are_redacted_and_stand_beside_the_turns() -> None:
    row = row_of(**EDIT)
    assert "example.net" not in repr(row)
    assert row.draft_text.startswith("Write to <")
    assert row.final_text
    assert sum(row.redaction.counts.values()) >= 1
    assert (row.text, row.shadow_text, row.agent_key is None) == (None, None, False)


def test_an_edit_names_the_turn_that_it_is_about() -> None:
    (said,) = turns(chat())
    assert row_of(**EDIT).about_turn_id == said.turn_id
    assert row_of(**{**EDIT, "turn_id": "m-1", "message_id": "x"}).about_turn_id == said.turn_id
    assert row_of().about_turn_id is None


def test_an_outcome_told_twice_is_one_event() -> None:
    assert row_of().event_id == row_of().event_id == "o-1"


@pytest.mark.parametrize("kind", ["status", "csat", "thumbs", "edit"])
def test_a_kind_without_what_it_tells_is_rejected(kind: str) -> None:
    (row,) = turns(outcome(kind=kind, csat=...))
    assert (row.verdict, row.reason, row.channel) == (
        "rejected", reasons.FIELD_MISSING, "outcome",
    )  # fmt: skip


def test_a_reopening_needs_nothing_else() -> None:
    assert row_of(kind="reopened", csat=...).status == "open"


def test_an_outcome_is_dated_by_its_source_and_held_to_the_brokers_clock() -> None:
    assert row_of().sent_at.isoformat() == "2026-03-02T11:00:00+00:00"
    assert row_of(occurred_at="2026-03-02T12:04:00Z").sent_at <= toys.NOW + toys.LIMITS.future_slack


MAIL = {"channel": "email", "customer_id": "robin@example.com"}


@pytest.mark.parametrize("name", ["<1@example.com>", "1@example.com", " <1@example.com> "])
def test_an_outcome_of_a_mail_has_the_key_of_the_mail_that_it_names(name: str) -> None:
    (said,) = turns(mail())
    own = said.thread_keys[0]  # type: ignore[index]
    assert own.startswith("i-")
    assert row_of(**MAIL, conversation_id=name).thread_keys == (f"r{own[1:]}",)
    changes = {**MAIL, **EDIT, "conversation_id": "<0@example.com>", "message_id": name}
    about = row_of(**changes)
    assert about.about_turn_id == said.turn_id
    assert about.thread_keys[0] == f"r{own[1:]}"
    assert len(about.thread_keys) == 2


@pytest.mark.parametrize(
    "named", [{"conversation_id": "#T-7"}, {"conversation_id": "<9@x>", "ticket_id": "t-7"}]
)
def test_an_outcome_of_a_mail_has_the_key_of_its_ticket(named: dict[str, str]) -> None:
    (said,) = turns(mail(X_Ticket_ID="T-7"))
    tickets = [key for key in said.thread_keys or () if key.startswith("t-")]
    assert [k for k in row_of(**MAIL, **named).thread_keys if k.startswith("t-")] == tickets
    assert tickets
    alone = row_of(channel="email", customer_id=None, **named)
    assert not [key for key in alone.thread_keys if key.startswith("t-")]


def test_an_outcome_of_a_chat_has_no_keys() -> None:
    assert row_of(ticket_id="T-7").thread_keys is None
