"""What of the stored examples may decide about a batch, or change because of it.

Reads the gate's index; writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from validate.candidates import Candidate, Link
from validate.clusters import clusters_that_meet
from validate.entries import Entry
from validate.index import Index
from validate.neighbours import find_links
from validate.returns import Return, find_returns


@dataclass(frozen=True)
class Seen:
    """Stored rows, and what joins the batch with them: `decide`'s arguments."""

    existing: Sequence[Candidate]
    links: Sequence[Link]
    returns: Sequence[Return] = ()


def look_up(
    index: Index,
    fresh: Sequence[Entry],
    newest: Mapping[str, int],
    *,
    of_conversations: Sequence[Candidate],
    anew: Collection[str] = (),
    within: timedelta = timedelta(0),
) -> Seen:
    """What `decide` needs to know about a batch.

    Args:
        index: caught up with the tables.
        fresh: rows of the batch that are not stored yet, or are judged anew.
        newest: conversation id → newest version known, where it is above 1.
        of_conversations: stored rows of the conversations of the batch and of `newest`.
        anew: ids of `fresh` whose stored row is judged again.
        within: how long after an example a customer's return speaks against it; zero: never does.
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
    visits, returns = _returns(index, fresh, within)
    vacated |= {c.place.group_id for c in visits if c.verdict == "valid"}
    groups = {c.place.group_id for c in reached} - vacated
    existing = [
        *of_conversations,
        *reached,
        *visits,
        *index.of_groups({g for g in groups if g}, only_valid=True),
        *index.of_groups({g for g in vacated if g}, only_valid=False),
    ]
    known = {c.example_id: c for c in existing if c.is_member}
    known |= {e.candidate.example_id: e.candidate for e in members}
    existing += index.of_clusters(clusters_that_meet(known, links))
    return Seen(list({c.example_id: c for c in existing}.values()), links, returns)


def _returns(
    index: Index, fresh: Sequence[Entry], within: timedelta
) -> tuple[list[Candidate], list[Return]]:
    """Returns among new rows and stored ones, and the stored rows that they are made of."""
    askers = [e.candidate for e in fresh if e.candidate.asked]
    if not within or not askers:
        return [], []
    since = min(c.sent_at for c in askers) - within
    until = max(c.sent_at for c in askers) + within
    stored = index.of_subjects({c.subject for c in askers}, since, until)
    new = {e.candidate.example_id: e.candidate for e in fresh}
    known = {c.example_id: c for c in stored} | new
    returns = [
        r for r in find_returns(known.values(), within) if r.earlier in new or r.later in new
    ]
    named = {i for r in returns for i in (r.earlier, r.later)}
    return [c for c in stored if c.example_id in named], returns
