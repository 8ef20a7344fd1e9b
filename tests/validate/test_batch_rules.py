"""A batch as a whole: what breaks a rule, what stops it, and what is too little to say."""

from dataclasses import replace
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pytest

from deskwheel.errors import ConfigError
from deskwheel.settings import ValidateSettings
from validate.batch_rules import BatchRules, compile_batch_rules
from validate.drift import Baseline, make_baseline
from validate.suite import load_suites

SUITES = load_suites(ValidateSettings())
ROW_RULES = [e.meta["rule_id"] for e in SUITES.rows.expectations]


def batch(size: int, **columns: Any) -> list[dict[str, Any]]:
    """Rows that break nothing, with columns set to a value or to a function of the row's number."""
    found = []
    for n in range(size):
        row = {
            "example_id": f"ex-{n}", "content_hash": f"hash-{n}", "reasons": [],
            "query_chars": 40 + n % 60, "response_chars": 100 + n % 200,
            "placeholder_share": (n % 10) / 100, "category": "ABCDE"[n % 5], "channel": "chat",
            "kind": "ideal", "authorship": "human",
        }  # fmt: skip
        found.append(row | {k: v(n) if callable(v) else v for k, v in columns.items()})
    return found


def usual() -> Baseline:
    rows = [{**row, "reason": "none"} for row in batch(3000)]
    return make_baseline(rows, begin="2026-03-01", end="2026-03-08")


@pytest.fixture(scope="module")
def rules() -> BatchRules:
    return compile_batch_rules(SUITES.batches, row_rules=ROW_RULES, min_rows=20, baseline=usual())


def reasons(share: float, *found: str) -> Any:
    return lambda n: list(found) if n < share * 1000 else []


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("EXAMPLE_ID_REPEATED", {}, {"example_id": lambda n: f"ex-{max(n, 1)}"}),
    (
        "PERSONAL_DATA_FLOOD",
        {"reasons": reasons(0.05, "PII_LEFT_IN_QUERY")},
        {"reasons": reasons(0.06, "CSAT_LOW", "PII_LEFT_IN_RESPONSE")},
    ),
    ("QUARANTINE_SPIKE", {"reasons": reasons(0.5, "CSAT_LOW")}, {"reasons": ["CSAT_LOW"]}),
    (
        "BROKEN_ENCODING_SPIKE",
        {"reasons": reasons(0.05, "RESPONSE_BROKEN_ENCODING")},
        {"reasons": reasons(0.06, "CSAT_LOW", "RESPONSE_BROKEN_ENCODING")},
    ),
    (
        "HANDOFF_SPIKE",
        {"reasons": reasons(0.3, "RESPONSE_IS_HANDOFF")},
        {"reasons": reasons(0.31, "RESPONSE_IS_HANDOFF")},
    ),
    (
        "ANSWERS_COPIED",
        {"content_hash": lambda n: str(n % 200)},
        {"content_hash": lambda n: str(n % 199)},
    ),
    (
        "DUPLICATE_SPIKE",
        {"content_hash": lambda n: str(n % 500)},
        {"content_hash": lambda n: str(n % 499)},
    ),
    ("REDACTION_SHARE_HIGH", {"placeholder_share": 0.19}, {"placeholder_share": 0.21}),
    (
        "MODEL_EDITED_SHARE_HIGH",
        {"authorship": lambda n: "human" if n < 500 else "model_edited"},
        {"authorship": lambda n: "human" if n < 499 else "model_edited"},
    ),
    ("CATEGORY_DOMINATES", {"category": lambda n: "AB"[n < 100]}, {"category": "A"}),
    ("QUERY_CHARS_MOVED", {}, {"query_chars": lambda n: 45 + n % 60}),
    ("QUERY_CHARS_DRIFTED", {}, {"query_chars": 900}),
    ("RESPONSE_CHARS_MOVED", {}, {"response_chars": lambda n: 130 + n % 200}),
    ("RESPONSE_CHARS_DRIFTED", {}, {"response_chars": 20}),
    ("CATEGORY_MOVED", {}, {"category": lambda n: "ABCDEAB"[n % 7]}),
    ("CATEGORY_DRIFTED", {}, {"category": "NEW"}),
    ("CHANNEL_DRIFTED", {}, {"channel": "email"}),
    ("REASON_DRIFTED", {}, {"reasons": reasons(0.3, "CSAT_LOW")}),
    ("PLACEHOLDER_SHARE_DRIFTED", {}, {"placeholder_share": 0.09}),
]


@pytest.mark.parametrize(("rule", "passing", "failing"), CASES, ids=[c[0] for c in CASES])
def test_batch_rule_is_broken_by_its_batch(
    rules: BatchRules, rule: str, passing: dict[str, Any], failing: dict[str, Any]
) -> None:
    assert rule not in rules.judge(batch(1000, **passing)).broken
    assert rule in rules.judge(batch(1000, **failing)).broken


def test_every_batch_rule_has_a_case() -> None:
    known = {rule for rule, _, _ in CASES} | {"VOLUME_LOW", "VOLUME_HIGH"}
    assert known == {e.meta["rule_id"] for e in SUITES.batches.expectations}


def test_usual_batch_breaks_nothing(rules: BatchRules) -> None:
    assert rules.judge(batch(1000), volumes=[900, 1100] * 10).broken == ()


def test_volume_is_judged_against_the_median_of_earlier_batches(rules: BatchRules) -> None:
    usual = [10_000, 10_000, 10_000, 1, 1_000_000]
    assert rules.judge(batch(499), volumes=usual).broken == ("VOLUME_LOW",)
    assert rules.judge(batch(500), volumes=usual).broken == ()
    assert rules.judge(batch(1000), volumes=[49] * 5).broken == ("VOLUME_HIGH",)
    assert rules.judge(batch(1000), volumes=[49] * 4).broken == ()


def test_copies_of_earlier_batches_count_as_copies(rules: BatchRules) -> None:
    known = [f"hash-{n}" for n in range(600)]
    assert rules.judge(batch(1000), known=known).broken == ("DUPLICATE_SPIKE",)


def test_edits_count_among_pairs_to_imitate_that_no_rule_keeps_out(rules: BatchRules) -> None:
    edited = {"authorship": "model_edited"}
    assert rules.judge(batch(1000, **edited)).broken == ("MODEL_EDITED_SHARE_HIGH",)
    assert rules.judge(batch(1000, **edited, kind="preference")).broken == ()
    mixed = {"authorship": lambda n: "human" if n < 100 else "model_edited"}
    kept_out = {"reasons": lambda n: ["CSAT_LOW"] if n >= 150 else []}
    assert "MODEL_EDITED_SHARE_HIGH" not in rules.judge(batch(1000, **mixed, **kept_out)).broken


def test_only_rules_of_severity_stop_stop(rules: BatchRules) -> None:
    found = rules.judge(batch(1000, reasons=["PII_LEFT_IN_QUERY"]))
    assert {"PERSONAL_DATA_FLOOD", "QUARANTINE_SPIKE"} <= set(found.broken)
    assert found.stops == ("PERSONAL_DATA_FLOOD",)


def test_small_batch_is_not_judged(rules: BatchRules) -> None:
    assert rules.judge(batch(19, reasons=["PII_LEFT_IN_QUERY"])).broken == ()


def test_drift_of_a_small_batch_is_noise(rules: BatchRules) -> None:
    assert rules.judge(batch(40, query_chars=900)).broken == ()


def test_without_a_baseline_no_drift_is_judged(rules: BatchRules) -> None:
    plain = replace(rules, baseline=None)
    assert plain.judge(batch(1000, query_chars=900, category="NEW")).broken == (
        "CATEGORY_DOMINATES",
    )


@pytest.mark.parametrize("column", ["query", "reason:NO_SUCH_RULE", "psi_weather"])
def test_rule_on_a_column_that_no_batch_has_is_refused(column: str) -> None:
    expectation = gxe.ExpectColumnMeanToBeBetween(column=column, max_value=1)
    expectation.meta = {"rule_id": "ODD_RULE", "severity": "warn"}
    suite = gx.ExpectationSuite(name="batches", expectations=[expectation])
    with pytest.raises(ConfigError, match="ODD_RULE judges"):
        compile_batch_rules(suite, row_rules=ROW_RULES, min_rows=1)
