"""How well the whole streaming job does on a labelled stream, score by score.

`python -m benchmarks.stream_quality FOLDER [--json FILE]` plays FOLDER/events.jsonl through the
embedded broker, `transforms stream` and `validate watch`, then compares the tables with
FOLDER/gold/ (the format: benchmarks.labelled). Ten scores: loss, poison, noise, trimming of
mails, threading, resolution, pairs, personal data, category, near-duplicates.

The state folder is kept with `--home FOLDER`; an earlier playing there is scored again without
playing. Settings can be changed with `--set`, as for any stage.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.claims import Claim, add_json_option, report
from benchmarks.stream_quality import arrival, pairs, talks, text
from benchmarks.stream_quality.outcome import Outcome, outcome
from benchmarks.stream_quality.play import played

SCORES = (
    arrival.loss,
    arrival.poison,
    arrival.noise,
    text.trimming,
    talks.threading,
    talks.resolution,
    pairs.pairs,
    text.personal_data,
    text.leaks,
    talks.categories,
    pairs.near_duplicates,
)
"""Each takes an Outcome and gives claims, in the order of the table."""


def scores(found: Outcome) -> list[Claim]:
    """Every claim about a playing."""
    return [_named(claim) for score in SCORES for claim in score(found)]


def _named(claim: Claim) -> Claim:
    return Claim(**{**vars(claim), "id": f"stream_quality.{claim.id}"})


def measure(folder: Path, home: Path, overrides: Sequence[str] = ()) -> list[Claim]:
    """Play the folder (or take the playing that `home` holds) and score it."""
    done = played(folder, home, overrides)
    speed = Claim(
        id="stream_quality.seconds", value=done.seconds, unit="s", target="",
        peer=f"{len(done.places)} events to verdicts, three starts of Spark included",
    )  # fmt: skip
    return [*scores(outcome(folder, done)), speed]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stream_quality", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="folder with events.jsonl and gold/")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="keep tables and logs there")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="dw-") as folder:
        home = arguments.home or Path(folder)
        return report(measure(arguments.folder, home, arguments.set), arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
