"""Shows what was kept out of training and why.

Reads `validated_examples`; writes nothing. Runs without a JVM.
"""

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from deskwheel import lake
from deskwheel.settings import Settings
from deskwheel.tables import VALIDATED

COLUMNS = [
    "example_id", "conversation_id", "channel", "verdict", "reasons", "query", "response",
    "validated_at",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Refused:
    """What is not valid: counts, and the newest rows."""

    verdicts: dict[str, int]
    """Rows by verdict, valid ones included."""
    reasons: dict[str, int]
    """Rows by reason, most frequent first; a row with two reasons counts twice."""
    rows: list[dict[str, Any]]
    """Newest first; text is redacted as in the table."""


def refused(settings: Settings, *, reason: str | None, limit: int) -> Refused:
    """Counts over the whole table and up to `limit` rows that are not valid.

    Args:
        settings: where the lake is.
        reason: only rows with this reason code; None means any.
        limit: rows returned; the counts do not depend on it.
    """
    table = lake.read(settings.pipeline.lake, VALIDATED, columns=COLUMNS)
    kept_out = table.filter(pc.not_equal(table["verdict"], "valid")).sort_by(
        [("validated_at", "descending"), ("example_id", "ascending")]
    )
    reasons = Counter(r for found in kept_out["reasons"].to_pylist() for r in found)
    rows: list[dict[str, Any]] = []
    for row in kept_out.to_pylist():
        if len(rows) == limit:
            break
        if reason is None or reason in row["reasons"]:
            rows.append({**row, "validated_at": row["validated_at"].isoformat()})
    return Refused(
        verdicts=dict(Counter(table["verdict"].to_pylist())),
        reasons=dict(reasons.most_common()),
        rows=rows,
    )


def show(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `quarantine`: print counts by reason, and rows."""
    found = refused(settings, reason=arguments.reason, limit=arguments.limit)
    if arguments.json:
        print(json.dumps(vars(found)))
        return 0
    console = Console()
    console.print(", ".join(f"{v} {n}" for v, n in sorted(found.verdicts.items())) or "no rows")
    counts = Table("reason", "rows")
    for reason, rows in found.reasons.items():
        counts.add_row(reason, str(rows))
    console.print(counts)
    examples = Table("example", "verdict", "reasons", "query", "response")
    for row in found.rows:
        texts = [" ".join(row[c].split())[:80] for c in ("query", "response")]
        cells = [row["example_id"], row["verdict"], " ".join(row["reasons"]), *texts]
        examples.add_row(*[cell.replace("[", r"\[") for cell in cells])
    console.print(examples)
    return 0
