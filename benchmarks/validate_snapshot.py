"""How long a training set of 20,000 examples takes to freeze, and what of it contamination costs.

`python -m benchmarks.validate_snapshot [--examples N]` makes examples of about 110 words out of a
stock of phrases, as agents who answer with ready-made sentences write them, stores them as
`validated_examples` in a temporary lake, and freezes them there, without a JVM. CPU time of the one
process counts: nearly all of it runs on one core, and the machine may be shared.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.claims import Claim, add_json_option, report
from deskwheel import lake
from deskwheel.ids import digest
from deskwheel.records import Redaction, ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import VALIDATED
from validate.snapshots.export import export_snapshot
from validate.snapshots.freeze import freeze_snapshot
from validate.snapshots.rows import valid_rows
from validate.snapshots.select import contaminated
from validate.snapshots.verify import prove_member, verify_snapshot
from validate.verdicts import decide_split

_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_PHRASES, _PHRASE_WORDS = 3_000, 7
_LETTERS = "abdefgiklmnoprstu"


def make_examples(count: int, *, seed: int) -> list[ValidatedExample]:
    """Examples of customers with two each, every word of whose texts other examples use, too."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(_LETTERS, k=rng.randint(2, 9))) for _ in range(8_000)]
    phrases = [" ".join(rng.choices(words, k=_PHRASE_WORDS)) for _ in range(_PHRASES)]
    weights = [1 / (rank + 10) for rank in range(_PHRASES)]
    return [
        _example(
            i,
            " ".join(rng.choices(phrases, weights, k=2)) + f" {rng.choice(words)}?",
            ". ".join(rng.choices(phrases, weights, k=14)),
        )
        for i in range(count)
    ]


def _example(number: int, query: str, response: str) -> ValidatedExample:
    subject, conversation = f"subject-{number // 2}", f"conv-{number}"
    return ValidatedExample(
        example_id=f"ex-{number:08}", tenant="acme", conversation_id=conversation,
        conversation_version=1, position=0, channel="chat", kind="ideal", negative_kind=None,
        query=query, response=response, context="", category=f"C{number % 11}",
        sentiment="neutral", has_needless_apology=False, is_empathetic=False,
        resolution_probability=0.9, csat=None, subject_key=subject, agent_key=None,
        authorship="human", turn_ids=[], redaction=Redaction(version="r1", counts={}),
        sent_at=_NOON, content_hash=digest(query, response), ruleset_version="pairs",
        code_version="0", verdict="valid", reasons=[], suite_version="suite", validated_at=_NOON,
        split=decide_split("acme", subject, conversation, test=0.1, dev=0.05),
    )  # fmt: skip


def measure(count: int, folder: Path) -> list[Claim]:
    """Freeze, freeze again, verify, prove and export so many examples."""
    plain = Settings()
    settings = replace(plain, pipeline=replace(plain.pipeline, lake=str(folder / "lake")))
    lake_dir = settings.pipeline.lake
    rows = make_examples(count, seed=1)
    version = lake.append(lake_dir, VALIDATED, to_table(rows, ValidatedExample))
    clock = time.perf_counter()
    started = time.process_time()
    snapshot = freeze_snapshot(settings, table_version=version, now=_NOON)
    freeze_s = _since(started)
    wall_s = time.perf_counter() - clock
    valid = valid_rows(lake_dir, version)
    started = time.process_time()
    contaminated(valid, valid, set())
    compare_s = _since(started)
    started = time.process_time()
    assert verify_snapshot(lake_dir, snapshot).holds
    verify_s = _since(started)
    started = time.process_time()
    assert prove_member(snapshot, snapshot.members[count // 2].example_id).holds()
    prove_s = _since(started)
    started = time.process_time()
    export_snapshot(lake_dir, snapshot, folder / "export", format="jsonl")
    export_s = _since(started)
    words = sum(len(f"{r.query} {r.response}".split()) for r in rows) / count
    size = f"{count} examples of {words:.0f} words"
    return [
        _claim("freeze", freeze_s, "<= 20", f"{size}; {wall_s:.1f} s by the clock"),
        _claim("freeze_without_comparison", freeze_s - compare_s, "", f"{size}; estimated"),
        _claim("contamination", compare_s, "", f"{size}; {compare_s / freeze_s:.0%} of freezing"),
        _claim("verify", verify_s, "", size),
        _claim("prove", prove_s, "", size),
        _claim("export", export_s, "", f"{size}, verified, as JSON Lines"),
    ]


def _since(started: float) -> float:
    return time.process_time() - started


def _claim(what: str, value: float, target: str, peer: str) -> Claim:
    return Claim(
        id=f"validate_snapshot.{what}", value=value, unit="CPU-s", target=target, peer=peer
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000, metavar="N", help="default 20000")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        claims = measure(arguments.examples, Path(folder))
    return report(claims, arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
