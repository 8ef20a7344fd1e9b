"""Spark columns out of the suite's row rules, so that one job judges every row by every rule.

Great Expectations itself runs one aggregation a rule and returns counts, not rows; each of its map
metrics, however, knows the column `<metric>.condition` that is true where a value is unexpected.
`tests/validate/test_compile.py` holds both to the same counts. Reads and writes no table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from great_expectations.expectations.registry import get_metric_kwargs
from great_expectations.expectations.row_conditions import deserialize_row_condition
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.metrics_calculator import MetricsCalculator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructType

from deskwheel.errors import ConfigError
from validate.screen import Look, look_at_length, look_for, look_for_none, screen_columns
from validate.suite import ephemeral_context

DOMAIN = ("column", "column_A", "column_B", "column_list")
_LONGEST = 2**31
"""Bytes of a text, where a rule has no bound."""
NULLS_IGNORED = "any_value_is_missing"
NULLS_IGNORED_IN_PAIRS = "either_value_is_missing"


@dataclass(frozen=True)
class RowRules:
    """The row rules as columns, by what a broken one does."""

    quarantine: Mapping[str, Column]
    """Rule id → column that is true, or null for false, where a row breaks it."""
    warn: Mapping[str, Column]

    def reasons(self) -> Column:
        """The ids of the rules that keep a row out, in the suite's order."""
        return broken_rules(self.quarantine)

    def warnings(self) -> Column:
        """The ids of the rules that a row breaks without being kept out."""
        return broken_rules(self.warn)


def compile_row_rules(suite: Any, frame: DataFrame) -> RowRules:
    """The rules of the suite for rows, parted by severity.

    Raises:
        ConfigError: as `compile_rules` does.
    """
    columns = compile_rules(suite, frame)
    severities = {e.meta["rule_id"]: e.meta["severity"] for e in suite.expectations}
    return RowRules(
        quarantine={r: c for r, c in columns.items() if severities[r] == "quarantine"},
        warn={r: c for r, c in columns.items() if severities[r] == "warn"},
    )


def compile_rules(suite: Any, frame: DataFrame) -> dict[str, Column]:
    """Rule id → column that is true where a row breaks the rule, in the suite's order.

    The columns name their inputs only, so they fit every frame with the columns of this one. A
    null breaks no rule but "is not null", and a rule with a row condition says nothing about rows
    for which that does not hold.

    Args:
        suite: an `ExpectationSuite` whose expectations carry `meta["rule_id"]`.
        frame: any frame with the right columns; no row of it is read.

    Raises:
        ConfigError: an expectation has no meaning for a single row, names a column that the frame
            lacks, or cannot be made a column by GX.
    """
    for expectation in suite.expectations:
        _check_columns(expectation, frame.columns)
    source = ephemeral_context().data_sources.add_or_update_spark("columns", persist=False)
    asset = source.add_dataframe_asset("columns")
    batch = asset.add_batch_definition_whole_dataframe("columns").get_batch(
        batch_parameters={"dataframe": frame.limit(0)}
    )
    engine = batch.data.execution_engine
    engine.batch_manager.load_batch_list(batch_list=[batch])
    metrics = {e.meta["rule_id"]: _condition(e) for e in suite.expectations}
    calculator = MetricsCalculator(execution_engine=engine, show_progress_bars=False)
    graph = calculator.build_metric_dependency_graph(
        metric_configurations=list(metrics.values()), runtime_configuration=None
    )
    resolved, _ = calculator.resolve_validation_graph(graph=graph, runtime_configuration=None)
    lost = [rule for rule, metric in metrics.items() if metric.id not in resolved]
    if lost:
        raise ConfigError(f"rules {', '.join(lost)} cannot be compiled: GX makes no column of them")
    screens = screen_columns(
        {e.meta["rule_id"]: look for e in suite.expectations if (look := look_of(e, frame))}
    )
    columns = {}
    for expectation in suite.expectations:
        rule = expectation.meta["rule_id"]
        condition = _among_values(expectation, resolved[metrics[rule].id][0])
        if rule in screens:
            condition = screens[rule] & condition
        columns[rule] = _where_meant(expectation, condition, engine=engine)
    return columns


def complete(frame: DataFrame, schema: StructType) -> DataFrame:
    """A frame with every column of a schema: those that it lacks are null.

    A table of an older release has no column yet that its writer adds when it is started anew.
    """
    missing = {f.name: F.lit(None).cast(f.dataType) for f in schema if f.name not in frame.columns}
    return frame.withColumns(missing) if missing else frame


def broken_rules(rules: Mapping[str, Column]) -> Column:
    """The ids of the rules that a row breaks, in the suite's order, as an array of strings.

    Put together without a lambda: Spark interprets what stands in one even where it compiles.
    """
    if not rules:
        return F.array().cast("array<string>")
    ids = [F.when(c, F.lit(rule)).otherwise(F.lit("")) for rule, c in rules.items()]
    return F.array_remove(F.array(*ids), "")


def _check_columns(expectation: Any, present: list[str]) -> None:
    kwargs = expectation.configuration.kwargs
    named = [kwargs[key] for key in DOMAIN[:3] if kwargs.get(key)] + (
        kwargs.get("column_list") or []
    )
    if unknown := [name for name in named if name not in present]:
        raise ConfigError(
            f"rule {expectation.meta['rule_id']} judges {', '.join(unknown)}; an example has"
            f" {', '.join(sorted(present))}"
        )


def _condition(expectation: Any) -> MetricConfiguration:
    """The metric whose value is the column that is true for unexpected rows."""
    rule, metric = expectation.meta["rule_id"], getattr(expectation, "map_metric", None)
    kwargs = expectation.configuration.kwargs
    is_windowed = metric in ("column_values.unique", "compound_columns.unique")
    if metric is None or is_windowed:
        raise ConfigError(
            f"rule {rule} ({expectation.expectation_type}) does not judge a row by itself;"
            " put it into the suite `batches`"
        )
    if kwargs.get("mostly", 1.0) < 1.0:
        raise ConfigError(f"rule {rule} has mostly={kwargs['mostly']}; a row is good or it is not")
    values = get_metric_kwargs(
        metric_name=f"{metric}.unexpected_count", configuration=expectation.configuration
    )["metric_value_kwargs"]
    domain = {key: kwargs[key] for key in DOMAIN if kwargs.get(key) is not None}
    return MetricConfiguration(
        f"{metric}.condition", metric_domain_kwargs=domain, metric_value_kwargs=values
    )


def look_of(expectation: Any, frame: DataFrame) -> Look | None:
    """What tells without Java that a text keeps the rule; None where that is not known."""
    kwargs, metric = expectation.configuration.kwargs, expectation.map_metric
    column = kwargs.get("column")
    if column is None or frame.schema[column].dataType != StringType():
        return None
    if metric == "column_values.not_match_regex":
        return look_for_none(column, [kwargs["regex"]])
    if metric == "column_values.not_match_regex_list":
        return look_for_none(column, kwargs["regex_list"])
    if metric == "column_values.match_regex":
        return look_for(column, kwargs["regex"])
    if metric == "column_values.value_length.between":
        # One less on either side, in case that the bounds are strict.
        least, most = kwargs.get("min_value"), kwargs.get("max_value")
        longest = _LONGEST if most is None else int(most) - 1
        return look_at_length(column, 0 if least is None else int(least) + 1, longest)
    return None


def _among_values(expectation: Any, condition: Column) -> Column:
    """The condition, false where GX would have left the row out because of a null.

    Rules on one column do so by themselves; those on several leave rows out before they judge.
    """
    kwargs = expectation.configuration.kwargs
    if kwargs.get("column") is not None:
        return condition
    names = kwargs.get("column_list") or [kwargs["column_A"], kwargs["column_B"]]
    wanted = NULLS_IGNORED if kwargs.get("column_list") else NULLS_IGNORED_IN_PAIRS
    if expectation.ignore_row_if != wanted:
        raise ConfigError(
            f"rule {expectation.meta['rule_id']} has ignore_row_if={expectation.ignore_row_if};"
            f" use {wanted} and a rule against nulls"
        )
    return reduce(lambda a, b: a & b, [F.col(name).isNotNull() for name in names], condition)


def _where_meant(expectation: Any, condition: Column, *, engine: Any) -> Column:
    """The condition, false for the kinds of examples that the rule says nothing about."""
    found = expectation.configuration.kwargs.get("row_condition")
    if not found:
        return condition
    clause = engine.condition_to_filter_clause(deserialize_row_condition(found))
    return F.expr(clause) & condition
