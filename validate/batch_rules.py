"""A batch judged as a whole by the suite `batches`, out of numbers a row; no text.

Great Expectations judges a small pandas frame, BOOLEAN_ONLY, so that no result carries a row. One
row an example; what is one number a batch (the volume, an index of drift) stands in the first row,
because GX's rules on values pass over nulls. Reads and writes no table.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import median
from typing import Any

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F

from deskwheel.errors import ConfigError
from validate.drift import NAMES, NO_REASON, NUMBERS, PLACEHOLDER, Baseline
from validate.suite import ephemeral_context

PERSONAL_DATA_LEFT = "PII_LEFT_IN_"
REASON = "reason:"
"""Prefix of a column that is 1 where a row breaks the row rule named after it."""

PER_ROW = (
    "example_id", "content_hash", "is_quarantined", "is_personal_data_left", "is_copy",
    *NUMBERS, *NAMES,
)  # fmt: skip
PER_BATCH = (
    "volume_ratio", "top_category_share", "model_edited_share",
    *(f"psi_{m}" for m in (*NUMBERS, *NAMES)),
)  # fmt: skip

VOLUMES = 20
"""Batches whose median is a batch's usual volume."""
LEAST_VOLUMES = 5

Row = Mapping[str, Any]


@dataclass(frozen=True)
class BatchVerdict:
    """What a batch broke as a whole."""

    broken: tuple[str, ...] = ()
    """Ids of rules, in the suite's order."""
    stops: tuple[str, ...] = ()
    """Those of them that let nothing of the batch become valid."""


@dataclass(frozen=True)
class BatchRules:
    """The suite for batches, ready to judge."""

    suite: Any
    min_rows: int
    """Smaller batches are not judged: their shares say nothing."""
    baseline: Baseline | None = None
    """What the batch is compared with; None judges no drift."""
    row_rules: frozenset[str] = field(default_factory=frozenset)

    def judge(
        self, rows: Sequence[Row], *, known: Iterable[str] = (), volumes: Sequence[int] = ()
    ) -> BatchVerdict:
        """The verdict on a batch.

        Args:
            rows: of each example `example_id`, `content_hash`, `kind`, `authorship`, `reasons`
                and the columns of `row_numbers`.
            known: content hashes that earlier batches hold.
            volumes: new rows of earlier batches that had any, newest first.
        """
        if len(rows) < self.min_rows:
            return BatchVerdict()
        return judge_batch(
            self.suite, batch_frame(self, rows, known=frozenset(known), volumes=volumes)
        )


def compile_batch_rules(
    suite: Any, *, row_rules: Iterable[str], min_rows: int, baseline: Baseline | None = None
) -> BatchRules:
    """The suite for batches, if it names only columns that a batch has.

    Raises:
        ConfigError: a rule names another column, or a reason that no row rule gives.
    """
    rules = frozenset(row_rules)
    for expectation in suite.expectations:
        for column in _columns(expectation):
            is_reason = column.startswith(REASON) and column.removeprefix(REASON) in rules
            if column not in (*PER_ROW, *PER_BATCH) and not is_reason:
                raise ConfigError(
                    f"rule {expectation.meta['rule_id']} judges {column!r}; a batch has"
                    f" {', '.join((*PER_ROW, *PER_BATCH))} and {REASON}RULE of a row rule"
                )
    return BatchRules(suite=suite, min_rows=min_rows, baseline=baseline, row_rules=rules)


def row_numbers() -> dict[str, Column]:
    """What a batch's rules need of a row's text, computed where that is, by name."""
    text = F.concat_ws("\n", "query", "response")
    words = F.size(F.split(text, r"\s+"))
    return {
        "query_chars": F.length("query"),
        "response_chars": F.length("response"),
        "placeholder_share": F.regexp_count(text, F.lit(PLACEHOLDER)) / words,
    }


def judge_batch(suite: Any, frame: pd.DataFrame) -> BatchVerdict:
    """The rules that a batch breaks, in the suite's order.

    Pandas and not Spark, because the columns that these rules need are on the driver anyway: tens
    of milliseconds where the same call on a Spark frame costs CPU seconds.
    """
    batch = _definition().get_batch(batch_parameters={"dataframe": frame})
    result = batch.validate(suite, result_format="BOOLEAN_ONLY")
    failed = {r.expectation_config.meta["rule_id"] for r in result.results if not r.success}
    broken = [e for e in suite.expectations if e.meta["rule_id"] in failed]
    return BatchVerdict(
        broken=tuple(e.meta["rule_id"] for e in broken),
        stops=tuple(e.meta["rule_id"] for e in broken if e.meta["severity"] == "stop"),
    )


@cache
def _definition() -> Any:
    """What GX makes a batch of a frame by; made once, so that nothing grows with the batches."""
    source = ephemeral_context().data_sources.add_pandas("batch")
    return source.add_dataframe_asset("batch").add_batch_definition_whole_dataframe("batch")


def batch_frame(
    rules: BatchRules, rows: Sequence[Row], *, known: frozenset[str], volumes: Sequence[int]
) -> pd.DataFrame:
    """The columns that the suite names, of a batch with at least one row."""
    wanted = {c for e in rules.suite.expectations for c in _columns(e)}
    seen, copies = set(known), []
    for row in rows:
        copies.append(float(row["content_hash"] in seen))
        seen.add(row["content_hash"])
    columns: dict[str, Sequence[Any]] = {
        "is_copy": copies,
        "is_quarantined": [float(bool(row["reasons"])) for row in rows],
        "is_personal_data_left": [
            float(any(r.startswith(PERSONAL_DATA_LEFT) for r in row["reasons"])) for row in rows
        ],
        "reason": [row["reasons"][0] if row["reasons"] else NO_REASON for row in rows],
    }
    for name in wanted | {"category"}:
        if name.startswith(REASON):
            rule = name.removeprefix(REASON)
            columns[name] = [float(rule in row["reasons"]) for row in rows]
        elif name in PER_ROW and name not in columns:
            columns[name] = [row[name] for row in rows]
    for name in wanted & set(PER_BATCH):
        value = _batch_number(name, rows, columns, baseline=rules.baseline, volumes=volumes)
        columns[name] = [value, *[None] * (len(rows) - 1)]
    return pd.DataFrame({name: pd.Series(columns[name]) for name in sorted(wanted)})


def _batch_number(
    name: str,
    rows: Sequence[Row],
    columns: Mapping[str, Sequence[Any]],
    *,
    baseline: Baseline | None,
    volumes: Sequence[int],
) -> float | None:
    if name == "volume_ratio":
        return len(rows) / median(volumes) if len(volumes) >= LEAST_VOLUMES else None
    if name == "top_category_share":
        return Counter(columns["category"]).most_common(1)[0][1] / len(rows)
    if name == "model_edited_share":
        return _model_edited_share(rows)
    measure = name.removeprefix("psi_")
    values = columns.get(measure) or [row[measure] for row in rows]
    return None if baseline is None else baseline.psi(measure, [v for v in values if v is not None])


def _model_edited_share(rows: Sequence[Row]) -> float | None:
    """Of the pairs to imitate that no rule keeps out; every preference is an edit by nature."""
    imitated = [r["authorship"] for r in rows if r["kind"] == "ideal" and not r["reasons"]]
    return imitated.count("model_edited") / len(imitated) if imitated else None


def _columns(expectation: Any) -> list[str]:
    kwargs = expectation.configuration.kwargs
    named = [kwargs[k] for k in ("column", "column_A", "column_B") if kwargs.get(k)]
    return [*named, *(kwargs.get("column_list") or [])]
