"""Rows found by the digest of a name, in sorted files that are merged like the digits of a counter.

A file ("run") is never changed. New rows become a run, which takes up the runs before it that are
no larger: so each row is written a logarithmic number of times, and a look-up asks a logarithmic
number of runs, up to runs of `MOST_ROWS`, which stay as they are. Files are mapped, not read: a
look-up touches the pages that it finds something in. Source: O'Neil et al. 1996, "The
Log-Structured Merge-Tree". For one process; reads and writes no table.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc

MOST_ROWS = 4_000_000
"""Of a run that is merged: what a merge holds in memory at most, some 250 MB of it."""

DIGEST = pa.schema([("hash", pa.uint64()), ("rest", pa.uint64())])
"""The first columns of each row: runs are sorted by the one, and the other makes sure."""

_DIGEST_BYTES = 16
_MANIFEST = "manifest.json"
_FORMAT = 1


@dataclass(frozen=True)
class Run:
    """A file of rows."""

    name: str
    rows: int
    newest_us: int
    """The greatest `at_us` of its rows."""


@dataclass(frozen=True)
class Kind:
    """A set of rows that are sorted and asked alike."""

    schema: pa.Schema
    """Without the digest; `at_us` is one of the columns."""
    newest_by: str
    """Column whose greatest value comes first among the rows of one name."""
    most: int
    """Of the rows of one name in a run, so many are found, the newest."""

    @property
    def columns(self) -> pa.Schema:
        """All columns."""
        return pa.schema([*DIGEST, *self.schema])

    def sort(self, rows: pa.Table) -> pa.Table:
        """The rows as a run has them, in one piece."""
        newest = -rows[self.newest_by].to_numpy()
        order = np.lexsort((newest, rows["hash"].to_numpy()))
        return rows.take(pa.array(order)).combine_chunks()


class SortedRuns:
    """The runs of a folder, by kind; what is added is there for good with `save`."""

    def __init__(self, folder: Path, kinds: Mapping[str, Kind]) -> None:
        """Open the folder; what cannot be read counts as nothing."""
        self._folder, self._kinds = folder, kinds
        self.note: dict[str, Any] = {}
        """What was noted with the last `save`."""
        self._runs: dict[str, list[Run]] = {name: [] for name in kinds}
        try:
            told = json.loads((folder / _MANIFEST).read_bytes())
            if told["format"] == _FORMAT:
                runs = {name: [Run(**run) for run in told["runs"][name]] for name in kinds}
                for run in (run for found in runs.values() for run in found):
                    self._read(run)
                self.note, self._runs = told["note"], runs
        except (OSError, ValueError, TypeError, KeyError, pa.ArrowInvalid):
            pass

    def find(self, kind: str, digests: Sequence[bytes]) -> Iterator[pa.Table]:
        """Rows of these digests, run by run, with the place of the digest as column `asked`."""
        asked, most = _numbers(digests), self._kinds[kind].most
        places = np.argsort(asked["hash"])
        asked = asked[places]
        for run in self._runs[kind]:
            rows = self._read(run)
            hashes = rows["hash"].to_numpy()
            low = np.searchsorted(hashes, asked["hash"], "left")
            counts = np.minimum(np.searchsorted(hashes, asked["hash"], "right") - low, most)
            number = np.repeat(np.arange(len(asked)), counts)
            at = np.arange(len(number)) + np.repeat(low - (np.cumsum(counts) - counts), counts)
            part = rows.take(pa.array(at)).append_column("asked", pa.array(places[number]))
            yield part.filter(pa.array(part["rest"].to_numpy() == asked["rest"][number]))

    def add(self, kind: str, rows: pa.Table, *, before_us: int = 0) -> None:
        """Add rows, and drop those before a time where that costs nothing: as runs are merged."""
        runs = [run for run in self._runs[kind] if run.newest_us >= before_us]
        parts, size = [rows.select(self._kinds[kind].columns.names)], rows.num_rows
        while rows.num_rows and runs and runs[-1].rows <= min(size, MOST_ROWS - size):
            parts.append(self._read(runs[-1]))
            size += runs.pop().rows
        whole = pa.concat_tables(parts)
        whole = whole.filter(pc.greater_equal(whole["at_us"], before_us))
        if whole.num_rows:
            runs.append(self._write(self._kinds[kind].sort(whole)))
        self._runs[kind] = runs

    def clear(self) -> None:
        """Drop all rows."""
        self._runs = {name: [] for name in self._kinds}

    def save(self, note: dict[str, Any]) -> None:
        """Let what was added last, with a note; then remove the files that are merged."""
        told = {
            "format": _FORMAT,
            "note": note,
            "runs": {name: [asdict(run) for run in runs] for name, runs in self._runs.items()},
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f"{_MANIFEST}.part"
        part.write_text(json.dumps(told), encoding="utf-8")
        _sync(part)
        part.replace(self._folder / _MANIFEST)
        self.note = note
        kept = {run.name for runs in self._runs.values() for run in runs}
        for file in self._folder.glob("*.arrow"):
            if file.name not in kept:
                file.unlink()

    def _read(self, run: Run) -> pa.Table:
        with pa.memory_map(str(self._folder / run.name)) as source:
            rows = ipc.open_file(source).read_all()
        if rows.num_rows != run.rows:
            raise ValueError(f"{run.name} holds {rows.num_rows} rows instead of {run.rows}")
        return rows

    def _write(self, rows: pa.Table) -> Run:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{os.urandom(8).hex()}.arrow"
        with ipc.new_file(self._folder / name, rows.schema) as sink:
            sink.write_table(rows)
        _sync(self._folder / name)
        return Run(name, rows.num_rows, pc.max(rows["at_us"]).as_py())


def digest(*parts: str) -> bytes:
    """What a name is found by; its parts have no NUL in them."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"),
                   digest_size=_DIGEST_BYTES).digest()  # fmt: skip


def digest_columns(digests: Sequence[bytes]) -> list[pa.Array]:
    """The columns `DIGEST` of rows."""
    numbers = _numbers(digests)
    return [pa.array(np.ascontiguousarray(numbers[name])) for name in DIGEST.names]


def _numbers(digests: Sequence[bytes]) -> Any:
    return np.frombuffer(b"".join(digests), dtype=[(name, "<u8") for name in DIGEST.names])


def _sync(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
