"""The life of a stream: which table its checkpoint continues. Needs no Spark."""

import json
from pathlib import Path

import pytest
from deltalake import CommitProperties, write_deltalake
from pyspark.sql.types import MapType, StringType, StructType, TimestampType

from deskwheel import lake
from deskwheel.errors import LineageError
from deskwheel.records import Feedback, Turn
from deskwheel.schema import arrow_schema
from deskwheel.tables import FEEDBACK
from transforms.session import incarnation, spark_schema


class Stream:
    """A stream's traces on disk, without the stream."""

    def __init__(self, folder: Path) -> None:
        self.lake = folder / "lake"
        self.checkpoint = folder / "checkpoints" / "feedback"

    def app(self) -> str:
        return incarnation(self.lake, FEEDBACK, self.checkpoint, "feedback")

    def plan(self, batch: int) -> None:
        """What Spark writes before a batch runs."""
        offsets = self.checkpoint / "offsets"
        offsets.mkdir(parents=True, exist_ok=True)
        (offsets / str(batch)).write_text('v1\n{"batchWatermarkMs":0}\n{"index":0}')
        (offsets / f".{batch}.crc").write_text("")
        (self.checkpoint / "metadata").write_text('{"id":"00000000-0000-4000-8000-000000000000"}')

    def commit(self, batch: int, *, app: str) -> None:
        path = lake.ensure(self.lake, FEEDBACK)
        note = {"userMetadata": json.dumps({"app": app, "batch": batch})}
        empty = arrow_schema(Feedback).empty_table()
        write_deltalake(path, empty, mode="append", commit_properties=CommitProperties(note))

    def forget(self, *batches: int) -> None:
        for batch in batches:
            (self.checkpoint / "offsets" / str(batch)).unlink()


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


def test_a_new_stream_gets_a_name_that_it_keeps(stream: Stream) -> None:
    app = stream.app()
    assert app.startswith("feedback:")
    assert stream.app() == app


def test_two_lives_have_two_names(tmp_path: Path) -> None:
    assert Stream(tmp_path / "a").app() != Stream(tmp_path / "b").app()


def test_a_stream_that_continues_its_table_keeps_its_name(stream: Stream) -> None:
    app = stream.app()
    for batch in (0, 1):
        stream.plan(batch)
        stream.commit(batch, app=app)
    assert stream.app() == app


def test_a_batch_that_was_planned_and_not_committed_is_a_crash_and_no_loss(stream: Stream) -> None:
    app = stream.app()
    stream.plan(0)
    stream.commit(0, app=app)
    stream.plan(1)
    assert stream.app() == app


def test_idle_batches_leave_the_table_behind_and_that_is_fine(stream: Stream) -> None:
    app = stream.app()
    stream.plan(0)
    stream.commit(0, app=app)
    for batch in range(1, 150):
        stream.plan(batch)
    stream.forget(*range(50))
    assert stream.app() == app


@pytest.mark.parametrize("lost", ["everything", "offsets", "the last batch", "the name"])
def test_a_checkpoint_that_does_not_continue_its_table_is_refused(
    stream: Stream, lost: str
) -> None:
    app = stream.app()
    for batch in (0, 1):
        stream.plan(batch)
        stream.commit(batch, app=app)
    if lost == "the last batch":
        stream.forget(1)
    if lost in ("offsets", "everything"):
        stream.forget(0, 1)
    if lost in ("the name", "everything"):
        (stream.checkpoint / "deskwheel.app").unlink()
    with pytest.raises(LineageError, match=rf"batches up to 1 of {app}.*Restore") as caught:
        stream.app()
    assert not caught.value.retriable


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("offsets/1", "", "offsets/1 is cut off"),
        ("offsets/1", "v1\n", "offsets/1 is cut off"),
        ("offsets/1", 'v1\n{"batchWatermarkMs":0}\n{"ind', "offsets/1 is cut off"),
        ("commits/1", "\0\0\0", "commits/1 is cut off"),
        ("commits/2", 'v1\n{"nextBatchWatermarkMs":0}', "commits has batch 2"),
        ("metadata", "", "metadata is gone, cut off"),
        ("metadata", '{"id":', "metadata is gone, cut off"),
    ],
)
def test_a_checkpoint_that_spark_could_not_read_is_refused(
    stream: Stream, file: str, text: str, why: str
) -> None:
    app = stream.app()
    for batch in (0, 1):
        stream.plan(batch)
        stream.commit(batch, app=app)
    place = stream.checkpoint / file
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)
    with pytest.raises(LineageError, match=rf"{why}.*Restore the checkpoint"):
        stream.app()


@pytest.mark.parametrize("name", ["feedback:0123456789ab", ""])
def test_a_checkpoint_of_another_life_is_refused(stream: Stream, name: str) -> None:
    stream.plan(0)
    stream.commit(0, app=stream.app())
    (stream.checkpoint / "deskwheel.app").write_text(name)
    with pytest.raises(LineageError, match="of another table"):
        stream.app()


def test_a_checkpoint_of_another_stream_is_refused_before_the_first_commit(stream: Stream) -> None:
    stream.plan(0)
    (stream.checkpoint / "deskwheel.app").write_text("turns:0123456789ab")
    with pytest.raises(LineageError, match="is of another stream, turns:0123456789ab"):
        stream.app()


def test_a_name_that_was_cut_off_before_the_first_commit_is_made_anew(stream: Stream) -> None:
    first = stream.app()
    (stream.checkpoint / "deskwheel.app").write_text("")
    assert stream.app() not in ("", first)


def test_batches_of_another_stream_are_none_of_ours(stream: Stream) -> None:
    stream.commit(7, app="feedback-backfill:1")
    assert stream.app().startswith("feedback:")


def test_spark_s_columns_are_the_record_s_nullability_included() -> None:
    found = spark_schema(Turn)
    assert isinstance(found, StructType)
    assert found.names == arrow_schema(Turn).names
    assert found["text"].nullable
    assert not found["turn_id"].nullable
    assert isinstance(found["sent_at"].dataType, TimestampType)
    redaction = found["redaction"].dataType
    assert isinstance(redaction, StructType)
    counts = redaction["counts"].dataType
    assert isinstance(counts, MapType)
    assert isinstance(counts.keyType, StringType)
    assert not counts.valueContainsNull
