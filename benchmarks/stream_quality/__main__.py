"""How well the whole streaming job does on a labelled stream, score by score.

`python -m benchmarks.stream_quality FOLDER [--json FILE]` plays FOLDER/events.jsonl through the
embedded broker, `transforms stream` and `validate watch`, then compares the tables with
FOLDER/gold/ (the format: benchmarks.labelled). Ten scores: loss, poison, noise, trimming of
mails, threading, resolution, pairs, personal data, category, near-duplicates.

With `--in-process` the functions of the job are called in this process instead, in seconds:
threads come from the labels, and threading, gate and near-duplicates have no score. `--misses FILE`
then writes down what was wrong, one line each.

The state folder is kept with `--home FOLDER`; an earlier playing there is scored again without
playing. Settings can be changed with `--set`, as for any stage.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.claims import add_json_option, exit_status, report


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stream_quality", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="folder with events.jsonl and gold/")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="keep tables and logs there")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--in-process", action="store_true", help="the functions alone, no job")
    parser.add_argument("--misses", type=Path, metavar="FILE", help="with --in-process")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    if arguments.in_process:
        return _in_process(arguments)
    from benchmarks.stream_quality.scores import measure  # noqa: PLC0415  Spark takes seconds

    with tempfile.TemporaryDirectory(prefix="dw-") as folder:
        home = arguments.home or Path(folder)
        return report(measure(arguments.folder, home, arguments.set), arguments.json)


def _in_process(arguments: argparse.Namespace) -> int:
    from benchmarks.stream_quality import direct, misses  # noqa: PLC0415  seconds of imports

    found = direct.outcome(arguments.folder, datetime.now(UTC))
    if arguments.misses:
        lines = (json.dumps(miss, ensure_ascii=False) for miss in misses.misses(found))
        arguments.misses.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return report(direct.scored(found), arguments.json)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
