"""What came of repairs, on the timeline: who, when, what, from which verdict to which.

One entry for all repairs of a batch that tell the same; a long list is parted. Reads and writes the
timeline; no table.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deskwheel.state import State

REPAIRED, SKIPPED = "repaired", "repair_skipped"
PER_ENTRY = 500
"""Repairs in one entry at most: about 30 KB of ids."""
_LOOKED_BACK = 200


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one repair; no text."""

    repair_id: str
    example_id: str
    action: str
    actor: str
    at: datetime
    """When it was asked."""
    note: str | None
    before: str | None
    """Verdict before; None where it is not known any more, or there was no row."""
    after: str | None = None
    """Verdict afterwards; None for one that was skipped."""
    reasons: tuple[str, ...] = ()
    skipped: str | None = None
    """Why it was not applied."""
    is_replayed: bool = False
    """It was applied by an earlier try of the same batch, which may not have told it."""


def tell(state: State, pipeline: str, outcomes: Sequence[Outcome]) -> None:
    """Put outcomes on the timeline; those of an earlier try only if they are not there yet."""
    told: set[str] = set()
    if any(o.is_replayed for o in outcomes):
        entries = state.timeline(pipeline, kind=REPAIRED, limit=_LOOKED_BACK)
        told = {i for entry in entries for i in entry["detail"]["repairs"]}
    groups: dict[tuple[object, ...], list[Outcome]] = defaultdict(list)
    for o in outcomes:
        if not (o.is_replayed and o.repair_id in told):
            groups[o.action, o.actor, o.note, o.before, o.after, o.reasons, o.skipped].append(o)
    for found in groups.values():
        for start in range(0, len(found), PER_ENTRY):
            part = found[start : start + PER_ENTRY]
            kind = SKIPPED if part[0].skipped else REPAIRED
            state.record(pipeline, kind, _subject(part), _detail(part))


def told_of(state: State, pipeline: str, example_id: str) -> list[Mapping[str, Any]]:
    """Entries of the timeline about an example's repairs, oldest first."""
    entries = (
        entry
        for kind in (REPAIRED, SKIPPED)
        for entry in state.timeline(pipeline, kind=kind, limit=10_000)
    )
    return sorted(
        (e for e in entries if example_id in e["detail"]["examples"]), key=lambda e: int(e["id"])
    )


def _subject(part: Sequence[Outcome]) -> str:
    return part[0].example_id if len(part) == 1 else f"{len(part)} examples"


def _detail(part: Sequence[Outcome]) -> dict[str, Any]:
    first = part[0]
    return {
        "action": first.action,
        "actor": first.actor,
        "asked": _between(o.at for o in part),
        "note": first.note,
        "from": first.before,
        "to": first.after,
        "reasons": list(first.reasons),
        **({"skipped": first.skipped} if first.skipped else {}),
        "examples": [o.example_id for o in part],
        "repairs": [o.repair_id for o in part],
    }


def _between(moments: Iterable[datetime]) -> list[str]:
    found = sorted(moments)
    return sorted({m.isoformat() for m in (found[0], found[-1])})
