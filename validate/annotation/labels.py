"""Annotators' decisions as files that the other stages read.

Reads `validated_examples`, `conversations` and the two tables of annotation; writes files of JSON
lines. What taggers may learn from comes from plans of purpose train alone, and each example's split
is looked at again: an example that is golden, or in dev or test, today is left out.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deskwheel.process import write_whole
from deskwheel.repairs import RepairAction
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, VALIDATED
from validate.annotation import held_out, store
from validate.annotation.agreement import Verdict
from validate.annotation.consensus import Decided, decide
from validate.annotation.plan import SPLITS

Use = Literal["tags", "resolution", "quarantine"]

QUESTIONS_OF: Mapping[Use, tuple[str, ...]] = {
    "tags": ("category", "sentiment"),
    "resolution": ("resolved",),
    "quarantine": ("is_good_pair",),
}
"""The questions whose agreement decides whether labels for a use may be written."""

_COLUMNS = (*held_out.COLUMNS, "query", "split", "verdict", "reasons", "suite_version")
_CONVERSATION = ("conversation_id", "version", "utterances", "status", "csat")


@dataclass(frozen=True)
class Labels:
    """Lines to write, and why decided examples have none."""

    lines: tuple[dict[str, Any], ...]
    left_out: Mapping[str, int]


def make_labels(
    settings: Settings, use: Use, *, agreement: Mapping[str, Verdict] | None = None
) -> Labels:
    """The decided examples as lines for a use.

    `tags`: text, category, sentiment, for `transforms tags train`. `resolution`: turns, status,
    csat, resolved, for `transforms resolution fit`. `quarantine`: requests to reject valid
    examples that are no good pairs, and to accept quarantined ones that are, named as the actions
    of `deskwheel.repairs` and with the verb of `python -m validate` that asks for it with `--from`.

    Args:
        settings: where the lake is.
        use: what the lines are for.
        agreement: verdict on the agreement about each of the use's questions; each line bears it,
            so that whoever reads the file can tell `tentative` labels from `accept` ones.
    """
    lake_dir = settings.pipeline.lake
    decided = decide(store.read_annotations(lake_dir))
    rows = {
        row["example_id"]: row
        for row in store.rows_with(
            lake_dir, VALIDATED, "example_id", values=decided, columns=_COLUMNS
        )
    }
    left_out: Counter[str] = Counter()
    if use == "quarantine":
        lines = list(_requests(decided, rows, left_out))
    else:
        for_training = _for_training(lake_dir, rows)
        left_out["not of the train split and a train plan"] = len(decided) - len(for_training)
        kept = {i: decided[i] for i in for_training if i in decided}
        if use == "tags":
            lines = list(_tags(kept, rows, left_out))
        else:
            lines = _resolutions(lake_dir, kept, rows, left_out=left_out)
    told = {"agreement": dict(agreement)} if agreement else {}
    lines = [{**line, **told} for line in lines]
    return Labels(tuple(lines), {why: n for why, n in sorted(left_out.items()) if n})


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write objects as JSON lines, whole or not at all."""
    write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _for_training(lake_dir: str, rows: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Examples of the train split that every plan which asked about them drew for training."""
    purposes: dict[str, set[str]] = defaultdict(set)
    for task in store.read_tasks(lake_dir):
        purposes[task.example_id].add(task.purpose)
    golden = held_out.read_golden(lake_dir)
    return {
        i
        for i, row in rows.items()
        if row["split"] == SPLITS["train"] and purposes[i] == {"train"} and not golden.holds(row)
    }


def _tags(
    decided: Mapping[str, Decided], rows: Mapping[str, Mapping[str, Any]], left_out: Counter[str]
) -> Iterable[dict[str, Any]]:
    for example, found in decided.items():
        if "category" not in found.answers or "sentiment" not in found.answers:
            left_out["category or sentiment not decided"] += 1
            continue
        yield {
            "text": rows[example]["query"],
            "category": found.answers["category"],
            "sentiment": found.answers["sentiment"],
            "example_id": example,
        }


def _resolutions(
    lake_dir: str,
    decided: Mapping[str, Decided],
    rows: Mapping[str, Mapping[str, Any]],
    *,
    left_out: Counter[str],
) -> list[dict[str, Any]]:
    """One line a conversation; its examples must agree, as it is resolved or not as a whole."""
    said: dict[str, set[object]] = defaultdict(set)
    for example, found in decided.items():
        said[rows[example]["conversation_id"]].add(found.answers.get("resolved"))
    clear = {i: values for i, values in said.items() if values in ({"yes"}, {"no"})}
    left_out["conversations not decided, or nobody can tell"] = len(said) - len(clear)
    newest: dict[str, dict[str, Any]] = {}
    for row in store.rows_with(
        lake_dir, CONVERSATIONS, "conversation_id", values=clear, columns=_CONVERSATION
    ):
        before = newest.get(row["conversation_id"])
        if before is None or before["version"] < row["version"]:
            newest[row["conversation_id"]] = row
    left_out["conversations that are gone"] = len(clear) - len(newest)
    return [
        {
            "turns": [{"sender": u["role"], "text": u["text"]} for u in row["utterances"]],
            "status": row["status"],
            "csat": row["csat"],
            "resolved": clear[conversation] == {"yes"},
            "is_decidable": True,
            "conversation_id": conversation,
        }
        for conversation, row in sorted(newest.items())
    ]


def _requests(
    decided: Mapping[str, Decided], rows: Mapping[str, Mapping[str, Any]], left_out: Counter[str]
) -> Iterable[dict[str, Any]]:
    for example, found in decided.items():
        row = rows.get(example)
        is_good = found.answers.get("is_good_pair")
        if row is None or is_good is None:
            left_out["pair not decided"] += 1
        elif (row["verdict"], is_good) == ("valid", "no"):
            yield _request("reject", found, row)
        elif (row["verdict"], is_good) == ("quarantined", "yes"):
            yield _request("accept", found, row)
        else:
            left_out["verdict agrees"] += 1


def _request(action: RepairAction, found: Decided, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "example_id": found.example_id,
        "action": action,
        "verb": f"quarantine {action}",
        "verdict": row["verdict"],
        "reasons": list(row["reasons"]),
        "suite_version": row["suite_version"],
        "annotators": list(found.annotators),
        "annotation_ids": list(found.annotation_ids),
        "is_settled": found.is_settled,
    }
