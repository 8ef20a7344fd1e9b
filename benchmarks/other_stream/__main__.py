"""Write a labelled stream out of public dialogs in another dressing than a given one.

`python -m benchmarks.other_stream DATA --out FOLDER [--words first|second|third|fourth]` reads
DATA/bitext, DATA/taskmaster4 and, to leave out what it uses, DATA/stream_sample. It writes
FOLDER/events.jsonl and FOLDER/gold/ for `benchmarks.stream_quality` (the format:
benchmarks.labelled). The lists share no phrase, and streams of one seed share no dialog.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.claims import exit_status
from benchmarks.other_stream.calls import write_call
from benchmarks.other_stream.events import SPREAD_S, Event, Written, write_chat
from benchmarks.other_stream.mails import Postman
from benchmarks.other_stream.noise import noises, poisons, repeated
from benchmarks.other_stream.sources import read_sources, read_words
from benchmarks.other_stream.stories import Story, Writer

HALVES = {"first": ("first", 0), "second": ("second", 1), "third": ("first", 0),
          "fourth": ("second", 1)}  # fmt: skip
"""Whose half of the dialogs a list takes, and which one; not its own: from the half's end."""

REPEATED_SHARE, LATE_SHARE = 0.045, 0.02


def stream(data: Path, words_name: str, seed: int) -> tuple[list[Event], dict[str, list[Any]]]:
    """The events in order of arrival, and the files of labels by name."""
    rng = Random(f"{words_name}-{seed}")  # noqa: S311  reproducible, no secret
    words = read_words(words_name)
    owner, half = HALVES[words_name]
    is_own = owner == words_name
    order = rng if is_own else Random(f"{owner}-{seed}")  # noqa: S311
    writer = Writer(words, read_sources(data, half, order, is_from_end=not is_own), rng)
    written = [*_dressed(list(writer.stories()), words, rng), *noises(words, rng, SPREAD_S)]
    arrivals: list[tuple[float, Event, Written | None, dict[str, Any]]] = []
    for made in written:
        for at_s, one in made.events:
            late = rng.random() < LATE_SHARE
            delay = round(200 + rng.random() * 700, 1) if late else 0.0
            fact = {"file": "out_of_order", "delay_s": delay} if late else {}
            arrivals.append((at_s + delay, one, made, fact))
            if rng.random() < REPEATED_SHARE:
                copy, kind = repeated(one, rng)
                again = {"file": "duplicates", "kind": kind, "of": id(one)}
                arrivals.append((at_s + delay + 0.1 + rng.random() * 90, copy, made, again))
    for at_s, one, kind, expect in poisons(rng, SPREAD_S):
        fact = {"file": "poison", "kind": kind, "expect": expect}
        arrivals.append((at_s, one, None, fact))
    arrivals.sort(key=lambda a: a[0])
    return [a[1] for a in arrivals], _labels(written, arrivals)


def _dressed(stories: Sequence[Story], words: Any, rng: Random) -> Iterable[Written]:
    begun: dict[int, float] = {}
    names: dict[int, str] = {}
    postman = Postman(words, rng)
    for story in stories:
        first = story.follows
        at_s = begun[id(first)] + 90000 if first else rng.random() * SPREAD_S
        begun[id(story)] = at_s
        if story.channel == "email":
            made = postman.write(story, at_s)
        elif story.channel == "call":
            made = write_call(story, at_s, rng, words)
        else:
            made = write_chat(story, at_s, rng)
        names[id(story)] = made.gold["conversation_id"]
        made.gold["followup_of"] = names[id(first)] if first else None
        yield made


def _labels(
    written: Sequence[Written],
    arrivals: Sequence[tuple[float, Event, Written | None, dict[str, Any]]],
) -> dict[str, list[Any]]:
    files: dict[str, list[Any]] = {"duplicates": [], "out_of_order": [], "poison": []}
    line_of = {id(one): n for n, (_, one, _, _) in enumerate(arrivals)}
    for n, (_, one, owner, fact) in enumerate(arrivals):
        name = fact.pop("file", None)
        row = {"line": n, **fact}
        if owner:
            owner.gold["event_lines"].append(n)
            row["conversation_id"] = owner.gold["conversation_id"]
        else:
            row |= {"channel": one["channel"], "key": one["key"]}
        if name == "duplicates":
            row["of_line"] = line_of[row.pop("of")]
        if name:
            files[name].append(row)
    return {"conversations": [made.gold for made in written], **files}


def write(folder: Path, events: Sequence[Event], labels: dict[str, list[Any]]) -> None:
    """Write a stream and its labels as JSON Lines."""
    (folder / "gold").mkdir(parents=True, exist_ok=True)
    _write_lines(folder / "events.jsonl", events)
    for name, rows in labels.items():
        _write_lines(folder / "gold" / f"{name}.jsonl", rows)


def _write_lines(file: Path, rows: Iterable[Any]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the folder and print its size."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.other_stream", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("data", type=Path, help="folder with bitext, taskmaster4, stream_sample")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--words", choices=sorted(HALVES), default="first")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(argv)
    events, labels = stream(chosen.data, chosen.words, chosen.seed)
    write(chosen.out, events, labels)
    print(f"{chosen.out}: {len(labels['conversations'])} conversations, {len(events)} events")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
