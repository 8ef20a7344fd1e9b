"""The labels of a folder, checked before anything is played, so that no long run ends in a typo.

What a label may leave out is filled in here; what it must say is listed here too. Lines are
counted from 0 (the format: benchmarks.labelled).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.labelled import Gold, checked, read_lines
from deskwheel.errors import SetupError

CONVERSATION = ("conversation_id", "channel", "kind", "event_lines")
"""What every labelled conversation says; a dialog also says its `turns`."""

_MAY_LACK: Mapping[str, Any] = {
    "source": None, "category": None, "resolved": None, "resolution_type": "unnamed",
    "status_event": None, "disposition": None, "duplicate_group": None, "noise_reason": "unnamed",
    "pairs": None, "turns": (),
}  # fmt: skip
_TURN_MAY_LACK: Mapping[str, Any] = {
    "message_ids": (), "pii": (), "not_pii": (), "must_not_contain": (),
}  # fmt: skip
_SPAN = ("type", "start", "end", "value")


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What is known about the lines of a recording."""

    gold: Sequence[Gold]
    """Conversations, noise included."""
    repeats: frozenset[int]
    """Lines that repeat an earlier one."""
    late: frozenset[int]
    poison: Sequence[Gold]


def read_labels(folder: Path, line_count: int) -> Labels:
    """The labels in `folder/gold` of a recording of so many lines.

    Raises:
        SetupError: a file is missing, or a label lacks what the scores need or names a line that
            the recording does not have.
    """
    gold = folder / "gold"

    def lines_of(name: str) -> list[Gold]:
        file = gold / f"{name}.jsonl"
        rows = read_lines(file, ("line",))
        _check_lines(str(file), (row["line"] for row in rows), line_count)
        return rows

    file = gold / "conversations.jsonl"
    conversations = read_lines(file, CONVERSATION)
    return Labels(
        gold=[_conversation(str(file), row, line_count) for row in conversations],
        repeats=frozenset(row["line"] for row in lines_of("duplicates")),
        late=frozenset(row["line"] for row in lines_of("out_of_order")),
        poison=[{"kind": "unnamed", "expect": "dlq"} | row for row in lines_of("poison")],
    )


def _check_lines(where: str, lines: Iterable[object], line_count: int) -> None:
    for line in lines:
        if not isinstance(line, int) or not 0 <= line < line_count:
            raise SetupError(
                f"{where}: line {line!r}, but events.jsonl has lines 0 to {line_count - 1};"
                " give the labels of this recording"
            )


def _conversation(file: str, row: Gold, line_count: int) -> Gold:
    where = f"{file}: conversation {row['conversation_id']}"
    is_dialog = row["kind"] == "dialog"
    checked(where, row, ("turns",) if is_dialog else ())
    _check_lines(where, row["event_lines"], line_count)
    whole = {**_MAY_LACK, "decidable": True if is_dialog else None, **row}
    whole.setdefault("train_ok", is_dialog and whole["resolved"] is True)
    if not isinstance(whole["status_event"] or {}, dict):
        raise SetupError(f"{where}: status_event is neither an object nor null; mend the label")
    pairs = whole["pairs"]
    return {
        **whole,
        "turns": [_turn(where, turn) for turn in whole["turns"]],
        "pairs": None if pairs is None else [_pair(where, pair) for pair in pairs],
    }


def _turn(where: str, turn: object) -> Gold:
    row = {**_TURN_MAY_LACK, **checked(f"{where}, turn", turn, ("text",))}
    for name in ("pii", "not_pii"):
        row[name] = [checked(f"{where}, {name}", span, _SPAN) for span in row[name] or ()]
    return row | {name: row[name] or () for name in ("message_ids", "must_not_contain")}


def _pair(where: str, pair: object) -> Gold:
    row = checked(f"{where}, pair", pair, ("query", "response"))
    masked = {"query_masked": row["query"], "response_masked": row["response"]}
    return {**masked, **row, "response_any_of": row.get("response_any_of") or ()}
