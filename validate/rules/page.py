"""docs/quality-rules.md out of the shipped suites: `python -m validate suite docs FILE`.

Reads and writes no table.
"""

import json
from typing import Any

from validate.suite import BATCHES, ROWS, Suites, kinds_of
from validate.verdicts import MEANING

HEAD = """# Quality rules

Every rule by which examples and batches are judged, as the shipped suites of Great Expectations
have it (`validate/suites/*.json`). Change one with `python -m validate suite set`, see what would
flip with `python -m validate suite diff`, and write this page anew with
`python -m validate suite docs docs/quality-rules.md`; a test refuses a page that is not current.

A broken rule of severity *quarantine* keeps the example out of training; its id is the reason in
`validated_examples`, on the timeline and in `python -m validate quarantine`. *Warn* marks the
example or the batch and stops nothing. *Stop* belongs to rules for batches: nothing of such a batch
becomes valid; the rows wait in quarantine under the rule's id, and the stream goes on.

A rule with kinds judges only these: what makes a bad answer bad does not disqualify a negative. A
null breaks no rule but those that say that it must be there.
"""

TITLES = {ROWS: "## Rules for examples", BATCHES: "## Rules for batches"}
INTRODUCTIONS = {
    ROWS: "Judged row by row, in one Spark job; the order is that of the reasons.",
    BATCHES: (
        "Judged on a micro-batch of at least `validate.min_batch_examples` rows. Drift is measured"
        " against the baseline that `python -m validate baseline` made, and not judged without one."
    ),
}
OTHER = (
    "Other examples, the conversation or a person decide these, not the example's own row"
    " (docs/validate.md)."
)


def page(suites: Suites) -> str:
    """The whole page."""
    parts = [HEAD]
    for name, suite in ((ROWS, suites.rows), (BATCHES, suites.batches)):
        rows = [_row(e) for e in suite.expectations]
        titles = ("Rule", "Severity", "Kinds", "Wants", "Judged", "Source", "Owner")
        table = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
        table += [
            "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows
        ]
        parts.append("\n".join([TITLES[name], "", INTRODUCTIONS[name], "", *table, ""]))
    parts.append(
        "\n".join([
            "## Reasons that no rule gives", "", OTHER, "", "| Reason | Meaning |", "|---|---|",
            *(f"| `{reason}` | {meaning} |" for reason, meaning in MEANING.items()), "",
        ])
    )  # fmt: skip
    return "\n".join(parts)


def _row(expectation: Any) -> tuple[str, ...]:
    meta = expectation.meta
    return (
        f"`{meta['rule_id']}`",
        meta["severity"],
        ", ".join(kinds_of(expectation) or ()) or "every",
        meta["what"],
        _judged(expectation),
        meta["source"],
        meta["owner"],
    )


def _judged(expectation: Any) -> str:
    """Columns and thresholds in short; patterns are too long for a table."""
    kwargs = dict(expectation.configuration.to_json_dict()["kwargs"])
    columns = kwargs.pop("column_list", None) or [kwargs.pop("column", "")]
    told = [", ".join(f"`{c}`" for c in columns)]
    for key in ("min_value", "max_value"):
        if key in kwargs:
            told.append(f"{'≥' if key == 'min_value' else '≤'} {kwargs[key]:g}")
    if "value_set" in kwargs:
        told.append("in " + ", ".join(json.dumps(v) for v in kwargs["value_set"]))
    patterns = kwargs.get("regex_list") or ([kwargs["regex"]] if "regex" in kwargs else [])
    if patterns:
        is_wanted = "not_match" not in expectation.expectation_type
        told.append(f"{'matches' if is_wanted else 'matches none of'} {len(patterns)} pattern(s)")
    return " ".join(told)
