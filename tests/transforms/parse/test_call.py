import pytest

from tests.transforms.toys import LIMITS, VTT, call, vtt
from transforms.parse import parse_event
from transforms.parse.model import ParsedEvent, RawEvent


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
        ("transferred", "transferred"), ("voicemail", "abandoned"), ("odd", "odd"), (None, None),
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
