from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel import ids
from tests.transforms.toys import mail, turns
from transforms.parse.thread import MOST_REFERENCES, Links, find_links, strip_prefixes
from transforms.threads import Mail, assign_threads, thread_keys

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
ROBIN = "robin@example.com"


def sent(
    own: str, *references: str, hours: float = 0, subject: str = "", tickets: tuple[str, ...] = (),
    is_reply: bool = False, customer: str = ROBIN,
) -> Mail:  # fmt: skip
    """A mail; its conversation is named after the oldest mail that its headers name."""
    links = Links(own, references, tickets, subject, is_reply or bool(references))
    keys = thread_keys(links, customer, secret=b"s", tenant="acme")
    return Mail(references[-1] if references else own, MONDAY + timedelta(hours=hours), keys)


def threads(*mails: Mail, stored: tuple[Mail, ...] = ()) -> list[str]:
    return assign_threads(mails, stored, subject_window=WEEK)


def header(**values: str) -> Links:
    named = {k.replace("_", "-"): v for k, v in values.items()}
    return find_links(lambda name: named.get(name, ""), "<own@example.com>", "")


FIRST = sent("a", subject="question")
LOST = sent("b", hours=1, subject="question", is_reply=True)


def test_a_reply_is_in_the_thread_of_the_mail_it_refers_to() -> None:
    assert threads(FIRST, sent("b", "a", hours=1)) == ["a", "a"]


def test_references_that_were_cut_lead_to_the_thread_all_the_same() -> None:
    assert threads(FIRST, sent("b", "a", hours=1), sent("c", "b", hours=2)) == ["a"] * 3


def test_a_reply_without_headers_is_found_by_subject_and_customer() -> None:
    assert threads(FIRST, LOST) == ["a", "a"]
    assert threads(LOST, stored=(FIRST,)) == ["a"]


def test_whoever_refers_to_the_lost_reply_is_in_the_thread_too() -> None:
    assert threads(FIRST, LOST, sent("c", "b", hours=2)) == ["a", "a", "a"]


def test_a_reply_to_another_subject_or_customer_is_a_thread_of_its_own() -> None:
    other = sent("b", hours=1, subject="parcel", is_reply=True)
    stranger = sent("c", hours=1, subject="question", is_reply=True, customer="kim@example.com")
    assert threads(FIRST, other, stranger) == ["a", "b", "c"]


def test_a_new_mail_with_an_old_subject_is_a_new_thread() -> None:
    assert threads(FIRST, sent("b", hours=1, subject="question")) == ["a", "b"]


def test_a_subject_ties_mails_for_a_week_only() -> None:
    late = replace(LOST, sent_at=MONDAY + WEEK + timedelta(seconds=1))
    assert threads(late, stored=(FIRST,)) == ["b"]
    assert threads(replace(late, sent_at=MONDAY + WEEK), stored=(FIRST,)) == ["a"]


def test_of_two_threads_with_one_subject_the_newest_before_the_reply_is_meant() -> None:
    second = sent("z", hours=2, subject="question")
    reply = sent("r", hours=3, subject="question", is_reply=True)
    assert threads(FIRST, second, reply) == ["a", "z", "z"]
    assert threads(FIRST, second, replace(reply, sent_at=MONDAY + timedelta(hours=1)))[2] == "a"


def test_a_ticket_ties_mails_of_one_customer() -> None:
    told = sent("b", "a", hours=1, tickets=("4711",))
    back = sent("c", hours=900, tickets=("4711",))
    guessed = sent("d", hours=2, tickets=("4711",), customer="kim@example.com")
    assert threads(FIRST, told, back, guessed) == ["a", "a", "a", "d"]


def test_a_ticket_that_was_used_again_means_its_newest_thread() -> None:
    stored = (sent("a", tickets=("4711",)), sent("b", hours=1, tickets=("4711",)))
    assert threads(sent("c", hours=2, tickets=("4711",)), stored=stored) == ["b"]


def test_headers_win_over_ticket_and_ticket_over_subject() -> None:
    stored = (FIRST, sent("t", tickets=("4711",)), sent("h"))
    by_all = sent("x", "h", hours=1, tickets=("4711",), subject="question")
    by_two = sent("y", hours=1, tickets=("4711",), subject="question", is_reply=True)
    assert threads(by_all, stored=stored) == ["h"]
    assert threads(by_two, stored=stored) == ["t"]


def test_a_mail_that_refers_to_two_threads_is_in_the_one_it_names_first() -> None:
    stored = (sent("a"), sent("z"))
    assert threads(sent("x", "z", "a", hours=1), stored=stored) == ["z"]
    assert threads(sent("x", "a", "z", hours=1), stored=stored) == ["a"]


def test_a_mail_that_comes_after_those_that_refer_to_it_joins_them() -> None:
    early = (sent("c", "b", "a", hours=2),)
    assert threads(sent("b", hours=1), sent("a"), stored=early) == ["a", "a"]


def test_a_first_mail_that_comes_after_its_lost_reply_joins_it() -> None:
    assert threads(FIRST, stored=(LOST,)) == ["b"]
    again = sent("n", hours=2, subject="question")
    assert threads(again, stored=(LOST,)) == ["n"], "the reply was written before"
    assert threads(FIRST, stored=(LOST, sent("b", hours=-1, subject="question"))) == ["a"]


def test_an_unknown_root_names_the_thread() -> None:
    assert threads(sent("c", "b", "a")) == ["a"]


@given(st.permutations(range(5)))
def test_the_order_within_a_batch_does_not_matter(order: list[int]) -> None:
    mails = [FIRST, LOST, sent("c", "b", hours=2), sent("d"),
             sent("e", hours=3, subject="question", is_reply=True)]  # fmt: skip
    found = threads(*(mails[n] for n in order))
    expected = ["a", "a", "a", "d", "a"]
    assert found == [expected[n] for n in order]


@given(st.lists(st.sampled_from([2, 1, 3]), min_size=1, max_size=4))
def test_batches_that_follow_one_another_agree_with_one_batch(sizes: list[int]) -> None:
    mails = [FIRST, LOST, sent("c", "b", hours=2), sent("d", hours=3, subject="question"),
             sent("e", hours=4, subject="question", is_reply=True),
             sent("f", "d", hours=5)]  # fmt: skip
    stored: list[Mail] = []
    while len(stored) < len(mails):
        size = sizes[len(stored) % len(sizes)]
        batch = mails[len(stored) : len(stored) + size]
        found = threads(*batch, stored=tuple(stored))
        stored += [replace(m, conversation_id=c) for m, c in zip(batch, found, strict=True)]
    assert [m.conversation_id for m in stored] == threads(*mails) == ["a", "a", "a", "d", "d", "d"]


def test_keys_say_nothing_without_the_secret() -> None:
    links = Links("<1@example.com>", ("<0@example.com>",), ("4711",), "question", is_reply=True)
    keys = thread_keys(links, ROBIN, secret=b"s", tenant="acme")
    assert [key[0] for key in keys] == ["i", "r", "t", "q"]
    assert not any(word in "".join(keys) for word in ("example", "robin", "4711", "question"))
    others = [thread_keys(links, ROBIN, secret=b"x", tenant="acme"),
              thread_keys(links, ROBIN, secret=b"s", tenant="else")]  # fmt: skip
    assert not any(set(keys) & set(other) for other in others)
    assert thread_keys(links, " Robin@Example.COM", secret=b"s", tenant="acme") == keys


def test_without_a_customer_only_headers_tie_mails() -> None:
    keys = thread_keys(Links("a", (), ("4711",), "question"), "", secret=b"s", tenant="acme")
    assert [key[0] for key in keys] == ["i"]


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: Where is it?", "where is it?"),
        ("RE: re[2]: Re : where  is it?", "where is it?"),
        ("AW: WG: Wo ist es?", "wo ist es?"),
        ("Antw: SV: VS: Odp: RES: Rif: Ynt: x", "x"),
        ("回复：问题", "问题"),
        ("Отв: Вопрос", "вопрос"),
        ("[EXTERN] Re: Lampe", "lampe"),
        ("Re: [#4711] Lamp [Ticket#99-12]", "lamp"),
        ("Red: a colour", "red: a colour"),
        ("Order #123: late", "order #123: late"),
        ("Re:", ""),
    ],
)
def test_a_subject_loses_its_marks_in_many_languages(subject: str, bare: str) -> None:
    assert strip_prefixes(subject)[0] == bare


@pytest.mark.parametrize(
    ("subject", "ticket"),
    [
        ("Lamp [#30780]", "30780"),
        ("[Ticket #TCK-99] Lamp", "tck-99"),
        ("Lamp (Case 0012)", "0012"),
        ("[Acme Support #4711] Lamp", "4711"),
        ("[SUP-12] Lamp", "sup-12"),
        ("##4711## Lamp", "4711"),
        ("Lamp [ref:_00D20abc._50020xyz:ref]", "ref:_00d20abc._50020xyz:ref"),
    ],
)
def test_a_ticket_is_read_from_the_subject(subject: str, ticket: str) -> None:
    assert header(Subject=subject).tickets == (ticket,)


@pytest.mark.parametrize("subject", ["[Order #4711] late", "Order #4711", "invoice 4711", "[2026]"])
def test_an_order_is_no_ticket(subject: str) -> None:
    assert header(Subject=subject).tickets == ()


def test_headers_of_help_desks_and_of_exchange_name_a_ticket() -> None:
    index = "AdWxY0sHkQmZb0qXS9Ccs2Z8bW1hUQ=="
    grown = "AdWxY0sHkQmZb0qXS9Ccs2Z8bW1hUQABAgME"
    assert header(X_Ticket_ID="95459").tickets == ("95459",)
    assert header(X_RT_Ticket="acme.example #17").tickets == ("17",)
    assert header(Thread_Index=index).tickets == header(Thread_Index=grown).tickets != ()
    assert header(Thread_Index="not base64!").tickets == ()


def test_references_are_read_from_the_nearest_to_the_root_and_are_few() -> None:
    found = header(References="<a@x> <b@x>", In_Reply_To="<b@x>")
    assert found.references == ("<b@x>", "<a@x>")
    many = header(References=" ".join(f"<{n}@x>" for n in range(500))).references
    assert len(many) == MOST_REFERENCES
    assert (many[0], many[-1]) == ("<499@x>", "<0@x>")
    assert header(References="<own@example.com>").references == ()


@pytest.mark.parametrize(
    ("body", "headers", "is_reply"),
    [
        ("Where is it?", {}, False),
        ("Where is it?", {"Subject": "Re: Lamp"}, True),
        ("Where is it?", {"In_Reply_To": "<0@example.com>"}, True),
        ("It is here.\n\nOn 2 Mar 2026, Kim <kim@example.com> wrote:\n> Where is it?", {}, True),
        ("See below.\n\n> Where is it?\n> Kim", {"Subject": "Fwd: Lamp"}, False),
    ],
)
def test_what_refers_or_is_marked_or_quotes_is_a_reply(
    body: str, headers: dict[str, str], is_reply: bool
) -> None:
    (row,) = turns(mail(body, **headers))
    assert row.thread_keys is not None
    assert row.thread_keys[-1].startswith("q" if is_reply else "s")


def test_the_customer_of_an_agent_s_mail_is_its_reader() -> None:
    (asked,) = turns(mail(Subject="Lamp"))
    (answered,) = turns(mail("It is on its way.", From="support@acme.example",
                             To="Robin Toy <robin@example.com>", Subject="Re: Lamp",
                             Message_ID="<2@acme.example>"))  # fmt: skip
    assert asked.thread_keys is not None
    assert answered.thread_keys is not None
    assert asked.thread_keys[-1][1:] == answered.thread_keys[-1][1:]
    assert asked.conversation_id == ids.record_id("email", "acme", "<1@example.com>")


def test_an_outcome_follows_the_mail_that_it_names() -> None:
    told = sent("", "b", hours=3)
    assert threads(FIRST, LOST, told) == ["a", "a", "a"]
    assert threads(told, stored=(FIRST, replace(LOST, conversation_id="a"))) == ["a"]


def test_an_outcome_that_came_first_leads_nobody_astray() -> None:
    early = sent("", "a", hours=3)
    assert threads(FIRST, LOST, stored=(early,)) == ["a", "a"]
    by_ticket = replace(sent("", tickets=("7",)), conversation_id="7")
    mails = sent("a", tickets=("7",)), sent("b", "a", hours=1)
    assert threads(*mails, stored=(by_ticket,)) == ["7", "7"]
