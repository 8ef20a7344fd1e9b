"""What the gateway costs over a bare acknowledged produce, and what its batches carry.

Broker, gateway and client are processes of their own on this machine. Both sides of the first
comparison send the same events with the same producer settings at the same fixed times, in turns,
and latency counts from the time an event was due. Because `kafka.linger_ms` is part of both, the
comparison is repeated with none. At the end each accepted event must be readable.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.gateway.processes import (
    LINGER_MS,
    TOKEN,
    Broker,
    Gateway,
    running,
    stored_ids,
)

_claim = claims_of("gateway")

RATE_PER_S = 200.0
BATCH_EVENTS = 200
CLIENTS = 4
WARM_S = 3.0


def measure(folder: Path, *, seconds: float, rounds: int) -> list[Claim]:
    """The claims, with `rounds` turns of each side."""
    broker = Broker(folder / "kafka")
    gateways = {
        "": Gateway(folder / "gateway", broker.bootstrap),
        "no_linger.": Gateway(folder / "no_linger", broker.bootstrap, linger_ms=0),
    }
    claims: list[Claim] = []
    turns: list[dict[str, Any]] = []
    with running(broker, *gateways.values()):
        for name, gateway in gateways.items():
            linger_ms = 0 if name else LINGER_MS
            _load(gateway, f"{name}warm", WARM_S)
            _bare(broker, f"{name}warm-bare", WARM_S, linger_ms)
            bare, own = [], []
            for turn in range(rounds):
                bare += _bare(broker, f"{name}b{turn}", seconds, linger_ms)["latencies_s"]
                turns.append(_load(gateway, f"{name}g{turn}", seconds))
                own += turns[-1]["latencies_s"]
            claims += _compared(name, bare, own, linger_ms)
        batches = _load(
            gateways[""], "n", seconds, "--batch", str(BATCH_EVENTS), "--clients", str(CLIENTS)
        )
        stored = set(stored_ids(broker.bootstrap, "raw.chat"))
    turns.append(batches)
    accepted = {name for turn in turns for name in turn["ids"]}
    statuses = [status for turn in turns for status in turn["statuses"]]
    return [
        *claims,
        _claim(
            "batch_events_per_s", len(batches["ids"]) / seconds, "1/s", ">= 1000",
            f"{CLIENTS} clients, {BATCH_EVENTS} events a batch, broker and client beside it",
        ),
        _quantile("batch_p99", batches["latencies_s"], 99, f"{len(batches['statuses'])} batches"),
        _claim(
            "not_accepted", sum(s != 202 for s in statuses), "", "== 0", f"{len(statuses)} requests"
        ),
        _claim("accepted_not_readable", len(accepted - stored), "", "== 0",
               f"{len(accepted)} accepted events"),
    ]  # fmt: skip


def _compared(
    name: str, bare: Sequence[float], own: Sequence[float], linger_ms: int
) -> list[Claim]:
    said = f"{len(own)} requests at {RATE_PER_S:g}/s, linger {linger_ms} ms"
    peer = f"bare kafka-python, same settings, {len(bare)} events, linger {linger_ms} ms"
    return [
        _quantile(f"{name}bare_p50", bare, 50, peer),
        _quantile(f"{name}bare_p99", bare, 99, peer),
        _quantile(f"{name}p50", own, 50, said),
        _quantile(f"{name}p99", own, 99, said),
        _claim(f"{name}p99_ratio", _at(own, 99) / _at(bare, 99), "x", "<= 3", peer),
    ]


def _load(gateway: Gateway, prefix: str, seconds: float, *more: str) -> Any:
    return _run("load", gateway.url, "--token", TOKEN, prefix=prefix, seconds=seconds, more=more)


def _bare(broker: Broker, prefix: str, seconds: float, linger_ms: int) -> Any:
    linger = ("--linger", str(linger_ms))
    return _run("bare", broker.bootstrap, prefix=prefix, seconds=seconds, more=linger)


def _run(module: str, *place: str, prefix: str, seconds: float, more: Sequence[str]) -> Any:
    program = [
        sys.executable, "-m", f"benchmarks.gateway.{module}", *place, "--prefix", prefix,
        "--seconds", str(seconds), "--rate", str(RATE_PER_S), *more,
    ]  # fmt: skip
    done = subprocess.run(program, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def _at(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(values, percent))


def _quantile(name: str, values: Sequence[float], percent: float, peer: str) -> Claim:
    return _claim(name, _at(values, percent) * 1000, "ms", "", peer)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest_gateway", description=__doc__
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        claims = measure(Path(folder), seconds=chosen.seconds, rounds=chosen.rounds)
    return report(claims, chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
