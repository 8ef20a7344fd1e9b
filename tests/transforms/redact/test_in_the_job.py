from typing import Any

from tests.flow.reference import stored
from tests.transforms.toys import RULES, call, chat, mail, turns
from transforms.assemble import assemble


def texts(*events: Any) -> list[str]:
    rows = [row for event in events for row in turns(event)]
    whole = assemble(
        rows[0].conversation_id or "",
        [stored(row) for row in rows],
        version=1,
        close_reason="idle",
        batch_id=0,
        secret=RULES.secret,
    )
    return [u.text for u in whole.utterances]


def test_a_chat_is_redacted_by_both_passes() -> None:
    events = (
        chat(message_id="1", sent_at="2026-03-02T11:00:00Z", text="I'm Toyah Querty, order 4711"),
        chat(message_id="2", sent_at="2026-03-02T11:01:00Z", sender="agent", agent_id="a",
             text="Sorry, Toyah! The last four of your SSN?"),
        chat(message_id="3", sent_at="2026-03-02T11:02:00Z", text="6980"),
    )  # fmt: skip
    assert not any("6980" in (row.text or "") for row in turns(events[2]))
    assert texts(*events) == [
        "I'm <PERSON_1>, order <ORDER_1>",
        "Sorry, <PERSON_1>! The last four of your SSN?",
        "<SSN_LAST4_1>",
    ]


def test_a_call_knows_its_questions_in_pass_1() -> None:
    segments = [
        {"speaker": "agent", "start_s": 0, "end_s": 1, "text": "what is your account number?"},
        {"speaker": "customer", "start_s": 1, "end_s": 2, "text": "I think four seven one one"},
    ]
    first = turns(call(segments=segments))[1]
    assert first.redaction.counts == {"ACCOUNT": 1}
    assert texts(call(segments=segments))[1] == "I think <ACCOUNT_1>"


def test_a_mail_s_sender_is_known() -> None:
    (row,) = turns(mail("The lamp of Mrs Querty broke.", From="Toyah Querty <t@example.com>"))
    assert "Querty" not in (row.text or "")
