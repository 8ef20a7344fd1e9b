"""What people wrote and said, with what cleaning took away put back: `python -m transforms show`.

Reads the table `turns`; writes nothing. Only what may be stored comes back: masks stay masks, a
quote or disclaimer is its size.
"""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from deskwheel import lake
from deskwheel.errors import SetupError
from deskwheel.marks import Cut, Disfluency
from deskwheel.settings import Settings
from deskwheel.tables import TURNS
from transforms.clean import cuts, disfluency

_NAMES = ("conversation_id", "turn_id", "event_id")
_COLUMNS = (
    *_NAMES, "position", "role", "sent_at", "verdict", "reason", "text", "cuts", "disfluencies",
    "notes",
)  # fmt: skip


def show_verb(settings: Settings, arguments: Namespace) -> int:
    """Print the turns of a conversation, or those of one event, each with its whole text."""
    shown = list(shown_turns(settings.pipeline.lake, arguments.name))
    if not shown:
        raise SetupError(
            f"{arguments.name}: no such conversation, turn or event in {settings.pipeline.lake};"
            " ids stand in the tables"
        )
    if arguments.json:
        print(json.dumps(shown, ensure_ascii=False))
        return 0
    for turn in shown:
        notes = ", ".join(f"{name} {n}" for name, n in (turn["notes"] or {}).items())
        print(f"{turn['sent_at']}  {turn['role'] or turn['reason'] or 'end'}  {turn['turn_id']}")
        print(*(f"  {line}" for line in (turn["whole"] or "").split("\n")), sep="\n")
        if notes:
            print(f"  ({notes})")
    return 0


def shown_turns(lake_dir: str, name: str) -> Iterator[dict[str, Any]]:
    """Turns with a conversation, turn or event of that name, in their order, as JSON holds them."""
    conversation, turn, event = (pc.field(column) == name for column in _NAMES)
    columns = {column: pc.field(column) for column in _COLUMNS}
    batches = lake.scan(lake_dir, TURNS, columns, conversation | turn | event)
    rows = [row for batch in batches for row in batch.to_pylist()]
    for row in sorted(rows, key=lambda r: (r["sent_at"], r["event_id"], r["position"])):
        yield {
            "turn_id": row["turn_id"],
            "role": row["role"],
            "reason": row["reason"],
            "sent_at": row["sent_at"].isoformat(timespec="seconds"),
            "text": row["text"],
            "whole": whole(row),
            "notes": dict(row["notes"]) if row["notes"] else None,
        }


def whole(row: Mapping[str, Any]) -> str | None:
    """The text of a turn with its cuts or disfluencies put back; None without a text."""
    if row["text"] is None:
        return None
    text: str = row["text"]
    if row["cuts"]:
        return cuts.restore(text, [Cut(**cut) for cut in row["cuts"]])
    if row["disfluencies"]:
        return disfluency.restore(text, [Disfluency(**mark) for mark in row["disfluencies"]])
    return text
