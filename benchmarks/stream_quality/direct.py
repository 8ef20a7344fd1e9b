"""A labelled folder through the functions of the streaming job, in this process, in seconds.

What the job maps over its partitions is called here line by line: parsing, cleaning and redaction,
then each conversation as a whole, then mining. No broker, no Spark, no tables. Mails are threaded
by the labels and nothing is judged by the gate, so threading, the gate and near-duplicates are
left to the real job.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim
from benchmarks.intake import SECRET, Taken, take
from benchmarks.stored import stored_turn
from benchmarks.stream_quality import arrival, pairs, talks, text
from benchmarks.stream_quality.labels import Labels, read_labels
from benchmarks.stream_quality.outcome import Outcome, Row
from deskwheel import reasons
from deskwheel.records import Conversation, Event, Example, Turn
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from ingest.replay import read_recording
from transforms.assemble import assemble
from transforms.pairs.mine import mine_pairs
from validate.suite import load_suites

SCORES = (
    arrival.loss, arrival.poison, arrival.noise, text.trimming, talks.resolution, pairs.pairs,
    text.personal_data, text.leaks, talks.categories,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Made:
    """What the functions made of a folder."""

    turns: Sequence[Turn]
    conversations: Sequence[Conversation]
    examples: Sequence[Example]


def scored(found: Outcome) -> list[Claim]:
    """The scores that need no table."""
    claims = [claim for score in SCORES for claim in score(found)]
    return [
        Claim(**{**vars(claim), "id": f"stream_quality.{claim.id}"})
        for claim in claims
        if not claim.id.startswith("gate.")
    ]


def outcome(folder: Path, now: datetime) -> Outcome:
    """The labels beside what the functions make of traffic that arrived at `now`.

    Raises:
        SetupError: the labels do not fit the recording.
    """
    lines = list(read_recording(folder))
    labels = read_labels(folder, len(lines))
    taken = take(folder, now)
    made = make(taken, labels)
    settings = Settings()
    places = [
        one.rows[0].source if isinstance(line, Event) else None
        for one, line in zip(taken, lines, strict=True)
    ]
    letters = {
        place: one.reason or ""
        for place, one in zip(places, taken, strict=True)
        if place and one.reason in reasons.DEAD_LETTER
    }
    published = {*places}
    return Outcome(
        gold=labels.gold,
        ids=[line.id if isinstance(line, Event) else "" for line in lines],
        sizes=[one.raw.size for one in taken],
        places=places,
        refused={n: line for n, line in enumerate(lines) if line and isinstance(line, str)},
        letters=letters,
        repeats=labels.repeats,
        late=labels.late,
        poison=labels.poison,
        turns=_rows([turn for turn in made.turns if turn.source in published], Turn),
        conversations=_rows(made.conversations, Conversation),
        examples=_rows(made.examples, Example),
        validated=[],
        min_probability=load_suites(settings.validate).threshold("RESOLUTION_UNSURE", "min_value"),
    )


def make(taken: Sequence[Taken], labels: Labels) -> Made:
    """Turns, conversations as the labels thread them, and the examples mined from these."""
    name_of = {line: row["conversation_id"] for row in labels.gold for line in row["event_lines"]}
    talks_of: dict[str, list[Turn]] = defaultdict(list)
    turns: list[Turn] = []
    for line, one in enumerate(taken):
        if one.is_duplicate:
            turns += [replace(row, verdict="duplicate", text=None) for row in one.rows]
            continue
        turns += one.rows
        for row in one.rows:
            if row.verdict == "accepted":
                talks_of[name_of.get(line, row.conversation_id or "")].append(row)
    domains = tuple(Settings().transforms.company_domains)
    conversations = [_assembled(rows, domains) for rows in talks_of.values()]
    examples = [example for one in conversations for example in mine_pairs(one)]
    return Made(turns=turns, conversations=conversations, examples=examples)


def _assembled(rows: Sequence[Turn], company_domains: tuple[str, ...]) -> Conversation:
    return assemble(
        rows[0].conversation_id or "",
        [stored_turn(row) for row in rows],
        version=1,
        close_reason="stated" if any(row.is_closing for row in rows) else "idle",
        batch_id=0,
        secret=SECRET,
        company_domains=company_domains,
    )


def _rows(records: Sequence[Any], record: type) -> list[Row]:
    """Records as a table gives them back."""
    rows: list[Row] = to_table(records, record).to_pylist()
    return rows
