import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.intake import take
from benchmarks.other_stream.__main__ import main, stream
from benchmarks.other_stream.calls import heard
from benchmarks.other_stream.details import alike, card, iban, person, personal
from benchmarks.other_stream.noise import repeated
from benchmarks.other_stream.sources import read_words
from benchmarks.other_stream.stories import MIX, Turn
from benchmarks.stream_quality.labels import read_labels
from transforms.redact.checksums import is_iban_valid, is_luhn_valid

WORDS = ("first", "second", "third", "fourth")
NOW = datetime(2026, 4, 20, tzinfo=UTC)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy questions and orders in the form of the public sets."""
    folder = tmp_path_factory.mktemp("data")
    questions = [
        {"id": f"q-{n}", "query": f"how do I wash lamp {n}",
         "response": "Take shade {{Order Number}}.\n\nUse soap, or call {{Customer Support Phone"
         " Number}}.",
         "intent": "wash", "category": f"TOY_{n % 3}", "entity": None}
        for n in range(1200)
    ]  # fmt: skip
    said = ("one lamp please", "Is this right?", "yes", "It will be ready soon.")
    turns = [{"speaker": ("customer", "agent")[n % 2], "text": t} for n, t in enumerate(said)]
    orders = [
        {"conversation_id": f"{outcome}-{n}", "outcome": outcome, "turns": turns}
        for outcome in ("ordered", "not_available", "off_topic")
        for n in range(700)
    ]
    write(folder / "bitext" / "pairs.jsonl", questions)
    write(folder / "taskmaster4" / "dialogs.jsonl", orders)
    write(folder / "stream_sample" / "gold" / "conversations.jsonl", [{"source_id": "q-2+q-4"}])
    return folder


@pytest.mark.parametrize(("one", "other"), list(combinations(WORDS, 2)))
def test_two_lists_have_the_same_kinds_and_share_no_sentence(one: str, other: str) -> None:
    first, second = read_words(one), read_words(other)
    assert first.keys() ^ second.keys() <= {"addresses"}
    shared = first.keys() & second.keys()
    for name in shared - {"quote", "detail", "alike", "verification", "verified"}:
        both = {json.dumps(p) for p in first[name]} & {json.dumps(p) for p in second[name]}
        assert both <= {'""'}, name


@pytest.mark.parametrize("name", WORDS)
def test_the_same_seed_writes_the_same_stream(data: Path, name: str) -> None:
    digests = [
        sha256(json.dumps(stream(data, name, seed)).encode()).hexdigest() for seed in (3, 3, 4)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_no_two_streams_share_a_dialog_and_none_with_the_shared_one(data: Path) -> None:
    ids = [
        {part for c in stream(data, name, 3)[1]["conversations"] if c["kind"] == "dialog"
         for part in c["source_id"].split("+") if c["source"] in ("bitext", "taskmaster4")}
        for name in WORDS
    ]  # fmt: skip
    assert not [pair for pair in combinations(ids, 2) if pair[0] & pair[1]]
    assert not {"q-2", "q-4"} & set().union(*ids)


def test_a_written_folder_is_a_labelled_stream(data: Path, tmp_path: Path) -> None:
    assert main([str(data), "--out", str(tmp_path), "--words", "second"]) == 0
    taken = take(tmp_path, NOW)
    labels = read_labels(tmp_path, len(taken))
    kinds = Counter(c["resolution_type"] for c in labels.gold)
    planned = {kind for kinds in MIX.values() for kind in kinds} - {"recontact"}
    assert planned <= kinds.keys()
    assert kinds["solved_recontact"] == kinds["unsolved_recontact_first"]
    spoiled = {row["line"] for row in labels.poison} | set(labels.repeats)
    lines = {n for c in labels.gold for n in c["event_lines"]}
    assert lines | {row["line"] for row in labels.poison} == set(range(len(taken)))
    healthy = [taken[n] for n in lines - spoiled]
    assert all(t.verdict == "accepted" or t.reason in ("MACHINE_MAIL", "VOICEMAIL")
               for t in healthy)  # fmt: skip


def test_every_label_of_a_value_stands_where_it_says(data: Path) -> None:
    turns = [t for c in stream(data, "first", 1)[1]["conversations"] for t in c["turns"]]
    spans = [(t["text"], s) for t in turns for s in (*t["pii"], *t["not_pii"])]
    assert len(spans) > 100
    assert all(text[s["start"] : s["end"]] == s["value"] for text, s in spans)


def test_a_list_says_how_its_addresses_look_and_a_mail_address_is_plain() -> None:
    words = {
        "first_names": ["Zoë Ann"],
        "last_names": ["Müller"],
        "addresses": ["Hut {n}, Toytown"],
    }
    who = person(words, Random(1))
    assert who.email.isascii()
    assert " " not in who.email
    assert personal("ADDRESS", who, Random(1), words).startswith("Hut ")


def test_numbers_pass_their_checks() -> None:
    rng = Random(5)
    assert all(is_luhn_valid(card(rng)) for _ in range(50))
    assert all(is_iban_valid(iban(rng).replace(" ", "")) for _ in range(50))
    who = person(read_words("first"), rng)
    assert personal("PERSON", who, rng, {}) == who.name
    assert alike("version", rng).count(".") == 2


def test_a_recogniser_s_errors_spare_marked_values() -> None:
    turn = Turn(sender="customer", role="need", text="Lamp 5551234 flickers, please help me. " * 9,
                marks=[("NOT_PII", "5551234")])  # fmt: skip
    text, marks = heard(turn, Random(2), is_plain=True)
    assert marks == [("NOT_PII", "5551234")]
    assert text.count("5551234") == 9
    assert text != turn.text.lower()


def test_repeated_events_say_the_same() -> None:
    value = json.dumps({"text": "hi", "sent_at": "now"})
    event = {"channel": "chat", "headers": {"content-type": "application/json"}, "value": value,
             "value_encoding": "utf-8"}  # fmt: skip
    rng = Random(1)
    copies = [repeated(event, rng) for _ in range(60)]
    assert {kind for _, kind in copies} == {"exact", "redelivered", "reserialized"}
    assert all(json.loads(copy["value"]) == json.loads(value) for copy, _ in copies)
