"""What a look at a large table costs the trigger, and how long it takes to claim a window.

`python -m benchmarks.train_trigger [--examples N]` fills a temporary lake with N examples in
commits of a thousand, lets a window end there, and adds commits of twenty, as the gate makes them.
The peer counts as the trigger did before: it reads both versions of the table at each look. Times
are medians by the clock; the state database is SQLite.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc

from benchmarks.claims import Claim, add_json_option, claims_of, report
from deskwheel import lake
from deskwheel.ids import digest
from deskwheel.records import Redaction, ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import VALIDATED
from train.trigger.decide import decide
from train.trigger.log import log_decision

_COMMIT, _FRESH_COMMIT = 1_000, 20
_LOOKS = 15
_TARGET_MS = 50
"""What a claim may take."""
claim_of = claims_of("train_trigger")


def make_examples(first: int, count: int, begin: datetime) -> list[ValidatedExample]:
    """Valid examples of eleven categories with answers of some 400 characters, one a second."""
    return [_example(number, begin) for number in range(first, first + count)]


def _example(number: int, begin: datetime) -> ValidatedExample:
    key = digest(str(number))
    name = f"ex-{key[:20]}"
    return ValidatedExample(
        example_id=name, tenant="acme", conversation_id=f"conv-{number}", conversation_version=1,
        position=0, channel="chat", kind="ideal", negative_kind=None, query=f"Where is {key}?",
        response=f"Your order {key} is on its way. " * 5, context="", category=f"C{number % 11}",
        sentiment="neutral", has_needless_apology=False, is_empathetic=False,
        resolution_probability=0.9, csat=None, subject_key=key[:32], agent_key=None,
        authorship="human", turn_ids=[], redaction=Redaction(version="r1", counts={}),
        sent_at=begin, content_hash=key, ruleset_version="pairs", code_version="0",
        verdict="valid", reasons=[], suite_version="suite", split="train",
        validated_at=begin + timedelta(seconds=number), cluster_id=name, group_id=name,
    )  # fmt: skip


def append(lake_dir: str, first: int, count: int, begin: datetime) -> int:
    """One commit; the table's new version."""
    rows = to_table(make_examples(first, count, begin), ValidatedExample)
    return lake.append(lake_dir, VALIDATED, rows)


def recount(lake_dir: str, since: int, version: int) -> dict[str, int]:
    """The peer: both versions read whole, and compared by id."""
    before = _valid(lake_dir, since)
    now = _valid(lake_dir, version)
    found: dict[str, int] = {}
    for id, category in now.items():
        if id not in before:
            found[category] = found.get(category, 0) + 1
    return found


def _valid(lake_dir: str, version: int) -> dict[str, str]:
    columns = ["example_id", "category", "verdict", "kind"]
    rows = lake.read(lake_dir, VALIDATED, columns=columns, version=version)
    kept = rows.filter(pc.and_(pc.equal(rows["verdict"], "valid"), pc.equal(rows["kind"], "ideal")))
    return dict(zip(kept["example_id"].to_pylist(), kept["category"].to_pylist(), strict=True))


def milliseconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def measure(count: int, folder: Path) -> list[Claim]:
    """Looks and claims at a table of so many examples."""
    plain = Settings()
    pipeline = replace(
        plain.pipeline, lake=str(folder / "lake"), state_url=f"sqlite:///{folder / 'state.db'}"
    )
    trigger = replace(plain.trigger, min_fresh_examples=2 * _LOOKS * _FRESH_COMMIT)
    settings = replace(plain, pipeline=pipeline, trigger=trigger)
    window, begin = 0, datetime.now(UTC) - timedelta(seconds=count)
    for first in range(0, count, _COMMIT):
        window = append(pipeline.lake, first, min(_COMMIT, count - first), begin)
    state = State(pipeline.state_url)
    state.claim_window(pipeline.name, 0, to_version=window, owner="a", detail={})
    state.advance_window(pipeline.name, 0, expect="claimed", phase="trained")
    return _measured(settings, state, window=window, count=count, begin=begin)


def _measured(
    settings: Settings, state: State, *, window: int, count: int, begin: datetime
) -> list[Claim]:
    lake_dir, name = settings.pipeline.lake, settings.pipeline.name
    version = append(lake_dir, count, _FRESH_COMMIT, begin)
    now = datetime.now(UTC) + timedelta(hours=1)
    first_ms = milliseconds(lambda: decide(settings, state, now=now))
    same: list[float] = []
    new: list[float] = []
    logged: list[float] = []
    peer: list[float] = []
    for look in range(1, _LOOKS + 1):
        version = append(lake_dir, count + look * _FRESH_COMMIT, _FRESH_COMMIT, begin)
        new.append(milliseconds(lambda: decide(settings, state, now=now)))
        same.append(milliseconds(lambda: decide(settings, state, now=now)))
        decision = decide(settings, state, now=now)
        assert sum(recount(lake_dir, window, version).values()) == decision.effective
        logged.append(
            milliseconds(lambda d=decision: log_decision(state, name, d, now=now))  # type: ignore[misc]
        )
        peer.append(milliseconds(lambda v=version: recount(lake_dir, window, v)))  # type: ignore[misc]
    claimed = [
        milliseconds(
            lambda n=n: state.claim_window(  # type: ignore[misc]
                name, version + n, to_version=version + n, owner="a", detail=decision.detail()
            )
        )
        for n in range(1, _LOOKS + 1)
    ]
    return _claims(count, first_ms, new=new, same=same, logged=logged, claimed=claimed, peer=peer)


def _claims(
    count: int,
    first_ms: float,
    *,
    new: Sequence[float],
    same: Sequence[float],
    logged: Sequence[float],
    claimed: Sequence[float],
    peer: Sequence[float],
) -> list[Claim]:
    looked = f"median of {_LOOKS} looks, {count:,} examples in the window"
    recounted = f"both versions read at each look, {count:,} examples"
    ratio = statistics.median(peer) / statistics.median(new)
    whole = statistics.median(new) + statistics.median(logged) + statistics.median(claimed)
    return [
        claim_of("first_look", round(first_ms, 1), "ms", "", "a process that has just started"),
        claim_of("look_new_version", round(statistics.median(new), 1), "ms", "", looked),
        claim_of("look_same_version", round(statistics.median(same), 1), "ms", "", looked),
        claim_of("recount", round(statistics.median(peer), 1), "ms", "", recounted),
        claim_of("look_speedup", round(ratio, 1), "times", ">= 3", recounted),
        claim_of("log", round(statistics.median(logged), 1), "ms", "", looked),
        claim_of("claim", round(statistics.median(claimed), 1), "ms", f"<= {_TARGET_MS}", "SQLite"),
        claim_of("look_log_and_claim", round(whole, 1), "ms", f"<= {_TARGET_MS}", looked),
    ]


def main() -> int:
    """Print the claims; return 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--examples", type=int, default=100_000, metavar="N")
    add_json_option(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        claims = measure(arguments.examples, Path(folder))
    return report(claims, arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
