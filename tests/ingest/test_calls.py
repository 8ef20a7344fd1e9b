import json
from pathlib import Path
from typing import Any

import pytest

from ingest.contract import check
from ingest.sources.captions import read_captions
from ingest.sources.model import Item
from tests.ingest.conftest import NOON
from tests.ingest.sourcing import items_of

ROLES = {"agent": "agent", "customer": "customer", "ivr": "ivr"}
SRT = """1
00:00:01,500 --> 00:00:03,000
Agent: Hello, how can
I help?

2
00:00:03,200 --> 00:00:05,000
[Customer] It is <i>broken</i>.
Really.

3
01:00:00,000 --> 01:00:01,000
>> IVR: Goodbye
"""
NOTED = (
    "WEBVTT\n\nNOTE call_id=ca-9\n\nNOTE started_at=2026-04-01T08:00:00Z\n\n"
    "00:01.000 --> 00:02.000\n"
)
FIELDS = {"call_id": "ca-1", "started_at": "2026-04-01T08:00:00Z", "customer_id": "u-1"}


def one(kind: str, file: Path, content: str | bytes | dict[str, Any], **options: Any) -> Item:
    data = json.dumps(content) if isinstance(content, dict) else content
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    (item,) = items_of(kind, path=str(file), is_sampling=True, **options)
    return item


def reasons(item: Item) -> list[tuple[str, str]]:
    return [(p.reason, p.field) for p in check(item.event, now=NOON)]


def problems(item: Item) -> dict[str, str]:
    return {f.canonical or "": f.problem for f in item.fields if f.problem}


def spoken(text: str, **roles: str) -> list[tuple[str, str]]:
    return [(s["speaker"], s["text"]) for s in read_captions(text, {**ROLES, **roles}).segments]


def cue(words: str) -> str:
    return f"00:00:01,000 --> 00:00:02,000\n{words}\n\n"


def test_srt_becomes_a_call_with_its_speakers_and_times(tmp_path: Path) -> None:
    (tmp_path / "call-7.fields.json").write_text(json.dumps(FIELDS))
    item = one("call", tmp_path / "call-7.srt", SRT)
    assert reasons(item) == []
    body = json.loads(item.event.data)
    assert {k: v for k, v in body.items() if k != "segments"} == FIELDS
    assert body["segments"] == [
        {"speaker": "agent", "start_s": 1.5, "end_s": 3.0, "text": "Hello, how can I help?"},
        {"speaker": "customer", "start_s": 3.2, "end_s": 5.0, "text": "It is broken. Really."},
        {"speaker": "ivr", "start_s": 3600.0, "end_s": 3601.0, "text": "Goodbye"},
    ]
    assert (item.event.id, item.event.key) == ("ca-1", "ca-1")
    assert len(item.event.attributes["original-sha256"]) == 64


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Agent: hi", ("agent", "hi")),
        ("AGENT KIM: hi", ("agent", "hi")),
        ("agent1: hi", ("agent", "hi")),
        ("Agent_2: hi", ("agent", "hi")),
        ("[Customer]: hi", ("customer", "hi")),
        ("[customer] hi", ("customer", "hi")),
        (">> Customer: hi", ("customer", "hi")),
        ("<v Agent Kim>hi</v>", ("agent", "hi")),
        ("<v.loud Customer>hi", ("customer", "hi")),
        ("<v Kim>hi", ("agent", "hi")),
        ("Kim: hi", ("agent", "hi")),
        ("Agent:", None),
        ("Agent: at 10:30 [laughs]", ("agent", "at 10:30 [laughs]")),
    ],
)
def test_speaker_labels_of_all_forms_are_read(words: str, said: tuple[str, str] | None) -> None:
    assert spoken(cue(words), kim="agent") == ([said] if said else [])


def test_words_without_a_label_belong_to_the_speaker_before(tmp_path: Path) -> None:
    text = cue("Agent: one") + cue("two") + cue("Note: three") + cue("[music] four")
    assert [s for s, _ in spoken(text)] == ["agent"] * 4
    assert spoken(text)[2] == ("agent", "Note: three")


def test_several_speakers_of_one_cue_are_told_apart() -> None:
    assert spoken(cue("Agent: one\nmore\nCustomer: two")) == [
        ("agent", "one more"),
        ("customer", "two"),
    ]


def test_speaker_whose_role_nobody_knows_is_told_and_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.fields.json").write_text(json.dumps(FIELDS))
    item = one("call", tmp_path / "a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Kim>Hi\n")
    assert reasons(item) == [("FIELD_INVALID", "segments[0].speaker")]
    assert problems(item) == {"segments[].speaker": "nobody knows the role of Kim; see options"}
    named = one(
        "call",
        tmp_path / "a.vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Kim>Hi\n",
        agents=("kim",),
    )
    assert reasons(named) == []


def test_webvtt_that_the_stream_reads_travels_untouched(tmp_path: Path) -> None:
    text = f"{NOTED}<v Agent Kim>Hi\n"
    item = one("call", tmp_path / "a.vtt", text)
    assert (item.event.data.decode(), item.event.content_type) == (text, "text/vtt")
    assert reasons(item) == []


def test_webvtt_with_labels_in_its_text_becomes_a_call(tmp_path: Path) -> None:
    text = f"{NOTED}Agent: Hi\n"
    item = one("call", tmp_path / "a.vtt", text)
    assert json.loads(item.event.data)["segments"][0]["speaker"] == "agent"
    assert reasons(item) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "EMPTY"),
        ("no cues at all", "TRANSCRIPT_INVALID"),
        (b"\xff\xfe\x00", "UNDECODABLE"),
    ],
)
def test_captions_that_cannot_be_mapped_travel_as_they_are(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    (tmp_path / "a.fields.json").write_text(json.dumps(FIELDS))
    item = one("call", tmp_path / "a.srt", content)
    assert item.event.data == (content if isinstance(content, bytes) else content.encode())
    assert [r for r, _ in reasons(item)] == [reason]


def test_undated_captions_are_rejected_or_dated_by_their_file(tmp_path: Path) -> None:
    item = one("call", tmp_path / "a.srt", SRT)
    assert reasons(item) == [("FIELD_MISSING", "started_at")]
    assert "started_at" in problems(item)
    dated = json.loads(one("call", tmp_path / "a.srt", SRT, undated="file").event.data)
    assert dated["started_at"].endswith("+00:00")


def test_long_line_of_brackets_costs_little() -> None:
    assert read_captions(cue("[" * 200_000 + ":" * 200_000 + "<" * 200_000), ROLES).segments


SENTENCES = [
    {
        "media_channel": 2,
        "sentence_index": 1,
        "start_time": "2.5",
        "end_time": "4.0",
        "transcript": "It is broken.",
        "sid": "GX2",
        "confidence": "0.91",
    },
    {
        "media_channel": 1,
        "sentence_index": 0,
        "start_time": "0.5",
        "end_time": "2.0",
        "transcript": "Hello.",
        "sid": "GX1",
        "confidence": None,
    },
]
TRANSCRIPT = {
    "sid": "GT1",
    "media_start_time": "2026-04-01T08:00:00Z",
    "date_created": "2026-04-01T09:00:00Z",
    "language_code": "en-US",
    "channel": {
        "media_properties": {"source_sid": "RE1"},
        "participants": [
            {"channel_participant": 1, "role": "Agent", "user_id": "a-1"},
            {"channel_participant": 2, "role": "Customer", "media_participant_id": "+1555 0100"},
        ],
    },
}


def test_twilio_transcript_becomes_a_call(tmp_path: Path) -> None:
    item = one("twilio", tmp_path / "a.json", {**TRANSCRIPT, "sentences": SENTENCES})
    assert reasons(item) == []
    assert json.loads(item.event.data) == {
        "call_id": "GT1",
        "started_at": "2026-04-01T08:00:00Z",
        "customer_id": "+1555 0100",
        "agent_id": "a-1",
        "segments": [
            {"speaker": "agent", "start_s": 0.5, "end_s": 2.0, "text": "Hello."},
            {
                "speaker": "customer",
                "start_s": 2.5,
                "end_s": 4.0,
                "text": "It is broken.",
                "confidence": 0.91,
            },
        ],
    }
    assert problems(item) == {}
    assert {f.source for f in item.fields if f.canonical is None} == {"language_code"}


def test_twilio_transcript_beside_its_sentences_is_the_same(tmp_path: Path) -> None:
    flat = one("twilio", tmp_path / "a.json", {**TRANSCRIPT, "sentences": SENTENCES})
    nested = one("twilio", tmp_path / "b.json", {"transcript": TRANSCRIPT, "sentences": SENTENCES})
    assert nested.event.data == flat.event.data


def test_twilio_roles_follow_the_agents_channel_where_nobody_is_named(tmp_path: Path) -> None:
    bare = {k: v for k, v in TRANSCRIPT.items() if k != "channel"}
    item = one("twilio", tmp_path / "a.json", {**bare, "sentences": SENTENCES}, agent_channel=2)
    assert [s["speaker"] for s in json.loads(item.event.data)["segments"]] == ["customer", "agent"]
    assert "agent_channel" in problems(item)["segments[].speaker"]


def test_twilio_sentences_without_times_keep_their_order(tmp_path: Path) -> None:
    untimed = [{**s, "start_time": None, "end_time": None} for s in SENTENCES]
    item = one("twilio", tmp_path / "a.json", {**TRANSCRIPT, "sentences": untimed})
    assert [s["text"] for s in json.loads(item.event.data)["segments"]] == [
        "Hello.",
        "It is broken.",
    ]
    assert reasons(item) == []
    assert "2 sentences without times" in problems(item)["segments[].start_s"]


PHRASES = [
    {
        "text": "it is broken",
        "decoratedText": "It is broken.",
        "participantPurpose": "external",
        "startTimeMs": 1775030402500,
        "duration": {"milliseconds": 1500},
        "confidence": 0.9,
    },
    {
        "text": "hello",
        "participantPurpose": "internal",
        "startTimeMs": 1775030400500,
        "duration": {"milliseconds": 1500},
    },
]
GENESYS = {
    "conversationId": "conv-1",
    "communicationId": "com-1",
    "conversationStartTime": 1775030400000,
    "mediaType": "call",
    "transcripts": [{"transcriptId": "t", "phrases": PHRASES}],
    "participants": [
        {"participantPurpose": "external", "ani": "tel:+15550100"},
        {"participantPurpose": "internal", "userId": "a-1"},
    ],
}


def test_genesys_transcript_becomes_a_call(tmp_path: Path) -> None:
    item = one("genesys", tmp_path / "a.json", GENESYS)
    assert reasons(item) == []
    assert json.loads(item.event.data) == {
        "call_id": "conv-1:com-1",
        "started_at": "2026-04-01T08:00:00Z",
        "customer_id": "tel:+15550100",
        "agent_id": "a-1",
        "segments": [
            {"speaker": "agent", "start_s": 0.5, "end_s": 2.0, "text": "hello"},
            {
                "speaker": "customer",
                "start_s": 2.5,
                "end_s": 4.0,
                "text": "It is broken.",
                "confidence": 0.9,
            },
        ],
    }
    assert {f.source for f in item.fields if f.canonical is None} == {"mediaType"}


def test_genesys_times_may_count_from_the_start(tmp_path: Path) -> None:
    phrases = [{**p, "startTimeMs": p["startTimeMs"] - 1775030400000} for p in PHRASES]  # type: ignore[operator]
    absolute = one("genesys", tmp_path / "a.json", GENESYS)
    relative = one(
        "genesys", tmp_path / "b.json", {**GENESYS, "transcripts": [{"phrases": phrases}]}
    )
    assert relative.event.data == absolute.event.data


def test_genesys_legs_of_one_conversation_are_two_calls(tmp_path: Path) -> None:
    first = one("genesys", tmp_path / "a.json", GENESYS)
    second = one("genesys", tmp_path / "b.json", {**GENESYS, "communicationId": "com-2"})
    assert first.event.id != second.event.id


def test_genesys_purpose_that_nobody_knows_is_told_and_rejected(tmp_path: Path) -> None:
    phrases = [{**PHRASES[1], "participantPurpose": "station"}]
    item = one("genesys", tmp_path / "a.json", {**GENESYS, "transcripts": [{"phrases": phrases}]})
    assert reasons(item) == [("FIELD_INVALID", "segments[0].speaker")]
    assert problems(item) == {"segments[].speaker": "unknown participantPurpose station"}


@pytest.mark.parametrize("kind", ["twilio", "genesys"])
@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00\xff", b"[]", b"{}", b"{" * 100_000,
        b'{"sentences": [1, null], "transcripts": 3}',
        b'{"sentences": [{}], "transcripts": [{"phrases": [{}]}], "participants": [1]}',
        b'{"sentences": [{"start_time": 1e999, "media_channel": [1]}], "channel": 7}',
        b'{"conversationStartTime": 1e300, "transcripts": [{"phrases": [{"startTimeMs": "x",'
        b' "duration": {"milliseconds": []}}]}]}',
    ],
)  # fmt: skip
def test_export_that_cannot_be_mapped_travels_and_is_rejected(
    tmp_path: Path, kind: str, content: bytes
) -> None:
    item = one(kind, tmp_path / "a.json", content)
    assert item.event.dataschema == "call.v1"
    assert reasons(item)
    if b"segments" not in item.event.data:
        assert item.event.data == content
