"""Toy rows of `validated_examples` that say nothing alike, and how to store them."""

import random
from typing import Any

from deskwheel import lake
from deskwheel.records import Example, ExampleVerdict, Split, ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import VALIDATED
from tests.validate.rows import NOON, example


def words(name: str, count: int) -> str:
    """As many made-up words as asked for, the same ones for a name, shared with no other name."""
    rng = random.Random(name)
    return " ".join(name + "".join(rng.choices("bdfgklmnprstvz", k=5)) for _ in range(count))


def told(name: str, **changes: Any) -> Example:
    """An example whose texts have no word in common with those of another name."""
    own = {
        "query": f"{words(name, 9)}?",
        "response": f"{words(name + 'r', 24)}.",
        "subject_key": f"subject-{name}",
    }
    return example(name, **{**own, **changes})


def judged(
    found: Example, verdict: ExampleVerdict = "valid", split: Split = "train", *reasons: str
) -> ValidatedExample:
    """An example with its verdict."""
    fields = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return ValidatedExample(
        **{**fields, "reasons": reasons, "verdict": verdict, "split": split},
        suite_version="suite-1",
        validated_at=NOON,
    )


def store(settings: Settings, *rows: ValidatedExample) -> int:
    """Append rows in one commit; the table's new version."""
    return lake.append(settings.pipeline.lake, VALIDATED, to_table(rows, ValidatedExample))
