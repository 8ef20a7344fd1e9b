"""Clusters and groups of near-copies as connected components: pure functions.

Components, because they do not depend on the order in which examples come: A, B and C that are
linked in a row are one cluster whichever of them is seen first. Where components that were stored
apart meet, one name survives, and all rows of the others are renamed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from deskwheel.records import Split
from validate.candidates import Candidate, Link, Place

_HELD_OUT_FIRST: Mapping[Split | None, int] = {"test": 0, "dev": 1, "train": 2, None: 3}
"""Where clusters of two splits meet, the held-out one stays: losing a training example costs less
than a test set that changes."""


def find_places(
    members: Mapping[str, Candidate], links: Iterable[Link], *, outdated: Iterable[str] = ()
) -> dict[str, Place]:
    """The place of each member, by example id, with those that links and equal content join.

    Args:
        members: new rows that break no rule, and stored ones that have a place.
        links: those between other rows are passed over.
        outdated: ids of rows that name a new cluster or group only if nobody else can.
    """
    joins = [k for k in (*links, *equal_contents(members)) if {k.one, k.other} <= members.keys()]
    old = set(outdated)

    def age(c: Candidate) -> tuple[bool, object, str]:
        return c.example_id in old, c.sent_at, c.example_id

    clusters = _components(members, joins, _cluster_of)
    groups = _components(members, [k for k in joins if k.is_same_question], _group_of)
    named = {root: _cluster_name(found, min(found, key=age)) for root, found in clusters.items()}
    places: dict[str, str] = {}
    for found in groups.values():
        names = [c.place.group_id for c in found if c.place.group_id is not None]
        group = min(names) if names else min(found, key=age).example_id
        places |= {c.example_id: group for c in found}
    return {
        c.example_id: Place(*named[root], places[c.example_id])
        for root, found in clusters.items()
        for c in found
    }


def clusters_that_meet(members: Mapping[str, Candidate], links: Iterable[Link]) -> set[str]:
    """The stored clusters of which a join renames rows: all their rows must then be known.

    Args:
        members: as for `find_places`.
        links: as for `find_places`.
    """
    joins = [k for k in (*links, *equal_contents(members)) if {k.one, k.other} <= members.keys()]
    alike = [k for k in joins if k.is_same_question]
    met: set[str] = set()
    for found in _components(members, joins, _cluster_of).values():
        names = {c.place.cluster_id for c in found} - {None}
        met |= {str(n) for n in names} if len(names) > 1 else set()
    for found in _components(members, alike, _group_of).values():
        if len({c.place.group_id for c in found} - {None}) > 1:
            met |= {str(c.place.cluster_id) for c in found if c.place.cluster_id is not None}
    return met


def equal_contents(members: Mapping[str, Candidate]) -> list[Link]:
    """Links between the members of equal content."""
    first: dict[str, str] = {}
    return [
        Link(first[c.content], i) for i, c in members.items() if first.setdefault(c.content, i) != i
    ]


def _cluster_of(c: Candidate) -> str:
    return c.place.cluster_id or c.example_id


def _group_of(c: Candidate) -> str:
    return c.place.group_id or c.example_id


def _cluster_name(found: list[Candidate], first: Candidate) -> tuple[str, Split]:
    stored = {(c.place.cluster_id, c.place.cluster_split) for c in found} - {(None, None)}
    if not stored:
        return first.example_id, first.split
    name, split = min(stored, key=lambda s: (_HELD_OUT_FIRST[s[1]], s[0] or ""))
    return name or first.example_id, split or first.split


def _components(
    members: Mapping[str, Candidate], joins: Iterable[Link], node: Callable[[Candidate], str]
) -> dict[str, list[Candidate]]:
    """Members by component; two of one node are in one."""
    parents = {node(c): node(c) for c in members.values()}

    def root(name: str) -> str:
        while parents[name] != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    for link in joins:
        parents[root(node(members[link.one]))] = root(node(members[link.other]))
    found: dict[str, list[Candidate]] = defaultdict(list)
    for c in members.values():
        found[root(node(c))].append(c)
    return found
