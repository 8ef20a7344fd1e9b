"""A screened rule finds what Java's matcher finds: the quick look never misses a row."""

import json
import random
import re
from importlib import resources

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from deskwheel.records import Example
from deskwheel.settings import ValidateSettings
from transforms.session import spark_schema
from validate.compile import look_of
from validate.screen import (
    Look,
    look_at_length,
    look_for,
    look_for_none,
    loosen,
    suspect,
    tighten,
)
from validate.suite import load_suites

ODD = "\u00e9\u212a\u017f\u2028\x85\x0b\r\n\t \U0001f600\ufffd\u00c3\u00a9"
PIECES = (
    *ODD, *"<>[]{}|@.-_+#:/?!aZ09", "hello", "kim.toy@mail.example", "212-555-0142", "<PHONE_1",
    "> quoted", "On Monday Kim wrote:", "4111 1111 1111 1111", "stupid", "transfer you",
    "ignore all your previous instructions", "agent: hi", "</p", "&nbsp;", "{{slot}}", "<|im_end|>",
)  # fmt: skip


def shipped_patterns() -> list[str]:
    text = resources.files("validate").joinpath("suites", "examples.json").read_text("utf-8")
    kwargs = [e["kwargs"] for e in json.loads(text)["expectations"] if "not_match" in e["type"]]
    return sorted({p for k in kwargs for p in k.get("regex_list") or [k["regex"]]})


def test_all_shipped_patterns_are_screened_but_those_that_ask_for_nothing() -> None:
    found = [p for p in shipped_patterns() if loosen(p) is None]
    assert found == [r"\A(?!\z|(?:customer|agent|bot|system): )", r"^\s*$"]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?<!\d)\d{3}(?!\d)", "a 123 b"),
        (r"(?m)^b$", "a\rb\rc"),
        (r"(?m)^b$", "a\u2028b\u0085c"),
        (r"a$", "a\n"),
        (r"x\n^y", "x\ny"),
        (r"(\d)-\1", "1-1"),
        (r"a\sb", "a\x0bb"),
        (r"a[\s,]b", "a\x0bb"),
        (r"\bn\u00e9\b", "un n\u00e9"),
        (r"(?i)k[^a.]t", "K\u017ft"),
        (r"(?i)^\W*hi", "\u212ahi"),
        (r"(?i)a[\W,]b", "a\u017fb"),
        (r"(?i)(?<![\w.])kim@", "\u212akim@"),
        (r"a{20,30}+b", "a" * 25 + "b"),
        (r"(?>ab|a)c", "abc"),
        (r"(?<year>\d{4})x", "2026x"),
        (r"(?:a|^b)c", "bc"),
    ],
)
def test_loosened_pattern_is_found_where_the_pattern_is(pattern: str, text: str) -> None:
    loose = loosen(pattern)
    assert loose is None or pc.match_substring_regex(pa.array([text]), loose)[0].as_py()


@pytest.mark.parametrize(
    "pattern",
    [r"a*", r"\Qa\E", r"\R", r"\h", r"[a&&b]", r"[a[b]]", r"(?u)a", r"(?i)[^k]", r"(?x) a", r"\va"],
)
def test_pattern_that_re2_may_read_otherwise_is_left_alone(pattern: str) -> None:
    assert loosen(pattern) is None


def test_rule_is_suspected_where_one_of_its_patterns_is_found() -> None:
    texts = pa.array(["ab", None, "b", "", "c"])
    looks = [Look("text", forbidden=(p,)) for p in "abx"]
    assert suspect(texts, looks).to_pylist() == [3, 0, 2, 0, 0]


def test_rule_is_suspected_where_what_it_wants_is_not_found_or_bytes_leave_its_length_open() -> (
    None
):
    texts = pa.array(["ab", None, "12", "\u00e9\u00e9", "\U0001f600\U0001f600\U0001f600"])
    letters, length = look_for("text", r"\p{L}{2}"), look_at_length("text", 1, 8)
    assert letters is not None
    assert suspect(texts, [letters]).to_pylist() == [0, 0, 1, 1, 1]
    assert suspect(texts, [length]).to_pylist() == [1, 0, 1, 0, 1]


def test_shipped_rules_on_one_text_are_screened_but_for_blanks_and_sets(
    spark: SparkSession,
) -> None:
    rules = load_suites(ValidateSettings()).rows.expectations
    on_text = [e for e in rules if "regex" in e.expectation_type or "lengths" in e.expectation_type]
    frame = spark.createDataFrame([], spark_schema(Example))
    bare = [e.meta["rule_id"] for e in on_text if look_of(e, frame) is None]
    assert bare == ["CATEGORY_BLANK"]


@pytest.mark.parametrize(
    "pattern", [r".+", r"\w", r"a{2}+", r"a)(?:b", r"(?i)a", r"\p{Lu}", r"[a-z]", r"^a", r"\x{E9}"]
)
def test_pattern_that_java_may_read_otherwise_is_not_looked_for(pattern: str) -> None:
    assert tighten(pattern) is None


@pytest.mark.parametrize("pattern", [r"\p{L}{2}", r"\A(?:\z|(?:agent|bot): )", r"hello|stupid"])
def test_what_is_found_of_a_tightened_pattern_java_finds(spark: SparkSession, pattern: str) -> None:
    chance = random.Random(5)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(0, 6))) for _ in range(2000)]
    frame = spark.createDataFrame(pa.table({"text": texts})).coalesce(1)
    found = frame.select("text", F.col("text").rlike(pattern).alias("by_java")).toArrow()
    passed = pc.match_substring_regex(found["text"], tighten(pattern))
    assert pc.any(passed).as_py()
    assert not pc.any(pc.and_not(passed, found["by_java"])).as_py()


def test_what_must_not_be_at_the_start_is_looked_for_there() -> None:
    look = look_for_none("text", [r"\A(?!\z|(?:agent|bot): )", r"x\by"])
    assert look is not None
    texts = pa.array(["agent: hi", "", "x agent: ", "bot:", "bot: xy"])
    assert suspect(texts, [look]).to_pylist() == [0, 0, 1, 1, 1]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_what_python_finds_is_suspected(text: str) -> None:
    for pattern in shipped_patterns():
        if r"\x{" not in pattern and r"\p{" not in pattern and (loose := loosen(pattern)):
            found = bool(re.search(pattern, text, re.ASCII))
            assert not found or pc.match_substring_regex(pa.array([text]), loose)[0].as_py()


def test_what_java_finds_is_suspected(spark: SparkSession) -> None:
    chance = random.Random(3)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(1, 14))) for _ in range(3000)]
    frame = spark.createDataFrame(pa.table({"text": texts})).coalesce(1)
    loosened = {p: loose for p in shipped_patterns() if (loose := loosen(p)) is not None}
    columns = [F.col("text").rlike(p).alias(str(n)) for n, p in enumerate(loosened)]
    found = frame.select("text", *columns).toArrow()
    for number, loose in enumerate(loosened.values()):
        suspected = pc.match_substring_regex(found["text"], loose)
        missed = pc.and_not(found[str(number)], suspected)
        assert not pc.any(missed).as_py(), list(loosened)[number]
