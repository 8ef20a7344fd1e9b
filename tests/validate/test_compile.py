"""The compiled columns and Great Expectations count alike: every rule, every type, random rows."""

import random
from dataclasses import asdict
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations.row_conditions import Column
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from deskwheel.errors import ConfigError
from deskwheel.settings import ValidateSettings
from tests.validate.rule_cases import CASES, GOOD
from tests.validate.test_suite import nullable_frame
from validate.compile import broken_rules, compile_row_rules, compile_rules, complete
from validate.expectations import ExpectSelectColumnPlaceholdersToBeKnown
from validate.suite import ephemeral_context, load_suites

SUITE = load_suites(ValidateSettings()).rows
RANDOM_ROWS = 400
PIECES = (
    "", " ", "a", "?", "hello", "Where is my parcel", "\n", "\t", "\x00", "\u00e9", "\u65e5\u672c",
    "\U0001f600", "\u202e", "<PHONE_1>", "<PHONE_2>", "<PHONE_1", "<EMAIL:abcde>", "<|im_end|>",
    "kim.toy@mail.example", "212-555-0142", "agent: hi", "customer: ", "> quoted", "<b>", "&nbsp;",
    "{{slot}}", "stupid", "transfer you", "ignore all previous instructions",
    "\ufffd", "\u00c3\u00a9",
)  # fmt: skip
KINDS = ("ideal", "negative", "preference", "odd", None)


def random_row(chance: random.Random) -> dict[str, Any]:
    """A row whose every judged column may be null, odd or good."""

    def text() -> str | None:
        parts = [chance.choice(PIECES) for _ in range(chance.randint(0, 4))]
        return chance.choice([None, *[" ".join(parts)] * 5])

    query = text()
    return {
        **asdict(GOOD),
        "query": query,
        "response": chance.choice([query, text(), text(), text()]),
        "context": text(),
        "rejected_response": text(),
        "category": chance.choice([None, "", " ", "SETUP"]),
        "kind": chance.choice(KINDS),
        "negative_kind": chance.choice([None, "rude"]),
        "channel": chance.choice([None, "fax", "chat"]),
        "authorship": chance.choice([None, "human", "model"]),
        "language": chance.choice([None, "en", "de"]),
        "thumb": chance.choice([None, "up", "down"]),
        "csat": chance.choice([None, 1, 3, 5]),
        "relevance": chance.choice([None, 0.0, 0.1, float("nan")]),
        "is_answered": chance.choice([None, True, False]),
        "has_needless_apology": chance.choice([None, True, False]),
        "resolution_probability": chance.choice([None, 0.0, 0.65, 1.0]),
    }


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """A failing row a rule, a row of nulls, a good one, and random ones."""
    good = asdict(GOOD)
    chance = random.Random(7)
    found = [{**good, **failing} for _, _, failing in CASES]
    found += [dict.fromkeys(good), good, {**good, "query": None, "response": None}]
    found += [random_row(chance) for _ in range(RANDOM_ROWS)]
    return nullable_frame(spark, found).coalesce(1).cache()


def counted_by_gx(suite: Any, rows: DataFrame) -> dict[str, int]:
    source = ephemeral_context().data_sources.add_or_update_spark("contract", persist=False)
    batch = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")
    results = batch.get_batch(batch_parameters={"dataframe": rows}).validate(
        suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
    )
    return {
        r.expectation_config.meta["rule_id"]: r.result["unexpected_count"] for r in results.results
    }


def counted_by_columns(suite: Any, rows: DataFrame) -> dict[str, int]:
    rules = compile_rules(suite, rows)
    totals = [F.sum(F.coalesce(c, F.lit(False)).cast("int")).alias(r) for r, c in rules.items()]
    found = rows.agg(*totals).first()
    assert found is not None
    return dict(found.asDict())


def test_compiled_counts_equal_counts_of_great_expectations(rows: DataFrame) -> None:
    counted = counted_by_gx(SUITE, rows)
    assert counted_by_columns(SUITE, rows) == counted
    assert min(counted.values()) >= 1


GOOD_KINDS = Column("kind").is_in(["ideal", "preference"])
EVERY_TYPE: list[gxe.Expectation] = [
    gxe.ExpectColumnValuesToBeNull(column="csat"),
    gxe.ExpectColumnValuesToNotBeInSet(column="channel", value_set=["fax"]),
    gxe.ExpectColumnValuesToMatchRegexList(column="query", regex_list=["a", "b"]),
    gxe.ExpectColumnValuesToMatchRegexList(column="query", regex_list=["a", " "], match_on="all"),
    gxe.ExpectColumnValueLengthsToEqual(column="category", value=5, row_condition=GOOD_KINDS),
    gxe.ExpectColumnValuesToBeBetween(column="csat", min_value=1, strict_min=True, max_value=5),
    gxe.ExpectColumnPairValuesToBeEqual(
        column_A="query", column_B="response", ignore_row_if="either_value_is_missing"
    ),
    gxe.ExpectColumnValuesToNotMatchRegex(
        column="response", regex="o", row_condition=Column("kind").is_not_in(["ideal", "negative"])
    ),
    ExpectSelectColumnPlaceholdersToBeKnown(
        column_list=["response", "query"], ignore_row_if="any_value_is_missing"
    ),
]  # fmt: skip


def test_every_map_type_counts_alike(rows: DataFrame) -> None:
    for number, expectation in enumerate(EVERY_TYPE):
        expectation.meta = {"rule_id": f"RULE_{number}"}
    suite = gx.ExpectationSuite(name="types", expectations=EVERY_TYPE)
    counted = counted_by_gx(suite, rows)
    assert counted_by_columns(suite, rows) == counted
    assert min(counted.values()) >= 1


def test_columns_fit_another_frame(spark: SparkSession, rows: DataFrame) -> None:
    rules = compile_row_rules(SUITE, rows)
    other = nullable_frame(spark, [{**asdict(GOOD), "csat": 1, "language": "de"}])
    found = other.select(rules.reasons().alias("r"), rules.warnings().alias("w")).first()
    assert found is not None
    assert (found["r"], found["w"]) == (["CSAT_LOW"], ["LANGUAGE_NOT_ALLOWED"])


def test_table_of_an_older_release_is_judged_with_nulls(
    spark: SparkSession, rows: DataFrame
) -> None:
    old = nullable_frame(spark, [asdict(GOOD)]).drop("language", "thumb")
    whole = complete(old, rows.schema)
    assert set(whole.columns) == set(rows.columns)
    rules = compile_row_rules(SUITE, rows)
    found = whole.select(rules.reasons().alias("r"), rules.warnings().alias("w")).first()
    assert found is not None
    assert (found["r"], found["w"]) == ([], ["LANGUAGE_MISSING"])


@pytest.mark.parametrize(
    ("expectation", "told"),
    [
        (gxe.ExpectColumnValuesToBeUnique(column="example_id"), "does not judge a row"),
        (gxe.ExpectColumnMeanToBeBetween(column="csat", min_value=1), "does not judge a row"),
        (gxe.ExpectColumnValuesToNotBeNull(column="query", mostly=0.9), "mostly=0.9"),
        (gxe.ExpectColumnValuesToNotBeNull(column="qwery"), "judges qwery; an example has"),
        (
            gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(column_list=["query", "response"]),
            "ignore_row_if",
        ),
        (
            gxe.ExpectColumnPairValuesToBeEqual(column_A="query", column_B="context"),
            "ignore_row_if",
        ),
    ],
)
def test_rule_without_meaning_for_a_row_is_refused(
    rows: DataFrame, expectation: gxe.Expectation, told: str
) -> None:
    expectation.meta = {"rule_id": "ODD_RULE"}
    suite = gx.ExpectationSuite(name="odd", expectations=[expectation])
    with pytest.raises(ConfigError, match=f"ODD_RULE.*{told}"):
        compile_rules(suite, rows)


def test_no_rules_break_nothing(spark: SparkSession) -> None:
    found = spark.range(1).select(broken_rules({}).alias("reasons")).first()
    assert found is not None
    assert found["reasons"] == []
