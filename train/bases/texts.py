"""The examples that candidates are compared on, out of a snapshot or a file of JSON lines.

Reads `snapshots` and `validated_examples`; writes nothing. Candidates see the same examples in
the same order, chosen by hash.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskwheel import lake
from deskwheel.errors import SnapshotError
from deskwheel.ids import digest, unit_interval
from deskwheel.tables import VALIDATED
from train.data.training_set import ChatRow, choose_examples, find_snapshot, load_training_set

_TEST_SHARE = 0.2
_DEV_SHARE = 0.1
"""Of a file that names no splits; by hash of the conversation."""

_TAGS = ("category", "language")


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What every candidate reads."""

    train: Sequence[ChatRow]
    """In the order of their hash, so that the first N are the smaller set of every larger one."""
    dev: Sequence[ChatRow]
    test: Sequence[ChatRow]
    tags: Mapping[str, Mapping[str, str]]
    """Example id → category and language, where they are known."""
    train_size: int
    """Examples of the whole train split, of which `train` is the beginning."""
    digest: str
    """Of every example and tag above, and of the size."""


def texts_of_snapshot(lake_dir: str, snapshot_id: str, *, train: int, held_out: int) -> Texts:
    """The examples of a frozen snapshot.

    Args:
        lake_dir: where the tables are.
        snapshot_id: which one.
        train: at most so many of the train split.
        held_out: at most so many of test, and of dev.

    Raises:
        SnapshotError: it is not there, or its rows are not what was frozen.
    """
    snapshot = find_snapshot(lake_dir, snapshot_id)
    rows = load_training_set(lake_dir, snapshot).rows
    stored = lake.read(
        lake_dir, VALIDATED, columns=["example_id", *_TAGS], version=snapshot.table_version
    )
    tags = {row["example_id"]: {t: row[t] for t in _TAGS if row[t]} for row in stored.to_pylist()}
    return _texts(rows, tags, train=train, held_out=held_out)


def texts_of_file(file: Path, *, train: int, held_out: int) -> Texts:
    """The examples of a file of JSON lines.

    A line has `query` and `response`, or `messages` of which the last is the assistant's, as
    `snapshot export` writes them; besides, where known, `context`, `category`, `language`, `split`
    (train, dev or test), `example_id`, `conversation_id`.

    Raises:
        SnapshotError: a line is none of this, or a split has no example.
    """
    rows: dict[str, list[ChatRow]] = {"train": [], "dev": [], "test": []}
    tags = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(
            f"{file}: cannot be read ({error}); name a file of JSON lines"
        ) from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            body = json.loads(line)
            row = _row(body, f"{file.name}:{number}")
            rows[body.get("split") or _split(row)].append(row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SnapshotError(
                f"{file}:{number}: {error!r}; a line needs `query` and `response`, or `messages`,"
                " and `split` may be train, dev or test"
            ) from error
        tags[row.example_id] = {t: str(body[t]) for t in _TAGS if body.get(t)}
    return _texts(rows, tags, train=train, held_out=held_out)


def _texts(
    rows: Mapping[Any, Sequence[ChatRow]],
    tags: Mapping[str, Mapping[str, str]],
    *,
    train: int,
    held_out: int,
) -> Texts:
    chosen = choose_examples(rows["train"], train)
    test = choose_examples(rows["test"], held_out)
    # Without a dev split the tail of train stands in, which no smaller set has seen.
    dev = choose_examples(rows["dev"], held_out) or choose_examples(rows["train"], 10**9)[train:]
    if not chosen or not test:
        raise SnapshotError(
            f"{len(rows['train'])} train and {len(rows['test'])} test examples: both are needed;"
            " freeze a larger snapshot, or name a longer file"
        )
    used = {row.example_id: dict(tags.get(row.example_id, {})) for row in [*chosen, *test]}
    parts = [
        json.dumps([split, vars(row), used.get(row.example_id)], sort_keys=True, default=str)
        for split, members in (("train", chosen), ("dev", dev[:held_out]), ("test", test))
        for row in members
    ]
    return Texts(
        train=chosen,
        dev=dev[:held_out],
        test=test,
        tags=used,
        train_size=len(rows["train"]),
        digest=digest(str(len(rows["train"])), *parts),
    )


def _row(body: Mapping[str, Any], name: str) -> ChatRow:
    if "messages" in body:
        *earlier, answer = body["messages"]
        query, response = "\n".join(m["content"] for m in earlier), answer["content"]
    else:
        query, response = body["query"], body["response"]
    if not query.strip() or not response.strip():
        raise ValueError("query and response must not be empty")
    return ChatRow(
        example_id=str(body.get("example_id") or name),
        # Equal queries lie in one split, or the test would measure memory.
        conversation_id=str(body.get("conversation_id") or digest(query)),
        query=query,
        context=body.get("context") or "",
        response=response,
    )


def _split(row: ChatRow) -> str:
    place = unit_interval("bases", row.conversation_id)
    if place < _TEST_SHARE:
        return "test"
    return "dev" if place < _TEST_SHARE + _DEV_SHARE else "train"
