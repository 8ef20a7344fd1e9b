"""Repairs that are asked for: checked, stored once, and waited for.

Reads `validated_examples`; writes `repairs`. Judges nothing.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import deskwheel
from deskwheel import lake
from deskwheel.errors import ConfigError, ServiceError
from deskwheel.ids import content_hash
from deskwheel.repairs import Repair, RepairAction
from deskwheel.schema import to_table
from deskwheel.tables import REPAIRS, VALIDATED
from validate.quarantine.rows import repairs_of, stored_rows
from validate.repairs import APPLIES_TO, EDITABLE, pending, repair_id_of

COMPARED = ("query", "response", "rejected_response")
"""The texts that copies have in common; the last of preferences only."""

COLUMNS = (
    "example_id", "tenant", "subject_key", "kind", "channel", "verdict", "reasons", "suite_version",
    "attempt", "repair_id", "query", "response", "context", "rejected_response",
)  # fmt: skip
COMPACTED_EVERY = 50
"""Versions of `repairs` after which its small files are merged."""
_POLL_S = 0.5
REMEDY = (
    "a running `python -m validate watch` applies it; where none runs, call"
    " `python -m validate watch --once`"
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for, the same for all examples it is asked for."""

    action: RepairAction
    actor: str
    edits: Mapping[str, str] = field(default_factory=dict)
    """Text by its name, only where it changes."""
    has_needless_apology: bool | None = None
    rules: tuple[str, ...] = ()
    """Reasons that an accept sets aside; none named means all that the row has."""
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was stored of a wish."""

    repairs: Mapping[str, str]
    """Repair id → example id: what the gate will have applied when all is done."""
    attempts: Mapping[str, int]
    """Example id → the attempt that it will bear then."""
    stored: int
    """New ones; the rest was asked before."""
    left_out: Mapping[str, str]
    """Example id → why nothing was asked for it."""


def make_repair(row: Mapping[str, Any], wish: Wish, *, now: datetime) -> Repair:
    """The request for one stored row; its id does not depend on who asks and when.

    Raises:
        ConfigError: the row's verdict is none that the action changes, or nothing would change.
    """
    if row["verdict"] not in APPLIES_TO[wish.action]:
        raise ConfigError(
            f"{row['example_id']} is {row['verdict']}; {wish.action} is for those that are"
            f" {' or '.join(APPLIES_TO[wish.action])}"
        )
    changed = {name: text for name, text in wish.edits.items() if text != row[name]}
    if wish.action == "fix" and not changed and wish.has_needless_apology is None:
        raise ConfigError(f"{row['example_id']}: nothing is changed; give another text")
    edits = {name: changed.get(name) for name in EDITABLE}
    compared = COMPARED if row["kind"] == "preference" else COMPARED[:2]
    texts = [changed.get(name, row[name]) for name in compared]
    is_pair_edited = bool(set(compared) & changed.keys())
    asked: dict[str, Any] = {
        "example_id": row["example_id"],
        "action": wish.action,
        "attempt": (row["attempt"] or 0) + 1,
        **edits,
        "has_needless_apology": wish.has_needless_apology,
        "despite": _set_aside(row, wish),
    }
    return Repair(
        repair_id=repair_id_of(asked),
        tenant=row["tenant"],
        subject_key=row["subject_key"],
        content_hash=content_hash(*texts) if is_pair_edited else None,
        note=wish.note,
        actor=wish.actor,
        at=now,
        verdict_before=row["verdict"],
        reasons_before=tuple(row["reasons"]),
        suite_before=row["suite_version"],
        code_version=deskwheel.__version__,
        **asked,
    )


def ask(lake_dir: str, rows: Iterable[Mapping[str, Any]], wish: Wish, *, now: datetime) -> Asked:
    """Store a wish for some rows in one commit; what was asked before is not stored again.

    An example for which another repair waits is left out, as is one whose verdict does not fit.

    Args:
        lake_dir: folder of the tables.
        rows: with the columns `COLUMNS`.
        wish: what is asked for.
        now: when.
    """
    made, left_out = make_repairs(rows, wish, now=now)
    waiting = pending(
        repairs_of(lake_dir, [r.example_id for r in made]),
        {r.example_id: r.attempt - 1 for r in made},
    )
    fresh, kept = [], []
    for repair in made:
        others = {r["repair_id"] for r in waiting.get(repair.example_id, ())}
        if repair.repair_id in others:
            kept.append(repair)
        elif others:
            left_out[repair.example_id] = "another repair of it waits for the gate"
        else:
            fresh.append(repair)
    if fresh:
        version = lake.append(lake_dir, REPAIRS, to_table(fresh, Repair))
        if version % COMPACTED_EVERY == 0:
            lake.compact(lake_dir, REPAIRS)
    return Asked(
        repairs={r.repair_id: r.example_id for r in (*kept, *fresh)},
        attempts={r.example_id: r.attempt for r in (*kept, *fresh)},
        stored=len(fresh),
        left_out=left_out,
    )


def make_repairs(
    rows: Iterable[Mapping[str, Any]], wish: Wish, *, now: datetime
) -> tuple[list[Repair], dict[str, str]]:
    """The requests for some rows, and example id → why there is none for it."""
    made, left_out = [], {}
    for row in rows:
        try:
            made.append(make_repair(row, wish, now=now))
        except ConfigError as error:
            left_out[row["example_id"]] = str(error)
    return made, left_out


def wait_applied(
    lake_dir: str, asked: Asked, *, timeout_s: float, progress: Callable[[int, int], None]
) -> Sequence[Mapping[str, Any]]:
    """The rows once every repair was applied to its own.

    Args:
        lake_dir: folder of the tables.
        asked: what was asked for.
        timeout_s: how long to wait.
        progress: told (applied, asked) whenever the table has a new version.

    Raises:
        ServiceError: the gate did not come to all of them in time, or skipped some.
    """
    deadline = time.monotonic() + timeout_s
    seen: int | None = -1
    rows: list[dict[str, Any]] = []
    while True:
        version = lake.current_version(lake_dir, VALIDATED)
        if version != seen:
            seen = version
            rows = stored_rows(lake_dir, VALIDATED, columns=COLUMNS, ids=asked.attempts.keys())
            done = sum((r["attempt"] or 0) >= asked.attempts[r["example_id"]] for r in rows)
            progress(done, len(asked.attempts))
            if done == len(asked.attempts):
                return rows
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{done} of {len(asked.attempts)} repairs were applied in {timeout_s:g} s;"
                f" {REMEDY}. The timeline tells which were skipped (repair_skipped)"
            )
        time.sleep(_POLL_S)


def _set_aside(row: Mapping[str, Any], wish: Wish) -> tuple[str, ...]:
    if wish.action != "accept":
        return ()
    if unknown := [rule for rule in wish.rules if rule not in row["reasons"]]:
        raise ConfigError(
            f"{row['example_id']} is not kept out by {', '.join(unknown)}, but by"
            f" {', '.join(row['reasons'])}"
        )
    return tuple(wish.rules or row["reasons"])
