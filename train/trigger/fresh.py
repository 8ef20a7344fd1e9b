"""Fresh examples out of two versions of `validated_examples`, at the cost of the files between.

Files of a Delta table never change, so what one of them holds is read once and kept in memory,
and a look at a large table reads what was added since the last look. Nothing here is a count that
lives in memory alone: another process comes to the same numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from deskwheel import lake
from deskwheel.schema import arrow_schema
from deskwheel.tables import VALIDATED

_COLUMNS = (
    "example_id", "verdict", "kind", "category", "group_id", "cluster_id", "authorship", "attempt",
    "validated_at",
)  # fmt: skip
_LENGTH = "response_chars"
_KEYS = {"group": "group_id", "cluster": "cluster_id"}


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """What a version holds that the last window's version did not."""

    arrived_us: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Category → when each counted example was judged: valid ideal ones, near-copies once, also
    those of what was valid before. Ascending int64[examples], microseconds since 1970."""
    plain_us: Mapping[str, np.ndarray] = field(default_factory=dict)
    """The same of those among them that are no corrections."""
    corrected_us: Mapping[str, np.ndarray] = field(default_factory=dict)
    """The same of answers that people changed, counted or not: edited drafts, repaired rows,
    preferences."""
    rows: int = 0
    """Valid ideal examples, near-copies each."""
    lengths: Sequence[int] = ()
    """Characters of the counted answers; empty unless asked for."""
    before: Mapping[str, int] = field(default_factory=dict)
    """Category → valid ideal examples at the last window's version."""
    lengths_before: Sequence[int] = ()

    @property
    def counted(self) -> dict[str, int]:
        """Category → examples that count, before any cap."""
        return counts(self.arrived_us)


def counts(times: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Category → how many, out of their times."""
    return {name: len(found) for name, found in times.items()}


@dataclass(frozen=True)
class _Seen:
    """What was valid at the last window's version."""

    ids: pa.Array
    keys: pa.Array
    categories: Mapping[str, int]
    lengths: Sequence[int]
    files: frozenset[str]


@lru_cache(maxsize=4)
def fresh_examples(
    lake_dir: str,
    *,
    since: int | None,
    version: int,
    claimed_at: str | None = None,
    once_by: str = "group",
    has_lengths: bool = False,
) -> Fresh:
    """Valid examples at a table version that were not valid at an earlier one.

    Kept in memory, because a version never changes and most looks find no new one. Once the log
    or the files of `since` were cleaned away, examples validated after `claimed_at` are counted
    instead. That is an estimate: it leaves out what was validated before the claim and committed
    after it, and takes in an example that was validated a second time.

    Args:
        lake_dir: folder of the tables.
        since: table version of the last window; None counts every valid example.
        version: the table version to count at.
        claimed_at: when that window was claimed, ISO 8601; None counts every valid example
            where `since` cannot be read.
        once_by: which near-copies count once: of a `group`, of a `cluster`, or (`example`) none.
        has_lengths: whether the lengths of answers are read, which are most of the table.
    """
    names = _files(lake_dir, version) or frozenset()
    seen = _nothing() if since is None else _seen(lake_dir, since, once_by, has_lengths)
    if seen is not None:
        rows = _read(sorted(names - seen.files), has_lengths)
        return _compare(rows, seen, once_by)
    rows = _read(sorted(names), has_lengths)
    if claimed_at is None:
        return _compare(rows, _nothing(), once_by)
    is_late = pc.greater(rows["validated_at"], datetime.fromisoformat(claimed_at))
    old = _remember(rows.filter(pc.invert(is_late)), once_by, frozenset())
    return _compare(rows.filter(is_late), old, once_by)


def _nothing() -> _Seen:
    empty = pa.array([], pa.string())
    return _Seen(empty, empty, {}, (), frozenset())


@lru_cache(maxsize=2)
def _seen(lake_dir: str, version: int, once_by: str, has_lengths: bool) -> _Seen | None:
    """What was valid at a window's version; None when it was cleaned away.

    A version whose log is gone can read as a table that does not exist, so as empty. A window
    is claimed only with examples in it, so an empty one is a cleaned one.
    """
    try:
        files = _files(lake_dir, version)
        if not files:
            return None
        found = _remember(_read(sorted(files), has_lengths), once_by, files)
    except (DeltaError, OSError):
        return None
    return found if len(found.ids) else None


def _remember(rows: pa.Table, once_by: str, files: frozenset[str]) -> _Seen:
    valid = rows.filter(_is_valid(rows))
    ideal = valid.filter(pc.equal(valid["kind"], "ideal"))
    return _Seen(
        ids=_flat(valid["example_id"]),
        keys=_flat(_key(ideal, once_by)),
        categories=_by_category(ideal),
        lengths=_lengths(ideal),
        files=files,
    )


def _compare(rows: pa.Table, seen: _Seen, once_by: str) -> Fresh:
    """The fresh ones of rows that are not all in files which were there before.

    Groups can be renamed, so what was valid before and stands in a file written since tells the
    group's present name.
    """
    is_old = _is_among(rows["example_id"], seen.ids)
    renamed = _key(rows.filter(is_old), once_by)
    new = rows.filter(pc.and_(_is_valid(rows), pc.invert(is_old))).sort_by("validated_at")
    new = _first_of_each(new, new["example_id"])
    is_ideal = pc.equal(new["kind"], "ideal")
    ideal = new.filter(is_ideal)
    keys = _key(ideal, once_by)
    is_known = pc.or_(_is_among(keys, seen.keys), _is_among(keys, _flat(renamed)))
    unknown = ideal.filter(pc.invert(is_known))
    counted = _first_of_each(unknown, _key(unknown, once_by))
    return Fresh(
        arrived_us=_arrivals(counted),
        plain_us=_arrivals(counted.filter(pc.invert(_is_correction(counted)))),
        corrected_us=_arrivals(new.filter(_is_correction(new))),
        rows=ideal.num_rows,
        lengths=_lengths(counted),
        before=seen.categories,
        lengths_before=seen.lengths,
    )


def _is_valid(rows: pa.Table) -> Any:
    """A negative is not learnt as an answer, so it fires nothing and is left out."""
    kinds = pa.array(["ideal", "preference"])
    return pc.and_(pc.equal(rows["verdict"], "valid"), pc.is_in(rows["kind"], value_set=kinds))


def _is_correction(rows: pa.Table) -> Any:
    is_changed = pc.or_(
        pc.equal(rows["kind"], "preference"), pc.equal(rows["authorship"], "model_edited")
    )
    return pc.or_(is_changed, pc.is_valid(rows["attempt"]))


def _key(rows: pa.Table, once_by: str) -> Any:
    """What near-copies share; the example's own id in rows that have no group."""
    ids = rows["example_id"]
    return ids if once_by not in _KEYS else pc.coalesce(rows[_KEYS[once_by]], ids)


def _is_among(few: Any, many: pa.Array) -> Any:
    """Whether each of a few values is one of many; a table of hashes is made of the few only."""
    found = many.filter(pc.is_in(many, value_set=_flat(few)))
    return pc.is_in(few, value_set=found)


def _first_of_each(rows: pa.Table, keys: Any) -> pa.Table:
    codes = _flat(keys).dictionary_encode().indices.to_numpy()
    return rows.take(np.sort(np.unique(codes, return_index=True)[1]))


def _by_category(rows: pa.Table) -> dict[str, int]:
    found = _flat(rows["category"]).value_counts().to_pylist()
    return {row["values"]: row["counts"] for row in sorted(found, key=lambda r: str(r["values"]))}


def _arrivals(rows: pa.Table) -> dict[str, np.ndarray]:
    """Of rows in order of time."""
    times = _flat(pc.cast(rows["validated_at"], pa.int64())).to_numpy()
    names = _flat(rows["category"]).dictionary_encode()
    codes = names.indices.to_numpy()
    return {name: times[codes == i] for i, name in enumerate(names.dictionary.to_pylist())}


def _lengths(rows: pa.Table) -> Sequence[int]:
    return rows[_LENGTH].to_pylist() if _LENGTH in rows.column_names else ()


def _flat(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _files(lake_dir: str, version: int) -> frozenset[str] | None:
    found = lake.open_table(lake_dir, VALIDATED, version=version)
    return None if found is None else frozenset(found.file_uris())


def _read(names: Sequence[str], has_lengths: bool) -> pa.Table:
    schema = arrow_schema(VALIDATED.record)
    wanted = pa.schema([schema.field(name) for name in _COLUMNS])
    wanted = wanted.append(pa.field(_LENGTH, pa.int32())) if has_lengths else wanted
    return pa.concat_tables([wanted.empty_table(), *(_read_file(n, has_lengths) for n in names)])


@lru_cache(maxsize=8192)
def _read_file(name: str, has_lengths: bool) -> pa.Table:
    """The columns of one file; those that a newer release added are null in it."""
    schema = arrow_schema(VALIDATED.record)
    with pq.ParquetFile(name, coerce_int96_timestamp_unit="us") as file:
        there = set(file.schema_arrow.names)
        columns = [*_COLUMNS, *(["response"] if has_lengths else [])]
        found = file.read([c for c in columns if c in there])
    arrays = {
        c: found[c].cast(schema.field(c).type)
        if c in there
        else pa.nulls(found.num_rows, schema.field(c).type)
        for c in _COLUMNS
    }
    if has_lengths:
        arrays[_LENGTH] = pc.utf8_length(found["response"])
    fields = [schema.field(c) for c in _COLUMNS]
    fields += [pa.field(_LENGTH, pa.int32())] if has_lengths else []
    return pa.table(list(arrays.values()), schema=pa.schema(fields))
