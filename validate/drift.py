"""How far what a batch holds has moved from what used to come: the population stability index.

Reads `validated_examples` without a JVM for a baseline; keeps it in the state database.

Source: Siddiqi, "Credit Risk Scorecards" (2006), chapter 9: PSI is the sum over bins of
(found − expected) · ln(found / expected), the symmetric Kullback-Leibler divergence.
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import chi2

from deskwheel import lake
from deskwheel.errors import ServiceError
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import VALIDATED
from validate.periods import parse_period

DOCUMENT = "baseline"
"""Family of the baselines in the state database; the id is the pipeline."""

BINS = 10
"""Source: Siddiqi 2006, deciles."""
NUMBERS = ("query_chars", "response_chars", "placeholder_share")
NAMES = ("category", "channel", "reason")
NO_REASON = "none"
PLACEHOLDER = r"<[A-Z]{2,10}(?:_LAST4)?(?:_[0-9]{1,7})?>"

QUIET_PSI = 0.1
"""A batch is judged where sampling alone stays below this in 95 of 100 batches."""
QUIET_LEVEL = 0.95

_JUDGED = ("valid", "quarantined", "duplicate")
_TEXTS = ("query", "response")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What used to come, as shares of bins."""

    rows: int
    edges: Mapping[str, Sequence[float]]
    """Measure → inner edges of its bins, ascending; a bin holds what is above its lower edge."""
    shares: Mapping[str, Mapping[str, float]]
    """Measure → bin's number, or value → share of the rows."""
    begin: str
    end: str
    """First and last `validated_at` of the rows, ISO 8601."""

    def psi(self, measure: str, values: Sequence[Any]) -> float | None:
        """The index of a batch's values; None where it would be the noise of a small batch.

        Under no drift the index of n and m rows in B bins is about chi-squared with B − 1 degrees
        of freedom times (1/n + 1/m).
        Source: Yurdakul and Naranjo, "Statistical properties of the population stability index"
        (Journal of Risk Model Validation, 2020).
        """
        expected = self.shares.get(measure)
        if not expected or not values:
            return None
        found = Counter(binned(values, self.edges[measure]) if measure in self.edges else values)
        bins = len(expected.keys() | found.keys())
        noise = chi2.ppf(QUIET_LEVEL, max(1, bins - 1)) * (1 / len(values) + 1 / self.rows)
        return None if noise > QUIET_PSI else psi(expected, found, rows=self.rows)


def psi(expected: Mapping[str, float], found: Mapping[str, int], *, rows: int) -> float:
    """The population stability index of counts against expected shares.

    An empty bin counts as half a row, so that a value that never came before is finite.

    Args:
        expected: bin → share.
        found: bin → count.
        rows: how many rows the shares are of.

    >>> round(psi({"a": 0.5, "b": 0.5}, {"a": 70, "b": 30}, rows=1000), 4)
    0.1695
    """
    total = sum(found.values())
    index = 0.0
    for name in expected.keys() | found.keys():
        e = max(expected.get(name, 0.0), 0.5 / rows)
        f = max(found.get(name, 0), 0.5) / total
        index += (f - e) * math.log(f / e)
    return index


def binned(values: Iterable[float], edges: Sequence[float]) -> list[str]:
    """The number of each value's bin."""
    return [str(i) for i in np.searchsorted(np.asarray(edges), np.asarray(list(values)))]


def make_baseline(rows: Sequence[Mapping[str, Any]], *, begin: str, end: str) -> Baseline:
    """A baseline of rows that carry every measure of `NUMBERS` and `NAMES`."""
    edges, shares = {}, {}
    for measure in NUMBERS:
        values = [row[measure] for row in rows]
        inner = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
        edges[measure] = sorted(set(inner.tolist()))
        shares[measure] = _shares(binned(values, edges[measure]))
    for measure in NAMES:
        shares[measure] = _shares(str(row[measure]) for row in rows)
    return Baseline(rows=len(rows), edges=edges, shares=shares, begin=begin, end=end)


def stored_baseline(state: State, pipeline: str) -> Baseline | None:
    """The pipeline's baseline, if one was made."""
    found = state.get(DOCUMENT, pipeline)
    return None if found is None else Baseline(**found[0])


def measured(table: pa.Table, rules: set[str]) -> list[dict[str, Any]]:
    """The measures of rows of `validated_examples`, for a baseline."""
    words = pc.add(pc.count_substring_regex(_joined(table), r"\s+"), 1)
    masks = pc.count_substring_regex(_joined(table), PLACEHOLDER)
    columns = {
        "query_chars": pc.utf8_length(table["query"]),
        "response_chars": pc.utf8_length(table["response"]),
        "placeholder_share": pc.divide(pc.cast(masks, pa.float64()), pc.cast(words, pa.float64())),
        "category": table["category"],
        "channel": table["channel"],
    }
    rows: list[dict[str, Any]] = pa.table(columns).to_pylist()
    for row, reasons in zip(rows, table["reasons"].to_pylist(), strict=True):
        row["reason"] = next((r for r in reasons if r in rules), NO_REASON)
    return rows


def baseline_verb(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `baseline`: keep what came lately as what batches are compared with.

    Raises:
        ServiceError: nothing was judged in that time.
    """
    from validate.suite import load_suites  # noqa: PLC0415  the suite loads Great Expectations

    names = [*_TEXTS, "category", "channel", "reasons", "verdict", "validated_at"]
    table = lake.read(settings.pipeline.lake, VALIDATED, columns=names)
    since = datetime.now(UTC) - parse_period(arguments.over)
    kept = table.filter(
        pc.and_(
            pc.is_in(table["verdict"], pa.array(_JUDGED)),
            pc.greater_equal(table["validated_at"], pa.scalar(since)),
        )
    )
    if not kept.num_rows:
        raise ServiceError(
            f"nothing was judged in the last {arguments.over} in {settings.pipeline.lake};"
            " choose a longer time with --over"
        )
    rules = {e.meta["rule_id"] for e in load_suites(settings.validate).rows.expectations}
    at = pc.min_max(kept["validated_at"]).as_py()
    found = make_baseline(
        measured(kept, rules), begin=at["min"].isoformat(), end=at["max"].isoformat()
    )
    state = State(settings.pipeline.state_url)
    try:
        state.put(DOCUMENT, settings.pipeline.name, asdict(found))
        state.record(
            settings.pipeline.name, "baseline", "validated_examples",
            {"rows": found.rows, "begin": found.begin, "end": found.end},
        )  # fmt: skip
    finally:
        state.close()
    told = f"{found.rows} rows of {found.begin} to {found.end} are the baseline from the next start"
    print(json.dumps(asdict(found)) if arguments.json else told)
    return 0


def _joined(table: pa.Table) -> Any:
    return pc.binary_join_element_wise(table["query"], table["response"], "\n")


def _shares(values: Iterable[str]) -> dict[str, float]:
    counts = Counter(values)
    total = sum(counts.values())
    return {name: count / total for name, count in sorted(counts.items())}
