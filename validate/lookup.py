"""What of the stored examples may decide about a batch, or change because of it.

Reads the gate's index; writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from validate.candidates import Candidate, Link
from validate.clusters import clusters_that_meet
from validate.entries import Entry
from validate.index import Index
from validate.neighbours import find_links


@dataclass(frozen=True)
class Seen:
    """Stored rows, and what joins the batch with them: `decide`'s arguments."""

    existing: Sequence[Candidate]
    links: Sequence[Link]


def look_up(
    index: Index,
    fresh: Sequence[Entry],
    newest: Mapping[str, int],
    *,
    of_conversations: Sequence[Candidate],
    anew: Collection[str] = (),
) -> Seen:
    """What `decide` needs to know about a batch.

    Args:
        index: caught up with the tables.
        fresh: rows of the batch that are not stored yet, or are judged anew.
        newest: conversation id → newest version known, where it is above 1.
        of_conversations: stored rows of the conversations of the batch and of `newest`.
        anew: ids of `fresh` whose stored row is judged again.
    """
    members = [e for e in fresh if e.candidate.is_member]
    links = find_links(index, members)
    ids = {e.candidate.example_id for e in members}
    reached = index.of_contents({e.candidate.content for e in members})
    reached += index.of_ids({i for k in links for i in (k.one, k.other)} - ids)
    vacated = {
        c.place.group_id
        for c in of_conversations
        if c.verdict == "valid"
        and (c.conversation_version < newest.get(c.conversation_id, 1) or c.example_id in anew)
    }
    groups = {c.place.group_id for c in reached} - vacated
    existing = [
        *of_conversations,
        *reached,
        *index.of_groups({g for g in groups if g}, only_valid=True),
        *index.of_groups({g for g in vacated if g}, only_valid=False),
    ]
    known = {c.example_id: c for c in existing if c.is_member}
    known |= {e.candidate.example_id: e.candidate for e in members}
    existing += index.of_clusters(clusters_that_meet(known, links))
    return Seen(list({c.example_id: c for c in existing}.values()), links)
