"""What looking up ids and threads costs a micro-batch, as the table `turns` grows.

`python -m benchmarks.transforms_lookup [--messages N]` commits simulated traffic to a table, 2,500
messages a batch, as the streaming job does after Spark has parsed them: find repeated events and
threads, commit, merge small files when that is due. No Spark and no Kafka run, so it takes minutes
where `benchmarks.transforms_cost` takes half an hour. The rows of twenty thousand messages come
again and again under other ids, keys and times. Peer: the same questions asked by a scan of the
table, as the job asked them before it had an index.

Constant is what costs at the end at most 1.3 of what it costs after the first merge: the index is
asked in a logarithmic number of files.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.claims import Claim, add_json_option, claims_of, report
from deskwheel import lake
from deskwheel.records import Event, Pointer
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import TURNS
from deskwheel.topics import raw_topic
from ingest.envelope import headers_of
from ingest.simulate.live import Traffic, steady_clock
from transforms.changes import Facts, changed_table, find_changes
from transforms.intakes import TURNS_INTAKE
from transforms.parse.model import RawEvent
from transforms.session import write_once
from transforms.turns import Rules, turn_rows

_claim = claims_of("transforms_lookup")

MESSAGES = 750_000
GROWTH = 1.3
BATCH_EVENTS = 2_500
BATCHES = 8
"""Of traffic that is parsed; what follows is the same under other names."""

RUN_IN = 60_000
"""Events until the simulated stories lie as they do later on."""

START = datetime(2026, 11, 26, tzinfo=UTC)
_INTERVAL_S = 5
_RATE_PER_S = 500.0
_WINDOW = 50
"""Batches: one merge falls into each."""


def parsed_batches() -> list[pa.Table]:
    """The rows of some batches of simulated traffic."""
    traffic = Traffic(1, now=steady_clock(START, _RATE_PER_S))
    rules = Rules.of(Settings(), b"benchmark")
    for _ in range(RUN_IN):
        next(traffic)
    return [
        to_table(
            [row for n in range(BATCH_EVENTS) for row in _rows(next(traffic), n, rules)],
            TURNS.record,
        )
        for _ in range(BATCHES)
    ]


def _rows(event: Event, number: int, rules: Rules) -> list[Any]:
    headers = {name.lower(): value.decode() for name, value in headers_of(event)}
    size = len(event.data)
    data = event.data if size <= rules.limits.max_event_bytes else b""
    raw = RawEvent(event.channel, data, size, headers, event.time)
    place = Pointer(topic=raw_topic(event.channel), partition=0, offset=number)
    return turn_rows(raw, place, rules, batch_id=0)


def renamed(rows: pa.Table, batch: int) -> pa.Table:
    """The same rows as another batch brings them: under other ids and keys, at its time."""
    mark = f"{batch // BATCHES}"
    for name in ("turn_id", "event_id", "conversation_id"):
        told = rows[name].combine_chunks()
        rows = _put(rows, name, pc.binary_join_element_wise(told, mark, ""))
    keys = rows["thread_keys"].combine_chunks()
    names = [key[:2] + _hex(mark + key[2:]) for key in keys.flatten().to_pylist()]
    offsets = pa.array(_offsets(keys), pa.int32())
    rows = _put(rows, "thread_keys", pa.ListArray.from_arrays(offsets, pa.array(names)))
    moment = START + timedelta(seconds=_INTERVAL_S * batch)
    return _put(rows, "ingested_at", pa.array([moment] * rows.num_rows))


def _offsets(lists: pa.ListArray) -> Iterator[int | None]:
    """Where each list begins, None for a list that is null, and the end."""
    at = 0
    for length in pc.list_value_length(lists).to_pylist():
        yield None if length is None else at
        at += length or 0
    yield at


def _hex(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _put(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = rows.schema.get_field_index(name)
    column = rows.schema.field(at)
    return rows.set_column(at, column, [values.cast(column.type)])


def scanned(facts: Facts, lake_dir: str) -> int:
    """How many known ids and mails of the batch a scan of the table finds."""
    ids = pc.field("event_id").isin(pa.array(sorted(set(facts.ids)), pa.string()))
    names = pa.array(sorted({key for mail in facts.mails for key in mail.thread_keys}))
    found = sum(p.num_rows for p in lake.scan(lake_dir, TURNS, {"n": pc.field("event_id")}, ids))
    mails = lake.scan(
        lake_dir, TURNS, {"k": pc.field("thread_keys")}, pc.field("thread_keys").is_valid()
    )
    return found + sum(
        pc.sum(pc.is_in(pc.list_flatten(part["k"]), value_set=names)).as_py() or 0 for part in mails
    )


def measure(folder: Path, messages: int) -> list[Claim]:
    """The claims of one run."""
    whole = Settings()
    settings = replace(
        whole,
        pipeline=replace(whole.pipeline, lake=str(folder / "lake")),
        transforms=replace(whole.transforms, checkpoint_dir=str(folder / "checkpoints")),
    )
    lake.ensure(settings.pipeline.lake, TURNS)
    parsed = parsed_batches()
    windows: list[dict[str, float]] = []
    for batch in range(_WINDOW * max(1, messages // (_WINDOW * BATCH_EVENTS))):
        if batch % _WINDOW == 0:
            windows.append(defaultdict(float))
        _write(renamed(parsed[batch % BATCHES], batch), batch, settings, windows[-1])
    facts = Facts.of(renamed(parsed[0], batch + 1), TURNS_INTAKE)
    spent: dict[str, float] = defaultdict(float)
    _timed(spent, "scan", scanned, facts, settings.pipeline.lake)
    return claims(windows, 1000 * spent["scan"])


def _write(rows: pa.Table, batch: int, settings: Settings, spent: dict[str, float]) -> None:
    """Do with the rows of a batch what the job does once Spark has parsed them."""
    facts = Facts.of(rows, TURNS_INTAKE)
    changes = _timed(spent, "look_up", find_changes, facts, settings, TURNS_INTAKE)
    _timed(
        spent, "commit", write_once, changed_table(rows, facts, changes, TURNS_INTAKE),
        settings.pipeline.lake, TURNS, app_id="turns:benchmark", batch_id=batch, metadata={},
        compact_commits=settings.transforms.compact_commits,
    )  # fmt: skip


def _timed(
    spent: dict[str, float], name: str, work: Callable[..., Any], *args: Any, **named: Any
) -> Any:
    """What the work returns; its CPU seconds, of all threads, are added to those of its name."""
    began = time.process_time()
    try:
        return work(*args, **named)
    finally:
        spent[name] += time.process_time() - began


def claims(windows: Sequence[dict[str, float]], scan_ms: float) -> list[Claim]:
    """What the CPU seconds of each fifty batches say, and one scan at their end."""
    cost = [{name: 1000 * s / _WINDOW for name, s in window.items()} for window in windows]
    first, last = cost[0], cost[-1]
    size = len(windows) * _WINDOW * BATCH_EVENTS
    found = [
        _claim(f"{name}_{place}", window[name], "ms", "", f"CPU a batch, {name} {place}")
        for place, window in (("first", first), ("last", last))
        for name in ("look_up", "commit")
    ]
    return [
        *found,
        _claim("growth", last["look_up"] / first["look_up"], "×", f"<= {GROWTH}",
               f"looking up, the last fifty batches of {size} messages by the first fifty"),
        _claim("scan", scan_ms, "ms", "", "CPU of a batch's questions by a scan, its files merged"),
        _claim("against_scan", scan_ms / last["look_up"], "×", ">= 1", "a scan by the index"),
    ]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transforms_lookup", description=__doc__
    )
    parser.add_argument(
        "--messages", type=int, default=MESSAGES, help="how many to look up, in whole 125,000"
    )
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        return report(measure(Path(folder), chosen.messages), chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
