"""The rule of verdicts, as facts and as a property over random arrivals."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from validate.verdicts import (
    DUPLICATE_CONTENT,
    NEWER_VERSION,
    Candidate,
    Decision,
    decide,
    decide_split,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def candidate(
    name: str, content: str = "x", *, version: int = 1, minute: int = 0, reasons: Sequence[str] = ()
) -> Candidate:
    return Candidate(
        example_id=f"{name}-{version}",
        conversation_id=name,
        conversation_version=version,
        content_hash=content,
        sent_at=NOON + timedelta(minutes=minute),
        reasons=tuple(reasons),
    )


class Table:
    """`validated_examples` in memory, looked up as `validate.gate` looks it up."""

    def __init__(self) -> None:
        self.rows: dict[str, Candidate] = {}
        self.versions: dict[str, int] = {}

    def judge(self, incoming: Sequence[Candidate], newer: dict[str, int] | None = None) -> None:
        for c in incoming:
            version = max(self.versions.get(c.conversation_id, 1), c.conversation_version)
            self.versions[c.conversation_id] = version
        for name, version in (newer or {}).items():
            self.versions[name] = max(self.versions.get(name, 1), version)
        touched = {c.conversation_id for c in incoming} | set(newer or {})
        newest = {c: v for c, v in self.versions.items() if c in touched and v > 1}
        hashes = {c.content_hash for c in incoming} | {
            c.content_hash
            for c in self.rows.values()
            if c.conversation_version < newest.get(c.conversation_id, 1) and c.verdict == "valid"
        }
        existing = [
            c
            for c in self.rows.values()
            if c.conversation_id in touched or c.content_hash in hashes
        ]
        known = {c.example_id: c for c in incoming} | {c.example_id: c for c in existing}
        for example_id, found in decide(existing, incoming, newest).items():
            self.rows[example_id] = replace(
                known[example_id], verdict=found.verdict, reasons=found.reasons
            )

    def verdict(self, example_id: str) -> str | None:
        return self.rows[example_id].verdict


def test_first_copy_is_valid_and_later_ones_are_duplicates() -> None:
    found = decide([], [candidate("b", minute=2), candidate("a", minute=1)], {})
    assert found["a-1"] == Decision("valid")
    assert found["b-1"] == Decision("duplicate", (DUPLICATE_CONTENT,))


def test_earlier_copy_that_arrives_late_does_not_displace_the_valid_one() -> None:
    table = Table()
    table.judge([candidate("b", minute=2)])
    table.judge([candidate("a", minute=1)])
    assert (table.verdict("b-1"), table.verdict("a-1")) == ("valid", "duplicate")


def test_broken_rule_quarantines_and_leaves_the_content_free() -> None:
    found = decide([], [candidate("a", reasons=["CSAT_LOW"]), candidate("b", minute=1)], {})
    assert found["a-1"] == Decision("quarantined", ("CSAT_LOW",))
    assert found["b-1"] == Decision("valid")


def test_newer_version_with_equal_content_is_valid_not_duplicate() -> None:
    table = Table()
    table.judge([candidate("a")])
    table.judge([candidate("a", version=2)])
    assert (table.verdict("a-1"), table.verdict("a-2")) == ("superseded", "valid")


def test_duplicate_is_revived_when_its_holder_is_superseded() -> None:
    table = Table()
    table.judge([candidate("a"), candidate("c", minute=3), candidate("b", minute=2)])
    table.judge([candidate("a", "other", version=2)])
    assert {k: v.verdict for k, v in table.rows.items()} == {
        "a-1": "superseded", "a-2": "valid", "b-1": "valid", "c-1": "duplicate",
    }  # fmt: skip
    assert table.rows["b-1"].reasons == ()
    assert table.rows["a-1"].reasons == (NEWER_VERSION,)


def test_version_without_example_supersedes_and_late_old_version_is_superseded() -> None:
    table = Table()
    table.judge([candidate("a", reasons=["CSAT_LOW"])])
    table.judge([], {"a": 2, "b": 2})
    table.judge([candidate("b")])
    assert (table.verdict("a-1"), table.verdict("b-1")) == ("superseded", "superseded")


def test_same_example_again_changes_nothing() -> None:
    table = Table()
    table.judge([candidate("a"), candidate("b", minute=1)])
    before = dict(table.rows)
    table.judge([candidate("a"), candidate("b", minute=1), candidate("b", minute=1)])
    assert table.rows == before


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[Candidate | None, str, int]]:
    """Examples, and conversation versions without one, of a few conversations and contents."""
    items: list[tuple[Candidate | None, str, int]] = []
    for number in range(draw(st.integers(1, 6))):
        name = f"c{number}"
        for version in range(1, draw(st.integers(1, 3)) + 1):
            content = draw(st.sampled_from(["x", "y", "z"]))
            reasons = draw(st.sampled_from([(), (), (), ("CSAT_LOW",)]))
            minute = draw(st.integers(0, 5))
            found = candidate(name, content, version=version, minute=minute, reasons=reasons)
            has_example = draw(st.booleans()) or version == 1
            items.append((found if has_example else None, name, version))
    return items


@settings(max_examples=200, deadline=None)
@given(arrivals(), st.randoms(use_true_random=False))
def test_order_and_batches_do_not_change_the_outcome(
    items: list[tuple[Candidate | None, str, int]], chance: random.Random
) -> None:
    outcomes = []
    for _ in range(3):
        order = list(items)
        chance.shuffle(order)
        table = Table()
        while order:
            size = chance.randint(1, len(order))
            batch, order = order[:size], order[size:]
            newer = {name: version for found, name, version in batch if found is None}
            table.judge([found for found, _, _ in batch if found is not None], newer)
        rows = table.rows.values()
        assert len(rows) == sum(found is not None for found, _, _ in items)
        fixed = {
            c.example_id: c.verdict for c in rows if c.verdict in ("superseded", "quarantined")
        }
        by_content = Counter((c.content_hash, c.verdict) for c in rows)
        outcomes.append((fixed, by_content))
        assert all(n == 1 for (_, verdict), n in by_content.items() if verdict == "valid")
        left = {c.content_hash for c in rows if c.verdict in ("valid", "duplicate")}
        assert left == {content for content, verdict in by_content if verdict == "valid"}
    assert outcomes[0] == outcomes[1] == outcomes[2]


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
