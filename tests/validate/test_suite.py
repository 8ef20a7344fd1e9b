"""Each row rule with a row that passes and one that fails, judged in one Spark job."""

from dataclasses import asdict
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import StructField, StructType

from deskwheel.records import Example
from deskwheel.schema import arrow_schema
from deskwheel.settings import ValidateSettings
from tests.validate.rows import GOOD
from transforms.session import spark_schema
from validate.compile import broken_batch_rules, broken_rules, compile_rules
from validate.suite import (
    BATCH_RULES,
    ROW_RULES,
    build_suite,
    describe,
    rule_id,
    suite_version,
)

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("QUERY_MISSING", {"query": "Where is my parcel?"}, {"query": None}),
    ("RESPONSE_MISSING", {}, {"response": None}),
    ("CONTEXT_MISSING", {"context": ""}, {"context": None}),
    ("APOLOGY_MISSING", {}, {"has_needless_apology": None}),
    ("RESOLUTION_MISSING", {}, {"resolution_probability": None}),
    ("AUTHORSHIP_MISSING", {}, {"authorship": None}),
    ("KIND_MISSING", {}, {"kind": None}),
    ("CHANNEL_MISSING", {}, {"channel": None}),
    ("CATEGORY_MISSING", {}, {"category": None}),
    (
        "PII_LEFT_IN_QUERY",
        {"query": "Reach me at <EMAIL> or <PHONE> about order 113542617735902, please."},
        {"query": "Reach me at kim.toy@mail.example about my order, please."},
    ),
    (
        "PII_LEFT_IN_RESPONSE",
        {"response": "Write to support@acme.example or call 1-800-555-0199 at any time."},
        {"response": "I will call you back on (212) 555-0142 this afternoon."},
    ),
    (
        "PII_LEFT_IN_CONTEXT",
        {"context": "agent: What are the last digits?"},
        {"context": "agent: You said 4000-1234-5678-9010, right?"},
    ),
    ("QUERY_TOO_SHORT", {"query": "No wifi!"}, {"query": "No wifi"}),
    ("QUERY_TOO_LONG", {"query": "ab " * 1333}, {"query": "ab " * 1334}),
    (
        "RESPONSE_TOO_SHORT",
        {"response": "Restart it please 10"},
        {"response": "Restart it please 1"},
    ),
    ("RESPONSE_TOO_LONG", {"response": "ab " * 2000}, {"response": "ab " * 2001}),
    ("QUERY_HAS_NO_WORDS", {"query": "где мой заказ?"}, {"query": "?? 12345 !!"}),
    (
        "QUERY_IS_GREETING_ONLY",
        {"query": "Hello, my invoice is wrong"},
        {"query": "Hi there, good morning!"},
    ),
    ("QUERY_NOT_TEXT", {"query": "My printer\tis\njammed"}, {"query": "My printer\x00 is jammed"}),
    (
        "RESPONSE_NOT_TEXT",
        {"response": "Open the lid.\r\nThen pull the paper out."},
        {"response": "Open the lid.\x1b[0m Then pull the paper out."},
    ),
    (
        "QUERY_BROKEN_ENCODING",
        {"query": "Où est mon café crème à São Paulo?"},
        {"query": "Où est mon cafÃ© crÃ¨me?"},
    ),
    (
        "RESPONSE_BROKEN_ENCODING",
        {"response": "It’s “ready” – collect it at the café."},
        {"response": "It\ufffds ready, collect it at the counter."},
    ),
    (
        "QUOTED_THREAD_IN_QUERY",
        {"query": "On Monday Kim wrote: no parcel came"},
        {"query": "Still nothing.\nOn Mon, 2 Mar 2026 Kim wrote:\n> hello"},
    ),
    (
        "QUOTED_THREAD_IN_RESPONSE",
        {"response": "Choose Settings > Network > Reset, then wait."},
        {"response": "It is on its way to you now.\n> where is my parcel"},
    ),
    (
        "MARKUP_IN_RESPONSE",
        {"response": "Your name <PERSON> is on the list, a < b > c holds."},
        {"response": "Please <b>restart</b> the box<br/> and wait a minute."},
    ),
    (
        "RESPONSE_IS_HANDOFF",
        {"response": "Transfer the money back to us within fourteen days."},
        {"response": "Let me transfer you to our billing department now."},
    ),
    (
        "RESPONSE_IS_PLACEHOLDER",
        {"response": "Press [Enter] and your order <ACCOUNT> shows up."},
        {"response": "Your order {{Order Number}} will arrive on Monday."},
    ),
    (
        "RESPONSE_RUDE",
        {"response": "The dumbbells are in the second parcel, it arrives today."},
        {"response": "Read the manual again, it is not my problem, really."},
    ),
    (
        "RESPONSE_EQUALS_QUERY",
        {"query": "Please restart the router.", "response": "Please restart the router!"},
        {"query": "Please restart the router.", "response": "Please restart the router."},
    ),
    ("RESPONSE_HAS_NEEDLESS_APOLOGY", {}, {"has_needless_apology": True}),
    ("RESOLUTION_UNSURE", {"resolution_probability": 0.65}, {"resolution_probability": 0.64}),
    ("CSAT_LOW", {"csat": 3}, {"csat": 2}),
    ("AUTHORSHIP_NOT_HUMAN", {"authorship": "model_edited"}, {"authorship": "model"}),
    ("KIND_NOT_IDEAL", {}, {"kind": "negative"}),
    ("CHANNEL_UNKNOWN", {"channel": "email"}, {"channel": "fax"}),
    ("CATEGORY_BLANK", {"category": "OTHER"}, {"category": " "}),
]
PERSONAL_DATA = [
    "kim@mail.example", "Kim.Toy+x@mail.acme.example", "212-555-0142", "+1 212 555 0142",
    "(212) 555-0142", "+49 30 5550 1142", "4000 1234 5678 9010", "4000123456789010",
    "3782 822463 10005", "219-09-9999", "GB29 NWBK 6016 1331 9268 19", "DE89370400440532013000",
]  # fmt: skip
NOT_PERSONAL = [
    "order 113542617735902", "invoice 2026-03-0142", "model WRT-54-2021-AX", "on 2026-03-02",
    "1-800-555-0199", "(888) 555-0199", "+1 800 555 0199", "info@acme.example",
    "version 10.11.12.13", "<EMAIL> <PHONE> <CARD> <SSN> <IBAN>", "1,234,567.89 dollars",
    "tracking 00340434161094042557", "serial 123-45-67890",
]  # fmt: skip


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> dict[str, list[str]]:
    """Reasons by name of a row: every case, and every piece of (not) personal data."""
    settings = ValidateSettings()
    changes: dict[str, dict[str, Any]] = {"good": {}}
    for rule, passing, failing in CASES:
        changes |= {f"pass {rule}": passing, f"fail {rule}": failing}
    for piece in (*PERSONAL_DATA, *NOT_PERSONAL):
        changes[piece] = {"query": f"Please look at {piece}, it is wrong."}
    rows = [{**asdict(GOOD), **change, "example_id": name} for name, change in changes.items()]
    schema = spark_schema(Example)
    nullable = StructType([StructField(f.name, f.dataType, nullable=True) for f in schema])
    frame = spark.createDataFrame(rows, nullable)
    rules = compile_rules(build_suite(settings), frame)
    found = frame.select("example_id", broken_rules(rules).alias("reasons")).collect()
    return {row["example_id"]: row["reasons"] for row in found}


def test_every_row_rule_has_a_case() -> None:
    assert [rule for rule, _, _ in CASES] == [rule_id(rule) for rule in ROW_RULES]


def test_good_row_breaks_no_rule(judged: dict[str, list[str]]) -> None:
    assert judged["good"] == []


@pytest.mark.parametrize("rule", [rule for rule, _, _ in CASES])
def test_failing_row_breaks_its_rule_and_passing_row_does_not(
    judged: dict[str, list[str]], rule: str
) -> None:
    assert rule in judged[f"fail {rule}"]
    assert judged[f"pass {rule}"] == []


@pytest.mark.parametrize("piece", PERSONAL_DATA)
def test_personal_data_is_found(judged: dict[str, list[str]], piece: str) -> None:
    assert judged[piece] == ["PII_LEFT_IN_QUERY"]


@pytest.mark.parametrize("piece", NOT_PERSONAL)
def test_numbers_that_are_not_personal_pass(judged: dict[str, list[str]], piece: str) -> None:
    assert judged[piece] == []


def test_reasons_keep_the_order_of_the_suite(judged: dict[str, list[str]]) -> None:
    order = {rule_id(rule): place for place, rule in enumerate(ROW_RULES)}
    assert all(r == sorted(r, key=lambda rule: order[rule]) for r in judged.values())
    assert len(judged["fail QUERY_HAS_NO_WORDS"]) == 1


def test_every_judged_column_but_csat_has_a_rule_against_nulls() -> None:
    judged, guarded = set(), set()
    for expectation in build_suite(ValidateSettings()).expectations:
        kwargs = expectation.configuration.kwargs
        columns = set(kwargs.get("column_list", [])) | {kwargs.get("column")} - {None}
        is_guard = expectation.expectation_type == "expect_column_values_to_not_be_null"
        (guarded if is_guard else judged).update(columns)
    assert judged - guarded == {"csat"}


def test_rules_name_columns_of_the_record() -> None:
    known = set(arrow_schema(Example).names)
    for expectation in build_suite(ValidateSettings()).expectations:
        kwargs = expectation.configuration.kwargs
        assert set(kwargs.get("column_list") or [kwargs["column"]]) <= known


def test_suite_version_follows_thresholds_only() -> None:
    settings = ValidateSettings()
    assert suite_version(settings) == suite_version(ValidateSettings(interval_s=9.0))
    assert suite_version(settings) != suite_version(ValidateSettings(min_query_chars=9))
    assert suite_version(settings) != suite_version(ValidateSettings(max_quarantine_share=0.4))


def test_describe_tells_threshold_and_source() -> None:
    rows = {row["id"]: row for row in describe(ValidateSettings(min_csat=4))}
    assert rows["CSAT_LOW"]["threshold"] == '{"min_value": 4.0}'
    assert rows["CSAT_LOW"]["source"] == "3 of 5 is the neutral point of the scale."
    assert rows["QUARANTINE_SPIKE"]["scope"] == "batch"
    assert len(rows) == len(ROW_RULES) + len(BATCH_RULES)
    assert all(row["what"] for row in rows.values())


BATCH_CASES: list[tuple[str, list[str], list[str], list[float]]] = [
    ("EXAMPLE_ID_REPEATED", ["a", "a"], ["1", "2"], [0.0, 0.0]),
    ("QUARANTINE_SPIKE", ["a", "b", "c"], ["1", "2", "3"], [1.0, 1.0, 0.0]),
    ("ANSWERS_COPIED", list("abcdef"), ["1"] * 6, [0.0] * 6),
]


@pytest.mark.parametrize(("rule", "ids", "hashes", "quarantined"), BATCH_CASES)
def test_batch_rule_is_broken_by_its_batch(
    rule: str, ids: list[str], hashes: list[str], quarantined: list[float]
) -> None:
    suite = build_suite(ValidateSettings(), BATCH_RULES)
    columns = {"example_id": ids, "content_hash": hashes, "is_quarantined": quarantined}
    good = {"example_id": ["a", "b"], "content_hash": ["1", "2"], "is_quarantined": [0.0, 1.0]}
    assert rule in broken_batch_rules(suite, pd.DataFrame(columns))
    assert broken_batch_rules(suite, pd.DataFrame(good)) == []
    assert {case[0] for case in BATCH_CASES} == {rule_id(r) for r in BATCH_RULES}
