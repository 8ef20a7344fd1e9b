"""The labels of a folder beside the tables that the job made of it, joined line by line.

Every label knows the lines of events.jsonl it is about, every line its place in Kafka, every row
of `turns` its place too: nothing is matched by likeness.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.labelled import Gold, read_lines
from benchmarks.stream_quality.play import Played
from deskwheel import lake
from deskwheel.records import Pointer
from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS, VALIDATED
from ingest.replay import read_folder
from validate.suite import load_suites

Row = Mapping[str, Any]

UNTOUCHED = "harper_valley"
"""Source whose names and places are not labelled: no score of personal data counts it."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Gold and tables of one playing, as plain values."""

    gold: Sequence[Gold]
    """Conversations, noise included."""
    ids: Sequence[str]
    """Event id of each line."""
    sizes: Sequence[int]
    """Bytes of each line's payload."""
    places: Sequence[Pointer]
    letters: Mapping[Pointer, str]
    repeats: frozenset[int]
    """Lines that repeat an earlier one."""
    late: frozenset[int]
    poison: Sequence[Gold]
    turns: Sequence[Row]
    conversations: Sequence[Row]
    """Every version."""
    examples: Sequence[Row]
    validated: Sequence[Row]
    min_probability: float
    """The gate's threshold for a conversation that counts as resolved."""

    @cached_property
    def dialogs(self) -> list[Gold]:
        """Conversations of people."""
        return [c for c in self.gold if c["kind"] == "dialog"]

    @cached_property
    def noise(self) -> list[Gold]:
        """Conversations of machines and spammers."""
        return [c for c in self.gold if c["kind"] == "noise"]

    @cached_property
    def rows_at(self) -> Mapping[Pointer, list[Row]]:
        """Rows of `turns` by their place, in order of position."""
        found: dict[Pointer, list[Row]] = defaultdict(list)
        for row in sorted(self.turns, key=lambda r: r["position"]):
            found[Pointer(**row["source"])].append(row)
        return found

    def rows(self, line: int) -> list[Row]:
        """Rows of `turns` that a line became."""
        return self.rows_at.get(self.places[line], [])

    def said(self, conversation: Gold, turn: Gold | None = None) -> list[Row]:
        """Accepted utterances of a labelled conversation, or of one message of it."""
        names = set(turn["message_ids"]) if turn else set()
        lines = [n for n in conversation["event_lines"] if not names or self.ids[n] in names]
        rows = [row for line in lines for row in self.rows(line)]
        return [r for r in rows if r["verdict"] == "accepted" and r["text"]]

    @cached_property
    def current(self) -> Mapping[str, Row]:
        """Newest version of each conversation of ours."""
        newest: dict[str, Row] = {}
        for row in self.conversations:
            known = newest.get(row["conversation_id"])
            if known is None or row["version"] > known["version"]:
                newest[row["conversation_id"]] = row
        return newest

    @cached_property
    def home_of(self) -> Mapping[str, str]:
        """Turn id → the conversation of ours that holds it, the newest one if several do."""
        found: dict[str, tuple[int, str]] = {}
        for name, row in self.current.items():
            for utterance in row["utterances"]:
                mine = (row["batch_id"], name)
                found[utterance["turn_id"]] = max(mine, found.get(utterance["turn_id"], mine))
        return {turn_id: name for turn_id, (_, name) in found.items()}

    @cached_property
    def copies_of(self) -> Counter[str]:
        """Turn id → how often it stands in current conversations."""
        return Counter(u["turn_id"] for row in self.current.values() for u in row["utterances"])

    def ours(self, conversation: Gold) -> Row | None:
        """The conversation of ours that holds most of a labelled one's turns."""
        homes = Counter(
            self.home_of[row["turn_id"]]
            for row in self.said(conversation)
            if row["turn_id"] in self.home_of
        )
        return self.current[max(homes, key=lambda n: (homes[n], n))] if homes else None

    @cached_property
    def _examples_of(self) -> Mapping[tuple[str, int], list[Row]]:
        return _by_version(self.examples)

    @cached_property
    def _validated_of(self) -> Mapping[tuple[str, int], list[Row]]:
        return _by_version(self.validated)

    def mined(self, ours: Row | None) -> list[Row]:
        """Candidates of any kind out of a conversation's newest version."""
        return self._examples_of.get(_key(ours), []) if ours else []

    def judged(self, ours: Row | None) -> list[Row]:
        """The same with their verdicts."""
        return self._validated_of.get(_key(ours), []) if ours else []


def _key(row: Row) -> tuple[str, int]:
    return row["conversation_id"], row["version"]


def _by_version(rows: Iterable[Row]) -> Mapping[tuple[str, int], list[Row]]:
    found: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["conversation_id"], row["conversation_version"]].append(row)
    return found


def outcome(folder: Path, played: Played) -> Outcome:
    """The labels and tables of a playing."""
    gold = folder / "gold"
    events = [(e.id, len(e.data)) for e in read_folder(folder)]
    return Outcome(
        gold=read_lines(gold / "conversations.jsonl"),
        ids=[name for name, _ in events],
        sizes=[size for _, size in events],
        places=played.places,
        letters=played.letters,
        repeats=frozenset(r["line"] for r in read_lines(gold / "duplicates.jsonl")),
        late=frozenset(r["line"] for r in read_lines(gold / "out_of_order.jsonl")),
        poison=read_lines(gold / "poison.jsonl"),
        turns=lake.read(played.lake, TURNS).to_pylist(),
        conversations=lake.read(played.lake, CONVERSATIONS).to_pylist(),
        examples=lake.read(played.lake, EXAMPLES).to_pylist(),
        validated=lake.read(played.lake, VALIDATED).to_pylist(),
        min_probability=load_suites(played.settings.validate).threshold(
            "RESOLUTION_UNSURE", "min_value"
        ),
    )
