"""A row of `examples` or `validated_examples` as the gate and its index see it: keys, no text.

Both read rows through here, so that an example is compared in the same way when it comes and when
it is read again from the table.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from deskwheel.ids import digest
from deskwheel.records import Split
from validate.candidates import Candidate, Decision, Place, rate_outcome
from validate.returns import CUSTOMER_CAME_BACK, asked_pieces

KEYS = (
    "example_id", "tenant", "kind", "conversation_id", "conversation_version", "content_hash",
    "sent_at", "subject_key", "csat", "thumb", "resolution_probability", "authorship",
)  # fmt: skip
"""Columns of an example that an entry is made of, beside what was rejected."""
STORED = (
    *KEYS, "rejected_response", "category", "query", "warnings", "verdict", "reasons", "split",
    "cluster_id", "group_id", "signature",
)  # fmt: skip

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 24
"""Hex digits of a key: 96 bits, no collision below 10¹² rows."""
_SHAPE = (1 << 63) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An example's keys with those by which others find it."""

    candidate: Candidate
    scope: str
    """Tenant and kind: only within it are examples compared."""
    signature: bytes | None
    shape: int | None
    """63 bits of scope and signature: equal for what cannot be told apart."""

    @property
    def subject(self) -> str:
        """The customer, or the conversation where the customer is unknown; of one tenant."""
        return self.candidate.subject

    def stopped(self, rules: tuple[str, ...]) -> "Entry":
        """The entry, kept out by rules for its batch unless rules of its own do that already."""
        reasons = self.candidate.reasons or rules
        return replace(self, candidate=replace(self.candidate, reasons=reasons))

    def decided(self, decision: Decision) -> "Entry":
        """The entry with a verdict."""
        found = replace(
            self.candidate,
            verdict=decision.verdict,
            reasons=decision.reasons,
            place=decision.place,
        )
        return replace(self, candidate=found)


def read_entry(row: Mapping[str, Any]) -> Entry:
    """The entry of a stored row (columns `STORED`)."""
    rejected = row["rejected_response"]
    return make_entry(
        {**row, "asked": asked_pieces(row["query"])},
        split=row["split"],
        rejected=None if rejected is None else rejected_digest(rejected),
        verdict=row["verdict"],
        place=Place(row["cluster_id"], None, row["group_id"]),
    )


def make_entry(row: Mapping[str, Any], *, split: Split, **changes: Any) -> Entry:
    """The entry of a row with `KEYS`, `category`, `asked`, `warnings`, `reasons`, `signature`.

    Args:
        row: of an example.
        split: that of its customer.
        changes: `rejected`, the SHA-256 of what was rejected; other fields of the candidate.
    """
    scope = f"{row['tenant']}\0{row['kind']}"
    signature = row["signature"]
    rejected = changes.pop("rejected", None) or ""
    return Entry(
        candidate=Candidate(
            example_id=row["example_id"],
            conversation_id=row["conversation_id"],
            conversation_version=row["conversation_version"],
            content=digest(scope, row["content_hash"], rejected)[:_DIGITS],
            sent_at=row["sent_at"],
            split=split,
            outcome=rate_outcome(
                csat=row["csat"],
                thumb=row["thumb"],
                resolution_probability=row["resolution_probability"] or 0.0,
                authorship=row["authorship"],
                warnings=row["warnings"],
            ),
            reasons=tuple(row["reasons"]),
            subject=subject_of(row),
            category=row["category"] or "",
            asked=row["asked"] if row["subject_key"] else None,
            is_answer=row["kind"] != "negative"
            and CUSTOMER_CAME_BACK not in (row["warnings"] or ()),
            **changes,
        ),
        scope=scope,
        signature=signature,
        shape=None if signature is None else _shape(scope, signature),
    )


def subject_of(row: Mapping[str, Any]) -> str:
    """Whom a row's split belongs to, as a key."""
    known = row["subject_key"]
    return digest(row["tenant"], "subject" if known else "conversation",
                  known or row["conversation_id"])[:_DIGITS]  # fmt: skip


def rejected_digest(text: str) -> str:
    """SHA-256 of what was rejected, as Spark's `sha2` gives it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _shape(scope: str, signature: bytes) -> int:
    raw = hashlib.blake2b(signature, key=scope.encode()[:64], digest_size=8).digest()
    return int.from_bytes(raw, "little") & _SHAPE
