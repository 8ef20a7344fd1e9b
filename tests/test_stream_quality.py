"""The scoring of the stream quality benchmark, on toy labels and toy tables."""

from collections.abc import Sequence

import pytest

from benchmarks.labelled import masks, readable_share, token_f1
from benchmarks.stream_quality import arrival, pairs, talks, text
from benchmarks.stream_quality.outcome import Outcome
from benchmarks.stream_quality.scores import scores
from tests.labelled_toys import (
    ANSWERED,
    ASKED,
    Row,
    dialog,
    example_row,
    made,
    noise,
    one_dialog,
    place,
    span,
    talk_row,
    turn,
    turn_row,
    values,
)


def test_what_is_done_right_breaks_no_claim() -> None:
    assert [claim.id for claim in scores(one_dialog()) if claim.holds is False] == []


def test_a_rejected_turn_is_lost_with_its_reason() -> None:
    rows = [turn_row(0, ASKED), turn_row(1, None, reason="EMPTY")]
    found = one_dialog(turns=rows, conversations=[talk_row("c-1", ["t-0"])], late={1})
    claims = {claim.id: claim for claim in arrival.loss(found)}
    assert claims["loss.turns"].value == claims["loss.late_turns"].value == 1
    assert "EMPTY" in claims["loss.turns"].peer


def test_a_turn_that_reached_no_conversation_is_lost() -> None:
    found = one_dialog(conversations=[talk_row("c-1", ["t-0"])])
    assert values(arrival.loss(found))["loss.turns"] == 1


def test_only_the_newest_version_of_a_conversation_counts() -> None:
    versions = [talk_row("c-1", ["t-0", "t-1"]), talk_row("c-1", ["t-0"], version=2)]
    assert values(arrival.loss(one_dialog(conversations=versions)))["loss.turns"] == 1


def test_a_turn_in_two_conversations_is_there_twice() -> None:
    talks_twice = [talk_row("c-1", ["t-0", "t-1"]), talk_row("c-1.2", ["t-1"])]
    assert values(arrival.loss(one_dialog(conversations=talks_twice)))["loss.turns_twice"] == 1


def test_a_repeat_that_was_accepted_is_counted() -> None:
    found = one_dialog(repeats=frozenset({1}))
    assert values(arrival.loss(found))["loss.repeats_kept"] == 1


@pytest.mark.parametrize(
    ("stored", "lost"),
    [("hold the button for five", 0), ("good morning", 1)],
)
def test_a_turn_of_a_call_is_found_by_its_words(stored: str, lost: int) -> None:
    said = turn(0, "hold the um button for five", message_ids=[])
    gold = [dialog("g-1", [0], [said], channel="call")]
    talk = [talk_row("c-1", ["t-0"])]
    found = made(gold, [turn_row(0, stored)], conversations=talk)
    assert values(arrival.loss(found))["loss.turns"] == lost


def test_fillers_and_masked_numbers_of_a_call_are_not_lost() -> None:
    phone = turn(0, "555-0100", message_ids=[], pii=[span("PHONE", "555-0100", "555-0100")])
    gold = [dialog("g-1", [0], [phone, turn(0, "um", message_ids=[])], channel="call")]
    found = made(gold, [turn_row(0, "<PHONE_1>")], conversations=[talk_row("c-1", ["t-0"])])
    assert values(arrival.loss(found))["loss.turns"] == 0


def test_poison_is_a_letter_or_mended_as_its_label_allows() -> None:
    labels = [
        {"line": 0, "kind": "not_json", "expect": "dlq"},
        {"line": 1, "kind": "null_bytes", "expect": "dlq_or_cleaned"},
        {"line": 2, "kind": "wrong_types", "expect": "dlq"},
    ]
    rows = [turn_row(0, None), turn_row(1, "clean"), turn_row(2, "taken as it was")]
    gold = [dialog("g-1", [3], [turn(3, "x")])]
    found = made(gold, [*rows, turn_row(3, "x")], poison=labels, letters={place(0): "NOT_JSON"})
    assert values(arrival.poison(found))["poison.recall"] == pytest.approx(2 / 3)


def test_a_letter_of_a_healthy_event_is_false() -> None:
    found = one_dialog(letters={place(1): "EMPTY"})
    assert values(arrival.poison(found))["poison.false_letters"] == 1


def test_noise_is_out_when_nothing_is_mined_from_it() -> None:
    gold = [noise("n-1", [0]), noise("n-2", [1]), noise("n-3", [2])]
    rows = [turn_row(0, None, reason="MACHINE_MAIL")]
    rows += [turn_row(n, "win", conversation_id=f"c-{n}") for n in (1, 2)]
    found = made(
        gold, rows, examples=[example_row("c-2")],
        conversations=[talk_row(f"c-{n}", [f"t-{n}"]) for n in (1, 2)],
    )  # fmt: skip
    claims = values(arrival.noise(found))
    assert claims["noise.recall"] == pytest.approx(2 / 3)
    assert claims["noise.stopped_at_intake"] == pytest.approx(1 / 3)


def test_a_dialog_without_a_conversation_is_dropped() -> None:
    assert values(arrival.noise(one_dialog(conversations=[])))["noise.dialogs_dropped"] == 1


@pytest.mark.parametrize(
    ("wanted", "stored", "is_same"),
    [
        ("Call 555-0100 now.", "call <PHONE_1>  now.", True),
        ("Call 555-0100 now.", "Call <PHONE> now. -- Kim", False),
        ("I am Kim, 12 Elm Road.", "I am <PERSON>, <ADDRESS_2>.", True),
        ("I am Kim.", "I am .", False),
        ("Ask Kim", "Ask <PERSON>", True),
        ("a" + "b" * 200 + "c", "a<ORDER_1>c", False),
    ],
)
def test_placeholders_make_no_difference_to_sameness(
    wanted: str, stored: str, is_same: bool
) -> None:
    assert text.is_same(wanted, stored) is is_same


def test_a_mail_with_a_signature_is_not_trimmed() -> None:
    said = [
        turn(0, "It broke.", must_not_contain=["Sent from my phone"]),
        turn(1, "I am Kim.", pii=[span("PERSON", "Kim", "I am Kim.")]),
    ]
    rows = [turn_row(0, "It broke.\n\nSent from my phone"), turn_row(1, "I am <PERSON_1>.")]
    claims = values(text.trimming(made([dialog("g", [0, 1], said, channel="email")], rows)))
    assert claims["trimming.foreign_text"] == claims["trimming.exact"] == 0.5
    assert claims["trimming.token_f1"] == pytest.approx((0.5 + 1) / 2)


def test_pairs_of_messages_that_were_put_together() -> None:
    wanted = {"a": 1, "b": 1, "c": 1, "d": 2}
    assert talks.pairwise(wanted, {"a": "x", "b": "x", "c": "y", "d": "y"})[:2] == (1 / 2, 1 / 3)
    assert talks.pairwise(wanted, {"a": "x", "b": "x", "c": "x", "d": "y"}) == (1, 1, 1)
    assert talks.pairwise(wanted, {"a": "x", "b": "x"})[:2] == (1, 1 / 3)


def test_threading_counts_a_thread_torn_apart_and_noise_let_into_it() -> None:
    said = [turn(0, "one"), turn(1, "two")]
    gold = [dialog("g", [0, 1], said, channel="email"), noise("n", [2]) | {"channel": "email"}]
    rows = [turn_row(n, "words") for n in range(3)]
    torn = [talk_row("c-1", ["t-0"]), talk_row("c-2", ["t-1", "t-2"])]
    assert values(talks.threading(made(gold, rows, conversations=torn)))["threading.email_f1"] == 0
    whole = [talk_row("c-1", ["t-0", "t-1"])]
    assert values(talks.threading(made(gold, rows, conversations=whole)))["threading.email_f1"] == 1
    joined = [talk_row("c-1", ["t-0", "t-1", "t-2"])]
    found = values(talks.threading(made(gold, rows, conversations=joined)))
    assert found["threading.email_f1"] == pytest.approx(0.5), "one pair of three is right"


def several(*endings: Row) -> Outcome:
    """One dialog of one turn for each ending; `p` is the probability we gave it."""
    gold, rows, conversations = [], [], []
    for n, ending in enumerate(endings):
        gold.append(dialog(f"g-{n}", [n], [turn(n, "x")], **ending["label"]))
        rows.append(turn_row(n, "x", conversation_id=f"c-{n}"))
        conversations.append(talk_row(f"c-{n}", [f"t-{n}"], resolution_probability=ending["p"]))
    return made(gold, rows, conversations=conversations)


def test_precision_counts_all_that_passes_and_recall_what_can_be_known() -> None:
    found = several(
        {"p": 0.9, "label": {}},
        {"p": 0.2, "label": {}},
        {"p": 0.6, "label": {"resolved": False, "resolution_type": "false_thanks"}},
        {"p": 0.7, "label": {"decidable": False}},
    )
    claims = values(talks.resolution(found))
    assert claims["resolution.precision"] == pytest.approx(2 / 3)
    assert claims["resolution.recall"] == 1 / 2
    assert claims["resolution.let_through.false_thanks"] == 1


def test_the_rule_of_comparison_believes_the_source() -> None:
    solved = {"resolution": "solved", "csat": None}
    found = several(
        {"p": 0, "label": {"status_event": solved}},
        {"p": 0, "label": {"disposition": "resolved", "resolved": False}},
        {"p": 0, "label": {}},
    )
    claims = values(talks.resolution(found))
    assert claims["resolution.rule_source_says_solved.precision"] == 1 / 2
    assert claims["resolution.rule_source_says_solved.recall"] == 1 / 2


def categorised(*met: tuple[str, str]) -> Outcome:
    gold = [dialog(f"g-{n}", [n], [turn(n, "x")], category=m[0]) for n, m in enumerate(met)]
    rows = [turn_row(n, "x", conversation_id=f"c-{n}") for n in range(len(met))]
    ours = [talk_row(f"c-{n}", [f"t-{n}"], category=m[1]) for n, m in enumerate(met)]
    return made(gold, rows, conversations=ours)


def test_categories_of_the_same_names_are_compared_as_they_stand() -> None:
    found = categorised(("ORDER", "REFUND"), ("ORDER", "ORDER"), ("OFF_TOPIC", "OTHER"))
    assert values(talks.categories(found))["category.accuracy"] == pytest.approx(2 / 3)


def test_another_taxonomy_is_mapped_and_that_is_said() -> None:
    found = categorised(("REFUND", "RETURNS"), ("REFUND", "RETURNS"), ("ORDER", "RETURNS"))
    claims = {claim.id: claim for claim in talks.categories(found)}
    assert claims["category.accuracy"].value == pytest.approx(2 / 3)
    assert "upper bound" in claims["category.accuracy"].peer
    assert claims["category.exact_name"].value == 0


def test_the_best_of_the_accepted_answers_counts() -> None:
    label = {
        "query_masked": ASKED, "response_masked": "See you.", "response_any_of": [ANSWERED],
    }  # fmt: skip
    gold = dialog("g", [0], [turn(0, ASKED)], pairs=[label])
    assert pairs.pair_score(gold, label, example_row()) == (1, 1)


def test_a_masked_number_costs_nothing_in_a_pair() -> None:
    said = "Where is order 4711, I am Kim Lee"
    spans = {
        "pii": [span("PERSON", "Kim Lee", said)], "not_pii": [span("NOT_PII", "4711", said)],
    }  # fmt: skip
    label = {
        "query_masked": "Where is order 4711, I am <PERSON>",
        "response_masked": "Hello Kim Lee", "response_any_of": [],
    }  # fmt: skip
    gold = dialog("g", [0], [turn(0, said, **spans)])
    for query in ("Where is order <ORDER_1>, I am <PERSON_1>", "Where is order 4711, I am <NAME>"):
        row = example_row(query=query, response="Hello <PERSON_1>")
        assert pairs.pair_score(gold, label, row) == (1, 1)


def test_two_labelled_pairs_take_the_candidates_that_fit_them() -> None:
    labels = [
        {"query_masked": q, "response_masked": r, "response_any_of": []}
        for q, r in (("a b", "c d"), ("e f", "g h"))
    ]
    gold = dialog("g", [0], [turn(0, "x")])
    second = example_row(query="e f", response="g h")
    assert pairs.pair_scores(gold, labels, [second]) == [(0, 0), (1, 1)]
    first = example_row(query="a b", response="c d")
    assert pairs.pair_scores(gold, labels, [second, first]) == [(1, 1), (1, 1)]
    assert pairs.pair_scores(gold, labels, []) == [(0, 0), (0, 0)]


def test_a_pair_without_a_candidate_scores_nothing_and_one_too_many_is_told() -> None:
    claims = values(pairs.pairs(one_dialog(examples=[])))
    assert (claims["pairs.f1"], claims["pairs.missing"]) == (0, 1)
    spare = [example_row(), example_row(query="thanks", response="bye")]
    claims = values(pairs.pairs(one_dialog(examples=spare)))
    assert (claims["pairs.f1"], claims["pairs.spurious"]) == (1, 1)


def test_only_one_of_a_group_of_near_duplicates_may_be_valid() -> None:
    gold = [dialog(f"g-{n}", [n], [turn(n, "x")], duplicate_group="d") for n in range(3)]
    gold.append(dialog("g-3", [3], [turn(3, "x")]))
    rows = [turn_row(n, "x", conversation_id=f"c-{n}") for n in range(4)]
    ours = [talk_row(f"c-{n}", [f"t-{n}"]) for n in range(4)]
    verdicts = ("valid", "duplicate", "valid", "duplicate")
    judged = [example_row(f"c-{n}", verdict=v) for n, v in enumerate(verdicts)]
    claims = values(pairs.near_duplicates(made(gold, rows, conversations=ours, validated=judged)))
    assert claims == {"near_duplicates.found": 1 / 2, "near_duplicates.false": 1}


def personal(said: str, stored: str, *, channel: str = "chat", **spans: Sequence[Row]) -> Outcome:
    gold = [dialog("g", [0], [turn(0, said, **spans)], channel=channel)]
    return made(gold, [turn_row(0, stored)], conversations=[talk_row("c-1", ["t-0"])])


def test_a_half_masked_value_is_not_masked() -> None:
    said = "my card is 4111 1111 1111 1111"
    spans = [span("CARD", "4111 1111 1111 1111", said)]
    whole = personal(said, "my card is <CARD_1>", pii=spans)
    half = personal(said, "my card is <PHONE> 11 1111 1111", pii=spans)
    assert values(text.personal_data(whole))["pii.recall.card.chat"] == 1
    assert values(text.personal_data(half))["pii.recall.card.chat"] == 0


def test_two_numbers_with_a_common_half_are_two_numbers() -> None:
    assert text.is_masked("(928) 555-0176", "call <PHONE>. Tel: 4815550135")
    assert not text.is_masked("928 555 0176", "call 9285550176")


@pytest.mark.parametrize(
    ("stored", "masked", "slots"),
    [
        ("order 4711-22 please", 0, 0),
        ("order <PHONE> please", 1, 0),
        ("order <ORDER_1> please", 0, 1),
    ],
)
def test_a_look_alike_may_become_a_slot_but_not_a_mask(
    stored: str, masked: int, slots: int
) -> None:
    said = "order 4711-22 please"
    found = personal(said, stored, not_pii=[span("NOT_PII", "4711-22", said)])
    claims = values(text.personal_data(found))
    assert claims["pii.look_alikes_masked"] == masked
    assert claims["pii.look_alikes_as_slots"] == slots


def test_a_mask_over_ordinary_words_costs_precision_and_one_over_the_own_number_does_not() -> None:
    said = "ring 555-0199 or 4711-22"
    own = [span("BUSINESS", "555-0199", said)]
    found = personal(said, "ring <PHONE> or <PHONE>", not_pii=own)
    claims = {claim.id: claim for claim in text.personal_data(found)}
    assert claims["pii.precision_patterns"].value == 0
    assert claims["pii.precision_patterns"].peer.startswith("0 of 1")


def test_a_value_left_in_any_text_is_a_leak_and_in_an_id_is_not() -> None:
    said = "the last four are 6980"
    spans = [span("SSN_LAST4", "6980", said)]
    masked = "the last four are <SSN_LAST4>"
    gold = personal(said, masked, pii=spans).gold
    clean = made(gold, [turn_row(0, masked, turn_id="t-6980")])
    assert values(text.leaks(clean))["pii.leaks"] == 0
    shadow = made(gold, [turn_row(0, masked, shadow_text="four are 6980")])
    assert values(text.leaks(shadow))["pii.leaks"] == 1


def test_masks_are_found_where_the_rest_was_cut() -> None:
    said = "Hi there, um I am Kim Lee, mail kim.lee@example.com."
    stored = "I am <PERSON_1>, mail <EMAIL_1>."
    assert [(m.types, said[m.start : m.end]) for m in masks(said, stored)] == [
        (("PERSON",), "Kim Lee"), (("EMAIL",), "kim.lee@example.com"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["<PHONE>", "<PHONE_1>", "<SSN_LAST4>", "<SSN_LAST4_12>"])
def test_every_form_of_placeholder_is_one_word(name: str) -> None:
    assert token_f1("call <X>", f"call {name}") == 1
    assert token_f1("call", f"call {name}") == pytest.approx(2 / 3)
    assert readable_share("phone", f"call {name}") < 0.5
