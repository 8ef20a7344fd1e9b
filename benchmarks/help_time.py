"""How long `--help` takes, for the operator's command and each stage.

A help text that loads Spark or torch takes seconds; ours imports the standard library and the
settings. The peer is a bare `python -c pass` measured in the same rounds, because a busy machine
slows both.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.claims import Claim, add_json_option, report

PROGRAMS = ("deskwheel.cli", "ingest", "transforms", "validate", "train", "deploy")
ROUNDS = 7
LIMIT_S = 0.5


def measure(rounds: int = ROUNDS) -> list[Claim]:
    """Two claims a program: seconds, and the ratio to a bare interpreter."""
    bare = ["-c", "pass"]
    commands = {"bare": bare, **{name: ["-m", name, "--help"] for name in PROGRAMS}}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        # Interleaved, so that a neighbour's burst hits all of them.
        for name, arguments in commands.items():
            times[name].append(seconds(arguments))
    base = median(times["bare"])
    claims = []
    for name in PROGRAMS:
        short, took = name.partition(".")[0], median(times[name])
        claims += [
            Claim(
                id=f"help_time.{short}", value=took, unit="s", target=f"<= {LIMIT_S}",
                peer=f"median of {rounds}",
            ),
            Claim(
                id=f"help_time.{short}_ratio", value=took / base, unit="×", target="",
                peer=f"`python -c pass` took {base * 1000:.0f} ms",
            ),
        ]  # fmt: skip
    return claims


def seconds(arguments: Sequence[str]) -> float:
    """Wall-clock seconds of one interpreter."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.help_time", description=__doc__)
    add_json_option(parser)
    return report(measure(), parser.parse_args(argv).json)


if __name__ == "__main__":
    raise SystemExit(main())
