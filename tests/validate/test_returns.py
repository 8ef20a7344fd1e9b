"""A customer who asks the same again was not helped; nobody else's question says so."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from deskwheel.ids import content_hash
from deskwheel.records import Example
from tests.validate.rows import example as plain
from tests.validate.test_index import entry
from transforms.pairs.relevance import relevance
from validate.candidates import Decision
from validate.entries import Entry
from validate.index import Index, open_index
from validate.lookup import look_up
from validate.returns import (
    CUSTOMER_CAME_BACK,
    MOST_VISITS,
    asked_pieces,
    common_pieces,
    find_returns,
)
from validate.verdicts import NEAR_DUPLICATE, decide

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
PARCEL = "Where is my parcel? The tracking page has not moved."
AGAIN = "My parcel is still lost, the tracking page shows nothing new."
OTHER = "Please change the printed invoice address."


def visit(
    name: str, query: str = PARCEL, *, days: float = 0, response: str = "", **changes: Any
) -> Example:
    """An example of conversation `name`, of the customer `anna` about a delivery."""
    told = plain(name, **{"subject_key": "anna", "category": "DELIVERY", **changes})
    said = response or f"Answer {name} to what was asked by you."
    return replace(
        told,
        query=query,
        response=said,
        sent_at=told.sent_at + days * DAY,
        content_hash=content_hash(query, said),
    )


def judge(
    index: Index, *batches: Iterable[Example | Entry], within: timedelta = WEEK
) -> dict[str, Decision]:
    """The newest decision on each example after some batches."""
    found: dict[str, Decision] = {}
    for batch in batches:
        entries = [e if isinstance(e, Entry) else entry(e) for e in batch]
        fresh = {e.candidate.example_id: e for e in entries}
        stored = index.of_ids(fresh)
        new = {i: e for i, e in fresh.items() if i not in {c.example_id for c in stored}}
        seen = look_up(index, list(new.values()), {}, of_conversations=stored, within=within)
        candidates = [e.candidate for e in new.values()]
        decisions = decide(seen.existing, candidates, {}, seen.links, returns=seen.returns)
        index.apply(decisions, new, version=(index.reflects.version or 0) + 1)
        found |= decisions
    return found


def verdicts(decisions: dict[str, Decision]) -> dict[str, str]:
    return {i.removeprefix("ex-").removesuffix("-1"): d.verdict for i, d in decisions.items()}


@pytest.fixture
def index(tmp_path: Path) -> Iterable[Index]:
    with open_index(tmp_path / "index.sqlite") as found:
        yield found


def test_example_whose_customer_came_back_is_quarantined(index: Index) -> None:
    assert verdicts(judge(index, [visit("first")])) == {"first": "valid"}
    found = judge(index, [visit("second", AGAIN, days=3)])
    assert verdicts(found) == {"second": "valid", "first": "quarantined"}
    assert found["ex-first-1"].reasons == (CUSTOMER_CAME_BACK,)
    assert found["ex-first-1"].place.cluster_id == "ex-first-1"


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("cuts", [(), (1,), (2,), (1, 2)])
def test_order_and_batches_of_arrival_do_not_matter(
    index: Index, order: Sequence[int], cuts: Sequence[int]
) -> None:
    visits = [visit("a"), visit("b", AGAIN, days=2), visit("c", OTHER, days=3)]
    rows = [visits[i] for i in order]
    edges = [0, *cuts, len(rows)]
    batches = [rows[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert verdicts(judge(index, *batches)) == {"a": "quarantined", "b": "valid", "c": "valid"}


@pytest.mark.parametrize(
    "later",
    [
        visit("late", AGAIN, days=8),
        visit("away", AGAIN, days=1, tenant="other"),
        visit("stranger", AGAIN, days=1, subject_key="ben"),
        visit("elsewhere", AGAIN, days=1, category="REFUND"),
        visit("new", OTHER, days=1),
        visit("erased", AGAIN, days=1, subject_key=None),
        replace(visit("same", AGAIN, days=1), conversation_id="conv-first"),
        visit("at_once", AGAIN),
    ],
    ids=lambda e: e.example_id,
)
def test_what_is_no_return_leaves_the_example_valid(index: Index, later: Example) -> None:
    found = judge(index, [visit("first")], [later])
    assert found["ex-first-1"].verdict == "valid"


def test_example_of_an_unknown_customer_is_never_one_that_was_asked_again(index: Index) -> None:
    first, second = (visit(n, q, subject_key=None) for n, q in (("a", PARCEL), ("b", AGAIN)))
    found = judge(index, [first], [replace(second, sent_at=second.sent_at + DAY)])
    assert verdicts(found) == {"a": "valid", "b": "valid"}


def test_near_copy_counts_whatever_its_category(index: Index) -> None:
    said = "Hold the small button on the back for ten seconds until the light turns amber again."
    found = judge(
        index,
        [visit("first", response=said)],
        [visit("second", days=1, response=said + " Goodbye.", category="SETUP")],
    )
    assert verdicts(found) == {"first": "quarantined", "second": "valid"}


def test_best_of_the_group_that_is_left_takes_the_place(index: Index) -> None:
    said = "Hold the small button on the back for ten seconds until the light turns amber again."
    copy = visit("copy", subject_key="ben", response=said + " Goodbye.", days=0.1)
    before = judge(index, [visit("first", response=said)], [copy])
    assert before["ex-copy-1"].reasons == (NEAR_DUPLICATE,)
    found = judge(index, [visit("second", AGAIN, days=1, response="Sent anew today, sorry.")])
    assert verdicts(found) == {"first": "quarantined", "second": "valid", "copy": "valid"}


def test_later_example_counts_whatever_became_of_it(index: Index) -> None:
    broken = entry(visit("second", AGAIN, days=1), ["RESOLUTION_UNSURE"])
    found = judge(index, [broken], [visit("first")])
    assert verdicts(found) == {"second": "quarantined", "first": "quarantined"}
    assert found["ex-second-1"].reasons == ("RESOLUTION_UNSURE",)


def test_broken_rule_stays_the_reason(index: Index) -> None:
    found = judge(index, [entry(visit("a"), ["CSAT_LOW"])], [visit("b", AGAIN, days=1)])
    assert found["ex-a-1"].reasons == ("CSAT_LOW",)


def test_negative_is_not_judged_by_returns(index: Index) -> None:
    first = visit("first", kind="negative", negative_kind="rude")
    found = judge(index, [first], [visit("second", AGAIN, days=1)])
    assert found["ex-first-1"].verdict == "valid"


def test_person_who_accepts_it_is_obeyed(index: Index) -> None:
    accepted = entry(visit("first"))
    accepted = replace(accepted, candidate=replace(accepted.candidate, is_answer=False))
    found = judge(index, [accepted], [visit("second", AGAIN, days=1)])
    assert verdicts(found) == {"first": "valid", "second": "valid"}


def test_replay_decides_nothing_anew(index: Index) -> None:
    batches = [[visit("first")], [visit("second", AGAIN, days=1)]]
    judge(index, *batches)
    assert judge(index, *batches) == {}


def test_zero_days_turn_it_off(index: Index) -> None:
    found = judge(index, [visit("a")], [visit("b", AGAIN, days=1)], within=timedelta(0))
    assert verdicts(found) == {"a": "valid", "b": "valid"}


def test_busy_customer_costs_no_square() -> None:
    visits = [entry(visit(f"v{n}", days=n / 1000)).candidate for n in range(300)]
    assert len(find_returns(visits, WEEK)) <= 300 * MOST_VISITS


def test_overlap_of_hashes_is_relevance_up_to_64_pieces_and_near_it_beyond() -> None:
    chance = random.Random(5)
    words = ["".join(chance.choices("abcdefghij", k=chance.randint(3, 9))) for _ in range(60)]
    for size, error in ((8, 0.0), (60, 0.25)):
        for _ in range(50):
            one, other = (" ".join(chance.choices(words, k=size)) for _ in range(2))
            found = common_pieces(asked_pieces(one), asked_pieces(other))
            assert found == pytest.approx(relevance(one, other), abs=error + 1e-4)
    assert common_pieces(asked_pieces(None), asked_pieces("parcel")) == 0
