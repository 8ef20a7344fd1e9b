from collections.abc import Sequence
from typing import Any

import pytest

from deskwheel import reasons
from tests.transforms.toys import LIMITS, VTT, call, chat, turns, vtt
from transforms.clean.disfluency import restore
from transforms.parse import parse_event
from transforms.parse.model import ParsedEvent, RawEvent, Rejection, Said
from transforms.redact import bare


def parsed(event: RawEvent) -> ParsedEvent:
    found = parse_event(event, LIMITS)
    assert isinstance(found, ParsedEvent), found
    return found


def test_segments_of_one_speaker_in_a_row_are_one_utterance() -> None:
    found = parsed(call())
    assert [(u.role, u.text) for u in found.utterances] == [
        ("agent", "Acme support, hello."),
        ("customer", "My order is late. Where is it?"),
    ]
    assert found.event_id == found.conversation_id == "call-1"


def test_an_utterance_is_dated_by_its_first_segment_and_the_end_by_the_last() -> None:
    found = parsed(call())
    assert [u.sent_at.isoformat() for u in found.utterances] == [
        "2026-03-02T11:00:00+00:00",
        "2026-03-02T11:00:02.500000+00:00",
    ]
    assert found.closing is not None
    assert found.closing.at.isoformat() == "2026-03-02T11:00:06+00:00"


def test_only_the_agent_s_utterances_carry_the_agent() -> None:
    assert [u.agent_id for u in parsed(call()).utterances] == ["a-1", None]


@pytest.mark.parametrize(
    ("disposition", "status"),
    [
        ("resolved", "solved"), ("follow_up", "unsolved"), ("dropped", "abandoned"),
        ("transferred", "transferred"), ("odd", "odd"), (None, None),
    ],
)  # fmt: skip
def test_the_disposition_is_told_in_the_words_of_a_chat(
    disposition: str | None, status: str | None
) -> None:
    found = parsed(call(disposition=disposition))
    assert found.closing is not None
    assert found.closing.status == status


def test_the_announcement_machine_is_a_bot() -> None:
    segments = [{"speaker": "ivr", "start_s": 0, "end_s": 1, "text": "Press one."}]
    (said,) = parsed(call(segments=segments)).utterances
    assert (said.role, said.authorship) == ("bot", "model")


def test_overlapping_speech_is_no_error() -> None:
    segments = [
        {"speaker": "agent", "start_s": 0, "end_s": 5, "text": "Let me explain"},
        {"speaker": "customer", "start_s": 3, "end_s": 4, "text": "Wait"},
    ]
    assert len(parsed(call(segments=segments)).utterances) == 2


def test_a_vtt_transcript_reads_like_a_json_one() -> None:
    found = parsed(vtt(customer_id="c-1", agent_id="a-1", disposition="resolved"))
    assert [(u.role, u.text) for u in found.utterances] == [
        ("agent", "Acme support, hello."),
        ("customer", "My order is late."),
    ]
    assert found.customer_id == "c-1"
    assert found.closing is not None
    assert found.closing.status == "solved"


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble() -> None:
    text = "\ufeff" + VTT.replace("\n", "\r\n")
    assert [u.text for u in parsed(vtt(text)).utterances] == [
        "Acme support, hello.",
        "My order is late.",
    ]


@pytest.mark.parametrize(
    ("voice", "role"), [("Agent Kim", "agent"), ("IVR:", "bot"), ("", "customer")]
)
def test_a_voice_is_read_by_its_first_word(voice: str, role: str) -> None:
    text = f"WEBVTT\n\n00:00.000 --> 00:02.000\n<v {voice}>Hello.\n"
    (said,) = parsed(vtt(text if voice else text.replace("<v >", ""))).utterances
    assert said.role == role


def said_by(*speech: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Segments of (speaker, text) or (speaker, text, start, end), one a second."""
    segments = []
    for n, (speaker, text, *times) in enumerate(speech):
        start, end = times or (n, n + 0.9)
        segments.append({"speaker": speaker, "text": text, "start_s": start, "end_s": end})
    return segments


def spoken(*speech: tuple[Any, ...], **changes: Any) -> Sequence[Said]:
    return parsed(call(segments=said_by(*speech), **changes)).utterances


HELP, NEED = "Thank you for calling Acme, how may I help you?", "My order is late."
FOUND, THANKS = "Let me check that. It comes tomorrow.", "Oh, great."


def test_labels_that_are_exchanged_are_put_right() -> None:
    found = spoken(("customer", HELP), ("agent", NEED), ("customer", FOUND), ("agent", THANKS))
    assert [(u.role, u.speaker_note) for u in found] == [
        ("agent", "swapped"), ("customer", "swapped"), ("agent", "swapped"),
        ("customer", "swapped"),
    ]  # fmt: skip
    assert [u.agent_id for u in found] == ["a-1", None, "a-1", None]


def test_labels_that_are_right_or_cannot_be_judged_stay() -> None:
    right = spoken(("agent", HELP), ("customer", "How may I help you, he said, and hung up."))
    silent = spoken(("customer", NEED), ("agent", "Yes."))
    assert {u.speaker_note for u in (*right, *silent)} == {None}
    assert [u.role for u in (*right, *silent)] == ["agent", "customer", "customer", "agent"]


def test_one_label_for_two_people_is_noted() -> None:
    found = spoken(*[("customer", t) for t in (HELP, NEED, FOUND, THANKS)])
    assert [(u.role, u.speaker_note) for u in found] == [("customer", "one_speaker")]
    few = spoken(("customer", NEED), ("customer", THANKS))
    assert [u.speaker_note for u in few] == [None]


def test_who_speaks_over_whom_is_marked() -> None:
    found = spoken(
        ("agent", "Let me explain", 0, 5), ("customer", "Wait", 3, 4), ("agent", "how", 5, 6),
        ("customer", "Fine", 5.8, 7),
    )  # fmt: skip
    assert [u.has_cross_talk for u in found] == [True, True, False, False]


def test_a_speaker_does_not_speak_over_himself() -> None:
    (found,) = spoken(("agent", "Let me", 0, 5), ("agent", "explain", 3, 6))
    assert found.has_cross_talk is False


def test_an_overlap_far_back_is_seen() -> None:
    found = spoken(
        ("agent", "Well,", 0, 10), ("agent", "so", 1, 2), ("customer", "Stop!", 5, 6)
    )  # fmt: skip
    assert [u.has_cross_talk for u in found] == [True, True]


def test_the_confidence_of_a_turn_is_the_mean_of_its_words() -> None:
    segments = said_by(("agent", "one two three"), ("agent", "four"), ("customer", "ok"))
    for segment, confidence in zip(segments, (0.9, 0.5, "high"), strict=True):
        segment["confidence"] = confidence
    found = parsed(call(segments=segments)).utterances
    assert [u.asr_confidence for u in found] == [0.8, None]


@pytest.mark.parametrize("confidence", [True, -1, 1.5, 97, None, {"a": 1}])
def test_a_confidence_that_is_no_share_is_unknown(confidence: Any) -> None:
    segments = [{**said_by(("agent", "one"))[0], "confidence": confidence}]
    assert parsed(call(segments=segments)).utterances[0].asr_confidence is None


def test_announcements_and_hold_are_no_part_of_the_dialogue() -> None:
    found = spoken(
        ("agent", "Your call may be recorded. Press one for English."), ("agent", HELP),
        ("customer", NEED), ("agent", "Please hold for a moment."), ("agent", "[hold music]"),
        ("customer", "All our agents are busy, please stay on the line."), ("agent", FOUND),
        ("agent", "To confirm, press one on your phone."),
    )  # fmt: skip
    assert [u.role for u in found] == [
        "bot", "agent", "customer", "agent", "system", "bot", "agent",
    ]  # fmt: skip
    assert [u.authorship for u in found if u.role == "bot"] == ["model", "model"]


def test_a_greeting_that_announces_the_recording_is_the_agent_s() -> None:
    (found,) = spoken(("agent", "This call may be recorded. How can I help you?"))
    assert found.role == "agent"


@pytest.mark.parametrize(
    ("speech", "disposition"),
    [
        ([("customer", NEED)], "voicemail"),
        ([("agent", "Please leave a message after the tone."), ("customer", NEED)], None),
        ([("ivr", "You have reached the voicemail of Acme."), ("customer", "[noise]")], "dropped"),
    ],
)
def test_what_is_left_on_a_recorder_is_no_conversation(
    speech: list[tuple[str, str]], disposition: str | None
) -> None:
    found = parse_event(call(segments=said_by(*speech), disposition=disposition), LIMITS)
    assert isinstance(found, Rejection)
    assert found.reason == reasons.VOICEMAIL


def test_a_call_in_which_somebody_answers_is_one_whatever_its_disposition() -> None:
    found = parsed(call(segments=said_by(("customer", NEED), ("agent", FOUND)),
                        disposition="voicemail"))  # fmt: skip
    assert found.closing is not None
    assert found.closing.status == "abandoned"


@pytest.mark.parametrize(
    ("label", "role"), [("caller", "customer"), ("representative", "agent"), ("ivr", "bot")]
)
def test_speakers_have_many_names(label: str, role: str) -> None:
    assert [u.role for u in spoken((label, "Hello."))] == [role]


def test_a_row_says_what_was_taken_out_of_its_text() -> None:
    (row, *_) = turns(call(segments=said_by(("agent", "um the the card 4111 1111 1111 1111 uh"))))
    assert bare(row.text or "") == "the card <CARD>"
    assert row.disfluencies is not None
    assert bare(restore(row.text or "", row.disfluencies)) == "um the the card <CARD> uh"
    assert turns(chat())[0].disfluencies is None
