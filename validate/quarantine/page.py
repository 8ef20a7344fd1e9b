"""What `quarantine` prints for people.

Reads and writes no table.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from validate.quarantine.summary import Summary
from validate.quarantine.upstream import Upstream

POINTER = (
    "`python -m ingest dlq list` shows what can be mended and sent again;"
    " `python -m transforms backfill` reads past traffic by today's rules"
)

_CHARS = 80
_ROW = (
    "verdict", "kind", "split", "channel", "category", "resolution_probability", "csat", "thumb",
    "authorship", "suite_version", "validated_at", "attempt", "duplicate_of",
)  # fmt: skip


def say(as_json: bool, facts: Mapping[str, Any], *lines: str) -> None:
    """Print facts as one JSON value, or lines for people."""
    print(json.dumps(facts, default=str) if as_json else "\n".join(lines), flush=True)


def mix_lines(mix: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Counts by reason and channel, a line each."""
    for name, counts in mix.items():
        yield f"{name}: " + (", ".join(f"{k} {n}" for k, n in counts.items()) or "none")


def print_summary(found: Summary, *, limit: int) -> None:
    """Verdicts, reasons, and the newest groups."""
    console = Console()
    console.print(", ".join(f"{v} {n}" for v, n in found.verdicts.items()) or "no rows")
    if found.waiting:
        console.print(f"{found.waiting} repairs wait for the gate")
    if not found.reasons:
        return
    totals = Table("reason", "rows")
    for reason, rows in found.reasons.items():
        totals.add_row(reason, str(rows))
    console.print(totals)
    groups = Table("day", "channel", "reason", "rows", "share", "day before")
    for g in found.groups[:limit]:
        share = f"{100 * g.share:.1f} %"
        before = f"{g.rows_before} ({g.rows - g.rows_before:+d})"
        groups.add_row(g.day, g.channel, g.reason, str(g.rows), share, before)
    console.print(groups)
    if len(found.groups) > limit:
        console.print(f"{len(found.groups) - limit} more lines; --limit shows them")


def print_upstream(found: Upstream, *, limit: int) -> None:
    """What was turned away and what gave no pair, with where to look; nothing where all came."""
    console = Console()
    if found.turned_away:
        away = Table("day", "topic", "reason", "events", title="turned away before the gate")
        for t in found.turned_away[:limit]:
            away.add_row(t.day, t.topic, t.reason, str(t.events))
        console.print(away)
        if len(found.turned_away) > limit:
            console.print(f"{len(found.turned_away) - limit} more lines; --limit shows them")
    if found.unpaired:
        bare = Table("why", "channel", "conversations", title="conversations without a pair")
        for u in found.unpaired:
            bare.add_row(u.why, u.channel, str(u.conversations))
        console.print(bare)
    if found.turned_away or found.unpaired:
        console.print(POINTER, soft_wrap=True, highlight=False)


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """A line a row, texts cut."""
    table = Table("example", "verdict", "reasons", "query", "response")
    for row in rows:
        said = [" ".join((row[c] or "").split())[:_CHARS] for c in ("query", "response")]
        cells = [row["example_id"], row["verdict"], " ".join(row["reasons"]), *said]
        table.add_row(*map(escape, cells))
    Console().print(table)


def print_story(found: Mapping[str, Any]) -> None:
    """Everything of one example, from what it says to what was done with it."""
    lines = list(_story(found))
    Console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _story(found: Mapping[str, Any]) -> Iterator[str]:
    row = found["example"]
    yield f"{row['example_id']} of conversation {row['conversation_id']}"
    yield ", ".join(f"{k.replace('_', ' ')} {row[k]}" for k in _ROW if row[k] is not None)
    for name in ("query", "response", "rejected_response"):
        yield from _part(name.replace("_", " "), (row[name] or "").splitlines())
    for name in ("reasons", "warnings"):
        yield from _part(name, map(_rule, found[name]))
    said = (
        f"{'>' if u['is_pair'] else ' '} {u['role']}: {u['text']}" for u in found["conversation"]
    )
    yield from _part("conversation (> the pair)", said)
    yield from _part("repairs", map(_repair, found["repairs"]))
    yield from _part("timeline", map(_entry, found["timeline"]))


def _part(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A title with its lines under it; nothing where there are none."""
    told = list(lines)
    if told:
        yield f"\n{title}:"
    yield from (f"  {line}" for line in told)


def _rule(told: Mapping[str, Any]) -> str:
    found = f"\n    found: {told['found']}" if told["found"] else ""
    return f"{told['rule']}: {told['wanted']}{found}"


def _repair(asked: Mapping[str, Any]) -> str:
    note = f" ({asked['note']})" if asked.get("note") else ""
    head = f"{asked['attempt']}. {asked['action']} by {asked['actor']}, {asked['at']}"
    return f"{head}: {asked['stands']}{note}"


def _entry(told: Mapping[str, Any]) -> str:
    way = f"{told['from'] or '?'} → {told['to']} {' '.join(told['reasons'])}".strip()
    head = f"{told['at']} {told['kind']}, {told['action']} by {told['actor']}"
    return f"{head}: {told.get('skipped') or way}"
