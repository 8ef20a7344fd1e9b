"""Reading the labels of a recording: what may be left out, and what is told before a playing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.claims import exit_status
from benchmarks.labelled import masks, read_lines, token_f1
from benchmarks.stream_quality import arrival, pairs, play
from benchmarks.stream_quality.__main__ import main
from benchmarks.stream_quality.labels import read_labels
from benchmarks.stream_quality.text import is_same
from deskwheel.errors import SetupError
from deskwheel.records import Event
from deskwheel.settings import Settings
from ingest.replay import read_recording
from tests.labelled_toys import one_dialog, place, values

Row = dict[str, Any]
LEAST = {"conversation_id": "c-1", "channel": "chat", "kind": "dialog", "event_lines": [0, 2]}
TALK = {**LEAST, "turns": [{"text": "hello\u2028there"}]}
FILES = ("conversations", "duplicates", "out_of_order", "poison")


def labelled(folder: Path, **rows: Sequence[Row]) -> Path:
    (folder / "gold").mkdir(parents=True)
    for name in FILES:
        text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows.get(name, ()))
        (folder / "gold" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_a_label_may_leave_out_what_is_usual(tmp_path: Path) -> None:
    pair = {"query": "How?", "response": "So."}
    rows = [{**TALK, "resolved": True, "pairs": [pair]}]
    labels = read_labels(labelled(tmp_path, conversations=rows, poison=[{"line": 1}]), 3)
    (dialog,) = labels.gold
    assert dialog["decidable"] is dialog["train_ok"] is True
    assert dialog["turns"][0]["text"] == "hello\u2028there"
    assert dialog["turns"][0]["pii"] == []
    assert dialog["pairs"][0]["query_masked"] == "How?"
    assert dialog["pairs"][0]["response_any_of"] == ()
    assert labels.poison == [{"kind": "unnamed", "expect": "dlq", "line": 1}]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ({"conversations": [LEAST]}, "conversation c-1: without turns"),
        ({"conversations": [{"kind": "dialog"}]}, "conversations.jsonl:1: without conversation_id"),
        ({"conversations": [{**TALK, "event_lines": [3]}]}, "line 3, but events.jsonl has lines"),
        ({"duplicates": [{"line": "4"}]}, "line '4', but events.jsonl has lines 0 to 2"),
        ({"poison": [{"kind": "x"}]}, "poison.jsonl:1: without line"),
        ({"conversations": [{**TALK, "pairs": [{"query": "x"}]}]}, "pair: without response"),
        ({"conversations": [{**TALK, "status_event": "solved"}]}, "status_event is neither"),
        ({"conversations": [{**TALK, "turns": ["hi"]}]}, "'hi' is no JSON object"),
    ],
)
def test_a_label_that_cannot_be_scored_is_told_with_its_place(
    tmp_path: Path, rows: dict[str, list[Row]], told: str
) -> None:
    with pytest.raises(SetupError, match=told):
        read_labels(labelled(tmp_path, **rows), 3)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_told_before_anything_is_played(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = labelled(tmp_path / "labelled", conversations=[{**TALK, "event_lines": []}])
    (folder / "events.jsonl").write_text("", encoding="utf-8")
    (folder / "gold" / f"{name}.jsonl").unlink()
    home = tmp_path / "home"
    assert exit_status(lambda: main([str(folder), "--home", str(home)])) == 2
    assert f"{name}.jsonl" in capsys.readouterr().err
    assert not home.exists()


def test_lines_of_labels_end_at_line_feeds_only(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('\ufeff{"a": "x\u2028y\u0085z"}\r\n\n{"a": 2}', encoding="utf-8")
    assert [row["a"] for row in read_lines(file)] == ["x\u2028y\u0085z", 2]


def test_a_blank_line_and_an_unknown_channel_keep_the_count_of_lines(tmp_path: Path) -> None:
    chat = {"channel": "chat", "value": "{}", "timestamp": "2026-04-01T08:00:00Z"}
    rows = [json.dumps(chat), "", json.dumps({**chat, "channel": "fax"}), json.dumps(chat)]
    (tmp_path / "events.jsonl").write_text("\n".join(rows), encoding="utf-8")
    lines = list(read_recording(tmp_path))
    assert [isinstance(line, Event) for line in lines] == [True, False, False, True]
    assert lines[1] == ""
    assert "'fax' is not one of" in str(lines[2])


@pytest.mark.timeout(10)
def test_forty_pairs_of_one_dialog_are_assigned_in_no_time() -> None:
    numbers = [f"one{n} two{n}" for n in range(40)]
    wanted = [{"query_masked": n, "response_masked": n, "response_any_of": ()} for n in numbers]
    mined = [{"query": n, "response": n} for n in reversed(numbers)]
    assert pairs.pair_scores({"turns": []}, wanted, mined) == [(1, 1)] * 40


def test_a_line_that_was_not_published_is_told_and_loses_nothing() -> None:
    poison = [{"line": 2, "kind": "wrong_channel", "expect": "dlq"}]
    found = one_dialog(
        ids=["m-0", "m-1", "", ""], sizes=[100, 100, 0, 0], refused={2: "channel 'fax'"},
        places=[place(0), place(1), None, None], poison=poison,
    )  # fmt: skip
    claims = {**values(arrival.loss(found)), **values(arrival.poison(found))}
    assert claims["loss.turns"] == claims["loss.events_without_row"] == 0
    assert claims["loss.lines_refused"] == claims["poison.recall"] == 1


def test_a_mask_of_a_turn_is_a_mask() -> None:
    said, stored = "I am Kim Lee, call 555 0100.", "I am <PERSON:abcde.fghij>, call <PHONE:klmno>."
    assert [mask.types for mask in masks(said, stored)] == [("PERSON",), ("PHONE",)]
    assert token_f1("call <PHONE>", "call <PHONE:klmno>") == 1
    assert is_same(said, stored)


def test_a_playing_is_read_again_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "deskwheel.toml").write_text("", encoding="utf-8")
    done = play.Played(
        lake=tmp_path, places=[place(0), None], letters={place(0): "EMPTY"}, settings=Settings()
    )
    play.keep(tmp_path / play.PLAYED_FILE, done)
    again = play.played(tmp_path, tmp_path, ())
    assert (again.places, again.letters) == (done.places, done.letters)
