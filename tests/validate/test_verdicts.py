"""The rule of verdicts, as facts and as a property over random arrivals."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from deskwheel.records import Split
from validate.candidates import Candidate, Decision, Link, Place, rate_outcome
from validate.verdicts import (
    CLUSTER_IN_OTHER_SPLIT,
    DUPLICATE_CONTENT,
    NEAR_DUPLICATE,
    NEWER_VERSION,
    decide,
    decide_split,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

NEAR = {("x", "x2"): True, ("x2", "x3"): True, ("q", "x"): False}
"""Contents that say nearly the same, and whether they ask the same. x and x3 meet only in x2."""


def candidate(
    name: str,
    content: str = "x",
    *,
    version: int = 1,
    minute: int = 0,
    reasons: Sequence[str] = (),
    split: Split = "train",
    outcome: int = 0,
) -> Candidate:
    return Candidate(
        example_id=f"{name}-{version}",
        conversation_id=name,
        conversation_version=version,
        content=content,
        sent_at=NOON + timedelta(minutes=minute),
        reasons=tuple(reasons),
        split=split,
        outcome=outcome,
    )


def near_links(rows: Iterable[Candidate]) -> list[Link]:
    """Links between rows whose contents are near in `NEAR`."""
    members = sorted((c for c in rows if c.is_member), key=lambda c: c.content)
    return [
        Link(a.example_id, b.example_id, NEAR[a.content, b.content])
        for a, b in combinations(members, 2)
        if (a.content, b.content) in NEAR
    ]


class Table:
    """`validated_examples` in memory, all of it known to each decision."""

    def __init__(self) -> None:
        self.rows: dict[str, Candidate] = {}
        self.behind: dict[str, str | None] = {}
        self.versions: dict[str, int] = {}

    def judge(
        self, incoming: Sequence[Candidate], newer: dict[str, int] | None = None
    ) -> dict[str, Decision]:
        for c in incoming:
            version = max(self.versions.get(c.conversation_id, 1), c.conversation_version)
            self.versions[c.conversation_id] = version
        for name, version in (newer or {}).items():
            self.versions[name] = max(self.versions.get(name, 1), version)
        newest = {c: v for c, v in self.versions.items() if v > 1}
        known = {c.example_id: c for c in incoming} | self.rows
        found = decide(list(self.rows.values()), incoming, newest, near_links(known.values()))
        for example_id, decision in found.items():
            self.behind[example_id] = decision.duplicate_of
            self.rows[example_id] = replace(
                known[example_id],
                verdict=decision.verdict,
                reasons=decision.reasons,
                place=decision.place,
            )
        return found

    def verdicts(self) -> dict[str, str | None]:
        return {i: c.verdict for i, c in self.rows.items()}

    def members(self) -> list[Candidate]:
        return [c for c in self.rows.values() if c.is_member]


def test_first_copy_is_valid_and_later_ones_are_duplicates() -> None:
    found = decide([], [candidate("b", minute=2), candidate("a", minute=1)], {})
    place = Place("a-1", "train", "a-1")
    assert found["a-1"] == Decision("valid", (), place)
    assert found["b-1"] == Decision("duplicate", (DUPLICATE_CONTENT,), place, "a-1")


def test_near_copy_is_a_duplicate_of_the_valid_one() -> None:
    table = Table()
    table.judge([candidate("a")])
    found = table.judge([candidate("b", "x2", minute=1)])
    assert found == {
        "b-1": Decision("duplicate", (NEAR_DUPLICATE,), Place("a-1", "train", "a-1"), "a-1")
    }


def test_same_answer_to_another_question_is_valid_in_the_same_cluster() -> None:
    table = Table()
    table.judge([candidate("a"), candidate("b", "q", minute=1)])
    assert table.verdicts() == {"a-1": "valid", "b-1": "valid"}
    assert table.rows["b-1"].place == Place("a-1", "train", "b-1")


def test_earlier_copy_that_arrives_late_does_not_displace_the_valid_one() -> None:
    table = Table()
    table.judge([candidate("b", minute=2)])
    table.judge([candidate("a", minute=1)])
    assert table.verdicts() == {"b-1": "valid", "a-1": "duplicate"}


def test_copy_with_a_better_outcome_takes_the_place() -> None:
    table = Table()
    table.judge([candidate("a", outcome=1)])
    found = table.judge([candidate("b", "x2", minute=1, outcome=2)])
    assert found["b-1"].verdict == "valid"
    assert found["a-1"] == Decision(
        "duplicate", (NEAR_DUPLICATE,), Place("a-1", "train", "a-1"), "b-1"
    )


def test_best_of_the_duplicates_follows_a_superseded_one() -> None:
    table = Table()
    table.judge(
        [candidate("a", outcome=3), candidate("b", outcome=1), candidate("c", minute=5, outcome=2)]
    )
    table.judge([candidate("a", "other", version=2)])
    assert table.verdicts() == {
        "a-1": "superseded", "a-2": "valid", "b-1": "duplicate", "c-1": "valid",
    }  # fmt: skip


def test_broken_rule_quarantines_and_leaves_the_content_free() -> None:
    found = decide([], [candidate("a", reasons=["CSAT_LOW"]), candidate("b", minute=1)], {})
    assert found["a-1"] == Decision("quarantined", ("CSAT_LOW",))
    assert found["b-1"].verdict == "valid"


def test_newer_version_with_equal_content_is_valid_not_duplicate() -> None:
    table = Table()
    table.judge([candidate("a")])
    table.judge([candidate("a", version=2)])
    assert table.verdicts() == {"a-1": "superseded", "a-2": "valid"}


def test_duplicate_is_revived_when_its_holder_is_superseded() -> None:
    table = Table()
    table.judge([candidate("a"), candidate("c", minute=3), candidate("b", minute=2)])
    table.judge([candidate("a", "other", version=2)])
    assert table.verdicts() == {
        "a-1": "superseded", "a-2": "valid", "b-1": "valid", "c-1": "duplicate",
    }  # fmt: skip
    assert table.rows["b-1"].reasons == ()
    assert table.rows["a-1"].reasons == (NEWER_VERSION,)


def test_version_without_example_supersedes_and_late_old_version_is_superseded() -> None:
    table = Table()
    table.judge([candidate("a", reasons=["CSAT_LOW"])])
    table.judge([], {"a": 2, "b": 2})
    table.judge([candidate("b")])
    assert table.verdicts() == {"a-1": "superseded", "b-1": "superseded"}


def test_same_example_again_changes_nothing() -> None:
    table = Table()
    table.judge([candidate("a"), candidate("b", minute=1)])
    before = dict(table.rows)
    again = table.judge([candidate("a"), candidate("b", minute=1), candidate("b", minute=1)])
    assert (again, table.rows) == ({}, before)


def test_example_judged_anew_is_judged_as_if_it_came_now() -> None:
    table = Table()
    table.judge([candidate("a", reasons=["CSAT_LOW"]), candidate("b", minute=1)])
    found = decide(table.rows.values(), [candidate("a", outcome=1)], {}, (), anew={"a-1"})
    assert {i: d.verdict for i, d in found.items()} == {"a-1": "valid", "b-1": "duplicate"}


def test_copy_from_a_customer_of_another_split_is_never_valid() -> None:
    table = Table()
    table.judge([candidate("a", split="test")])
    table.judge([candidate("b", minute=1, outcome=9), candidate("c", "q", minute=2)])
    assert table.verdicts() == {"a-1": "valid", "b-1": "duplicate", "c-1": "duplicate"}
    assert table.rows["b-1"].reasons == (CLUSTER_IN_OTHER_SPLIT,)
    table.judge([], {"a": 2})
    assert table.verdicts() == {"a-1": "superseded", "b-1": "duplicate", "c-1": "duplicate"}


def test_clusters_that_meet_become_one_in_the_held_out_split() -> None:
    table = Table()
    table.judge([candidate("a", "x"), candidate("b", "x3", split="test")])
    assert table.verdicts() == {"a-1": "valid", "b-1": "valid"}
    table.judge([candidate("c", "x2", split="test", minute=1)])
    assert table.verdicts() == {"a-1": "duplicate", "b-1": "valid", "c-1": "duplicate"}
    assert {c.place.cluster_id for c in table.rows.values()} == {"b-1"}
    assert table.rows["a-1"].reasons == (CLUSTER_IN_OTHER_SPLIT,)


def test_outcomes_are_ordered_by_praise_then_resolution_then_author_then_warnings() -> None:
    plain = {
        "csat": None, "thumb": None, "resolution_probability": 0.71, "authorship": "model_edited",
        "warnings": ["X"],
    }  # fmt: skip
    better = [
        plain,
        {**plain, "warnings": []},
        {**plain, "authorship": "human"},
        {**plain, "resolution_probability": 0.8},
        {**plain, "csat": 5},
    ]
    rates = [rate_outcome(**facts) for facts in better]  # type: ignore[arg-type]
    assert rates == sorted(set(rates))
    assert rate_outcome(**{**plain, "thumb": "up"}) == rates[-1]  # type: ignore[arg-type]
    assert rate_outcome(**{**plain, "resolution_probability": 0.79}) == rates[0]  # type: ignore[arg-type]


Arrival = tuple[Candidate | None, str, int]


@st.composite
def arrivals(draw: st.DrawFn, splits: Sequence[Split] = ("train",)) -> list[Arrival]:
    """Examples, and conversation versions without one, of a few conversations and contents."""
    items: list[Arrival] = []
    for number in range(draw(st.integers(1, 7))):
        name = f"c{number}"
        split = draw(st.sampled_from(splits))
        for version in range(1, draw(st.integers(1, 3)) + 1):
            found = candidate(
                name,
                draw(st.sampled_from(["x", "x2", "x3", "q", "y"])),
                version=version,
                minute=draw(st.integers(0, 5)),
                reasons=draw(st.sampled_from([(), (), (), ("CSAT_LOW",)])),
                split=split,
                outcome=draw(st.integers(0, 2)),
            )
            has_example = draw(st.booleans()) or version == 1
            items.append((found if has_example else None, name, version))
    return items


def in_some_order(items: Sequence[Arrival], chance: random.Random) -> Table:
    """The table after the arrivals in random order and batches."""
    order = list(items)
    chance.shuffle(order)
    table = Table()
    while order:
        size = chance.randint(1, len(order))
        batch, order = order[:size], order[size:]
        newer = {name: version for found, name, version in batch if found is None}
        table.judge([found for found, _, _ in batch if found is not None], newer)
    assert len(table.rows) == sum(found is not None for found, _, _ in items)
    return table


def parts(table: Table, attribute: str) -> set[frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for c in table.members():
        found[getattr(c.place, attribute)].add(c.example_id)
    return {frozenset(of) for of in found.values()}


def left_out(table: Table) -> dict[str, str | None]:
    return {i: v for i, v in table.verdicts().items() if v in ("superseded", "quarantined")}


@settings(max_examples=60, deadline=None)
@given(arrivals(), st.randoms(use_true_random=False))
def test_order_and_batches_do_not_change_the_outcome(
    items: list[Arrival], chance: random.Random
) -> None:
    outcomes = []
    for _ in range(3):
        table = in_some_order(items, chance)
        groups = defaultdict(list)
        for c in table.members():
            if c.verdict != "superseded":
                groups[c.place.group_id].append(c)
        held = Counter[tuple[frozenset[str], int]]()
        for group in groups.values():
            [valid] = [c for c in group if c.verdict == "valid"]
            assert valid.outcome == max(c.outcome for c in group)
            held[frozenset(c.example_id for c in group), valid.outcome] += 1
        outcomes.append(
            (left_out(table), parts(table, "cluster_id"), parts(table, "group_id"), held)
        )
    assert outcomes[0] == outcomes[1] == outcomes[2]


@settings(max_examples=60, deadline=None)
@given(arrivals(("train", "dev", "test")), st.randoms(use_true_random=False))
def test_no_text_is_valid_in_two_splits_whatever_the_order(
    items: list[Arrival], chance: random.Random
) -> None:
    outcomes = []
    for _ in range(3):
        table = in_some_order(items, chance)
        outcomes.append((left_out(table), parts(table, "cluster_id"), parts(table, "group_id")))
        valid = [c for c in table.rows.values() if c.verdict == "valid"]
        assert all(c.split == c.place.cluster_split for c in valid)
        assert len({c.place.group_id for c in valid}) == len(valid)
        able = {
            c.place.group_id
            for c in table.members()
            if c.verdict != "superseded" and c.split == c.place.cluster_split
        }
        assert able == {c.place.group_id for c in valid}
        held_out = {c.place.cluster_id: c.place.cluster_split for c in table.members()}
        assert {(c.place.cluster_id, c.place.cluster_split) for c in table.members()} == set(
            held_out.items()
        )
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_cluster_keeps_its_split_and_its_name() -> None:
    table = Table()
    table.judge([candidate("a", split="dev")])
    for number, content in enumerate(["x", "x2", "q", "x3"]):
        table.judge([candidate(f"n{number}", content, minute=-number, outcome=number)])
    assert {c.place[:2] for c in table.rows.values()} == {("a-1", "dev")}


@given(st.text(max_size=8), st.none() | st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_split_belongs_to_the_subject(tenant: str, subject: str | None, other: str) -> None:
    shares = {"test": 0.3, "dev": 0.3}
    first = decide_split(tenant, subject, "conv-1", **shares)
    assert first == decide_split(tenant, subject, "conv-1", **shares)
    if subject is not None:
        assert first == decide_split(tenant, subject, other, **shares)


def test_split_shares_are_met() -> None:
    found = Counter(decide_split("acme", f"s{n}", "", test=0.1, dev=0.05) for n in range(5000))
    assert 430 < found["test"] < 570
    assert 190 < found["dev"] < 310
