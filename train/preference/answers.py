"""What people preferred, out of a frozen snapshot's members: pairs, and answers with a verdict.

Reads `validated_examples` and `golden` at a snapshot's version; writes nothing. The test split is
not read, but to keep its answers out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deskwheel.chat import Message, user_message
from deskwheel.errors import SnapshotError
from deskwheel.ids import content_hash, text_digest
from deskwheel.records import Snapshot, SnapshotMember, Split
from deskwheel.settings import Settings
from train.data.chat_file import is_chat_file
from train.data.training_set import TrainingSet, golden_ids, read_valid

_COLUMNS = (
    "example_id", "verdict", "kind", "query", "context", "response", "rejected_response", "thumb",
)  # fmt: skip
_SPLITS: tuple[Split, ...] = ("train", "dev")

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two answers to one prompt, of which an agent sent the one in place of the other."""

    example_id: str
    query: str
    context: str
    chosen: str
    rejected: str

    def messages(self) -> list[Message]:
        """The prompt: one message of the user."""
        return [user_message(self.query, self.context)]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One answer that was found good or bad, with no other beside it."""

    example_id: str
    query: str
    context: str
    response: str
    is_wanted: bool

    def messages(self) -> list[Message]:
        """The prompt: one message of the user."""
        return [user_message(self.query, self.context)]


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """The pairs and judged answers of train and dev, in order of example id."""

    pairs: Mapping[Split, Sequence[Pair]]
    judged: Mapping[Split, Sequence[Judged]]
    contradictory: int = 0
    """Left out: a negative with a thumb up, or an edited draft with a thumb down."""
    copies: int = 0
    """Left out: golden, or with the question and answer of a test example."""
    too_long: int = 0
    """Left out: did not fit into `train.max_length`."""

    def left_out(self) -> str:
        """What was left out of it, in words; empty where nothing was."""
        counts = {
            "contradictory": self.contradictory,
            "tested or golden": self.copies,
            "too long": self.too_long,
        }
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

    @classmethod
    def none(cls) -> "Preferences":
        """Of data that has no verdicts, such as a file of chats."""
        return cls(pairs={s: () for s in _SPLITS}, judged={s: () for s in _SPLITS})


def read_preferences(settings: Settings, data: TrainingSet | None) -> Preferences | None:
    """The preferences beside the examples of a run, if any are to be learnt.

    None on a worker that has no data; of a file of chats, which has no verdicts, there are none.

    Raises:
        SnapshotError: the snapshot cannot be read any more, or is not what was frozen.
    """
    if data is None:
        return None
    if settings.train.preference == "none" or is_chat_file(data.snapshot):
        return Preferences.none()
    return load_preferences(settings.pipeline.lake, data.snapshot)


def load_preferences(lake_dir: str, snapshot: Snapshot) -> Preferences:
    """The preferences of a snapshot, read at its table version.

    Raises:
        SnapshotError: the version cannot be read any more, a member is missing or has other texts
            than were frozen.
    """
    found = {row["example_id"]: row for row in read_valid(lake_dir, snapshot, _COLUMNS)}
    for member in snapshot.members:
        _check_frozen(snapshot, member, found.get(member.example_id))
    members = sorted(snapshot.members, key=lambda m: m.example_id)
    tested = {
        _said(found[m.example_id])
        for m in members
        if m.split == "test" and m.kind in (None, "ideal")
    }
    golden = golden_ids(lake_dir, snapshot)
    rows: dict[Split, list[Row]] = {split: [] for split in _SPLITS}
    copies = 0
    for member in members:
        row = found[member.example_id]
        if member.split not in rows or _place_of(row) == "silent":
            continue
        if member.example_id in golden or _said(row) in tested:
            copies += 1
        else:
            rows[member.split].append(row)
    return replace(sort_preferences(rows), copies=copies)


def sort_preferences(rows: Mapping[Split, Iterable[Row]]) -> Preferences:
    """Rows of examples as what can be preferred; each becomes at most one thing.

    An edited draft is a pair: what was sent, and the draft. A negative is an unwanted answer, and
    so is an ideal one with a thumb down; only an ideal one with a thumb up is wanted. Without a
    thumb it says nothing here. Where kind and thumb contradict each other, the row is left out.
    """
    pairs: dict[Split, list[Pair]] = {split: [] for split in _SPLITS}
    judged: dict[Split, list[Judged]] = {split: [] for split in _SPLITS}
    counted: Counter[str] = Counter()
    for split in _SPLITS:
        for row in rows.get(split, ()):
            place = _place_of(row)
            counted[place] += 1
            if place == "pair":
                pairs[split].append(_pair(row))
            elif place in ("wanted", "unwanted"):
                judged[split].append(_judged(row, is_wanted=place == "wanted"))
    return Preferences(pairs=pairs, judged=judged, contradictory=counted["contradictory"])


def _place_of(row: Row) -> str:
    kind, thumb = row["kind"] or "ideal", row["thumb"]
    if kind == "preference":
        if not row["rejected_response"]:
            return "silent"
        return "contradictory" if thumb == "down" else "pair"
    if kind == "negative":
        return "contradictory" if thumb == "up" else "unwanted"
    return {"up": "wanted", "down": "unwanted"}.get(thumb, "silent")


def _pair(row: Row) -> Pair:
    return Pair(
        example_id=row["example_id"],
        query=row["query"],
        context=row["context"],
        chosen=row["response"],
        rejected=row["rejected_response"],
    )


def _judged(row: Row, *, is_wanted: bool) -> Judged:
    return Judged(
        example_id=row["example_id"],
        query=row["query"],
        context=row["context"],
        response=row["response"],
        is_wanted=is_wanted,
    )


def _check_frozen(snapshot: Snapshot, member: SnapshotMember, row: Row | None) -> None:
    """The digest of a snapshot covers ideal members only; the others are proven one by one."""
    if row is None or member.text_digest not in (None, text_digest(row)):
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id}: {member.example_id} is not in version"
            f" {snapshot.table_version}, or not what was frozen; freeze a new one"
        )


def _said(row: Row) -> str:
    """What copies have in common; a draft does not make an answer another one."""
    return content_hash(row["query"], row["response"])
