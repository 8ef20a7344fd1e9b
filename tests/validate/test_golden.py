"""A golden set grows as a draft, is frozen once, and says when a model could have learnt it."""

import json
from argparse import Namespace
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from deskwheel import lake
from deskwheel.errors import ConfigError, SnapshotError
from deskwheel.golden import GoldenSet
from deskwheel.settings import Settings
from deskwheel.tables import GOLDEN, VALIDATED
from tests.validate.frozen import judged, store, told
from validate.golden.check import check_set
from validate.golden.commands import golden_verb
from validate.golden.plan import allot, draw_examples
from validate.golden.sets import (
    add_examples,
    freeze_set,
    remove_examples,
)
from validate.snapshots.freeze import freeze_snapshot
from validate.snapshots.golden import all_sets, frozen_set, newest_set

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def add(settings: Settings, *ids: str, hours: int = 0) -> GoldenSet:
    now = NOW + timedelta(hours=hours)
    return add_examples(settings.pipeline.lake, "support", ids, origin="file", now=now)


def freeze(settings: Settings, *, hours: int = 0) -> GoldenSet:
    return freeze_set(settings.pipeline.lake, "support", now=NOW + timedelta(hours=hours))


def call(settings: Settings, action: str, *, file: Path | None = None, plan: int | None = None,
         as_json: bool = True) -> int:  # fmt: skip
    return golden_verb(settings, Namespace(action=action, file=file, plan=plan, json=as_json))


def ids_of(golden: GoldenSet | None) -> list[str]:
    return [m.example_id for m in golden.members] if golden else []


def test_draft_grows_and_a_frozen_set_stays(settings: Settings) -> None:
    store(settings, *(judged(told(name)) for name in "abc"))
    add(settings, "ex-b-1")
    add(settings, "ex-a-1", "ex-b-1", hours=1)
    first = freeze(settings, hours=2)
    assert ids_of(first) == ["ex-a-1", "ex-b-1"]
    draft = add(settings, "ex-c-1", hours=3)
    assert ids_of(draft) == ["ex-a-1", "ex-b-1", "ex-c-1"]
    assert frozen_set(settings.pipeline.lake, "support") == first
    assert newest_set(settings.pipeline.lake, "support") == draft
    assert newest_set(settings.pipeline.lake, "other") is None


def test_adding_or_freezing_again_writes_nothing(settings: Settings) -> None:
    store(settings, judged(told("a")))
    add(settings, "ex-a-1")
    frozen = freeze(settings)
    version = lake.current_version(settings.pipeline.lake, GOLDEN)
    assert add(settings, "ex-a-1", hours=1) == frozen
    assert freeze(settings, hours=1) == frozen
    assert lake.current_version(settings.pipeline.lake, GOLDEN) == version


def test_id_of_a_set_follows_from_its_members(settings: Settings) -> None:
    store(settings, *(judged(told(name)) for name in "ab"))
    add(settings, "ex-a-1")
    first = freeze(settings)
    add(settings, "ex-b-1", hours=1)
    second = freeze(settings, hours=2)
    remove_examples(settings.pipeline.lake, "support", ["ex-b-1"], now=NOW + timedelta(hours=3))
    third = freeze(settings, hours=4)
    assert first.golden_id == third.golden_id != second.golden_id
    assert first.manifest == third.manifest


def test_only_valid_ideal_examples_become_golden(settings: Settings) -> None:
    store(
        settings,
        judged(told("a")),
        judged(told("n", kind="negative", negative_kind="rude")),
        judged(told("q"), "quarantined", "train", "CSAT_LOW"),
    )
    for example_id in ("ex-n-1", "ex-q-1", "ex-z"):
        with pytest.raises(SnapshotError, match=f"1 of 2 ids .* {example_id}"):
            add(settings, "ex-a-1", example_id)
    assert newest_set(settings.pipeline.lake, "support") is None


def test_draft_whose_example_is_not_valid_any_more_is_not_frozen(settings: Settings) -> None:
    store(settings, judged(told("a")), judged(told("b")))
    add(settings, "ex-a-1", "ex-b-1")
    table = DeltaTable(lake.table_path(settings.pipeline.lake, VALIDATED))
    table.update(updates={"verdict": "'erased'"}, predicate="example_id = 'ex-a-1'")
    with pytest.raises(SnapshotError, match="1 of 2 golden examples .* ex-a-1"):
        freeze(settings)
    remove_examples(settings.pipeline.lake, "support", ["ex-a-1"], now=NOW + timedelta(hours=1))
    assert ids_of(freeze(settings, hours=2)) == ["ex-b-1"]


def test_nothing_to_freeze_or_to_remove_is_said(settings: Settings) -> None:
    with pytest.raises(SnapshotError, match="no golden set to freeze"):
        freeze(settings)
    with pytest.raises(SnapshotError, match="1 of 1 ids are not in the golden set"):
        remove_examples(settings.pipeline.lake, "support", ["ex-a-1"], now=NOW)
    with pytest.raises(SnapshotError, match="has no golden set"):
        call(settings, "check")


def test_check_tells_what_changed_and_what_is_gone(settings: Settings) -> None:
    store(settings, *(judged(told(name)) for name in "abc"))
    add(settings, "ex-a-1", "ex-b-1")
    golden = freeze(settings)
    assert check_set(settings.pipeline.lake, golden).holds
    table = DeltaTable(lake.table_path(settings.pipeline.lake, VALIDATED))
    table.update(updates={"verdict": "'superseded'"}, predicate="example_id = 'ex-a-1'")
    gone = check_set(settings.pipeline.lake, golden)
    assert (gone.gone, gone.holds) == ({"ex-a-1": "superseded"}, True)
    table.update(updates={"response": "'Other.'"}, predicate="example_id = 'ex-b-1'")
    changed = check_set(settings.pipeline.lake, golden)
    assert (changed.changed, changed.holds) == (["ex-b-1"], False)
    forged = replace(golden, members=golden.members[:1])
    assert not check_set(settings.pipeline.lake, forged).is_intact


def test_check_tells_which_snapshots_learnt_from_it(settings: Settings) -> None:
    version = store(
        settings,
        judged(told("a", subject_key="anna")),
        judged(told("b", subject_key="anna")),
        judged(told("c")),
    )
    older = freeze_snapshot(settings, table_version=version, now=NOW)
    add(settings, "ex-a-1", hours=1)
    golden = freeze(settings, hours=2)
    newer = freeze_snapshot(settings, table_version=version, now=NOW + timedelta(hours=3))
    found = check_set(settings.pipeline.lake, golden)
    assert found.learnt_before == {older.snapshot_id: 2}
    assert (found.learnt_since, found.holds) == ({}, True)
    assert [m.example_id for m in newer.members] == ["ex-c-1"]
    late = check_set(settings.pipeline.lake, replace(golden, created_at=NOW - timedelta(hours=1)))
    assert (late.learnt_since, late.holds) == ({older.snapshot_id: 2}, False)


def test_plan_draws_from_the_test_split_one_a_conversation(settings: Settings) -> None:
    rows = [
        {
            "example_id": f"{split}-{i}", "tenant": "acme", "conversation_id": f"{split}-{i // 2}",
            "split": split, "category": "ORDER" if i % 4 else "SETUP", "channel": "chat",
        }
        for split in ("train", "test") for i in range(40)
    ]  # fmt: skip
    drawn = draw_examples(rows, 10)
    assert len(drawn) == 10
    assert all(i.startswith("test") for i in drawn)
    assert len({int(i.removeprefix("test-")) // 2 for i in drawn}) == 10
    assert drawn == draw_examples(reversed(rows), 10)
    further = draw_examples(rows, 100, taken=drawn)
    assert len(further) == 10
    assert not {int(i.removeprefix("test-")) // 2 for i in further} & {
        int(i.removeprefix("test-")) // 2 for i in drawn
    }


CELLS = st.dictionaries(
    st.tuples(st.sampled_from("ABCDEFG"), st.sampled_from(("chat", "email"))),
    st.integers(1, 50),
    min_size=1,
)


@given(available=CELLS, size=st.integers(1, 200))
def test_quota_is_exact_and_never_more_than_there_is(
    available: dict[tuple[str, str], int], size: int
) -> None:
    quota = allot(available, size)
    assert sum(quota.values()) == min(size, sum(available.values()))
    assert all(0 <= quota[cell] <= n for cell, n in available.items())
    if size >= len(available):
        assert min(quota.values()) >= 1


def test_verbs_add_list_freeze_and_check(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(settings, *(judged(told(f"t{i}"), "valid", "test") for i in range(6)), judged(told("a")))
    file = tmp_path / "ids.txt"
    file.write_text("ex-a-1\n\n", encoding="utf-8")
    assert call(settings, "add", plan=4) == 0
    assert call(settings, "add", file=file) == 0
    assert call(settings, "freeze") == 0
    assert call(settings, "check") == 0
    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [f.get("examples", f.get("members")) for f in facts] == [4, 5, 5, 5]
    assert (facts[2]["state"], facts[3]["holds"]) == ("frozen", True)
    origins = Counter(m.origin for m in all_sets(settings.pipeline.lake, "support")[-1].members)
    assert origins == {"plan": 4, "file": 1}
    for action in ("list", "check"):
        assert call(settings, action, as_json=False) == 0
    assert call(settings, "remove", file=file, as_json=False) == 0
    printed = capsys.readouterr().out
    assert "may be measured by" in printed
    assert "draft, 4 examples" in printed


def test_verbs_say_what_they_need(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--from FILE.*--plan N"):
        call(settings, "add")
    with pytest.raises(ConfigError, match="cannot be read"):
        call(settings, "remove", file=tmp_path / "none.txt")
    with pytest.raises(ConfigError, match="remove. takes --from"):
        call(settings, "remove")
