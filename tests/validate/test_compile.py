"""The compiled columns and Great Expectations count alike, on rows that break every rule."""

from dataclasses import asdict

import great_expectations.expectations as gxe
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from deskwheel.errors import ConfigError
from deskwheel.records import Example
from deskwheel.settings import ValidateSettings
from tests.validate.rows import GOOD
from tests.validate.test_suite import CASES
from transforms.session import spark_schema
from validate.compile import broken_rules, compile_rules
from validate.suite import build_suite, ephemeral_context


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """A failing row a rule, a row of nulls, and a good one."""
    good = asdict(GOOD)
    found = [{**good, **failing} for _, _, failing in CASES]
    found += [dict.fromkeys(good), good, {**good, "query": None, "response": None}]
    schema = spark_schema(Example)
    nullable = StructType([StructField(f.name, f.dataType, nullable=True) for f in schema])
    return spark.createDataFrame(found, nullable).coalesce(1).cache()


def test_compiled_counts_equal_counts_of_great_expectations(rows: DataFrame) -> None:
    suite = build_suite(ValidateSettings())
    rules = compile_rules(suite, rows)
    totals = [F.sum(F.coalesce(c, F.lit(False)).cast("int")).alias(r) for r, c in rules.items()]
    compiled = rows.agg(*totals).first()
    assert compiled is not None
    source = ephemeral_context().data_sources.add_spark("contract", persist=False)
    batch = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")
    results = batch.get_batch(batch_parameters={"dataframe": rows}).validate(
        suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
    )
    counted = {
        r.expectation_config.meta["rule_id"]: r.result["unexpected_count"] for r in results.results
    }
    assert compiled.asDict() == counted
    assert min(counted.values()) >= 1


def test_columns_fit_another_frame(spark: SparkSession, rows: DataFrame) -> None:
    rules = compile_rules(build_suite(ValidateSettings()), rows)
    other = spark.createDataFrame([{**asdict(GOOD), "csat": 1}], spark_schema(Example))
    found = other.select(broken_rules(rules).alias("reasons")).first()
    assert found is not None
    assert found["reasons"] == ["CSAT_LOW"]


@pytest.mark.parametrize(
    "expectation",
    [
        gxe.ExpectColumnValuesToBeUnique(column="example_id"),
        gxe.ExpectColumnMeanToBeBetween(column="csat", min_value=1),
        gxe.ExpectColumnValuesToNotBeNull(column="query", mostly=0.9),
        gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(column_list=["query", "response"]),
    ],
)
def test_rule_without_meaning_for_a_row_is_refused(
    rows: DataFrame, expectation: gxe.Expectation
) -> None:
    suite = build_suite(ValidateSettings(), ())
    expectation.meta = {"rule_id": "ODD_RULE"}
    suite.add_expectation(expectation)
    with pytest.raises(ConfigError, match="ODD_RULE"):
        compile_rules(suite, rows)
