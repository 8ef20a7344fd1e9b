"""A stream checkpoint that lost or changed something: refused with its cure, or safely replayed."""

import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.errors import DeskwheelError, LineageError, ServiceError
from deskwheel.records import Conversation
from deskwheel.schema import to_table
from deskwheel.state import State
from deskwheel.tables import CONVERSATIONS
from tests.validate.faults.desk import Desk, files_of, said
from tests.validate.rows import conversation
from validate.watch import judge_once, open_gate

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

THIRD = (said("h"), said("i", content="e", minute=3))
Damage = Callable[[Path], None]


def newest(log: Path) -> Path:
    return max((p for p in log.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))


def without(*names: str) -> Damage:
    def damage(checkpoint: Path) -> None:
        for name in names:
            place = checkpoint / name
            shutil.rmtree(place) if place.is_dir() else place.unlink()

    return damage


def changed(name: str, change: Callable[[bytes], bytes]) -> Damage:
    """A file, or the newest of a log, that says something else; its checksum file is gone too."""

    def damage(checkpoint: Path) -> None:
        place = checkpoint / name
        file = newest(place) if place.is_dir() else place
        file.write_bytes(change(file.read_bytes()))
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)

    return damage


def without_newest(*logs: str) -> Damage:
    def damage(checkpoint: Path) -> None:
        for log in logs:
            file = newest(checkpoint / log)
            file.unlink()
            file.with_name(f".{file.name}.crc").unlink()

    return damage


def one_further(offsets: bytes) -> bytes:
    """Offsets that begin the next batch a version of `examples` later."""

    def next_of(found: re.Match[bytes]) -> bytes:
        return found[1] + str(int(found[2]) + 1).encode()

    return re.sub(rb'("reservoirVersion":)(\d+)', next_of, offsets, count=1)


def half(text: bytes) -> bytes:
    return text[: len(text) // 2]


REFUSED: dict[str, tuple[Damage, str]] = {
    "all of it lost": (shutil.rmtree, "does not continue"),
    "offsets lost": (without("offsets"), "commits has batch"),
    "offsets and commits lost": (without("offsets", "commits"), "does not continue"),
    "newest offsets lost": (without_newest("offsets"), "commits has batch"),
    "restored from before the last batch": (
        without_newest("offsets", "commits"), "does not continue"
    ),
    "newest offsets cut off": (changed("offsets", half), "cut off"),
    "newest offsets empty": (changed("offsets", lambda _: b""), "cut off"),
    "garbage in the newest offsets": (changed("offsets", lambda _: b"v1\n\x00\xff"), "cut off"),
    "newest offsets edited to a later version": (changed("offsets", one_further), "was edited"),
    "garbage in commits": (changed("commits", lambda _: b"\x00\xff\xfe"), "cut off"),
    "garbage in metadata": (changed("metadata", lambda _: b"\x00{"), "metadata is gone, cut off"),
    "metadata lost": (without("metadata"), "metadata is gone"),
    "its name lost": (without("deskwheel.app"), "does not continue"),
    "its name empty": (changed("deskwheel.app", lambda _: b""), "does not continue"),
    "that of another life": (
        changed("deskwheel.app", lambda _: b"validated_examples:0123456789ab"), "another table"
    ),
    "that of another stream": (
        changed("deskwheel.app", lambda _: b"repairs:0123456789ab"), "of another stream"
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", REFUSED)
def test_a_damaged_checkpoint_is_refused_with_its_cure(
    spark: SparkSession, finished: Desk, tmp_path: Path, way: str
) -> None:
    damage, why = REFUSED[way]
    desk = finished.copy_to(tmp_path / "desk")
    desk.receive(THIRD)
    damage(desk.checkpoint)
    before, damaged = files_of(Path(desk.lake)), desk.checkpoint.exists()
    with closing(State(desk.settings.pipeline.state_url)) as state:
        with pytest.raises(LineageError, match=f"{why}.*") as caught:
            open_gate(spark, desk.settings, state)
    print(f"\n{way}: {str(caught.value).replace(str(tmp_path), '')}")
    assert "estore the" in str(caught.value)
    assert files_of(Path(desk.lake)) == before
    assert desk.checkpoint.exists() == damaged
    assert desk.audit().examples.pending == len(THIRD)


HARMLESS: dict[str, Damage] = {
    "commits lost": without("commits"),
    "newest commit lost": without_newest("commits"),
    "metadata of another query": changed(
        "metadata", lambda _: b'{"id":"00000000-0000-4000-8000-000000000000"}'
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", HARMLESS)
def test_what_spark_makes_anew_costs_a_replay_and_nothing_else(
    spark: SparkSession, finished: Desk, tmp_path: Path, way: str
) -> None:
    desk = finished.copy_to(tmp_path / "desk")
    rows = desk.rows()
    HARMLESS[way](desk.checkpoint)
    desk.receive(THIRD)
    desk.judge(spark)
    desk.check_conserved(way)
    found = {r["example_id"]: r for r in desk.rows()}
    assert [found[r["example_id"]] for r in rows] == rows
    assert found.keys() - {r["example_id"] for r in rows} == {e.example_id for e in THIRD}


@pytest.mark.slow
def test_what_edited_offsets_skip_is_lost_and_not_pending(
    spark: SparkSession, finished: Desk, tmp_path: Path
) -> None:
    """The newest batch committed nothing, so no commit contradicts its offsets: the audit does."""
    desk = finished.copy_to(tmp_path / "desk")
    news = [conversation("unheard", 2)]
    lake.append(desk.lake, CONVERSATIONS, to_table(news, Conversation))
    before = desk.version()
    desk.judge(spark)
    assert desk.version() == before
    desk.receive(THIRD)
    changed("offsets", one_further)(desk.checkpoint)
    desk.receive((said("k"),))
    desk.judge(spark)
    audit = desk.audit()
    print(f"\nedited offsets: {audit.problems}")
    assert [r["example_id"] for r in audit.breaches["VERDICT_LOST"]] == ["ex-h-1", "ex-i-1"]
    assert (audit.examples.pending, desk.verdicts()["ex-k-1"]) == (0, "valid")


@pytest.mark.slow
def test_offsets_of_a_query_with_other_inputs_end_the_query(
    spark: SparkSession, finished: Desk, tmp_path: Path
) -> None:
    desk = finished.copy_to(tmp_path / "desk")
    desk.receive(THIRD)
    file = newest(desk.checkpoint / "offsets")
    file.write_bytes(file.read_bytes() + b"\n{}")
    _check_closed(spark, desk, "other inputs")


@pytest.mark.slow
def test_a_checksum_file_without_its_commit_ends_the_query_after_the_replay(
    spark: SparkSession, finished: Desk, tmp_path: Path
) -> None:
    desk = finished.copy_to(tmp_path / "desk")
    desk.receive(THIRD)
    newest(desk.checkpoint / "commits").unlink()
    _check_closed(spark, desk, "checksum left")


@pytest.mark.slow
def test_a_checkpoint_of_another_lake_ends_the_query(
    spark: SparkSession, finished: Desk, tmp_path: Path
) -> None:
    """Nothing was judged in this lake yet, so that only Spark can tell whose checkpoint it is."""
    desk = Desk(tmp_path / "desk")
    desk.receive(THIRD)
    shutil.copytree(finished.checkpoint, desk.checkpoint)
    _check_closed(spark, desk, "another lake")


def _check_closed(spark: SparkSession, desk: Desk, name: str) -> None:
    before = desk.version()
    with closing(State(desk.settings.pipeline.state_url)) as state:
        with pytest.raises(DeskwheelError) as caught:
            judge_once(spark, desk.settings, state)
    print(f"\n{name}: {type(caught.value).__name__} {caught.value}")
    assert isinstance(caught.value, ServiceError)
    assert "docs/transforms.md#stream-checkpoints" in str(caught.value)
    assert desk.version() == before
    assert desk.audit().examples.pending == len(THIRD)
