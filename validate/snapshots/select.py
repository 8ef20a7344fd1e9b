"""Which valid examples become members of a snapshot, and why the others do not.

The golden set comes first: an example of train or dev that is golden, comes from the same customer
or conversation, or lies in the same cluster of near-duplicates, is left out. What then still says
in train what a held-out or golden example says is contamination: it stops the freeze, or is left
out, too, as `validate.contamination` has it. Pure functions; reads and writes no table.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deskwheel.errors import ContaminationError, SnapshotError
from deskwheel.golden import GoldenMember
from deskwheel.ids import text_digest
from deskwheel.records import SnapshotMember
from validate.snapshots.contamination import Overlap, Passage, find_overlaps

LEARNT_FROM = ("train", "dev")
GOLDEN, GOLDEN_SUBJECT, GOLDEN_CLUSTER, CONTAMINATED = (
    "golden", "golden_subject", "golden_cluster", "contaminated",
)  # fmt: skip
"""Why a valid example is no member."""
_NAMED = 5

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The members of a snapshot to be, and what was left out of it."""

    rows: Sequence[Row]
    """In order of example id."""
    left_out: Mapping[str, int]
    """Examples by reason; a reason that met none is not named."""

    def members(self) -> list[SnapshotMember]:
        """The members, in the same order."""
        return [
            SnapshotMember(
                example_id=row["example_id"],
                split=row["split"],
                kind=row["kind"],
                content_hash=row["content_hash"],
                text_digest=text_digest(row),
            )
            for row in self.rows
        ]


def select_members(
    rows: Sequence[Row], golden: Sequence[GoldenMember], *, max_contaminated_share: float
) -> Selection:
    """The members out of the valid rows of a version.

    Args:
        rows: valid examples, in order of example id.
        golden: members of the frozen golden set.
        max_contaminated_share: share of the training examples that may be left out because they
            are contaminated; 0 lets none pass.

    Raises:
        ContaminationError: more of train says what a held-out example says.
        SnapshotError: nothing is left.
    """
    kept, left_out = _without_golden(rows, golden)
    overlaps = contaminated(rows, kept, {m.example_id for m in golden})
    tainted = {o.train_id for o in overlaps}
    learnt = sum(row["split"] == "train" for row in kept)
    if len(tainted) > max_contaminated_share * learnt:
        raise ContaminationError(_complaint(overlaps, learnt=learnt))
    kept = [row for row in kept if row["example_id"] not in tainted]
    if tainted:
        left_out[CONTAMINATED] = len(tainted)
    if not any(row["kind"] == "ideal" for row in kept):
        raise SnapshotError(
            f"of {len(rows)} valid examples no ideal one is left for a snapshot:"
            f" {dict(left_out)} were left out; wait for more traffic"
        )
    return Selection(rows=kept, left_out=dict(sorted(left_out.items())))


def contaminated(rows: Sequence[Row], kept: Sequence[Row], golden: set[str]) -> list[Overlap]:
    """Overlaps between the kept rows of train, of any kind, and what models are measured on.

    Only ideal examples measure a model: a negative of a held-out conversation is not looked at.
    """
    train = [_passage(row) for row in kept if row["split"] == "train"]
    held_out = [
        _passage(row)
        for row in rows
        if (row["split"] != "train" and row["kind"] == "ideal") or row["example_id"] in golden
    ]
    return find_overlaps(train, held_out)


def _without_golden(
    rows: Sequence[Row], golden: Sequence[GoldenMember]
) -> tuple[list[Row], Counter[str]]:
    ids = {m.example_id for m in golden}
    subjects = {(m.tenant, m.subject_key) for m in golden if m.subject_key}
    conversations = {(m.tenant, m.conversation_id) for m in golden}
    clusters = {row["cluster_id"] for row in rows if row["example_id"] in ids and _cluster(row)}
    kept: list[Row] = []
    left_out: Counter[str] = Counter()
    for row in rows:
        reason = None
        if row["split"] in LEARNT_FROM:
            if row["example_id"] in ids:
                reason = GOLDEN
            elif _subject(row) in subjects or _conversation(row) in conversations:
                reason = GOLDEN_SUBJECT
            elif _cluster(row) in clusters:
                reason = GOLDEN_CLUSTER
        if reason is None:
            kept.append(row)
        else:
            left_out[reason] += 1
    return kept, left_out


def _subject(row: Row) -> tuple[str, str | None]:
    return row["tenant"], row["subject_key"]


def _conversation(row: Row) -> tuple[str, str]:
    return row["tenant"], row["conversation_id"]


def _cluster(row: Row) -> str | None:
    """The cluster of near-duplicates, where one was found."""
    return row.get("cluster_id")


def _passage(row: Row) -> Passage:
    return Passage(example_id=row["example_id"], query=row["query"], response=row["response"])


def _complaint(overlaps: Sequence[Overlap], *, learnt: int) -> str:
    train, held_out = ({getattr(o, side) for o in overlaps} for side in ("train_id", "held_out_id"))
    worst = "; ".join(map(describe, overlaps[:_NAMED]))
    return (
        f"contamination: {len(train)} of {learnt} training examples say what {len(held_out)}"
        f" held-out or golden ones say, so that a test would measure memory; the worst: {worst}."
        " Nothing was frozen; see docs/validate.md#contamination"
    )


def describe(overlap: Overlap) -> str:
    """An overlap in a few words, without text of the examples."""
    return (
        f"{overlap.train_id} in train, {overlap.held_out_id} held out"
        f" ({overlap.how} {overlap.share:.2f})"
    )
