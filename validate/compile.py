"""Spark columns out of the suite's row rules, so that one job judges every row by every rule.

Great Expectations itself runs one aggregation a rule and returns counts, not rows; each of its map
metrics, however, knows the column `<metric>.condition` that is true where a value is unexpected.
`tests/validate/test_compile.py` holds both to the same counts. Reads and writes no table.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import pandas as pd
from great_expectations.expectations.registry import get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.metrics_calculator import MetricsCalculator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from deskwheel.errors import ConfigError
from validate.suite import ephemeral_context

DOMAIN = ("column", "column_A", "column_B", "column_list")
NULLS_IGNORED = "any_value_is_missing"


def compile_rules(suite: Any, frame: DataFrame) -> dict[str, Column]:
    """Rule id → column that is true where a row breaks the rule, in the suite's order.

    The columns name their inputs only, so they fit every frame with the columns of this one. A
    null breaks no rule but "is not null".

    Args:
        suite: an `ExpectationSuite` whose expectations carry `meta["rule_id"]`.
        frame: any frame with the right columns; no row of it is read.

    Raises:
        ConfigError: an expectation has no meaning for a single row.
    """
    source = ephemeral_context().data_sources.add_spark("columns", persist=False)
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
    resolved, aborted = calculator.resolve_validation_graph(graph=graph, runtime_configuration=None)
    if aborted:
        raise ConfigError(f"rules {sorted(map(str, aborted))} cannot be compiled: {aborted}")
    return {
        e.meta["rule_id"]: _among_values(e, resolved[metrics[e.meta["rule_id"]].id][0])
        for e in suite.expectations
    }


def broken_rules(rules: Mapping[str, Column]) -> Column:
    """The ids of the rules that a row breaks, in the suite's order, as an array of strings."""
    ids = [F.when(F.coalesce(c, F.lit(False)), F.lit(rule)) for rule, c in rules.items()]
    return F.filter(F.array(*ids), lambda rule: rule.isNotNull())


def broken_batch_rules(suite: Any, rows: pd.DataFrame) -> list[str]:
    """The ids of the batch rules that a batch breaks, in the suite's order.

    Pandas and not Spark, because the columns that these rules need are on the driver anyway: 12 ms
    where the same call on a Spark frame costs 1 to 2 CPU seconds. Results carry no row.
    """
    source = ephemeral_context().data_sources.add_pandas("batch")
    batch = (
        source.add_dataframe_asset("batch")
        .add_batch_definition_whole_dataframe("batch")
        .get_batch(batch_parameters={"dataframe": rows})
    )
    result = batch.validate(suite, result_format="BOOLEAN_ONLY")
    broken = {r.expectation_config.meta["rule_id"] for r in result.results if not r.success}
    ordered = [e.meta["rule_id"] for e in suite.expectations]
    return [rule for rule in ordered if rule in broken]


def _condition(expectation: Any) -> MetricConfiguration:
    """The metric whose value is the column that is true for unexpected rows."""
    rule, metric = expectation.meta["rule_id"], getattr(expectation, "map_metric", None)
    kwargs = expectation.configuration.kwargs
    is_windowed = metric in ("column_values.unique", "compound_columns.unique")
    if metric is None or is_windowed or kwargs.get("row_condition"):
        raise ConfigError(
            f"rule {rule} ({expectation.expectation_type}) does not judge a row by itself;"
            " name it in BATCH_RULES of validate/suite.py"
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


def _among_values(expectation: Any, condition: Column) -> Column:
    """The condition, false where GX would have left the row out because of a null.

    Rules on one column do so by themselves; those on several leave rows out before they judge.
    """
    names = expectation.configuration.kwargs.get("column_list")
    if names is None:
        return condition
    if expectation.ignore_row_if != NULLS_IGNORED:
        raise ConfigError(
            f"rule {expectation.meta['rule_id']} has ignore_row_if={expectation.ignore_row_if};"
            f" use {NULLS_IGNORED} and a rule against nulls"
        )
    return reduce(lambda a, b: a & b, [F.col(name).isNotNull() for name in names], condition)
