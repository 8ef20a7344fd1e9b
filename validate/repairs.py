"""What a repair makes of a stored example: pure functions.

A repair is applied once, in the order asked, and only to the row that it was asked about: its
attempt must be one more than the row's. So a batch that is replayed, a request that is repeated and
a second opinion that came too late change nothing.

Rules that protect people and the model (owners `privacy` and `model safety`) are final: no person
sets them aside, the text must be mended. What a `stop` rule kept out with its whole batch, and what
a person rejected, does not come back by being judged again; it takes a person's `accept`.
Reads and writes no table.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from deskwheel.ids import record_id
from deskwheel.repairs import RepairAction
from validate.returns import CUSTOMER_CAME_BACK

REJECTED_BY_PERSON = "REJECTED_BY_PERSON"
FINAL_OWNERS = frozenset({"privacy", "model safety"})
EDITABLE = ("query", "response", "context", "rejected_response")

APPLIES_TO: Mapping[RepairAction, tuple[str, ...]] = {
    "fix": ("quarantined",),
    "replay": ("quarantined",),
    "accept": ("quarantined",),
    "reject": ("valid", "duplicate"),
}
"""Verdicts that an action may change: what is superseded or erased stays so."""


class Reasons(NamedTuple):
    """Why a repaired example is kept out, and what was set aside for it."""

    reasons: tuple[str, ...]
    set_aside: tuple[str, ...] = ()
    """Rules that an accept overruled; they stay with the row as warnings."""


@dataclass(frozen=True, kw_only=True)
class Rulings:
    """What of the suite in force a repair must know."""

    final: frozenset[str] = frozenset()
    """Row rules that nobody sets aside."""
    of_batches: frozenset[str] = frozenset()
    """Rules that judge batches as a whole."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The repairs of a batch, sorted by what becomes of them."""

    apply: Mapping[str, Mapping[str, Any]]
    """Example id → its repair."""
    applied: Sequence[Mapping[str, Any]]
    """Repairs that the row bears already: the batch comes again."""
    skipped: Sequence[tuple[Mapping[str, Any], str]]
    """Repairs that came too late, and why."""


def repair_id_of(asked: Mapping[str, Any]) -> str:
    """The id of a request: that of the same example, attempt and wish, whoever asks and when."""
    wish = [
        f"{name}={asked[name]}"
        for name in (*EDITABLE, "has_needless_apology")
        if asked[name] is not None
    ]
    return record_id(
        "rep", asked["example_id"], asked["action"], str(asked["attempt"]), *wish, *asked["despite"]
    )


def rulings(row_rules: Iterable[Mapping[str, Any]], batch_rules: Iterable[str]) -> Rulings:
    """What repairs must know of a suite.

    Args:
        row_rules: meta of each row rule: `rule_id`, `owner`, and `is_final` where it is given.
        batch_rules: ids of the rules for batches.
    """
    final = {m["rule_id"] for m in row_rules if m.get("is_final", m["owner"] in FINAL_OWNERS)}
    return Rulings(final=frozenset(final), of_batches=frozenset(batch_rules))


def choose(repairs: Iterable[Mapping[str, Any]], stored: Mapping[str, Mapping[str, Any]]) -> Chosen:
    """Which of a batch's repairs are applied: of those of one example the first that fits.

    Args:
        repairs: rows of `repairs`, in any order; one that comes twice counts once.
        stored: the row of each example (`verdict`, `attempt`, `repair_id`), by example id.
    """
    apply: dict[str, Mapping[str, Any]] = {}
    applied: list[Mapping[str, Any]] = []
    skipped: list[tuple[Mapping[str, Any], str]] = []
    once = {r["repair_id"]: r for r in repairs}
    for repair in sorted(once.values(), key=lambda r: (r["attempt"], r["at"], r["repair_id"])):
        row = stored.get(repair["example_id"])
        if row is not None and row["repair_id"] == repair["repair_id"]:
            applied.append(repair)
        elif repair["example_id"] in apply:
            skipped.append((repair, "another repair of the example came first"))
        elif why := _too_late(repair, row):
            skipped.append((repair, why))
        else:
            apply[repair["example_id"]] = repair
    return Chosen(apply=apply, applied=applied, skipped=skipped)


def judge_repair(
    repair: Mapping[str, Any],
    *,
    stored: Collection[str],
    broken: Sequence[str],
    known: Rulings,
) -> Reasons:
    """The reasons of an example after a repair.

    Args:
        repair: `action` and `despite` of it.
        stored: reasons of the row until now.
        broken: row rules that the example breaks today, with its edits, in the suite's order.
        known: of today's suite.
    """
    action = repair["action"]
    if action == "reject":
        return Reasons((*broken, REJECTED_BY_PERSON))
    lasting = {*known.of_batches} | ({REJECTED_BY_PERSON} if action != "fix" else set())
    kept = (*broken, *(r for r in stored if r in lasting and r not in broken))
    if action != "accept":
        return Reasons(kept)
    pardoned = set(repair["despite"]) - known.final
    lifted = [*kept, *(r for r in stored if r == CUSTOMER_CAME_BACK)]
    return Reasons(
        tuple(r for r in kept if r not in pardoned),
        tuple(r for r in lifted if r in pardoned and r != REJECTED_BY_PERSON),
    )


def final_rules(reasons: Iterable[str], known: Rulings) -> list[str]:
    """Those of the reasons that no person sets aside."""
    return [r for r in reasons if r in known.final]


def pending(
    repairs: Iterable[Mapping[str, Any]], attempts: Mapping[str, int]
) -> dict[str, list[Mapping[str, Any]]]:
    """Repairs that wait for the gate, by example id.

    Args:
        repairs: rows of `repairs`.
        attempts: repairs that each example's row bears; examples that are not here are passed over.
    """
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for repair in repairs:
        done = attempts.get(repair["example_id"])
        if done is not None and repair["attempt"] > done:
            found[repair["example_id"]].append(repair)
    return dict(found)


def _too_late(repair: Mapping[str, Any], row: Mapping[str, Any] | None) -> str:
    """Why a repair no longer fits the row; empty if it does."""
    if row is None:
        return "the example has no row"
    done = row["attempt"] or 0
    if repair["attempt"] != done + 1:
        return f"attempt {repair['attempt']} was asked, the row has had {done}"
    if row["verdict"] not in APPLIES_TO[repair["action"]]:
        return f"the example is {row['verdict']} now"
    return ""
