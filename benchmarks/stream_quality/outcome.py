"""The labels of a folder beside the tables that the job made of it, joined line by line.

Every label knows the lines of events.jsonl it is about, every line its place in Kafka, every row
of `turns` its place too: nothing is matched by likeness.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.labelled import Gold
from benchmarks.stream_quality.labels import Labels
from benchmarks.stream_quality.play import Played
from deskwheel import lake
from deskwheel.records import Event, Pointer
from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS, VALIDATED
from ingest.replay import read_recording
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
    places: Sequence[Pointer | None]
    """None for a line that was not published: it is blank or no event."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """Why a line that is not blank was not published."""
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
        place = self.places[line]
        return self.rows_at.get(place, []) if place else []

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


def outcome(folder: Path, labels: Labels, played: Played) -> Outcome:
    """The labels and tables of a playing."""
    lines = list(read_recording(folder))
    return Outcome(
        gold=labels.gold,
        ids=[line.id if isinstance(line, Event) else "" for line in lines],
        sizes=[len(line.data) if isinstance(line, Event) else 0 for line in lines],
        places=played.places,
        refused={n: line for n, line in enumerate(lines) if line and isinstance(line, str)},
        letters=played.letters,
        repeats=labels.repeats,
        late=labels.late,
        poison=labels.poison,
        turns=lake.read(played.lake, TURNS).to_pylist(),
        conversations=lake.read(played.lake, CONVERSATIONS).to_pylist(),
        examples=lake.read(played.lake, EXAMPLES).to_pylist(),
        validated=lake.read(played.lake, VALIDATED).to_pylist(),
        min_probability=load_suites(played.settings.validate).threshold(
            "RESOLUTION_UNSURE", "min_value"
        ),
    )
