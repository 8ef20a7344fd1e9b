"""From an adapter to the conversations it comes from, and from one of these to every adapter.

Reads `snapshots` and `validated_examples` without a JVM, and runs, windows and variants; writes
nothing. Being in a snapshot is what is told: a warm start has replayed a part of it, and what was
in the snapshot of a run that it goes on from is in it, too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from deltalake.exceptions import DeltaError

from deskwheel import lake
from deskwheel.errors import SnapshotError, StateError
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS, VALIDATED
from train.card.page import FACTS
from train.data.members import read_members, snapshots_with


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A run, in the words of lineage."""

    run_id: str
    snapshot_id: str
    adapter_uri: str
    start_run: str
    """The run whose adapter it goes on from; empty: the base."""


def known_runs(settings: Settings, state: State) -> dict[str, Traced]:
    """Every run that has ended with an adapter, by id: those of windows, and those alone."""
    bodies = list(state.documents("run").values())
    for file in sorted(Path(settings.train.runs_dir).glob("*/run.json")):
        bodies.append(json.loads(file.read_text(encoding="utf-8")))
    pipeline = settings.pipeline.name
    return {b["run_id"]: _traced(b) for b in bodies if b["pipeline"] == pipeline}


def find_traced(runs: Mapping[str, Traced], name: str) -> Traced:
    """The run of an id, or the one that has left an adapter's folder.

    Raises:
        StateError: there is none.
    """
    facts = Path(name) / FACTS
    run_id = json.loads(facts.read_text("utf-8"))["run_id"] if facts.is_file() else name
    if run_id not in runs:
        raise StateError(
            f"no run {run_id!r} has ended with an adapter here, nor is it a folder with a"
            f" {FACTS}; `python -m train runs` lists runs"
        )
    return runs[run_id]


def ancestry(runs: Mapping[str, Traced], run: Traced) -> list[Traced]:
    """A run and those that it goes on from, newest first; what is not known ends the row."""
    chain = [run]
    while (older := runs.get(chain[-1].start_run)) is not None and older not in chain:
        chain.append(older)
    return chain


def trace_members(lake_dir: str | Path, snapshot_id: str) -> Iterator[dict[str, Any]]:
    """Members of a snapshot with the conversation of each, in no order; null where it is not known.

    In memory are the members' ids, not the examples.

    Raises:
        SnapshotError: there is no such snapshot.
    """
    members = read_members(lake_dir, snapshot_id)
    if members is None:
        raise SnapshotError(
            f"snapshot {snapshot_id!r} is not in {lake.table_path(lake_dir, SNAPSHOTS)}: the run"
            " learnt from a file of chats, or the row was removed; no lineage is kept of that"
        )
    ids = members["example_id"].combine_chunks()
    columns = {name: pc.field(name) for name in ("example_id", "conversation_id")}
    where = pc.field("example_id").isin(ids)
    seen: list[Any] = []
    version = _version(lake_dir, snapshot_id)
    for batch in lake.scan(lake_dir, VALIDATED, columns, where, version=version):
        places = pc.index_in(batch.column("example_id"), value_set=ids)
        seen.append(places)
        rows = zip(members.take(places).to_pylist(), batch.column(1).to_pylist(), strict=True)
        for member, conversation_id in rows:
            yield {**member, "conversation_id": conversation_id}
    known = {place for places in seen for place in places.to_pylist()}
    for place in range(len(members)):
        if place not in known:
            yield {**members.slice(place, 1).to_pylist()[0], "conversation_id": None}


def examples_of(lake_dir: str | Path, conversation_id: str) -> set[str]:
    """Ids of every example that was mined from a conversation, whatever became of it."""
    columns = {"example_id": pc.field("example_id")}
    where = pc.field("conversation_id") == conversation_id
    found = lake.scan(lake_dir, VALIDATED, columns, where)
    return {id for batch in found for id in batch.column("example_id").to_pylist()}


def trace_back(settings: Settings, state: State, example_ids: set[str]) -> dict[str, Any]:
    """Snapshots that have any of some examples, and every run with its model version.

    A run is there for its own snapshot, or for that of a run it goes on from (`through`).
    """
    runs = known_runs(settings, state)
    found = dict(snapshots_with(settings.pipeline.lake, example_ids))
    touched = []
    for run in runs.values():
        through = [r.run_id for r in ancestry(runs, run) if r.snapshot_id in found]
        if through:
            touched.append({**describe_run(settings, state, run), "through": through})
    return {
        "examples": sorted(example_ids),
        "snapshots": [{"snapshot_id": id, "examples": found[id]} for id in sorted(found)],
        "runs": touched,
    }


def describe_run(settings: Settings, state: State, run: Traced) -> dict[str, Any]:
    """A run with the model version it became, and the variants that serve or served it."""
    versions = {
        w["run_id"]: w["model_version"]
        for w in state.windows(settings.pipeline.name)
        if w["model_version"]
    }
    variants = [
        {"name": name, "role": body["role"]}
        for name, body in state.documents("variant").items()
        if body["run_id"] == run.run_id
    ]
    return {
        "run_id": run.run_id,
        "snapshot_id": run.snapshot_id,
        "adapter_uri": run.adapter_uri,
        "model_version": versions.get(run.run_id),
        "variants": variants,
    }


def _traced(body: Mapping[str, Any]) -> Traced:
    return Traced(
        run_id=body["run_id"],
        snapshot_id=body["snapshot_id"],
        adapter_uri=body["adapter_uri"],
        start_run=body["settings"].get("start_run") or "",
    )


def _version(lake_dir: str | Path, snapshot_id: str) -> int | None:
    """The table version of a snapshot; None, the newest, where it cannot be read any more."""
    columns = {"table_version": pc.field("table_version")}
    where = pc.field("snapshot_id") == snapshot_id
    for batch in lake.scan(lake_dir, SNAPSHOTS, columns, where):
        for version in batch.column(0).to_pylist():
            try:
                lake.open_table(lake_dir, VALIDATED, version=version)
            except (DeltaError, OSError):
                return None
            return int(version)
    return None
