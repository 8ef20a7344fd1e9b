from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from deskwheel import lake
from deskwheel.records import ValidatedExample
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import VALIDATED
from tests.train.rows import example, write_examples
from tests.train.trigger.moments import LATER, claim, fill
from train.trigger.decide import decide
from train.trigger.fresh import counts, fresh_examples


def test_only_what_came_after_the_last_window_is_fresh(settings: Settings) -> None:
    before = fill(settings)
    after = fill(settings, first=10)
    lake = settings.pipeline.lake
    assert fresh_examples(lake, since=None, version=before).counted == {"A": 2, "B": 2}
    assert fresh_examples(lake, since=before, version=after).counted == {"A": 2, "B": 2}
    assert fresh_examples(lake, since=after, version=after).counted == {}
    assert fresh_examples(lake, since=before, version=after).before == {"A": 2, "B": 2}


def test_quarantined_examples_and_repeats_are_not_fresh(settings: Settings) -> None:
    lake = settings.pipeline.lake
    before = write_examples(lake, [example(0)])
    after = write_examples(lake, [example(0), example(1, is_valid=False), example(2)])
    found = fresh_examples(lake, since=before, version=after)
    assert (found.counted, found.rows) == ({"SETUP": 1}, 1)


def test_near_copies_count_once_also_across_windows(settings: Settings) -> None:
    def in_group(number: int, group: int, cluster: int) -> ValidatedExample:
        return replace(
            example(number), group_id=f"ex-{group:03}", cluster_id=f"ex-{cluster:03}"
        )  # fmt: skip

    lake_dir = settings.pipeline.lake
    before = write_examples(lake_dir, [in_group(0, 0, 0)])
    rows = [in_group(1, 0, 0), in_group(2, 2, 0), in_group(3, 2, 0), in_group(4, 4, 4)]
    after = write_examples(lake_dir, rows)

    def count(once_by: str) -> int:
        found = fresh_examples(lake_dir, since=before, version=after, once_by=once_by)
        return sum(found.counted.values())

    assert [count(by) for by in ("example", "group", "cluster")] == [4, 2, 1]


def test_a_group_that_was_renamed_is_known_by_its_new_name(settings: Settings) -> None:
    """As the gate renames: the row that was valid before is written again in another file."""
    lake_dir = settings.pipeline.lake
    old = replace(example(5), group_id="ex-005")
    before = write_examples(lake_dir, [old])
    table = DeltaTable(lake.table_path(lake_dir, VALIDATED))
    table.delete("example_id = 'ex-005'")
    moved = [replace(old, group_id="ex-001"), replace(example(6), group_id="ex-001")]
    after = write_examples(lake_dir, moved)
    assert fresh_examples(lake_dir, since=before, version=after).counted == {}


def test_negatives_do_not_count_and_what_people_changed_is_a_correction(
    settings: Settings,
) -> None:
    rows = [
        replace(example(0), kind="negative", negative_kind="rude"),
        replace(example(1), kind="preference", rejected_response="No."),
        replace(example(2), authorship="model_edited"),
        replace(example(3), attempt=1, category="B"),
        example(4),
    ]
    version = write_examples(settings.pipeline.lake, rows)
    found = fresh_examples(settings.pipeline.lake, since=None, version=version)
    assert found.counted == {"SETUP": 2, "B": 1}
    assert counts(found.plain_us) == {"SETUP": 1}
    assert counts(found.corrected_us) == {"SETUP": 2, "B": 1}


def test_times_of_arrival_ascend(settings: Settings) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    rows = [replace(example(i), validated_at=noon - timedelta(hours=i)) for i in range(3)]
    version = write_examples(settings.pipeline.lake, rows)
    (times,) = fresh_examples(
        settings.pipeline.lake, since=None, version=version
    ).arrived_us.values()
    assert (times[1:] - times[:-1]).tolist() == [3_600_000_000] * 2


def test_lengths_are_read_only_when_asked_for(settings: Settings) -> None:
    lake_dir = settings.pipeline.lake
    before = write_examples(lake_dir, [replace(example(0), response="abc")])
    after = write_examples(lake_dir, [replace(example(1), response="grüße")])
    found = fresh_examples(lake_dir, since=before, version=after, has_lengths=True)
    assert (found.lengths, found.lengths_before) == ([5], [3])
    assert fresh_examples(lake_dir, since=before, version=after).lengths == ()


def test_a_look_reads_only_the_files_written_since_the_last_look(settings: Settings) -> None:
    lake_dir = settings.pipeline.lake
    window = fill(settings)
    version = fill(settings, first=10)
    assert fresh_examples(lake_dir, since=window, version=version).counted == {"A": 2, "B": 2}
    for name in DeltaTable(lake.table_path(lake_dir, VALIDATED)).file_uris():
        Path(name).unlink()
    version = fill(settings, first=40)
    assert fresh_examples(lake_dir, since=window, version=version).counted == {"A": 4, "B": 4}


def test_a_file_of_an_older_release_lacks_columns_and_is_read(settings: Settings) -> None:
    version = fill(settings)
    (name,) = DeltaTable(lake.table_path(settings.pipeline.lake, VALIDATED)).file_uris()
    rows = pq.read_table(name)
    pq.write_table(rows.drop_columns(["cluster_id", "group_id", "attempt"]), name)
    found = fresh_examples(settings.pipeline.lake, since=None, version=version)
    assert found.counted == {"A": 2, "B": 2}


def test_times_as_spark_writes_them_are_read(settings: Settings) -> None:
    version = fill(settings)
    lake_dir = settings.pipeline.lake
    expected = fresh_examples(lake_dir, since=None, version=version, once_by="example")
    (name,) = DeltaTable(lake.table_path(lake_dir, VALIDATED)).file_uris()
    copy = Path(name).with_name("int96.parquet")
    pq.write_table(pq.read_table(name), copy, use_deprecated_int96_timestamps=True)
    log = lake.table_path(lake_dir, VALIDATED) / "_delta_log" / f"{version:020}.json"
    log.write_text(log.read_text().replace(Path(name).name, copy.name))
    found = fresh_examples(lake_dir, since=None, version=version)
    assert {n: t.tolist() for n, t in found.arrived_us.items()} == {
        n: t.tolist() for n, t in expected.arrived_us.items()
    }


def test_a_row_that_was_written_twice_is_one_example(settings: Settings) -> None:
    row = replace(example(0), authorship="model_edited")
    version = write_examples(settings.pipeline.lake, [row, row])
    found = fresh_examples(settings.pipeline.lake, since=None, version=version)
    assert (found.rows, counts(found.corrected_us)) == (1, {"SETUP": 1})


def clean(settings: Settings, examples: Sequence[ValidatedExample]) -> None:
    """Append examples, and keep no log of what was before them."""
    write_examples(settings.pipeline.lake, examples)
    table = DeltaTable(lake.table_path(settings.pipeline.lake, VALIDATED))
    table.create_checkpoint()
    log = lake.table_path(settings.pipeline.lake, VALIDATED) / "_delta_log"
    for version in range(table.version() + 1):
        (log / f"{version:020}.json").unlink()


def vacuum(settings: Settings, examples: Sequence[ValidatedExample]) -> None:
    """Rewrite the table with more examples, and keep no file of what was before."""
    path = lake.table_path(settings.pipeline.lake, VALIDATED)
    write_examples(settings.pipeline.lake, examples)
    table = DeltaTable(path)
    table.optimize.compact()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


@pytest.mark.parametrize("forget", [clean, vacuum])
def test_examples_are_counted_by_date_once_the_last_windows_version_was_cleaned_away(
    settings: Settings, state: State, forget: Callable[..., None]
) -> None:
    claim(state, fill(settings))
    now = datetime.now(UTC)
    late = [replace(example(20 + i, category="AB"[i % 2]), validated_at=now) for i in range(4)]
    forget(settings, late)
    decision = decide(settings, state, now=now + LATER)
    assert (decision.outcome, decision.effective) == ("fired", 4)
    assert decision.reason.startswith("4 effective of 4 fresh examples")
