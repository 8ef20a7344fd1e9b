"""Chats of a JSON Lines file as a training set, so that a run needs neither lake nor streams.

Reads the file; writes nothing. Loads no engine.
Source: TRL documentation, "Dataset formats and types": `messages`, or `prompt` and `completion`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import deskwheel
from deskwheel.errors import SnapshotError
from deskwheel.ids import digest, snapshot_digest
from deskwheel.records import Snapshot, SnapshotMember, Split
from train.data.training_set import ChatRow, TrainingSet

_PREFIX, _ID_LETTERS = "file-", 16
_TEST_SHARE, _DEV_SHARE = 0.1, 0.05
"""Of the rows that name no `split`, by the hash of what is asked: the same question, one split."""


def snapshot_id_of(path: Path) -> str:
    """An id that the bytes of a file fix.

    Raises:
        SnapshotError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{path}: {error.strerror}; name a JSON Lines file") from error
    return f"{_PREFIX}{hashlib.sha256(content).hexdigest()[:_ID_LETTERS]}"


def is_chat_file(snapshot: Snapshot) -> bool:
    """Whether a training set's snapshot stands for a file of chats, and not for rows of a table."""
    return snapshot.snapshot_id.startswith(_PREFIX)


def load_chat_file(path: Path) -> TrainingSet:
    """The chats of a file by split, in order of their ids.

    The last assistant message is what is learnt; what was said before is asked, earlier messages
    as context. A row may name its `split` and `example_id`.

    Raises:
        SnapshotError: a line is no chat, or no line is to be learnt or to be tested on.
    """
    rows: dict[Split, list[ChatRow]] = {"train": [], "dev": [], "test": []}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            split, row = _row(line, place=f"{path}:{number}")
            rows[split].append(row)
    for needed in ("train", "test"):
        if not rows[needed]:
            raise SnapshotError(
                f"{path}: no row of the split {needed}; add rows, or name splits in the rows"
            )
    ordered = {split: sorted(found, key=lambda r: r.example_id) for split, found in rows.items()}
    snapshot = _snapshot(path, ordered)
    return TrainingSet(snapshot=snapshot, content_digest=snapshot.content_digest, rows=ordered)


def _row(line: str, *, place: str) -> tuple[Split, ChatRow]:
    body = _object(line, place)
    said = list(_messages(body, place))
    if not said or said[-1]["role"] != "assistant" or not said[-1]["content"].strip():
        raise SnapshotError(f"{place}: the last message must be the assistant's answer")
    *before, answer = said
    if not before:
        raise SnapshotError(f"{place}: nothing is asked before the answer")
    query = before[-1]["content"]
    context = "\n".join(message["content"] for message in before[:-1])
    asked = digest(context, query)
    example_id = str(body.get("example_id") or f"ex-{digest(asked, answer['content'])[:24]}")
    split = body.get("split") or _split_of(asked)
    if split not in get_args(Split):
        raise SnapshotError(f"{place}: split {split!r} is none of {', '.join(get_args(Split))}")
    row = ChatRow(
        example_id=example_id,
        conversation_id=str(body.get("conversation_id") or asked[:24]),
        query=query,
        context=context,
        response=answer["content"],
    )
    return split, row


def _object(line: str, place: str) -> Mapping[str, Any]:
    try:
        body = json.loads(line)
    except ValueError as error:
        raise SnapshotError(f"{place}: not JSON: {error}") from error
    if not isinstance(body, dict):
        raise SnapshotError(f"{place}: not a JSON object")
    return body


def _messages(body: Mapping[str, Any], place: str) -> Iterator[Mapping[str, str]]:
    if "messages" in body:
        parts = [(body["messages"], "user")]
    elif "prompt" in body and "completion" in body:
        parts = [(body["prompt"], "user"), (body["completion"], "assistant")]
    else:
        raise SnapshotError(f"{place}: neither `messages` nor `prompt` and `completion`")
    for found, role in parts:
        messages = [{"role": role, "content": found}] if isinstance(found, str) else found
        if not isinstance(messages, list):
            raise SnapshotError(f"{place}: messages must be a list, or a text")
        for message in messages:
            yield _message(message, place)


def _message(message: Any, place: str) -> Mapping[str, str]:
    if not isinstance(message, dict) or not isinstance(message.get("content"), str):
        raise SnapshotError(f"{place}: a message must have `role` and a text `content`")
    return {"role": str(message.get("role")), "content": message["content"]}


def _split_of(asked: str) -> Split:
    share = int(asked[:8], 16) / 16**8
    if share < _TEST_SHARE:
        return "test"
    return "dev" if share < _TEST_SHARE + _DEV_SHARE else "train"


def _snapshot(path: Path, rows: Mapping[Split, Sequence[ChatRow]]) -> Snapshot:
    members = [(row, split) for split, found in rows.items() for row in found]
    hashes = ((r.example_id, split, digest(r.query, r.context, r.response)) for r, split in members)
    return Snapshot(
        snapshot_id=snapshot_id_of(path),
        pipeline="",
        table_version=0,
        members=[SnapshotMember(example_id=r.example_id, split=split) for r, split in members],
        content_digest=snapshot_digest(hashes),
        counts={split: len(found) for split, found in rows.items()},
        suite_version="",
        code_version=deskwheel.__version__,
        created_at=datetime.now(UTC),
    )
