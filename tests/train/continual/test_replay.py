from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.errors import SnapshotError
from tests.train.rows import example, freeze, write_examples
from train.continual.replay import choose_replay, replay_size, share_out, warm_set
from train.data.training_set import ChatRow, TrainingSet, load_training_set


def rows(**counts: int) -> list[ChatRow]:
    """Rows of categories, so many of each."""
    return [
        ChatRow(
            example_id=f"ex-{category}-{i}",
            conversation_id=f"conv-{category}-{i}",
            query="q",
            context="",
            response="r",
            category=category,
        )
        for category, count in counts.items()
        for i in range(count)
    ]


@pytest.mark.parametrize(("fresh", "share", "size"), [(70, 0.3, 30), (1, 0.3, 1), (10, 0.5, 10)])
def test_older_examples_are_at_least_the_share_of_what_is_learnt(
    fresh: int, share: float, size: int
) -> None:
    assert replay_size(fresh, share) == size
    assert size / (size + fresh) >= share - 1e-9


def test_categories_are_replayed_by_their_share() -> None:
    chosen = choose_replay(rows(SETUP=60, BILLING=30, RETURN=10), 20, salt="a")
    assert Counter(r.category for r in chosen) == {"SETUP": 12, "BILLING": 6, "RETURN": 2}


def test_a_rare_category_is_replayed_where_there_is_room() -> None:
    chosen = choose_replay(rows(SETUP=200, BILLING=1), 10, salt="a")
    assert Counter(r.category for r in chosen) == {"SETUP": 9, "BILLING": 1}


def test_the_choice_depends_on_the_salt_and_not_on_the_order() -> None:
    older = rows(SETUP=60, BILLING=30)
    chosen = choose_replay(older, 20, salt="a")
    assert choose_replay(older[::-1], 20, salt="a") == chosen
    assert choose_replay(older, 20, salt="b") != chosen


def test_more_than_there_are_cannot_be_replayed() -> None:
    with pytest.raises(ValueError, match="only 3"):
        choose_replay(rows(SETUP=3), 4, salt="a")


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(1, 40), min_size=1), st.data())
def test_a_size_is_shared_out_whole_and_no_part_exceeds_its_count(
    counts: dict[str, int], data: st.DataObject
) -> None:
    size = data.draw(st.integers(0, sum(counts.values())))
    parts = share_out(counts, size)
    assert sum(parts.values()) == size
    assert all(0 <= parts[name] <= count for name, count in counts.items())
    if size >= len(counts):
        assert min(parts.values()) >= 1


def test_a_warm_start_learns_fresh_rows_and_a_replay(tmp_path: Path) -> None:
    data = two_snapshots(tmp_path, older=20, fresh=14)
    warm = warm_set(data, lake_dir=str(tmp_path), older_snapshot_id="snap-1", share=0.3)
    ids = [row.example_id for row in warm.rows["train"]]
    assert [id for id in ids if id >= "ex-020"] == [f"ex-{n:03}" for n in range(20, 34)]
    assert len(ids) == 14 + 6
    assert ids == sorted(ids)
    assert warm.rows["dev"] == data.rows["dev"]
    assert warm.content_digest != data.content_digest
    assert warm_set(data, lake_dir=str(tmp_path), older_snapshot_id="snap-1", share=0.3) == warm


def test_a_warm_start_without_enough_older_examples_is_refused(tmp_path: Path) -> None:
    data = two_snapshots(tmp_path, older=2, fresh=14)
    for older in ("snap-1", "snap-nobody"):
        with pytest.raises(SnapshotError, match="must replay"):
            warm_set(data, lake_dir=str(tmp_path), older_snapshot_id=older, share=0.3)


def two_snapshots(folder: Path, *, older: int, fresh: int) -> TrainingSet:
    """The training set of a snapshot of all examples; `snap-1` holds the older ones."""
    examples = [
        replace(example(i), sent_at=datetime(2026, 3, 2, tzinfo=UTC)) for i in range(older + fresh)
    ]
    lake_dir = str(folder)
    version = write_examples(lake_dir, examples)
    freeze(lake_dir, examples[:older], version=version)
    whole = replace(freeze(str(folder / "other"), examples, version=version), snapshot_id="snap-2")
    return load_training_set(lake_dir, whole)


def test_rows_know_their_category_and_month(tmp_path: Path) -> None:
    row = two_snapshots(tmp_path, older=1, fresh=1).rows["train"][0]
    assert (row.category, row.month) == ("SETUP", "2026-03")
