"""Members of a snapshot in the four forms that TRL's trainers read, as the model is asked.

Pure functions; reads and writes no table.

Source: TRL documentation, "Dataset formats and types" (conversational format).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deskwheel.chat import assistant_message, user_message
from validate.snapshots.manifest import SPLITS

Row = Mapping[str, Any]
Lines = dict[str, dict[str, list[dict[str, Any]]]]
"""Form → split → rows; a form or split without rows is not there."""


def chat_forms(rows: Sequence[Row]) -> Lines:
    """The rows of each form by split, in the order of the members.

    `messages` and `prompt_completion` (SFT) hold ideal examples only. `unpaired_preference` (KTO)
    holds ideal ones labelled true and negatives labelled false. `preference` (DPO) holds
    preferences and each ideal answer with a negative one to the same prompt of its conversation.
    """
    forms = {
        "messages": [_messages(row) for row in rows if row["kind"] == "ideal"],
        "prompt_completion": [_completion(row) for row in rows if row["kind"] == "ideal"],
        "preference": list(_preferences(rows)),
        "unpaired_preference": [_labelled(row) for row in rows if row["kind"] != "preference"],
    }
    by_split = {
        form: {s: [line for split, line in found if split == s] for s in SPLITS}
        for form, found in forms.items()
    }
    filled = {form: {s: x for s, x in of.items() if x} for form, of in by_split.items()}
    return {form: of for form, of in filled.items() if of}


Placed = tuple[str, dict[str, Any]]
"""Split and line."""


def _messages(row: Row) -> Placed:
    return row["split"], {
        "example_id": row["example_id"],
        "messages": [
            user_message(row["query"], row["context"]),
            assistant_message(row["response"]),
        ],
    }


def _completion(row: Row) -> Placed:
    return row["split"], {
        "example_id": row["example_id"],
        "prompt": [user_message(row["query"], row["context"])],
        "completion": [assistant_message(row["response"])],
    }


def _labelled(row: Row) -> Placed:
    split, line = _completion(row)
    return split, {**line, "label": row["kind"] == "ideal"}


def _preferences(rows: Sequence[Row]) -> Iterator[Placed]:
    """Stated preferences, and an ideal with a negative answer to one prompt of a conversation."""
    rejected = defaultdict(list)
    for row in rows:
        if row["kind"] == "negative":
            rejected[_prompt_key(row)].append(row)
    for row in rows:
        if row["kind"] == "preference" and row.get("rejected_response"):
            yield _preference(row, row["example_id"], row["rejected_response"])
        elif row["kind"] == "ideal":
            for worse in rejected[_prompt_key(row)]:
                yield _preference(row, worse["example_id"], worse["response"])


def _preference(row: Row, rejected_id: str, rejected: str) -> Placed:
    return row["split"], {
        "example_id": row["example_id"],
        "rejected_id": rejected_id,
        "prompt": [user_message(row["query"], row["context"])],
        "chosen": [assistant_message(row["response"])],
        "rejected": [assistant_message(rejected)],
    }


def _prompt_key(row: Row) -> tuple[str, ...]:
    return (row["tenant"], row["conversation_id"], row["split"], row["query"], row["context"])
