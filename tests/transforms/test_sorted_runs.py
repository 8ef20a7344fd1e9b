"""Rows are found by the digest of their name, in whatever runs they lie."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms import sorted_runs
from transforms.sorted_runs import Kind, SortedRuns, digest, digest_columns

MOST = 3
TOY = Kind(pa.schema([("at_us", pa.int64())]), newest_by="at_us", most=MOST)


def rows(entries: Sequence[tuple[bytes, int]]) -> pa.Table:
    digests, times = [name for name, _ in entries], [at for _, at in entries]
    columns = [*digest_columns(digests), pa.array(times, pa.int64())]
    return pa.Table.from_arrays(columns, schema=TOY.columns)


def named(entries: Sequence[tuple[int, int]]) -> pa.Table:
    return rows([(digest(str(name)), at) for name, at in entries])


def opened(folder: Path) -> SortedRuns:
    return SortedRuns(folder, {"toy": TOY})


def found(runs: SortedRuns, digests: Sequence[bytes]) -> dict[int, list[int]]:
    """Place of a digest → times of its rows, newest first."""
    times: dict[int, list[int]] = defaultdict(list)
    for part in runs.find("toy", digests):
        for row in part.to_pylist():
            times[row["asked"]].append(row["at_us"])
    return {place: sorted(those, reverse=True) for place, those in times.items()}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 99)), max_size=9), max_size=9))
def test_the_newest_rows_of_a_name_are_found(batches: list[list[tuple[int, int]]]) -> None:
    with TemporaryDirectory() as folder:
        runs = opened(Path(folder))
        for batch in batches:
            runs.add("toy", named(batch))
        runs.save({})
        asked = [digest(str(name)) for name in range(10)]
        times = found(opened(Path(folder)), asked)
        for name in range(10):
            held = sorted((at for b in batches for n, at in b if n == name), reverse=True)
            assert times.get(name, [])[:MOST] == held[:MOST]


def test_files_grow_in_number_with_the_logarithm_of_the_rows(tmp_path: Path) -> None:
    runs = opened(tmp_path)
    for number in range(100):
        runs.add("toy", named([(number, 1)]))
        runs.save({})
        assert len(list(tmp_path.glob("*.arrow"))) <= (number + 1).bit_length()


def test_large_files_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_runs, "MOST_ROWS", 4)
    runs = opened(tmp_path)
    seen: set[str] = set()
    for number in range(16):
        runs.add("toy", named([(number, 1)]))
        runs.save({})
        large = {f.name for f in tmp_path.glob("*.arrow")} if number % 4 == 3 else set()
        assert seen <= large or not large
        seen |= large
    assert len(seen) == 4


def test_what_was_not_saved_is_not_there(tmp_path: Path) -> None:
    runs = opened(tmp_path)
    runs.add("toy", named([(1, 1)]))
    runs.save({"version": 7})
    runs.add("toy", named([(2, 1)]))
    again = opened(tmp_path)
    assert again.note == {"version": 7}
    assert set(found(again, [digest("1"), digest("2")])) == {0}


def test_names_with_the_same_hash_are_told_apart(tmp_path: Path) -> None:
    one, other = (b"\1" * 8 + tail * 8 for tail in (b"\2", b"\3"))
    runs = opened(tmp_path)
    runs.add("toy", rows([(one, 5), (other, 6)]))
    assert found(runs, [other, one]) == {0: [6], 1: [5]}
    assert found(runs, [b"\1" * 16]) == {}


def test_old_rows_go_with_their_file_or_when_it_is_merged(tmp_path: Path) -> None:
    runs = opened(tmp_path)
    runs.add("toy", named([(1, 10), (2, 20), (3, 30), (4, 40)]))
    asked = [digest(str(name)) for name in range(9)]
    runs.add("toy", named([(5, 50)]), before_us=30)
    assert set(found(runs, asked)) == {1, 2, 3, 4, 5}, "its file is younger"
    runs.add("toy", named([(n, 60) for n in (6, 7, 8)]), before_us=30)
    assert set(found(runs, asked)) == {3, 4, 5, 6, 7, 8}
    runs.add("toy", named([(1, 99)]), before_us=70)
    assert set(found(runs, asked)) == {1}
