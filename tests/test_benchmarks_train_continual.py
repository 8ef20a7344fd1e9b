"""What the benchmark of warm starts makes of its numbers; its run takes minutes."""

import pytest

from benchmarks.train_continual import (
    CATEGORIES,
    NEWER,
    OLDER,
    Learnt,
    draw_windows,
    judge,
    table,
)


def learnt(loss: float, *, cpu_s: float = 10.0, **changes: float) -> Learnt:
    losses = dict.fromkeys((*CATEGORIES, "older", "newer"), loss) | changes
    return Learnt(examples=8, steps=4, cpu_s=cpu_s, losses=losses)


FOUND = {
    "champion": [learnt(1.0), learnt(2.0)],
    "retrain": [learnt(0.9), learnt(1.9)],
    "warm 0": [learnt(1.2, cpu_s=3.0, SETUP=3.0), learnt(1.9, cpu_s=5.0)],
    "warm 0.5": [learnt(0.95), learnt(2.0)],
}


def test_what_is_forgotten_is_that_of_the_worst_older_category_over_the_champion() -> None:
    claims = {c.id.removeprefix("train_continual."): c for c in judge(FOUND)}
    assert claims["warm_0.forgotten"].value == pytest.approx((3.0 + 1.9) / 2 - 1.5)
    assert "in SETUP, the worst; older window, seed by seed: +0.200, -0.100" in (
        claims["warm_0.forgotten"].peer
    )
    assert claims["warm_0.newer"].value == pytest.approx((1.2 + 1.9) / 2 - 1.4)
    assert claims["warm_0.cpu"].value == pytest.approx(0.4)
    assert claims["warm_0.forgotten"].holds is None
    assert claims["warm_0.5.forgotten"].holds is True


def test_the_table_has_a_row_a_way_and_a_column_a_slice() -> None:
    head, _, *rows = table(FOUND)
    assert head.count("|") == 4 + len(CATEGORIES) + 2 + 1
    assert [row.split(" | ")[0] for row in rows] == [f"| {way}" for way in FOUND]
    assert rows[2].startswith("| warm 0 | 8 | 4 | 4 | ")


def test_windows_share_no_category_and_no_held_out_example() -> None:
    windows = draw_windows(1)
    assert {row.category for row in windows.older} == set(OLDER)
    assert {row.category for row in windows.newer} == set(NEWER)
    learnt_ids = {row.example_id for row in (*windows.older, *windows.newer)}
    assert len(learnt_ids) == len(windows.older) + len(windows.newer)
    assert learnt_ids.isdisjoint(row.example_id for row in windows.dev)
    assert {row.category for row in windows.dev} == set(CATEGORIES)
