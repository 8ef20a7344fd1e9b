"""The verdict of every candidate, out of what it is and what was judged before: pure functions.

The rule: an example of an old conversation version is *superseded*; else one that breaks a rule is
*quarantined*; else one whose customer came back with the same matter is, too; else the best of its
group is *valid* and the others are *duplicates*.

Two partitions of the examples that break no rule, superseded and returned ones included. A
*cluster* holds what is nearly the same in query and response together: it lies in one split, that
of its first member, for ever. Its *groups* hold what also asks the same: one of a group is valid.
So a stock answer to two questions teaches twice, and never in one split what another one tests.
Both are connected components of the links that `validate.neighbours` finds, within one tenant and
kind.

The best of a group is the one with the highest `outcome`; of equal ones the one that is valid
already, so that frozen training sets do not lose members for no reason; then the earliest. One
whose customer belongs to another split than the cluster is never valid. Hence after the same
input, in whatever order and batches, the same examples are superseded and quarantined, the same
lie in one cluster and in one group, and a group whose customers are all of one split has exactly
one valid example as long as one is neither superseded nor quarantined, always of the same outcome.
What may differ: which of several equally good ones is valid, the names of clusters and groups,
and, where customers of several splits meet in a cluster, which of these splits it lies in; a group
without a candidate in that split has no valid example.

Reads and writes no table; `validate.gate` does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from deskwheel.ids import unit_interval
from deskwheel.records import Split
from validate.candidates import Candidate, Decision, Link, Place
from validate.clusters import find_places
from validate.repairs import REJECTED_BY_PERSON
from validate.returns import CUSTOMER_CAME_BACK, Return

DUPLICATE_CONTENT = "DUPLICATE_CONTENT"
NEAR_DUPLICATE = "NEAR_DUPLICATE"
CLUSTER_IN_OTHER_SPLIT = "CLUSTER_IN_OTHER_SPLIT"
NEWER_VERSION = "NEWER_VERSION"

MEANING: dict[str, str] = {
    DUPLICATE_CONTENT: "A valid example has the same normalised query and response.",
    NEAR_DUPLICATE: "A valid example asks and answers nearly the same.",
    CLUSTER_IN_OTHER_SPLIT: (
        "Nearly the same text came first from a customer of another split; here it would make"
        " tests measure memory."
    ),
    CUSTOMER_CAME_BACK: (
        "The customer asked the same again within `validate.came_back_days`: it was no resolution."
    ),
    NEWER_VERSION: "The conversation went on; its newest version replaces the example.",
    REJECTED_BY_PERSON: "A person looked at it and keeps it out.",
}
"""Reasons that no rule of the suite gives, in a sentence for the console."""


def decide(
    existing: Iterable[Candidate],
    incoming: Iterable[Candidate],
    newest: Mapping[str, int],
    links: Iterable[Link] = (),
    *,
    returns: Iterable[Return] = (),
    anew: Collection[str] = (),
) -> dict[str, Decision]:
    """Decisions on new examples and on stored ones that change, by example id.

    An incoming example that is stored already, or comes twice, is decided on once.

    Args:
        existing: stored rows of the conversations in `incoming` and `newest`; of every group that
            a link or equal content reaches the valid row and a reached one; all of the groups
            that lose their valid row; all of the clusters that
            `clusters_that_meet` names.
        incoming: rows to judge.
        newest: conversation id → newest version known, where it is above 1.
        links: between incoming rows, and from them to stored ones; those of equal content need
            not be among them.
        returns: those of customers, between rows of `incoming` and `existing`.
        anew: ids of `incoming` whose stored row is judged again, as if it were not there; the
            whole group of one that was valid must be among `existing`.
    """
    stored = {c.example_id: c for c in existing}
    fresh = {
        c.example_id: c for c in incoming if c.example_id not in stored or c.example_id in anew
    }
    known = stored | fresh
    outdated = _outdated(known.values(), newest)
    members = {i: c for i, c in known.items() if c.is_member}
    places = find_places(members, links, outdated=outdated)
    returned = _returned(returns, members, places) - outdated
    decisions = {
        i: Decision("superseded", (NEWER_VERSION,), places.get(i, Place())) for i in outdated
    } | {i: Decision("quarantined", (CUSTOMER_CAME_BACK,), places[i]) for i in returned}
    decisions |= {
        i: Decision("quarantined", c.reasons)
        for i, c in fresh.items()
        if not c.is_member and i not in outdated
    }
    left = (stored[i] for i in fresh.keys() & stored.keys())
    contested = {c.place.group_id for c in left if c.verdict == "valid"}
    groups: dict[str | None, list[Candidate]] = defaultdict(list)
    for i, c in members.items():
        place = places[i]
        is_moved = place != c.place
        is_out = i in outdated or i in returned
        if is_moved or (is_out and c.verdict == "valid"):
            contested.add(place.group_id)
        if is_out:
            continue
        if c.verdict in (None, "valid", "duplicate"):
            groups[place.group_id].append(c)
        elif is_moved:
            decisions[i] = Decision(c.verdict, c.reasons, place)
    for group in contested & groups.keys():
        decisions |= _hold(groups[group], places)
    return decisions


def decide_split(
    tenant: str, subject_key: str | None, conversation_id: str, *, test: float, dev: float
) -> Split:
    """The split of a customer who is seen first, the same in every replay.

    A conversation whose customer is unknown is a subject of its own.
    """
    place = unit_interval("split", tenant, subject_key or conversation_id)
    if place < test:
        return "test"
    return "dev" if place < test + dev else "train"


def _outdated(known: Iterable[Candidate], newest: Mapping[str, int]) -> set[str]:
    """Ids of the examples whose conversation has a newer version, but for those already out."""
    candidates = list(known)
    latest = dict(newest)
    for c in candidates:
        latest[c.conversation_id] = max(latest.get(c.conversation_id, 1), c.conversation_version)
    return {
        c.example_id
        for c in candidates
        if c.verdict not in ("superseded", "erased")
        and c.conversation_version < latest[c.conversation_id]
    }


def _returned(
    returns: Iterable[Return], members: Mapping[str, Candidate], places: Mapping[str, Place]
) -> set[str]:
    """Ids of the examples that would be valid or duplicates, had their customer not come back."""
    return {
        r.earlier
        for r in returns
        if r.earlier in members
        and members[r.earlier].verdict in (None, "valid", "duplicate")
        and (r.is_same_category or _is_near(places.get(r.earlier), places.get(r.later)))
    }


def _is_near(one: Place | None, other: Place | None) -> bool:
    return one is not None and other is not None and one.group_id == other.group_id


def _hold(group: list[Candidate], places: Mapping[str, Place]) -> dict[str, Decision]:
    """Decisions on those of a group whose verdict or place is not yet what it must be."""
    able = [c for c in group if c.split == places[c.example_id].cluster_split]
    holder = min(
        able,
        key=lambda c: (-c.outcome, c.verdict != "valid", c.sent_at, c.example_id),
        default=None,
    )
    decisions = {}
    for c in group:
        place = places[c.example_id]
        decision = Decision("valid", (), place) if c is holder else _behind(holder, c, place)
        if decision.verdict != c.verdict or place != c.place:
            decisions[c.example_id] = decision
    return decisions


def _behind(holder: Candidate | None, c: Candidate, place: Place) -> Decision:
    if holder is None or c.split != place.cluster_split:
        reason = CLUSTER_IN_OTHER_SPLIT
    else:
        reason = DUPLICATE_CONTENT if c.content == holder.content else NEAR_DUPLICATE
    return Decision("duplicate", (reason,), place, holder.example_id if holder else None)
