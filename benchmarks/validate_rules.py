"""What judging by the suites costs, beside Great Expectations judging by itself.

`python -m benchmarks.validate_rules [--rows N] [--part batch|rows] [--compiler client|server]`
makes examples that break no or one rule and measures two things, in CPU seconds of the whole
process tree (the JVM included), after rounds that warm the compiler up. One: at 10,000 rows, which
share of the gate's batch is rules, the compiled columns and the batch rules together, and what
`batch.validate` of the same suite costs instead, with the result formats BASIC and COMPLETE. Two:
rows a CPU second from a file through fifteen rules (every fourth of the suite) to the verdict and
one Delta commit; through none, which tells what reading and committing cost, and through all.
The gate compiles the rules on a batch so large (`validate.compiled`), and so does the second part.
"""

import argparse
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import great_expectations as gx
import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from benchmarks.claims import Claim, add_json_option, claims_of, report
from deskwheel import lake
from deskwheel.ids import digest
from deskwheel.records import Example, Redaction
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import VALIDATED
from transforms.session import gathered, spark_schema, spark_session, write_once
from validate.batch import COLUMNS, new_rows
from validate.batch_rules import row_numbers
from validate.candidates import Candidate, Decision
from validate.compile import RowRules, compile_row_rules
from validate.compiled import compiled_read
from validate.entries import Entry
from validate.gate import Gate, compile_gate
from validate.suite import ephemeral_context, load_suites

_claim = claims_of("validate_rules")

BATCH_ROWS = 10_000
EVERY, SOME = 4, 15
"""Of some sixty row rules: fifteen of every sort."""
_WARM_ROUNDS = 6
"""The server compiler is done with a batch's code after three or four."""
_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_WORDS = (
    "router invoice parcel account password refund button settings order delivery number address"
    " cancel monday light screen update version payment card browser email please where how the a"
    " to and of is it my your not in on for with open press choose wait minutes again then"
).split()


def examples(size: int) -> list[Example]:
    """Examples of random words, some short, long, unsure or rude; all their texts differ."""
    chance = random.Random(size)
    return [_example(n, chance) for n in range(size)]


def _example(n: int, chance: random.Random) -> Example:
    query = _text(chance, 8, 30) + "?"
    response = _text(chance, 20, 90) + chance.choice([".", ".", ".", ".", " <PHONE_1> stupid."])
    return Example(
        example_id=f"ex-{n}", tenant="acme", conversation_id=f"conv-{n}", conversation_version=1,
        position=0, channel="chat", kind="ideal", negative_kind=None, query=query,
        response=response, context=f"agent: {_text(chance, 1, 12)}",
        category=chance.choice(["SETUP", "ORDER", "REFUND"]), sentiment="neutral",
        has_needless_apology=chance.random() < 0.05, is_empathetic=False,
        resolution_probability=chance.choice([0.9, 0.9, 0.5]), csat=chance.choice([None, 5, 1]),
        subject_key=f"s-{n % 997}", agent_key="a-1", authorship="human", turn_ids=("t-1", "t-2"),
        redaction=Redaction(version="r", counts={}), sent_at=_NOW,
        content_hash=digest(query + response), ruleset_version="p", code_version="0", language="en",
    )  # fmt: skip


def _text(chance: random.Random, least: int, most: int) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randint(least, most)))


def cpu_s(work: Callable[[], object], *, rounds: int = 2) -> float:
    """CPU seconds of the process tree for some work: the least of some rounds, after one more.

    A round in which a process ended that was there before does not count, because what that process
    had spent until then would be missing at the end.

    Raises:
        RuntimeError: no round counts.
    """
    work()
    found = []
    for _ in range(rounds):
        before = _tree_cpu_s()
        work()
        after = _tree_cpu_s()
        if before.keys() <= after.keys():
            found.append(sum(after.values()) - sum(before.values()))
    if not found:
        raise RuntimeError(f"processes ended in each of {rounds} rounds: measure again")
    return min(found)


def _tree_cpu_s() -> dict[int, float]:
    me = psutil.Process()
    times = {p.pid: p.cpu_times() for p in (me, *me.children(recursive=True))}
    # What was started and ended within a round is in the times of who started it.
    return {
        pid: t.user + t.system + t.children_user + t.children_system for pid, t in times.items()
    }


def overhead_claims(spark: SparkSession, folder: Path) -> list[Claim]:
    """The share of rules in the gate's batch, and what GX by itself takes."""
    frame = _stored(spark, folder / "batch.parquet", BATCH_ROWS)
    settings = Settings()
    settings = replace(settings, pipeline=replace(settings.pipeline, lake=str(folder / "lake")))
    settings = replace(
        settings, transforms=replace(settings.transforms, checkpoint_dir=str(folder / "points"))
    )
    gate = compile_gate(
        spark, settings, app_id="benchmark", now=lambda: _NOW, report=lambda _: None
    )
    fresh = count()
    batch = cpu_s(lambda: _run_gate(gate, frame, folder / f"lake-{next(fresh)}"))
    numbers = [column.alias(name) for name, column in row_numbers().items()]
    rules = [gate.rules.reasons().alias("reasons"), gate.rules.warnings().alias("warnings")]
    plain = cpu_s(lambda: frame.select(*COLUMNS, *numbers).toArrow())
    tagged = cpu_s(lambda: frame.select(*COLUMNS, *numbers, *rules).toArrow())
    rows = frame.select(*COLUMNS, *numbers, *rules).toArrow().to_pylist()
    table_rules = cpu_s(lambda: gate.batch_rules.judge(rows))
    ours = max(0.0, tagged - plain) + table_rules
    suite = load_suites(settings.validate).rows
    by_gx = {
        f: cpu_s(lambda f=f: _validate(suite, frame, f), rounds=1)  # type: ignore[misc]
        for f in ("BASIC", "COMPLETE")
    }
    told = f"{BATCH_ROWS} rows, {len(suite.expectations)} row rules"
    gx_told = "; ".join(f"{name} {value:.2f} CPU s" for name, value in by_gx.items())
    return [
        _claim("batch_cpu_s", batch, "s", "", f"{told}: keys, rules, verdict, commit"),
        _claim("rules_cpu_s", ours, "s", "", f"batch rules {table_rules:.2f} s of it"),
        _claim("rules_share", ours / batch, "", "<= 0.2", f"plain GX: {gx_told}"),
        _claim("gx_basic_ratio", by_gx["BASIC"] / ours, "×", "", "plain GX, BASIC, to ours"),
        _claim("gx_complete_ratio", by_gx["COMPLETE"] / ours, "×", "", "plain GX, COMPLETE"),
    ]


def throughput_claims(spark: SparkSession, folder: Path, size: int) -> list[Claim]:
    """Rows a CPU second through rules, verdict and commit."""
    frame = _stored(spark, folder / "rows.parquet", size)
    suite = load_suites(Settings().validate).rows
    some = gx.ExpectationSuite(name="some", expectations=suite.expectations[::EVERY][:SOME])
    claims = []
    none = gx.ExpectationSuite(name="none", expectations=[])
    for name, rules, target in (("no", none, ""), ("some", some, ">= 35000"), ("all", suite, "")):
        fresh = count()
        compiled = compile_row_rules(rules, frame)
        spent = cpu_s(
            lambda: _commit(frame, compiled, folder / f"{name}-{next(fresh)}"),  # noqa: B023
            rounds=_WARM_ROUNDS,
        )
        told = f"{len(rules.expectations)} rules, verdict and commit of {size} rows"
        claims.append(_claim(f"{name}_rows_a_cpu_s", size / spent, "rows/s", target, told))
    return claims


def _stored(spark: SparkSession, file: Path, size: int) -> DataFrame:
    pq.write_table(to_table(examples(size), Example), file)
    return spark.read.schema(spark_schema(Example)).parquet(str(file))


def _run_gate(gate: Gate, frame: DataFrame, folder: Path) -> None:
    """One batch into a table of its own: nothing of it is stored before."""
    lake.ensure(folder, VALIDATED)
    placed: Any = replace(gate, lake_dir=folder, index_file=folder / "index.sqlite")
    placed(frame, 0)


def _validate(suite: Any, frame: DataFrame, result_format: str) -> None:
    source = ephemeral_context().data_sources.add_or_update_spark("plain", persist=False)
    batch = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")
    batch.get_batch(batch_parameters={"dataframe": frame}).validate(
        suite, result_format=result_format
    )


def _commit(frame: DataFrame, rules: RowRules, folder: Path) -> None:
    """One batch of examples judged and committed as the gate does, into a table of its own."""
    lake_dir = lake.ensure(folder, VALIDATED).parent
    with compiled_read(frame):
        judged = gathered(frame.select("*", rules.reasons().alias("reasons")))
    assert not isinstance(judged, DataFrame), "more rows than one process takes"
    broken = judged.filter(pc.greater(pc.list_value_length(judged["reasons"]), 0))
    reasons = zip(*(broken[c].to_pylist() for c in ("example_id", "reasons")), strict=True)
    decisions = dict.fromkeys(judged["example_id"].to_pylist(), Decision("valid"))
    decisions |= {i: Decision("quarantined", tuple(found)) for i, found in reasons}
    rows = new_rows(
        judged,
        {},
        decisions=decisions,
        fresh=dict.fromkeys(decisions, _entry()),
        suite_version="suite-benchmark",
        now=_NOW,
    )
    write_once(rows, lake_dir, VALIDATED, app_id="benchmark", batch_id=0, metadata={})


def _entry() -> Entry:
    """The same keys for all rows: what finds them is not measured here."""
    candidate = Candidate(
        example_id="", conversation_id="", conversation_version=1, content="", sent_at=_NOW
    )
    return Entry(candidate=candidate, scope="", signature=None, shape=None)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the second part")
    parser.add_argument("--part", choices=("batch", "rows"), help="measure only this part")
    parser.add_argument(
        "--compiler", choices=("client", "server"), default="server", help="transforms.jvm_compiler"
    )
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    spark = spark_session("benchmark", driver_memory="2g", compiler=arguments.compiler)
    try:
        with tempfile.TemporaryDirectory() as folder:
            claims = overhead_claims(spark, Path(folder)) if arguments.part != "rows" else []
            if arguments.part != "batch":
                claims += throughput_claims(spark, Path(folder), arguments.rows)
    finally:
        spark.stop()
    return report(claims, arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
