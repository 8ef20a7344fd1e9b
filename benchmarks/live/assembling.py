"""What it costs to make rows of `conversations` out of closed ones, step by step, without Spark."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.claims import Claim, claims_of
from benchmarks.stored import stored_turn
from deskwheel.records import Conversation, Turn, Utterance
from deskwheel.schema import to_table
from deskwheel.tables import CONVERSATIONS
from transforms import redact, tags
from transforms.assemble import assemble
from transforms.resolution import estimate
from transforms.stored import StoredTurn

_claim = claims_of("transforms_sessionize")

_SECRET = b"benchmark"
_APART = 1_000_000
"""Between the numbers of two sets of texts: none of a set was seen before."""


def assembling(rows_from: Callable[[int | None], list[Turn]]) -> list[Claim]:
    """The claims; `rows_from` makes rows of `turns`, unlike from a number on, or alike for None."""
    _assembled(_stored(rows_from(_APART)))
    alike, unlike = _stored(rows_from(None)), _stored(rows_from(2 * _APART))
    _assembled(alike)
    turns = sum(len(lines) for lines in unlike.values())
    steps: dict[str, Callable[[Sequence[list[Utterance]]], object]] = {
        "redaction": _redact,
        "tags": lambda told: [(tags.category(u), tags.sentiment(u)) for u in told],
        "resolution": lambda told: [estimate.find_signs(u, None, None) for u in told],
    }
    said = [_said(rows_from((3 + n) * _APART)) for n in range(len(steps))]
    done = _assembled(alike)
    spent = {
        name: _cpu_s(work, told) for (name, work), told in zip(steps.items(), said, strict=True)
    } | {"to_arrow": _cpu_s(lambda rows: to_table(rows, CONVERSATIONS.record), done)}
    return [
        _claim("assembled_turns_per_s", turns / _cpu_s(_assembled, alike), "/s", "",
               "one core, without Spark: redaction as a whole, resolution, tags"),
        _claim("unlike_assembled_turns_per_s", turns / _cpu_s(_assembled, unlike), "/s", "",
               "the same where no text came before"),
        *(_claim(f"assembling_us.{name}", 1e6 * spent_s / turns, "µs/turn", "",
                 "this step alone, where no text came before")
          for name, spent_s in spent.items()),
    ]  # fmt: skip


def _cpu_s(work: Callable[[Any], object], argument: Any) -> float:
    """CPU seconds of one go: a second one would find the texts known."""
    began = time.process_time()
    work(argument)
    return time.process_time() - began


def _stored(rows: Sequence[Turn]) -> dict[str, list[str]]:
    """Conversation → lines as the stream's state keeps them."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[row.conversation_id or ""].append(stored_turn(row).to_json())
    return found


def _assembled(stored: Mapping[str, Sequence[str]]) -> list[Conversation]:
    return [
        assemble(
            name, map(StoredTurn.from_json, lines), version=1, close_reason="idle", batch_id=0,
            secret=_SECRET,
        )
        for name, lines in stored.items()
    ]  # fmt: skip


def _said(rows: Sequence[Turn]) -> list[list[Utterance]]:
    """The texts of each conversation as its turns have them."""
    found: dict[str, list[Utterance]] = defaultdict(list)
    for row in rows:
        found[row.conversation_id or ""].append(
            Utterance(turn_id=row.turn_id, role=row.role or "system", text=row.text or "",
                      sent_at=row.sent_at, authorship=row.authorship)
        )  # fmt: skip
    return list(found.values())


def _redact(told: Sequence[Sequence[Utterance]]) -> None:
    for n, utterances in enumerate(told):
        spoken = [redact.Spoken(u.role, u.text) for u in utterances]
        redact.redact_conversation(spoken, redact.Tagger(_SECRET, str(n)))
