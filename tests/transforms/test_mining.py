"""Closed conversation versions into the table `examples`, each once."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.errors import LineageError
from deskwheel.records import Conversation
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, EXAMPLES
from tests.flow.reference import content
from tests.transforms.pairs.test_mine import changed, talk
from tests.transforms.resolution.test_estimate import ANSWERED, ASKED
from transforms.mining import start_mining
from transforms.pairs.mine import mine_pairs

FIRST = talk(ASKED, ANSWERED, edits=[changed()], thumbs={"t-1": "up"})
SECOND = replace(FIRST, version=2, csat=4)
UNRESOLVED = talk(ASKED, ANSWERED, conversation_id="conv-2", resolution="unresolved")


def add(settings: Settings, *conversations: Conversation) -> None:
    lake.append(settings.pipeline.lake, CONVERSATIONS, to_table(conversations, Conversation))


def mine(spark: SparkSession, settings: Settings) -> None:
    start_mining(spark, settings, once=True).awaitTermination()


def test_each_version_is_mined_once_and_a_lost_checkpoint_is_refused(
    spark: SparkSession, settings: Settings
) -> None:
    add(settings, FIRST, UNRESOLVED)
    mine(spark, settings)
    add(settings, SECOND)
    mine(spark, settings)
    mine(spark, settings)
    rows = lake.read(settings.pipeline.lake, EXAMPLES).to_pylist()
    expected = [p for version in (FIRST, UNRESOLVED, SECOND) for p in mine_pairs(version)]
    assert {r["example_id"]: content(r) for r in rows} == {
        e.example_id: content(e) for e in expected
    }
    assert len(rows) == len(expected) > 2
    assert {r["kind"] for r in rows} == {"ideal", "negative", "preference"}
    assert {r["rejected_response"] for r in rows} == {None, changed().draft}
    shutil.rmtree(Path(settings.transforms.checkpoint_dir))
    with pytest.raises(LineageError, match="stream examples"):
        start_mining(spark, settings, once=True)
