"""What is gone is told from what nobody has come to, by what the jobs said on their commits."""

import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable

from deskwheel import lake
from deskwheel.audit import conservation, render
from deskwheel.tables import EXAMPLES, TURNS, VALIDATED
from tests.deskwheel.audited import Judging, audited, turn
from tests.deskwheel.rows import rows_of


def commit_turns(lake_path: Path, *offsets: int) -> None:
    """Rows as the stream commits them."""
    rows = rows_of(TURNS, [turn(offset) for offset in offsets])
    ranges = {"raw.chat/0": [min(offsets), max(offsets) + 1]}
    batch_id, told = min(offsets), {"ranges": ranges}
    lake.append_once(lake_path, TURNS, rows, app_id="turns:1", batch_id=batch_id, metadata=told)


def test_rows_that_were_removed_at_the_end_are_lost_not_pending(tmp_path: Path) -> None:
    commit_turns(tmp_path, 0, 1)
    commit_turns(tmp_path, 2, 3)
    versions = audited(tmp_path, 5).versions
    DeltaTable(lake.table_path(tmp_path, TURNS)).delete("source['offset'] >= 1")
    audit = audited(tmp_path, 5)
    assert audit.problems == ("raw.chat/0: 3 offsets (1-3) in no row",)
    assert (audit.partitions[0].missing, audit.partitions[0].pending) == (3, 1)
    assert conservation(tmp_path, {"raw.chat": {0: (0, 5)}}, versions=versions).is_lawful
    assert audited(tmp_path, 3).partitions[0].missing == 2


@pytest.fixture
def judging(tmp_path: Path) -> Judging:
    return Judging(tmp_path)


def test_an_example_that_the_gate_had_read_and_that_has_no_verdict_is_lost(
    judging: Judging,
) -> None:
    judging.mine("abc")
    judging.mine("de")
    judging.judge("ab", reached=2)
    judging.mine("f")
    assert judging.found() == (1, 3)
    audit = conservation(judging.folder, {})
    assert audit.problems == ("examples: 1 were judged and have no verdict any more (c)",)
    assert audit.versions["examples_read"] == 1
    assert "examples: 6 candidates = 2 valid + 1 lost + 3 pending" in render(audit)
    assert audit.unaccounted == 4


def test_an_example_of_a_version_that_was_read_in_part_is_pending(judging: Judging) -> None:
    judging.mine("abc")
    judging.judge("a", reached=1)
    assert judging.found() == (0, 2)
    judging.judge("b", reached=2, is_first=True)
    assert judging.found() == (0, 1)
    judging.judge("", reached=2)
    assert judging.found() == (1, 0)


def test_nothing_is_lost_where_no_commit_says_what_was_read(judging: Judging) -> None:
    judging.mine("abc")
    judging.judge("a", reached=None)
    assert judging.found() == (0, 2)


def test_a_removed_verdict_is_lost_and_an_erased_candidate_is_not(judging: Judging) -> None:
    judging.mine("abc")
    judging.judge("abc", reached=2)
    assert judging.found() == (0, 0)
    DeltaTable(lake.table_path(judging.folder, VALIDATED)).delete("example_id = 'a'")
    judging.mine("d")
    assert judging.found() == (1, 1)
    DeltaTable(lake.table_path(judging.folder, EXAMPLES)).delete("example_id = 'a'")
    assert judging.found() == (0, 1)


def test_maintenance_of_examples_hides_no_lost_verdict(judging: Judging) -> None:
    judging.mine("ab")
    judging.mine("c")
    judging.judge("ac", reached=3)
    examples = DeltaTable(lake.table_path(judging.folder, EXAMPLES))
    examples.optimize.compact()
    examples.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert judging.found() == (1, 0)
    judging.mine("d")
    assert judging.found() == (1, 1)


def test_a_version_that_cannot_be_read_any_more_says_nothing(judging: Judging) -> None:
    judging.mine("ab")
    judging.judge("a", reached=2)
    judging.mine("c")
    examples = DeltaTable(lake.table_path(judging.folder, EXAMPLES))
    examples.optimize.compact()
    examples.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert judging.found() == (0, 2)


def test_a_table_of_examples_that_was_made_anew_was_not_read(judging: Judging) -> None:
    judging.mine("ab")
    judging.judge("ab", reached=2)
    shutil.rmtree(lake.table_path(judging.folder, EXAMPLES))
    judging.mine("abc")
    judging.mine("d")
    assert judging.found() == (0, 2)
