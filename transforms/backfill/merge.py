"""A backfill's conversations into the live table, as newer versions.

Reads the shadow tables of `backfill.run`; appends to the table `conversations`. The examples
follow by themselves: mining reads each new version, and validation puts its examples in the place
of those of older versions. `turns` stays as it was read: each offset has its rows exactly once.
"""

import json
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from deskwheel import lake
from deskwheel.ids import digest
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS
from transforms.backfill.report import CONVERSATION_REASONS, current_conversations
from transforms.backfill.shadow import MANIFEST, load, shadow_settings
from transforms.merged import APP, MERGED_BATCH
from transforms.session import write_once


def merge(spark: SparkSession, settings: Settings, folder: Path, *, as_json: bool) -> int:
    """Append what is new or changed, once, and say how much; a second call appends nothing.

    A conversation that went on since the backfill is left out: its newer version knows more. The
    rows say by their `batch_id` that no micro-batch made them (`transforms.merged`).
    """
    live, shadow = settings.pipeline.lake, shadow_settings(settings, folder).pipeline.lake
    app_id = f"{APP}{digest((folder / MANIFEST).read_bytes())[:12]}"
    earlier = [c for c in lake.commits(live, CONVERSATIONS) if c.get("app") == app_id]
    if earlier:
        return _say({"appended": 0, "went_on_since": 0, "is_merged_already": True}, as_json)
    ready, went_on = _ready(spark, live, shadow)
    ready = ready.persist()
    try:
        appended = ready.count()
        if appended:
            write_once(
                ready.withColumn("batch_id", F.lit(MERGED_BATCH).cast("long")).select(
                    *load(spark, live, CONVERSATIONS).columns
                ),
                live,
                CONVERSATIONS,
                app_id=app_id,
                batch_id=0,
                metadata={"closed": appended},
            )
    finally:
        ready.unpersist()
    return _say(
        {"appended": appended, "went_on_since": went_on, "is_merged_already": False}, as_json
    )


def _ready(spark: SparkSession, live: str, shadow: str) -> tuple[DataFrame, int]:
    """Shadow conversations that differ from the live ones and follow on them."""
    new = current_conversations(spark, shadow)
    reasons = {name: F.expr(e) for name, e in CONVERSATION_REASONS.items()}
    old = current_conversations(spark, live).select(
        "conversation_id",
        F.col("version").alias("old_version"),
        *[value.alias(f"old_{name}") for name, value in reasons.items()],
    )
    joined = new.join(old, "conversation_id", "left")
    differs = F.col("old_version").isNull()
    for name, value in reasons.items():
        differs = differs | ~value.eqNullSafe(F.col(f"old_{name}"))
    follows = F.coalesce("old_version", F.lit(0)) + 1 == F.col("version")
    changed = joined.where(differs)
    return changed.where(follows), changed.where(~follows).count()


def _say(found: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print(json.dumps(found))
    elif found["is_merged_already"]:
        print("merged already: nothing to append")
    else:
        print(
            f"{found['appended']} conversations appended as newer versions;"
            f" {found['went_on_since']} went on since and are left out."
            " Examples follow with the next micro-batch of mining"
        )
    return 0
