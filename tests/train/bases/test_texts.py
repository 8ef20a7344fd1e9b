from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.errors import SnapshotError
from deskwheel.records import Split
from tests.train.bases.toys import write_lines
from tests.train.rows import example, freeze, settings_in, write_examples
from train.bases.texts import texts_of_file, texts_of_snapshot


def lines(count: int) -> list[dict[str, object]]:
    return [{"query": f"Question {n}?", "response": f"Answer {n}."} for n in range(count)]


def test_a_file_is_split_by_conversation_and_always_alike(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "d.jsonl", lines(200))
    texts = texts_of_file(file, train=50, held_out=20)
    assert (len(texts.train), len(texts.dev), len(texts.test)) == (50, 20, 20)
    assert 100 < texts.train_size < 180
    again = texts_of_file(file, train=50, held_out=20)
    assert again.digest == texts.digest
    queries = [row.query for rows in (texts.train, texts.dev, texts.test) for row in rows]
    assert len(set(queries)) == len(queries)


def test_a_smaller_set_is_the_beginning_of_a_larger_one(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "d.jsonl", lines(200))
    small = texts_of_file(file, train=10, held_out=5)
    large = texts_of_file(file, train=60, held_out=5)
    assert list(large.train[:10]) == list(small.train)
    assert list(large.test) == list(small.test)
    assert large.digest != small.digest


def test_equal_queries_lie_in_one_split(tmp_path: Path) -> None:
    rows = [{"query": "Same?", "response": f"Answer {n}."} for n in range(30)]
    file = write_lines(tmp_path / "d.jsonl", [*rows, *lines(100)])
    texts = texts_of_file(file, train=1000, held_out=1000)
    places = [any(r.query == "Same?" for r in s) for s in (texts.train, texts.dev, texts.test)]
    assert sum(places) == 1


def test_a_file_may_name_splits_tags_and_messages(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]
    file = write_lines(
        tmp_path / "d.jsonl",
        [
            {"messages": messages, "split": "train", "category": "SETUP", "language": "en"},
            {"query": "Bye?", "response": "Bye.", "split": "test"},
        ],
    )
    texts = texts_of_file(file, train=5, held_out=5)
    assert (texts.train[0].query, texts.train[0].response) == ("Hi?", "Hello.")
    assert texts.tags[texts.train[0].example_id] == {"category": "SETUP", "language": "en"}
    assert list(texts.dev) == []


@pytest.mark.parametrize(
    "line", ["{", '{"query": "a"}', '{"query": "a", "response": " "}', "[1]",
             '{"query": "a", "response": "b", "split": "validation"}'],
)  # fmt: skip
def test_a_line_that_is_no_example_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "d.jsonl").write_text('{"query": "a", "response": "b"}\n' + line + "\n")
    with pytest.raises(SnapshotError, match="d.jsonl:2: .*`query` and `response`"):
        texts_of_file(tmp_path / "d.jsonl", train=5, held_out=5)


def test_a_file_without_a_test_split_is_refused(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "d.jsonl", [{**lines(1)[0], "split": "train"}])
    with pytest.raises(SnapshotError, match="1 train and 0 test examples"):
        texts_of_file(file, train=5, held_out=5)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="none.jsonl"):
        texts_of_file(tmp_path / "none.jsonl", train=5, held_out=5)


def test_a_snapshot_gives_its_splits_with_tags(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    splits: list[Split] = ["train", "train", "dev", "test"]
    examples = [replace(example(n, split=split), language="en") for n, split in enumerate(splits)]
    version = write_examples(settings.pipeline.lake, examples)
    snapshot = freeze(settings.pipeline.lake, examples, version=version)
    texts = texts_of_snapshot(settings.pipeline.lake, snapshot.snapshot_id, train=10, held_out=10)
    assert (len(texts.train), len(texts.dev), len(texts.test)) == (2, 1, 1)
    assert texts.tags["ex-000"] == {"category": "SETUP", "language": "en"}
    assert texts.train_size == 2
