"""The shipped suites: each row rule with a row that passes and one that fails, in one Spark job."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import great_expectations as gx
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from deskwheel.errors import ConfigError
from deskwheel.records import Example
from deskwheel.schema import arrow_schema
from deskwheel.settings import ValidateSettings
from tests.validate.rule_cases import CASES, GOOD, NEGATIVE, NOT_PERSONAL, PERSONAL_DATA, PREFERENCE
from transforms.resolution.estimate import RESOLVED_FROM
from transforms.session import spark_schema
from validate.compile import compile_row_rules
from validate.patterns import personal_data
from validate.suite import (
    BATCHES,
    META,
    ROWS,
    Suites,
    describe,
    kinds_of,
    load_suites,
    parse_suites,
    read_suites,
    serialise,
    shipped_folder,
    suite_version,
)

SHIPPED = load_suites(ValidateSettings())
WARN = {e.meta["rule_id"] for e in SHIPPED.rows.expectations if e.meta["severity"] == "warn"}
BAD_ANSWER: dict[str, Any] = {
    "response": "Not my problem.", "has_needless_apology": True, "resolution_probability": 0.1,
    "csat": 1, "thumb": "down", "is_answered": False, "relevance": 0.0, "authorship": "model",
}  # fmt: skip


CONTEXTS = {
    "": [],
    "customer: hi": [],
    "customer: hi\nand more\n\nagent: yes\nagent: well\nbot: a\nsystem: b": [],
    "agent: choose\nSettings: Network": [],
    " customer: hi": ["SPEAKER_ORDER_BROKEN", "SPEAKER_LABEL_IN_CONTEXT"],
    "\ncustomer: hi": ["SPEAKER_ORDER_BROKEN"],
    "Customer: hi": ["SPEAKER_ORDER_BROKEN", "SPEAKER_LABEL_IN_CONTEXT"],
    "supervisor: hi": ["SPEAKER_ORDER_BROKEN"],
    "customer: \nagent: hi": ["SPEAKER_ORDER_BROKEN"],
    "customer: hi\nagent:": ["SPEAKER_ORDER_BROKEN"],
    "customer: hi\nAssistant: hello": ["SPEAKER_LABEL_IN_CONTEXT"],
    "customer: hi\n  agent : hello": ["SPEAKER_LABEL_IN_CONTEXT"],
}
"""What came before a pair, and the rules that it breaks."""


def nullable_frame(spark: SparkSession, rows: list[dict[str, Any]]) -> DataFrame:
    schema = [StructField(f.name, f.dataType, nullable=True) for f in spark_schema(Example)]
    return spark.createDataFrame(rows, StructType(schema))


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> dict[str, list[str]]:
    """Reasons and warnings by name of a row: every case, and every piece of (not) personal data."""
    changes: dict[str, dict[str, Any]] = {"good": {}, "negative": {**BAD_ANSWER, **NEGATIVE}}
    changes |= {"ideal": BAD_ANSWER, "preference": {**BAD_ANSWER, **PREFERENCE}}
    for rule, passing, failing in CASES:
        changes |= {f"pass {rule}": passing, f"fail {rule}": failing}
    changes |= {f"context {text}": {"context": text} for text in CONTEXTS}
    for piece in (*PERSONAL_DATA, *NOT_PERSONAL):
        changes[piece] = {"query": f"Please look at {piece}, it is wrong."}
    rows = [{**asdict(GOOD), **change, "example_id": name} for name, change in changes.items()]
    frame = nullable_frame(spark, rows)
    rules = compile_row_rules(SHIPPED.rows, frame)
    found = frame.select(
        "example_id", rules.reasons().alias("reasons"), rules.warnings().alias("warnings")
    ).collect()
    assert all(set(row["warnings"]) <= WARN and not WARN & {*row["reasons"]} for row in found)
    return {row["example_id"]: [*row["reasons"], *row["warnings"]] for row in found}


def test_every_row_rule_has_a_case() -> None:
    assert [rule for rule, _, _ in CASES] == [e.meta["rule_id"] for e in SHIPPED.rows.expectations]


def test_good_row_breaks_no_rule(judged: dict[str, list[str]]) -> None:
    assert judged["good"] == []


@pytest.mark.parametrize("rule", [rule for rule, _, _ in CASES])
def test_failing_row_breaks_its_rule_and_passing_row_does_not(
    judged: dict[str, list[str]], rule: str
) -> None:
    assert rule in judged[f"fail {rule}"]
    assert judged[f"pass {rule}"] == []


@pytest.mark.parametrize("text", CONTEXTS)
def test_every_line_of_the_context_tells_who_speaks(
    judged: dict[str, list[str]], text: str
) -> None:
    assert judged[f"context {text}"] == CONTEXTS[text]


@pytest.mark.parametrize("piece", PERSONAL_DATA)
def test_personal_data_is_found(judged: dict[str, list[str]], piece: str) -> None:
    assert judged[piece] == ["PII_LEFT_IN_QUERY"]


@pytest.mark.parametrize("piece", NOT_PERSONAL)
def test_numbers_that_are_not_personal_pass(judged: dict[str, list[str]], piece: str) -> None:
    assert judged[piece] == []


def test_bad_answer_is_valid_as_a_negative_only(judged: dict[str, list[str]]) -> None:
    assert judged["negative"] == []
    assert len(judged["ideal"]) == 9
    assert judged["preference"] == judged["ideal"]


def test_reasons_keep_the_order_of_the_suite(judged: dict[str, list[str]]) -> None:
    order = {rule: place for place, (rule, _, _) in enumerate(CASES)}
    for found in judged.values():
        reasons = [rule for rule in found if rule not in WARN]
        assert reasons == sorted(reasons, key=lambda rule: order[rule])


def test_every_judged_column_that_is_never_null_has_a_rule_against_nulls() -> None:
    seen, guarded = set(), set()
    for expectation in SHIPPED.rows.expectations:
        kwargs = expectation.configuration.kwargs
        columns = set(kwargs.get("column_list", [])) | {kwargs.get("column")} - {None}
        is_guard = expectation.expectation_type == "expect_column_values_to_not_be_null"
        (guarded if is_guard else seen).update(columns)
    assert seen - guarded == {"csat", "thumb", "is_answered", "relevance"}


def test_rules_name_columns_of_the_record() -> None:
    known = set(arrow_schema(Example).names)
    for expectation in SHIPPED.rows.expectations:
        kwargs = expectation.configuration.kwargs
        assert set(kwargs.get("column_list") or [kwargs["column"]]) <= known


@pytest.mark.parametrize("name", [ROWS, BATCHES])
def test_shipped_file_is_what_the_api_writes(name: str) -> None:
    file = shipped_folder() / f"{name}.json"
    suite = SHIPPED.rows if name == ROWS else SHIPPED.batches
    assert file.read_text("utf-8") == serialise(suite)
    assert gx.ExpectationSuite(**suite.to_json_dict()).to_json_dict() == suite.to_json_dict()


def test_every_rule_says_what_it_is() -> None:
    for _, expectation in SHIPPED.rules():
        assert [key for key in META if not expectation.meta[key].strip()] == []
        assert expectation.meta["what"].endswith(".")


def test_resolution_starts_where_transforms_says_resolved() -> None:
    assert SHIPPED.threshold("RESOLUTION_UNSURE", "min_value") == RESOLVED_FROM


def test_personal_data_is_looked_for_with_the_same_patterns_everywhere() -> None:
    rules = ("QUERY", "RESPONSE", "CONTEXT", "REJECTED_RESPONSE")
    found = [SHIPPED.find(f"PII_LEFT_IN_{r}")[1].configuration.kwargs["regex_list"] for r in rules]
    assert all(tuple(patterns) == personal_data() for patterns in found)


def test_version_follows_what_judges_and_not_what_is_said() -> None:
    document = SHIPPED.to_json_dict()
    assert parse_suites(document, "copy").version == suite_version(ValidateSettings())
    rule = document[ROWS]["expectations"][0]
    rule["meta"]["what"] = "Another sentence."
    assert parse_suites(document, "copy").version == SHIPPED.version
    rule["meta"]["severity"] = "warn"
    assert parse_suites(document, "copy").version != SHIPPED.version


def test_describe_tells_threshold_kinds_and_source() -> None:
    rows = {row["id"]: row for row in describe(SHIPPED)}
    assert rows["CSAT_LOW"]["threshold"] == '{"min_value": 3.0}'
    assert rows["CSAT_LOW"]["source"] == "3 of 5 is the neutral point of the scale."
    assert (rows["CSAT_LOW"]["kinds"], rows["QUERY_TOO_SHORT"]["kinds"]) == (
        "ideal, preference", "every",
    )  # fmt: skip
    assert rows["QUARANTINE_SPIKE"]["scope"] == "batch"
    assert len(rows) == len(list(SHIPPED.rules()))


def broken(change: Any) -> dict[str, Any]:
    document = SHIPPED.to_json_dict()
    change(document[ROWS]["expectations"][0])
    return document


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rule: rule.update(type="expect_nothing"), "QUERY_MISSING is no expectation of GX"),
        (lambda rule: rule["meta"].pop("owner"), "lacks owner"),
        (lambda rule: rule["meta"].update(what=" "), "lacks what"),
        (lambda rule: rule["meta"].update(severity="stop"), "knows quarantine and warn"),
        (lambda rule: rule["meta"].update(rule_id="CSAT_LOW"), "two rules are called CSAT_LOW"),
    ],
)
def test_suite_that_judges_nothing_sensible_is_refused(change: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_suites(broken(change), "here")


def test_row_condition_on_another_column_is_refused() -> None:
    expectation = SHIPPED.find("CSAT_LOW")[1].copy()
    expectation.row_condition = gx.expectations.row_conditions.Column("channel") == "chat"
    with pytest.raises(ConfigError, match="CSAT_LOW has the row condition"):
        kinds_of(expectation)


def test_folder_may_hold_one_of_the_suites(tmp_path: Path) -> None:
    (tmp_path / "batches.json").write_text(serialise(SHIPPED.batches), encoding="utf-8")
    settings = replace(ValidateSettings(), suite=str(tmp_path))
    assert load_suites(settings).version == SHIPPED.version
    assert read_suites(tmp_path / "batches.json").version == SHIPPED.version
    with pytest.raises(ConfigError, match="holds neither"):
        read_suites(tmp_path / "nothing")


def test_rule_without_a_source_is_refused_but_in_a_suite_that_judged_before(
    tmp_path: Path,
) -> None:
    def empty(rule: dict[str, Any]) -> None:
        rule["meta"]["source"] = " "

    document = broken(empty)
    (tmp_path / "examples.json").write_text(json.dumps(document[ROWS]), encoding="utf-8")
    with pytest.raises(ConfigError, match="QUERY_MISSING have no source.*suite set QUERY_MISSING"):
        read_suites(tmp_path)
    assert parse_suites(document, "kept").version == SHIPPED.version


def test_suites_compare_with_numbers_only() -> None:
    assert isinstance(SHIPPED, Suites)
    with pytest.raises(ConfigError, match="has no rule NO_SUCH"):
        SHIPPED.threshold("NO_SUCH", "min_value")
    with pytest.raises(ConfigError, match="compares with no min_value"):
        SHIPPED.threshold("KIND_UNKNOWN", "min_value")
