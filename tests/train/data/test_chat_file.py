import json
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import SnapshotError
from train.data.chat_file import load_chat_file, snapshot_id_of


def chat(number: int, **more: Any) -> dict[str, Any]:
    said = [
        {"role": "user", "content": f"How do I reset lamp {number}?"},
        {"role": "assistant", "content": "Switch it on and off six times."},
    ]
    return {"messages": said, **more}


def written(folder: Path, rows: list[Any]) -> Path:
    file = folder / "chats.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return file


def test_rows_that_name_no_split_are_spread_by_what_is_asked(tmp_path: Path) -> None:
    file = written(tmp_path, [chat(i) for i in range(300)])
    found = load_chat_file(file)
    counts = {split: len(rows) for split, rows in found.rows.items()}
    assert sum(counts.values()) == 300
    assert counts == found.snapshot.counts
    assert 15 <= counts["test"] <= 50
    assert load_chat_file(file).content_digest == found.content_digest
    assert load_chat_file(file).rows == found.rows


def test_the_same_question_is_never_in_two_splits(tmp_path: Path) -> None:
    rows = []
    for i in range(200):
        body = chat(i % 20)
        body["messages"][1]["content"] = f"answer {i}"
        rows.append(body)
    found = load_chat_file(written(tmp_path, rows)).rows
    asked = [{row.query for row in rows} for rows in found.values()]
    assert not asked[0] & asked[2]
    assert not asked[0] & asked[1]


def test_both_forms_of_trl_say_the_same(tmp_path: Path) -> None:
    said = chat(1)["messages"]
    rows = [
        {"messages": said, "split": "train"},
        {"prompt": said[:1], "completion": said[1:], "split": "dev"},
        {"prompt": said[0]["content"], "completion": said[1]["content"], "split": "test"},
    ]
    found = load_chat_file(written(tmp_path, rows)).rows
    assert {(r.query, r.context, r.response) for rows in found.values() for r in rows} == {
        ("How do I reset lamp 1?", "", "Switch it on and off six times.")
    }


def test_what_was_said_before_is_context(tmp_path: Path) -> None:
    said = [
        {"role": "system", "content": "You are friendly."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi, what is it?"},
        {"role": "user", "content": "My lamp is dead."},
        {"role": "assistant", "content": "Try another socket."},
    ]
    rows = [{"messages": said, "split": s, "example_id": s} for s in ("train", "test")]
    (row,) = load_chat_file(written(tmp_path, rows)).rows["train"]
    assert row.query == "My lamp is dead."
    assert row.context == "You are friendly.\nHello\nHi, what is it?"
    assert row.messages()[0]["content"].endswith("Hi, what is it?\nMy lamp is dead.")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("text", "not a JSON object"),
        ({"text": "x"}, "neither `messages` nor"),
        ({"messages": [{"role": "user", "content": "x"}]}, "the assistant's answer"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "nothing is asked"),
        ({"messages": [{"role": "user"}]}, "a text `content`"),
        ({"messages": 7}, "must be a list"),
        (chat(1, split="valid"), "split 'valid'"),
    ],
)
def test_a_line_that_is_no_chat_is_named(tmp_path: Path, row: Any, said: str) -> None:
    file = written(tmp_path, [chat(0), row])
    with pytest.raises(SnapshotError, match=said) as found:
        load_chat_file(file)
    assert f"{file}:2" in str(found.value)


def test_a_file_without_a_test_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="split test"):
        load_chat_file(written(tmp_path, [chat(0, split="train")]))


def test_the_id_is_that_of_the_bytes(tmp_path: Path) -> None:
    file = written(tmp_path, [chat(0)])
    first = snapshot_id_of(file)
    assert snapshot_id_of(file) == first
    file.write_bytes(file.read_bytes() + b" ")
    assert snapshot_id_of(file) != first
    with pytest.raises(SnapshotError, match="No such file"):
        snapshot_id_of(tmp_path / "none.jsonl")
