"""The whole story of one example: what it says, what each rule wanted, and what was done with it.

Reads `validated_examples`, `conversations`, `repairs`, the suite and the timeline; writes nothing.
"""

from collections.abc import Mapping
from typing import Any

from deskwheel.records import ValidatedExample
from deskwheel.repairs import Repair
from deskwheel.schema import arrow_schema
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import VALIDATED
from validate.annotation.shown import shown_examples
from validate.quarantine.rows import repairs_of, stored_rows
from validate.quarantine.texts import search
from validate.quarantine.told import told_of
from validate.suite import Suites, describe
from validate.verdicts import MEANING

_HIDDEN = ("signature", "redaction", "turn_ids")
_AROUND = 40


def tell_story(settings: Settings, suites: Suites, example_id: str) -> dict[str, Any]:
    """Everything that is known of an example, as JSON can hold it."""
    lake_dir = settings.pipeline.lake
    columns = arrow_schema(ValidatedExample).names
    (row,) = stored_rows(lake_dir, VALIDATED, columns=columns, ids=[example_id])
    state = State(settings.pipeline.state_url)
    try:
        told = told_of(state, settings.pipeline.name, example_id)
    finally:
        state.close()
    shown = shown_examples(lake_dir, [example_id])[example_id]
    return {
        "example": {k: v for k, v in row.items() if k not in _HIDDEN},
        "reasons": [explain(rule, row, suites) for rule in row["reasons"]],
        "warnings": [explain(rule, row, suites) for rule in row["warnings"] or ()],
        "conversation": [
            {"role": line.role, "text": line.text, "is_pair": line.is_pair} for line in shown.lines
        ],
        "repairs": [_repair(r, row) for r in repairs_of(lake_dir, [example_id])],
        "timeline": [
            {
                "at": entry["at"],
                "kind": entry["kind"],
                **{k: v for k, v in entry["detail"].items() if k not in ("examples", "repairs")},
            }
            for entry in told
        ],
    }


def explain(rule: str, row: Mapping[str, Any], suites: Suites) -> dict[str, Any]:
    """What a rule wanted, and the value that broke it where a glance tells it."""
    if rule in MEANING:
        return {"rule": rule, "wanted": MEANING[rule], "found": None}
    known = {r["id"]: r for r in describe(suites)}
    if rule not in known:
        return {"rule": rule, "wanted": "No rule of today's suite has this id.", "found": None}
    said = known[rule]
    wanted = f"{said['what']} {said['threshold']}".strip()
    return {"rule": rule, "wanted": wanted, "found": offending(suites.find(rule)[1], row)}


def offending(expectation: Any, row: Mapping[str, Any]) -> str | None:
    """The value of a row that a rule looks at: a length, a piece of text, or the value itself."""
    kwargs = expectation.configuration.kwargs
    column = kwargs.get("column")
    if column not in row:
        return None
    value = row[column]
    if not isinstance(value, str):
        return f"{column} is {value}"
    if "length" in expectation.expectation_type:
        return f"{column} has {len(value)} characters"
    if "not_match" in expectation.expectation_type:
        return _piece(kwargs.get("regex_list") or [kwargs.get("regex")], value)
    return f"{column} is {value[: 2 * _AROUND]!r}"


def _piece(patterns: list[Any], text: str) -> str | None:
    """The first match with what stands around it; None where only Java reads the pattern."""
    for pattern in patterns:
        match = search(pattern, text) if pattern else None
        if match:
            start, end = max(match.start() - _AROUND, 0), match.end() + _AROUND
            return f"{match[0]!r} in {text[start:end]!r}"
    return None


def _repair(repair: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    done = row["attempt"] or 0
    if repair["repair_id"] == row["repair_id"] or repair["attempt"] < done:
        stands = "applied" if repair["repair_id"] == row["repair_id"] else "see timeline"
    else:
        stands = "waits for the gate" if repair["attempt"] > done else "skipped"
    kept = arrow_schema(Repair).names
    return {**{k: repair[k] for k in kept if repair[k] not in (None, [])}, "stands": stands}
