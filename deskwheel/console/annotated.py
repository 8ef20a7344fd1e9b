"""How many examples people have annotated, by category, on the way to each target.

Reads `annotations` and the categories of `validated_examples`; writes nothing.
"""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from deskwheel import lake
from deskwheel.annotations import TARGETS
from deskwheel.tables import ANNOTATIONS, VALIDATED

_COLUMNS = [
    "annotation_id", "example_id", "annotator_key", "at", "category", "is_gold",
    "is_adjudicated", "is_skipped",
]  # fmt: skip
_COUNTED_VERSIONS = 16

Counts = Mapping[str, Any]


def annotation_counts(lake_path: str) -> Counts:
    """Annotated examples in all and by category, the target, and each category's part of it.

    An example counts once, skipped ones and hidden gold not at all, under the category that was
    answered last, an adjudicator's before others. The parts of a target are equal: rare categories
    need as many examples as common ones to be told apart.
    """
    versions = [lake.current_version(lake_path, t) for t in (ANNOTATIONS, VALIDATED)]
    return _counts(lake_path, *versions)


@lru_cache(maxsize=_COUNTED_VERSIONS)
def _counts(lake_path: str, version: int | None, judged: int | None) -> Counts:
    rows = lake.read(lake_path, ANNOTATIONS, columns=_COLUMNS, version=version)
    answered: dict[str, str | None] = {}
    skipped = set()
    annotators: Counter[str] = Counter()
    ordered = sorted(rows.to_pylist(), key=lambda r: (r["is_adjudicated"], r["at"]))
    for row in ordered:
        if row["is_skipped"]:
            skipped.add(row["example_id"])
        elif not row["is_gold"]:
            answered[row["example_id"]] = row["category"] or answered.get(row["example_id"])
            annotators[row["annotator_key"]] += not row["is_adjudicated"]
    found = Counter(category or "OTHER" for category in answered.values())
    target = next((t for t in TARGETS if len(answered) < t), TARGETS[-1])
    tags = lake.read(lake_path, VALIDATED, columns=["category"], version=judged)
    categories = sorted({*found, *tags["category"].to_pylist()})
    return {
        "annotated": len(answered),
        "skipped": len(skipped - answered.keys()),
        "target": target,
        "targets": list(TARGETS),
        "category_target": -(-target // len(categories)) if categories else target,
        "categories": {name: found[name] for name in categories},
        "annotators": {key: count for key, count in sorted(annotators.items()) if count},
    }
