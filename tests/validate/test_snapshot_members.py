"""Who becomes a member: kinds apart, golden examples and their kin not learnt, no contamination."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from deskwheel import lake
from deskwheel.errors import SnapshotError
from deskwheel.golden import GoldenMember
from deskwheel.records import Snapshot, SnapshotMember
from deskwheel.schema import arrow_schema, to_table
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS, VALIDATED
from tests.validate.frozen import judged, store, told
from tests.validate.rows import NOON
from train.data.training_set import load_training_set
from validate.golden.sets import add_examples, freeze_set
from validate.snapshots.freeze import freeze_claimed, freeze_snapshot, manifest_of
from validate.snapshots.select import select_members
from validate.snapshots.store import all_snapshots, find_snapshot

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def dropping(settings: Settings, *, at_most: float = 1.0) -> Settings:
    changed = replace(settings.validate, contamination="drop", max_contaminated_share=at_most)
    return replace(settings, validate=changed)


def golden(settings: Settings, *ids: str) -> None:
    lake_dir, pipeline = settings.pipeline.lake, settings.pipeline.name
    add_examples(lake_dir, pipeline, ids, origin="file", now=NOW)
    freeze_set(lake_dir, pipeline, now=NOW)


def frozen_ids(settings: Settings, version: int) -> list[str]:
    snapshot = freeze_snapshot(settings, table_version=version, now=NOW)
    return [m.example_id for m in snapshot.members]


def left_out(settings: Settings, version: int) -> dict[str, int]:
    snapshot = freeze_snapshot(settings, table_version=version, now=NOW)
    counts: dict[str, int] = manifest_of(snapshot)["left_out"]
    return counts


def test_negatives_are_members_that_training_does_not_read(settings: Settings) -> None:
    version = store(
        settings,
        judged(told("a")),
        judged(told("n", kind="negative", negative_kind="rude")),
        judged(told("p", kind="preference", rejected_response="No.")),
    )
    snapshot = freeze_snapshot(settings, table_version=version, now=NOW)
    assert [(m.example_id, m.kind) for m in snapshot.members] == [
        ("ex-a-1", "ideal"), ("ex-n-1", "negative"), ("ex-p-1", "preference"),
    ]  # fmt: skip
    assert snapshot.counts == {"train": 1, "dev": 0, "test": 0}
    assert manifest_of(snapshot)["counts"]["negative"]["train"] == 1
    data = load_training_set(settings.pipeline.lake, snapshot)
    assert [row.example_id for row in data.rows["train"]] == ["ex-a-1"]


def test_version_with_negatives_alone_is_refused(settings: Settings) -> None:
    version = store(settings, judged(told("n", kind="negative", negative_kind="rude")))
    with pytest.raises(SnapshotError, match="no ideal one is left"):
        freeze_snapshot(settings, table_version=version, now=NOW)


def test_same_rows_in_another_order_and_lake_give_the_same_bytes(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [judged(told(f"e{i}"), "valid", "test" if i % 3 == 0 else "train") for i in range(20)]
    other = replace(
        settings, pipeline=replace(settings.pipeline, lake=str(tmp_path_factory.mktemp("other")))
    )
    first = freeze_snapshot(settings, table_version=store(settings, *rows), now=NOW)
    random.Random(3).shuffle(rows)
    again = freeze_snapshot(other, table_version=store(other, *rows), now=NOW + timedelta(days=9))
    assert (again.snapshot_id, again.manifest) == (first.snapshot_id, first.manifest)
    assert again.members == first.members
    assert "created" not in (first.manifest or "")


@pytest.mark.parametrize("split", ["dev", "test"])
def test_contaminated_version_is_not_frozen(settings: Settings, split: str) -> None:
    copy = told("b", query=told("a").query, response=told("a").response)
    version = store(settings, judged(told("a")), judged(copy, "valid", split), judged(told("c")))
    with pytest.raises(SnapshotError, match=r"1 of 2 training .* ex-a-1 in train, ex-b-1 held out"):
        freeze_snapshot(settings, table_version=version, now=NOW)
    assert lake.current_version(settings.pipeline.lake, SNAPSHOTS) is None


def test_contaminated_examples_are_left_out_of_train_where_that_is_allowed(
    settings: Settings,
) -> None:
    copy = told("b", query=told("a").query, response=told("a").response)
    version = store(settings, judged(told("a")), judged(copy, "valid", "test"), judged(told("c")))
    assert frozen_ids(dropping(settings), version) == ["ex-b-1", "ex-c-1"]
    assert left_out(dropping(settings), version) == {"contaminated": 1}
    with pytest.raises(SnapshotError, match="1 of 2 training"):
        freeze_snapshot(dropping(settings, at_most=0.4), table_version=version, now=NOW)


def test_negative_that_gives_a_test_answer_away_is_contamination(settings: Settings) -> None:
    given = {"query": told("a").query, "response": told("a").response}
    leak = told("n", kind="negative", negative_kind="needless_apology", **given)
    version = store(settings, judged(told("a"), "valid", "test"), judged(leak), judged(told("c")))
    with pytest.raises(SnapshotError, match="contamination"):
        freeze_snapshot(settings, table_version=version, now=NOW)


def test_contaminated_window_is_held_with_the_pair_on_the_timeline(settings: Settings) -> None:
    copy = told("b", query=told("a").query, response=told("a").response)
    version = store(settings, judged(told("a")), judged(copy, "valid", "test"))
    state = State(settings.pipeline.state_url)
    state.claim_window("support", 0, to_version=version, owner="me", detail={})
    assert freeze_claimed(settings, state, now=NOW) == []
    assert state.windows("support")[0]["phase"] == "held"
    reason = state.timeline("support", kind="held")[0]["detail"]["reason"]
    assert "ex-a-1 in train" in reason
    assert told("a").query not in reason
    state.close()


def test_golden_example_is_not_learnt_whatever_its_split(settings: Settings) -> None:
    version = store(
        settings, judged(told("a")), judged(told("g")), judged(told("t"), "valid", "test")
    )
    golden(settings, "ex-g-1", "ex-t-1")
    assert frozen_ids(settings, version) == ["ex-a-1", "ex-t-1"]
    assert left_out(settings, version) == {"golden": 1}


def test_customer_and_conversation_of_a_golden_example_are_not_learnt_from(
    settings: Settings,
) -> None:
    version = store(
        settings,
        judged(told("a")),
        judged(told("g", subject_key="anna")),
        judged(told("same", subject_key="anna")),
        judged(told("dev", subject_key="anna"), "valid", "dev"),
        judged(told("test", subject_key="anna"), "valid", "test"),
        judged(replace(told("late", subject_key=None), conversation_id="conv-g")),
        judged(told("nobody", subject_key=None)),
        judged(told("elsewhere", subject_key="anna", tenant="other")),
    )
    golden(settings, "ex-g-1")
    assert frozen_ids(settings, version) == [
        "ex-a-1", "ex-elsewhere-1", "ex-nobody-1", "ex-test-1",
    ]  # fmt: skip
    assert left_out(settings, version) == {"golden": 1, "golden_subject": 3}


def test_copy_of_a_golden_example_in_train_is_contamination(settings: Settings) -> None:
    copy = told("b", query=told("g").query, response=told("g").response)
    version = store(settings, judged(told("g")), judged(copy), judged(told("c")))
    golden(settings, "ex-g-1")
    with pytest.raises(SnapshotError, match="ex-b-1 in train, ex-g-1 held out"):
        freeze_snapshot(settings, table_version=version, now=NOW)


def test_draft_of_a_golden_set_changes_no_snapshot(settings: Settings) -> None:
    version = store(settings, judged(told("a")), judged(told("b")))
    first = freeze_snapshot(settings, table_version=version, now=NOW)
    add_examples(settings.pipeline.lake, "support", ["ex-a-1"], origin="file", now=NOW)
    again = freeze_snapshot(settings, table_version=version, now=NOW)
    assert again == first
    freeze_set(settings.pipeline.lake, "support", now=NOW)
    assert (
        freeze_snapshot(settings, table_version=version, now=NOW).snapshot_id != first.snapshot_id
    )


def test_snapshot_of_an_older_release_is_still_read(settings: Settings) -> None:
    """Its table has no manifest, and its members neither kind nor hashes."""
    version = store(settings, judged(told("a")))
    snapshot = freeze_snapshot(settings, table_version=version, now=NOW)
    whole = to_table([snapshot], Snapshot).drop(["manifest"])
    members = whole["members"].to_pylist()
    for member in members[0]:
        for field in ("kind", "content_hash", "text_digest"):
            del member[field]
    old_type = arrow_schema(SnapshotMember)
    kept = [old_type.field(name) for name in ("example_id", "split")]
    element = pa.field("element", pa.struct(kept), nullable=False)
    place = whole.schema.get_field_index("members")
    column = pa.field("members", pa.list_(element), nullable=False)
    old = whole.set_column(place, column, pa.array(members, column.type))
    path = lake.table_path(settings.pipeline.lake, SNAPSHOTS)
    write_deltalake(path, old, mode="overwrite", schema_mode="overwrite")
    read = find_snapshot(settings.pipeline.lake, "newest")
    assert (read.manifest, read.members[0].kind) == (None, None)
    assert len(load_training_set(settings.pipeline.lake, read).rows["train"]) == 1
    newer = freeze_snapshot(
        dropping(settings, at_most=0.5), table_version=version, now=NOW + timedelta(hours=1)
    )
    assert [s.manifest is None for s in all_snapshots(settings.pipeline.lake)] == [True, False]
    assert json.loads(newer.manifest or "")["size"] == 1


def test_members_do_not_depend_on_when_they_were_judged(settings: Settings) -> None:
    version = store(settings, replace(judged(told("a")), validated_at=NOON))
    assert lake.read(settings.pipeline.lake, VALIDATED).num_rows == 1
    assert str(NOON.year) not in (
        freeze_snapshot(settings, table_version=version, now=NOW).manifest or ""
    )


def test_near_duplicate_of_a_golden_example_is_not_learnt() -> None:
    """By the cluster that the gate found, whatever the texts say."""
    rows = [
        {**vars(judged(told(name))), "cluster_id": cluster}
        for name, cluster in (("a", None), ("b", "k1"), ("g", "k1"), ("h", "k2"), ("z", None))
    ]
    member = GoldenMember(
        example_id="ex-g-1", tenant="acme", subject_key="subject-g", conversation_id="conv-g",
        channel="chat", category="SETUP", split="test", text_digest="", origin="plan",
    )  # fmt: skip
    selection = select_members(rows, [member], max_contaminated_share=0.0)
    assert [row["example_id"] for row in selection.rows] == ["ex-a-1", "ex-h-1", "ex-z-1"]
    assert selection.left_out == {"golden": 1, "golden_cluster": 1}
