"""Labelled files out of public data sets, for `transforms resolution fit` and `tags train`.

`python -m benchmarks.label_files DATA --out FOLDER` reads `stream_sample`, `bitext` and
`taskmaster4` under DATA, and labelled streams given with `--stream`. It writes `resolution.jsonl`,
`categories.jsonl` and, with `--lexicon`, `moods.jsonl`. The weights and taggers of the release
were made of them; docs/quality.md names the commands. The lexicon is VADER's (MIT licence): a
word, a tab, its mean rating from -4 to 4.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.claims import exit_status
from benchmarks.labelled import read_lines
from deskwheel.demo.catalogue import load_catalogue
from deskwheel.ids import unit_interval
from ingest.simulate import simulate
from transforms.acts.conversation import find_acts
from transforms.resolution.fit import utterances

DISPOSITIONS = {
    "resolved": "solved",
    "follow_up": "unsolved",
    "dropped": "abandoned",
    "transferred": "transferred",
    "voicemail": "abandoned",
}
ORDER_SHARE = 0.3
"""Of the coffee orders, so that one shop's menu does not outweigh the rest."""

OWN_CATEGORIES = {"SETUP", "WARRANTY"}
"""Of the demo company's questions: what the public set has no name for."""

ROLES = {"customer": "customer"}
MOOD_OF_ACT = {"complaint": "negative", "confirm": "positive"}
STORIES, STORIES_SEED = 300, 11
SURE_RATING = 0.8
"""Words rated nearer to 0 than this carry hardly any mood of their own."""

_WORDS = re.compile(r"[a-z' -]+")


def resolutions(streams: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Labelled conversations of streams as `transforms.resolution.fit` reads them."""
    for stream in streams:
        yield from _resolutions(stream)


def _resolutions(stream: Path) -> Iterator[dict[str, Any]]:
    for gold in read_lines(stream / "gold" / "conversations.jsonl"):
        if gold["kind"] != "dialog":
            continue
        event = gold.get("status_event") or {}
        is_call, is_chat = gold["channel"] == "call", gold["channel"] == "chat"
        stated = event.get("resolution")
        yield {
            "turns": [{"sender": t["sender"], "text": t["text"]} for t in gold["turns"]],
            "status": DISPOSITIONS.get(gold.get("disposition") or "") if is_call else stated,
            "csat": event.get("csat") if is_chat else None,
            "resolved": gold["resolved"],
            "is_decidable": gold.get("decidable") is not False,
        }


def categories(data: Path) -> Iterator[dict[str, Any]]:
    """Texts with their category as `transforms.tags.labelled` reads them."""
    for pair in read_lines(data / "bitext" / "pairs.jsonl"):
        yield {"text": pair["query"], "label": pair["category"]}
    for dialog in read_lines(data / "taskmaster4" / "dialogs.jsonl"):
        opening = next((t["text"] for t in dialog["turns"] if t["speaker"] == "customer"), "")
        is_order = dialog["outcome"] in ("ordered", "not_available", "not_sold")
        if is_order and opening and unit_interval(dialog["conversation_id"]) < ORDER_SHARE:
            yield {"text": opening, "label": "ORDER"}
    for question in load_catalogue().questions:
        if question.category in OWN_CATEGORIES:
            yield from ({"text": q, "label": question.category} for q in question.queries)


def moods(data: Path, lexicon: Path) -> Iterator[dict[str, Any]]:
    """What customers say, with a mood where it is a complaint or a confirmation; rated words."""
    for pair in read_lines(data / "bitext" / "pairs.jsonl"):
        yield {"text": pair["query"]}
    dialogs = [
        [{"sender": ROLES.get(t["speaker"], "agent"), "text": t["text"]} for t in dialog["turns"]]
        for dialog in read_lines(data / "taskmaster4" / "dialogs.jsonl")
    ]
    stories = simulate(STORIES_SEED, STORIES, start=datetime(2026, 1, 1, tzinfo=UTC)).dialogues
    dialogs += [[{"sender": n.role, "text": n.text} for n in story.lines] for story in stories]
    for dialog in dialogs:
        said = utterances(dialog)
        for utterance, act in zip(said, find_acts(said), strict=True):
            if utterance.role == "customer":
                mood = MOOD_OF_ACT.get(act)
                yield {"text": utterance.text, **({"label": mood} if mood else {})}
    for line in lexicon.read_text("utf-8").rstrip("\n").split("\n"):
        word, rating = line.split("\t")[:2]
        if _WORDS.fullmatch(word) and abs(float(rating)) >= SURE_RATING:
            is_good = float(rating) > 0
            yield {"text": word, "label": "positive" if is_good else "negative"}
            if is_good:
                yield {"text": f"not {word}", "label": "negative"}


def main(argv: Sequence[str] | None = None) -> int:
    """Write both files and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_files", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the labelled files")
    parser.add_argument(
        "--stream", type=Path, action="append", default=[], help="one more labelled stream"
    )
    parser.add_argument("--lexicon", type=Path, help="words rated by mood, for moods.jsonl")
    chosen = parser.parse_args(argv)
    chosen.out.mkdir(parents=True, exist_ok=True)
    streams = [chosen.data / "stream_sample", *chosen.stream]
    files = {"resolution": resolutions(streams), "categories": categories(chosen.data)}
    if chosen.lexicon:
        files["moods"] = moods(chosen.data, chosen.lexicon)
    for name, rows in files.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (chosen.out / f"{name}.jsonl").write_text(text, encoding="utf-8")
        print(f"{chosen.out / name}.jsonl: {text.count(chr(10))} rows")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
