"""What another suite would flip among stored rows, and that looking changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.records import ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import Settings, ValidateSettings
from deskwheel.tables import VALIDATED
from tests.validate.rows import GOOD
from validate.rules.diff import Flip, diff_suites, differing, stored_rows
from validate.rules.edit import change_rule, remove_rule
from validate.suite import load_suites

NOW = datetime.now(UTC)
OLD = load_suites(ValidateSettings())


def stored(name: str, **changes: object) -> ValidatedExample:
    plain = ValidatedExample(
        **vars(GOOD), verdict="valid", reasons=(), split="train", suite_version="s",
        validated_at=NOW,
    )  # fmt: skip
    return replace(plain, example_id=name, **changes)  # type: ignore[arg-type]


def test_flips_are_counted_by_rule_and_way_and_nothing_is_changed(
    spark: SparkSession, settings: Settings
) -> None:
    rows = [
        stored("low", csat=2, verdict="quarantined", reasons=["CSAT_LOW"]),
        stored("unsure", resolution_probability=0.68),
        stored("both", csat=2, resolution_probability=0.1),
        stored("good"),
        stored("warned", language="de"),
        stored("old", resolution_probability=0.68, validated_at=NOW - timedelta(days=8)),
        stored("gone", resolution_probability=0.68, verdict="superseded"),
    ]
    lake.append(settings.pipeline.lake, VALIDATED, to_table(rows, ValidatedExample))
    version = lake.current_version(settings.pipeline.lake, VALIDATED)
    new, _ = change_rule(OLD, "CSAT_LOW", kwargs={"min_value": 2}, said={})
    new, _ = change_rule(new, "RESOLUTION_UNSURE", kwargs={"min_value": 0.7}, said={})
    new, _ = change_rule(new, "LANGUAGE_NOT_ALLOWED", kwargs={"value_set": ["de"]}, said={})
    frame = stored_rows(spark, settings, over=timedelta(days=7))
    found = diff_suites(spark, frame, old=OLD, new=new, limit=1)
    assert (found.rows, found.kept_out, found.let_in, found.warned) == (5, 1, 1, 1)
    shown = {"query": GOOD.query, "response": GOOD.response}
    assert found.by_rule == {
        "CSAT_LOW": {"let_in": Flip(1, [{"example_id": "low", **shown}])},
        "RESOLUTION_UNSURE": {"kept_out": Flip(1, [{"example_id": "unsure", **shown}])},
    }
    assert (found.old, found.new) == (OLD.version, new.version)
    assert lake.current_version(settings.pipeline.lake, VALIDATED) == version


def test_only_rows_that_a_replay_would_move_are_counted(
    spark: SparkSession, settings: Settings
) -> None:
    low = {"csat": 2, "verdict": "quarantined"}
    rows = [
        stored("out", **low, reasons=["CSAT_LOW"]),
        stored("accepted", csat=2),
        stored("rejected", **low, reasons=["CSAT_LOW", "REJECTED_BY_PERSON"]),
        stored("stopped", **low, reasons=["PERSONAL_DATA_FLOOD", "CSAT_LOW"]),
        stored("returned", verdict="quarantined", reasons=["CUSTOMER_CAME_BACK"], csat=3),
    ]
    lake.append(settings.pipeline.lake, VALIDATED, to_table(rows, ValidatedExample))
    frame = stored_rows(spark, settings, over=timedelta(days=1))
    looser, _ = change_rule(OLD, "CSAT_LOW", kwargs={"min_value": 1}, said={})
    found = diff_suites(spark, frame, old=OLD, new=looser, limit=1)
    assert (found.rows, found.kept_out, found.let_in) == (5, 0, 1)
    assert found.by_rule["CSAT_LOW"]["let_in"].examples[0]["example_id"] == "out"
    stricter, _ = change_rule(OLD, "CSAT_LOW", kwargs={"min_value": 4}, said={})
    found = diff_suites(spark, frame, old=OLD, new=stricter, limit=1)
    assert (found.kept_out, found.let_in) == (0, 0)


def test_batch_rules_that_differ_are_named_because_they_are_not_judged() -> None:
    changed, _ = change_rule(OLD, "VOLUME_LOW", kwargs={"min_value": 0.5}, said={})
    changed, _ = remove_rule(changed, "HANDOFF_SPIKE")
    changed, _ = change_rule(changed, "VOLUME_HIGH", kwargs={}, said={"what": "Said anew."})
    assert changed.version != OLD.version
    assert differing(OLD.batches, changed.batches) == ("HANDOFF_SPIKE", "VOLUME_LOW")
    assert differing(OLD.batches, OLD.batches) == ()


def test_equal_suites_flip_nothing(spark: SparkSession, settings: Settings) -> None:
    lake.append(settings.pipeline.lake, VALIDATED, to_table([stored("a")], ValidatedExample))
    frame = stored_rows(spark, settings, over=timedelta(days=1))
    found = diff_suites(spark, frame, old=OLD, new=OLD, limit=1)
    assert (found.rows, found.kept_out, found.let_in, found.by_rule) == (1, 0, 0, {})
