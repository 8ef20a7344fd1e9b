import json
from dataclasses import replace

import pytest

from deskwheel.errors import SnapshotError
from deskwheel.records import Snapshot, SnapshotMember
from tests.validate.rows import NOON
from train.data.contamination import check_contamination, check_kinds

MEMBERS = [
    SnapshotMember(example_id=f"ex-{n}", split=split)
    for n, split in enumerate(("train", "train", "dev", "test"))
]
HASHES = {m.example_id: f"hash-{m.example_id}" for m in MEMBERS}
SNAPSHOT = Snapshot(
    snapshot_id="snap-1", pipeline="support", table_version=1, members=MEMBERS,
    content_digest="digest", counts={}, suite_version="s", code_version="0", created_at=NOON,
)  # fmt: skip


def manifest(**changes: object) -> Snapshot:
    plain = {
        "content_digest": "digest",
        "config": {"max_contaminated_share": 0.5},
        "left_out": {"contaminated": 2},
    }
    return replace(SNAPSHOT, manifest=json.dumps(plain | changes))


def test_a_clean_snapshot_passes_with_and_without_a_manifest() -> None:
    check_contamination(SNAPSHOT, HASHES, golden=set())
    check_contamination(manifest(), HASHES, golden={"ex-3"})


@pytest.mark.parametrize("learnt", ["ex-0", "ex-2"])
def test_a_copy_of_a_test_example_is_contamination(learnt: str) -> None:
    with pytest.raises(SnapshotError, match=f"1 examples of train or dev say exactly .* {learnt}"):
        check_contamination(SNAPSHOT, {**HASHES, learnt: HASHES["ex-3"]}, golden=set())


def test_a_golden_example_is_not_learnt() -> None:
    with pytest.raises(SnapshotError, match="1 examples of train or dev are golden, first ex-1"):
        check_contamination(SNAPSHOT, HASHES, golden={"ex-1", "ex-3", "ex-9"})


def test_more_contamination_than_was_tolerated_is_refused() -> None:
    check_contamination(manifest(left_out={"contaminated": 2}), HASHES, golden=set())
    with pytest.raises(SnapshotError, match="3 of 5 examples of train said .* 50% are tolerated"):
        check_contamination(manifest(left_out={"contaminated": 3}), HASHES, golden=set())


def test_the_manifest_of_other_members_is_refused() -> None:
    with pytest.raises(SnapshotError, match="manifest is that of other members"):
        check_contamination(manifest(content_digest="other"), HASHES, golden=set())


def test_a_negative_is_never_learnt_as_an_answer() -> None:
    check_kinds(SNAPSHOT, {"ex-0": "ideal", "ex-1": None})
    with pytest.raises(SnapshotError, match=r"first ex-1 \(negative\)"):
        check_kinds(SNAPSHOT, {"ex-0": "ideal", "ex-1": "negative"})
