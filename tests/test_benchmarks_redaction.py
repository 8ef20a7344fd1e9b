import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks import redaction, redaction_dialog
from benchmarks.__main__ import run
from benchmarks.redaction import Labelled, Score, in_half, own_masks, read_texts
from benchmarks.redaction_dialog import read_conversations
from benchmarks.redaction_texts import LOOK_ALIKES, PERSONAL, draw_texts
from deskwheel.errors import SetupError


@pytest.fixture(autouse=True)
def _without_peers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.peers.PYTHON", tmp_path / "nowhere")


def write(file: Path, *rows: dict[str, Any]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_a_span_is_found_when_four_fifths_of_its_letters_are_masked() -> None:
    score = Score()
    row = Labelled("a 12345 b 67890", [(2, 7, "SSN"), (10, 15, "SSN")], [(0, 1, "MODEL")])
    score.add(row, [(2, 6, "SSN"), (10, 13, "SSN"), (8, 9, "PHONE")])
    assert score.recall() == 0.5
    assert score.precision(["SSN"]) == 1
    assert score.precision(["PHONE"]) == 0
    assert score.spoiled_share() == 0


def test_every_drawn_span_is_where_its_label_says() -> None:
    rows = list(draw_texts(random.Random(1)))
    assert {s[2] for r in rows for s in r[1]} == set(PERSONAL)
    assert {s[2] for r in rows for s in r[2]} == {kind for kind, _, _ in LOOK_ALIKES}
    assert all(text[start:end].strip() for text, a, b in rows for start, end, _ in [*a, *b])


def test_halves_share_nothing_and_leave_nothing_out() -> None:
    keys = [f"k{i}" for i in range(50)]
    dev = {k for k in keys if in_half(k, "dev")}
    assert dev == {k for k in keys if in_half(k, "all")} - {k for k in keys if in_half(k, "test")}
    assert 10 < len(dev) < 40


def test_texts_are_read_with_our_names_of_types(tmp_path: Path) -> None:
    file = write(
        tmp_path / "texts.jsonl",
        {"id": "1", "text": "ssn 078-05-1120", "template_id": 3, "spans": [
            {"type": "US_SSN", "start": 4, "end": 15}, {"type": "TITLE", "start": 0, "end": 3}]},
    )  # fmt: skip
    (row,) = read_texts(file, "all")
    assert row.personal == [(4, 15, "SSN")]
    assert own_masks(row.text) == [(4, 15, "SSN")]


def test_masks_of_both_passes_come_back_in_places_of_the_original(tmp_path: Path) -> None:
    text = "I am Toyah Querty, mail toyah@example.com, code 12"
    file = write(
        tmp_path / "gold.jsonl",
        {"conversation_id": "c1", "turns": [
            {"sender": "customer", "text": text, "pii": [], "not_pii": []},
            {"sender": "agent", "text": "Thanks Toyah. The last four of your SSN?", "pii": [],
             "not_pii": []},
            {"sender": "customer", "text": "it is 6980 I think", "pii": [], "not_pii": []},
        ]},
    )  # fmt: skip
    (turns,) = read_conversations(file, "all")
    masks = redaction_dialog.own_masks(turns)
    found = [
        [(turn.row.text[start:end], kind) for start, end, kind in row]
        for turn, row in zip(turns, masks, strict=True)
    ]
    assert found == [
        [("Toyah Querty", "PERSON"), ("toyah@example.com", "EMAIL")],
        [("Toyah", "PERSON")],
        [("6980", "SSN_LAST4")],
    ]


def test_both_commands_print_their_tables_and_write_their_claims(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "HOSTILE_CHARS", 4000)
    texts = write(
        tmp_path / "texts.jsonl",
        {"id": "1", "text": "mail a@example.com", "template_id": 1,
         "spans": [{"type": "EMAIL_ADDRESS", "start": 5, "end": 18}]},
    )  # fmt: skip
    dialogs = write(
        tmp_path / "dialogs.jsonl",
        {"conversation_id": "c", "turns": [{"text": "ssn 5632 and claim abc 123", "slots": [
            {"label": "ssn", "start": 4, "end": 8, "value": "5632", "pii": "SSN"},
            {"label": "claimid", "start": 19, "end": 26, "value": "abc 123"}]}]},
    )  # fmt: skip
    out = tmp_path / "claims.json"
    redaction.main([str(texts), "--json", str(out)])
    first = {c["id"]: c for c in json.loads(out.read_text())["claims"]}
    assert first["redaction.recall.email"]["value"] == 1
    assert first["redaction.drawn.look_alikes_masked"]["holds"]
    assert "redaction.hostile_s_per_mb" in first
    assert redaction_dialog.main([str(dialogs), "--json", str(out)]) == 0
    claims = {c["id"]: c["value"] for c in json.loads(out.read_text())["claims"]}
    assert claims["redaction_dialog.recall.digits"] == 1
    assert claims["redaction_dialog.look_alikes_masked"] == 0
    printed = capsys.readouterr().out
    assert "peers not installed: make peers" in printed
    assert "look-alikes claimid" in printed


def test_texts_are_read_line_by_line_feed_whatever_else_they_hold(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    row = {"text": "a\u2028b\x85 ssn 078-05-1120", "spans": [
        {"type": "US_SSN", "start": 9, "end": 20}]}  # fmt: skip
    file.write_text(
        f"{json.dumps(row, ensure_ascii=False)}\n\n{json.dumps({'text': 'hi'})}\n", "utf-8"
    )
    first, second = read_texts(file, "all")
    assert own_masks(first.text) == first.personal == [(9, 20, "SSN")]
    assert second.personal == []


def test_turns_may_lack_labels(tmp_path: Path) -> None:
    file = write(
        tmp_path / "dialogs.jsonl",
        {"conversation_id": "1", "turns": [
            {"text": "hi"}, {"sender": "agent", "text": "a b", "pii": None},
            {"text": "code 7714", "slots": [{"label": "x", "start": 5, "end": 9}, {"label": "y"}]},
            {"text": "mail", "not_pii": [{"type": "NOT_PII", "start": 0, "end": 4}]}]},
    )  # fmt: skip
    (turns,) = read_conversations(file, "all")
    assert [turn.role for turn in turns] == ["customer", "agent", "customer", "customer"]
    assert [turn.row.look_alikes for turn in turns] == [
        [], [], [(5, 9, "x")], [(0, 4, "NOT_PII")]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"id": "1", "spans": []}, "texts.jsonl:1: without text"),
        ({"text": "hi", "spans": [{"start": 0, "end": 2}]}, "text 1: without type"),
        ({"text": "hi", "spans": [{"type": "SSN", "start": 0, "end": 9}]}, "SSN from 0 to 9 of 2"),
        ([1], "no JSON object"),
    ],
)
def test_a_broken_label_says_where_it_is(tmp_path: Path, row: Any, problem: str) -> None:
    with pytest.raises(SetupError, match=problem):
        read_texts(write(tmp_path / "texts.jsonl", row), "all")


def test_without_its_file_a_benchmark_is_not_run() -> None:
    assert run("redaction", None).problem.startswith("not run: it needs a labelled file")
