"""What the audit costs, from 10^4 to 10^6 turns.

`python -m benchmarks.validate_audit [--sizes TURNS ...] [--plot SVG]`

Tables of plain rows are written without Spark, a third of them turns with an example and a verdict;
one audit of each size is timed. The limit is a ratio within the run: CPU seconds a row at the
largest size against those at the size before it, where the fixed cost no longer shows.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from benchmarks.claims import Claim, add_json_option, report
from benchmarks.live.plot import log_line_chart
from deskwheel import lake
from deskwheel.audit import conservation
from deskwheel.schema import arrow_schema
from deskwheel.tables import EXAMPLES, TURNS, VALIDATED, Table

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
EXAMPLES_SHARE = 1 / 3
MAX_RATIO = 1.25

_START_US = 1_800_000_000_000_000
_OF_TYPE = (
    (pa.types.is_string, "x"),
    (pa.types.is_boolean, False),
    (pa.types.is_integer, 0),
    (pa.types.is_floating, 0.0),
)


def fill_lake(folder: Path, turns: int) -> dict[str, dict[int, tuple[int, int]]]:
    """Tables in which every law holds, and the offsets to audit them by.

    As in a running pipeline the commit of the verdicts says that all examples were read.
    """
    pointer = arrow_schema(TURNS.record).field("source").type
    source = pa.array(
        [{"topic": "raw.chat", "partition": n % 4, "offset": n // 4} for n in range(turns)], pointer
    )
    verdict = pa.array(["accepted"] * turns)
    lake.append(folder, TURNS, _rows(TURNS, turns, source=source, verdict=verdict))
    examples = int(turns * EXAMPLES_SHARE)
    ids = pa.array([f"ex-{n:08d}" for n in range(examples)])
    rows = _rows(EXAMPLES, examples, example_id=ids, content_hash=ids)
    read = {_table_id(folder): [lake.append(folder, EXAMPLES, rows) + 1, -1, False]}
    judged = pa.array(["valid"] * examples)
    rows = _rows(VALIDATED, examples, example_id=ids, content_hash=ids, verdict=judged)
    lake.append_once(folder, VALIDATED, rows, app_id="gate", batch_id=0, metadata={"read": read})
    return {"raw.chat": {part: (0, (turns - part + 3) // 4) for part in range(4)}}


def _table_id(folder: Path) -> str:
    return str(DeltaTable(lake.ensure(folder, EXAMPLES)).metadata().id)


def _rows(table: Table, count: int, **columns: pa.Array) -> pa.Table:
    schema = arrow_schema(table.record)
    plain = {f.name: _plain(f, count) for f in schema if f.name not in columns}
    return pa.table([{**plain, **columns}[name] for name in schema.names], schema=schema)


def _plain(field: pa.Field, count: int) -> pa.Array:
    """A column that costs little: null where it may be, else the plainest value of its type."""
    kind = field.type
    if field.nullable:
        return pa.nulls(count, kind)
    if pa.types.is_timestamp(kind):
        value: object = _START_US
    elif pa.types.is_list(kind) or pa.types.is_map(kind):
        value = []
    elif pa.types.is_struct(kind):
        value = {f.name: [] if pa.types.is_map(f.type) else "1" for f in kind}
    else:
        value = next(plain for applies, plain in _OF_TYPE if applies(kind))
    return pa.array([value] * count, kind)


def audit_seconds(turns: int) -> float:
    """CPU seconds of one audit; the tables are written before and removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        offsets = fill_lake(Path(folder), turns)
        started = time.process_time()
        audit = conservation(folder, offsets)
        seconds = time.process_time() - started
    if not audit.is_balanced:
        raise SystemExit(f"the toy tables of {turns} turns do not balance: {audit.problems}")
    return seconds


def plot(seconds: Mapping[int, float]) -> str:
    """The cost of a turn over the turns, as SVG: a flat line is a linear audit."""
    points = [(size, spent / size * 1e6) for size, spent in sorted(seconds.items())]
    return log_line_chart(
        points, title="What a turn costs an audit", x_label="turns", y_label="CPU µs"
    )


def main() -> int:
    """Measure each size and print what it costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="TURNS")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the costs there (SVG)")
    add_json_option(parser)
    arguments = parser.parse_args()
    seconds = {size: min(audit_seconds(size) for _ in range(2)) for size in arguments.sizes}
    if arguments.plot:
        arguments.plot.write_text(plot(seconds), encoding="utf-8")
    claims = [
        Claim(
            id=f"validate_audit.seconds_{size}",
            value=spent,
            unit="CPU-s",
            target="",
            peer=f"{size} turns, {int(size * EXAMPLES_SHARE)} examples with their verdicts",
        )
        for size, spent in seconds.items()
    ]
    *_, before, last = sorted(seconds)
    ratio = (seconds[last] / last) / (seconds[before] / before)
    claims.append(
        Claim(
            id="validate_audit.cost_ratio",
            value=ratio,
            unit="x",
            target=f"<= {MAX_RATIO}",
            peer=f"CPU seconds a turn at {last} against {before}",
        )
    )
    return report(claims, arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
