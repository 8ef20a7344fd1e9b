"""The data card of a snapshot: what is in it, where it comes from, and what it is not good for.

Reads `snapshots` and `validated_examples`; writes nothing. Every number is counted from the rows.

Source: Gebru et al. 2021, "Datasheets for Datasets", for the questions; the dataset card of the
Hugging Face Hub for the fields.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from validate.snapshots.freeze import manifest_of
from validate.snapshots.manifest import SPLITS, count_members
from validate.snapshots.rows import read_rows
from validate.snapshots.store import Frozen

MIXES = ("channel", "category", "sentiment", "language", "authorship", "negative_kind")
QUANTILES = (0, 5, 25, 50, 75, 95, 100)
"""Percent."""

LIMITS = (
    "Texts are redacted by rules: personal data that no rule knows may be left.",
    "Whether an answer helped is estimated from signs in the conversation, not known.",
    "Category and sentiment are given by a tagger, or by annotators where they looked.",
    "Splits are by customer; a customer whom two channels know under two ids is two customers.",
    "A contamination check finds copies and near-copies, not the same answer in other words.",
)
_NO_LANGUAGE = "The language of an example is not recorded."


def card_facts(lake_dir: str | Path, frozen: Frozen) -> dict[str, Any]:
    """Everything that the card says, as JSON.

    Raises:
        SnapshotError: the snapshot's table version cannot be read any more.
    """
    snapshot, rows = frozen.snapshot, frozen.rows
    manifest = manifest_of(snapshot)
    judged = read_rows(lake_dir, snapshot.table_version, ("verdict", "reasons"))
    has_language = any(row.get("language") for row in rows)
    return {
        "snapshot_id": snapshot.snapshot_id,
        "pipeline": snapshot.pipeline,
        "table_version": snapshot.table_version,
        "created_at": snapshot.created_at.isoformat(timespec="seconds"),
        "code_version": snapshot.code_version,
        "content_digest": snapshot.content_digest,
        "merkle_root": manifest.get("merkle_root"),
        "golden_id": manifest.get("golden_id"),
        "suites": manifest.get("suites", {snapshot.suite_version: len(snapshot.members)}),
        "counts": count_members(snapshot.members),
        "conversations": len({(r["tenant"], r["conversation_id"]) for r in rows}),
        "customers": len({(r["tenant"], r["subject_key"]) for r in rows if r["subject_key"]}),
        "left_out": manifest.get("left_out", {}),
        "mix": {c: _mix(rows, c) for c in MIXES if any(row.get(c) for row in rows)},
        "lengths": _lengths(rows),
        "redactions": _redactions(rows),
        "time_range": _time_range(rows),
        "verdicts": dict(Counter(judged["verdict"].to_pylist()).most_common()),
        "quarantined_by": _reasons(judged, "quarantined"),
        "duplicates_by": _reasons(judged, "duplicate"),
        "limits": [*LIMITS, *([] if has_language else [_NO_LANGUAGE])],
    }


def render_card(facts: Mapping[str, Any]) -> str:
    """The card in Markdown, without the header that an export puts before it."""
    return "\n\n".join(
        [
            f"# Snapshot {facts['snapshot_id']}",
            "Pairs of a customer's query and the answer that helped, mined from resolved"
            f" conversations of pipeline `{facts['pipeline']}`; frozen from version"
            f" {facts['table_version']} of `validated_examples` on {facts['created_at'][:10]}.",
            "## Composition",
            _counts_table(facts["counts"]),
            f"{facts['conversations']} conversations of {facts['customers']} known customers."
            " Negatives are answers that must not be learnt; train them only as such.",
            *(_section(f"By {name.replace('_', ' ')}", mix) for name, mix in facts["mix"].items()),
            "## Lengths in characters",
            _table(
                ["text", *(f"{q} %" for q in QUANTILES)],
                [[name, *values] for name, values in facts["lengths"].items()],
            ),
            "## Collection",
            f"Answers were sent between {facts['time_range'][0]} and {facts['time_range'][1]}.",
            _judged_by(facts),
            "## Redaction",
            _section_body(facts["redactions"], "type", "spans", "Nothing was masked."),
            "## What was kept out",
            _section_body(facts["verdicts"], "verdict", "candidates", ""),
            _section_body(facts["quarantined_by"], "rule", "quarantined", "No rule was broken."),
            _section_body(facts["duplicates_by"], "reason", "duplicates", "No duplicates."),
            _section_body(facts["left_out"], "left out of the snapshot", "valid examples", ""),
            "## Limits",
            "\n".join(f"- {limit}" for limit in facts["limits"]),
            "## Identity",
            f"Merkle root `{facts['merkle_root']}`, digest of the ideal examples"
            f" `{facts['content_digest']}`, golden set `{facts['golden_id']}`, release"
            f" {facts['code_version']}.",
        ]
    ).replace("\n\n\n\n", "\n\n")


def _judged_by(facts: Mapping[str, Any]) -> str:
    suites = ", ".join(f"`{suite}` ({n})" for suite, n in facts["suites"].items())
    return f"Judged by suite {suites}."


def _counts_table(counts: Mapping[str, Mapping[str, int]]) -> str:
    rows = [[kind, *(of[split] for split in SPLITS)] for kind, of in counts.items()]
    return _table(["kind", *SPLITS], rows)


def _section(title: str, mix: Mapping[str, int]) -> str:
    return f"### {title}\n\n{_table(['value', 'examples'], [list(i) for i in mix.items()])}"


def _section_body(counts: Mapping[str, int], what: str, unit: str, none: str) -> str:
    return _table([what, unit], [list(i) for i in counts.items()]) if counts else none


def _table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in rows]
    return "\n".join(lines)


def _mix(rows: Iterable[Mapping[str, Any]], column: str) -> dict[str, int]:
    counted = Counter(str(row[column]) for row in rows if row.get(column) is not None)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _lengths(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    return {
        column: _quantiles([len(row[column]) for row in rows if row["kind"] == "ideal"])
        for column in ("query", "context", "response")
    }


def _quantiles(values: Iterable[int]) -> list[int]:
    """Values at the quantiles, each one that occurs (nearest rank)."""
    ordered = sorted(values)
    if not ordered:
        return [0] * len(QUANTILES)
    return [ordered[max(0, -(-q * len(ordered) // 100) - 1)] for q in QUANTILES]


def _redactions(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Masked spans by type; those of a conversation count once for each of its examples."""
    counted: Counter[str] = Counter()
    for row in rows:
        counted.update(dict(row["redaction"]["counts"]))
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _time_range(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    times = [row["sent_at"] for row in rows]
    return min(times).isoformat(timespec="seconds"), max(times).isoformat(timespec="seconds")


def _reasons(judged: pa.Table, verdict: str) -> dict[str, int]:
    rows = judged.filter(pc.equal(judged["verdict"], verdict))
    return dict(Counter(r for found in rows["reasons"].to_pylist() for r in found).most_common())


def languages_of(facts: Mapping[str, Any]) -> list[str]:
    """Languages of the examples, the most frequent first; none where they are not recorded."""
    return list(facts["mix"].get("language", ()))


def size_category(facts: Mapping[str, Any]) -> str:
    """The Hub's name for how many examples there are."""
    size = sum(sum(of.values()) for of in facts["counts"].values())
    for bound, name in ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K")):
        if size < bound:
            return name
    return "100K<n<1M" if size < 10**6 else "n>1M"
