import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import SetupError
from ingest.run import Pace, run_source
from ingest.sources import growing
from ingest.sources.files import MAX_RECORD_BYTES
from tests.ingest.sourcing import FakeLog, Memory, await_tick, items_of, source_of


def line(number: int) -> bytes:
    return json.dumps({"message_id": f"m-{number}"}).encode() + b"\n"


def lines(*numbers: int) -> bytes:
    return b"".join(line(n) for n in numbers)


def append(file: Path, data: bytes) -> None:
    await_tick()
    with file.open("ab") as opened:
        opened.write(data)


class Reader:
    """Reads a path as one restart after another would."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position: str | None = None

    def read(self) -> list[str]:
        items = items_of("chat", path=str(self.path), position=self.position)
        self.position = items[-1].position if items else self.position
        return [i.event.id.removeprefix("m-") for i in items]


def test_lines_added_since_are_read_and_no_others(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    reader = Reader(file)
    file.write_bytes(lines(1, 2))
    assert reader.read() == ["1", "2"]
    assert reader.read() == []
    append(file, lines(3))
    assert reader.read() == ["3"]


def test_half_written_last_line_waits_for_its_rest(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    reader = Reader(file)
    file.write_bytes(lines(1) + line(2)[:9])
    assert reader.read() == ["1"]
    append(file, line(2)[9:] + lines(3))
    assert reader.read() == ["2", "3"]


def test_last_line_without_an_end_is_taken_where_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    reader = Reader(file)
    file.write_bytes(lines(1, 2).rstrip())
    assert reader.read() == ["1", "2"]
    append(file, b"\n" + lines(3))
    assert reader.read() == ["3"]


def test_broken_last_line_is_taken_when_nobody_writes_any_more(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    file.write_bytes(lines(1) + b"{half")
    os.utime(file, (0, 0))
    assert [i.event.data for i in items_of("chat", path=str(file))][1:] == [b"{half"]


def test_rotated_file_is_read_to_its_end_before_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    reader = Reader(file)
    file.write_bytes(lines(1))
    assert reader.read() == ["1"]
    append(file, lines(2))
    file.rename(tmp_path / "chat.jsonl.1")
    append(file, lines(3))
    assert reader.read() == ["2", "3"]
    assert reader.read() == []


def test_two_rotations_while_nobody_read_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    reader = Reader(file)
    file.write_bytes(lines(1))
    assert reader.read() == ["1"]
    append(file, lines(2))
    file.rename(tmp_path / "chat.jsonl.2")
    append(file, lines(3))
    file.rename(tmp_path / "chat.jsonl.1")
    append(file, lines(4))
    assert reader.read() == ["2", "3", "4"]


def test_rotated_files_of_before_the_first_start_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "chat.jsonl.1").write_bytes(lines(0))
    await_tick()
    file = tmp_path / "chat.jsonl"
    file.write_bytes(lines(1))
    reader = Reader(file)
    assert reader.read() == ["1"]
    append(file, lines(2))
    assert reader.read() == ["2"]


def test_file_that_is_copied_and_truncated_loses_and_repeats_nothing(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    reader = Reader(file)
    file.write_bytes(lines(1))
    assert reader.read() == ["1"]
    append(file, lines(2))
    shutil.copy(file, tmp_path / "chat.jsonl.1")
    file.write_bytes(b"")
    append(file, lines(30))
    assert reader.read() == ["2", "30"]
    assert reader.read() == []


def test_file_replaced_by_another_of_its_name_is_read_from_its_start(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    reader = Reader(file)
    file.write_bytes(lines(1, 2))
    assert reader.read() == ["1", "2"]
    file.unlink()
    append(file, lines(7, 8))
    assert reader.read() == ["7", "8"]


def test_files_of_a_folder_are_told_apart(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    (tmp_path / "a.jsonl").write_bytes(lines(1))
    await_tick()
    (tmp_path / "b.jsonl").write_bytes(lines(2))
    assert reader.read() == ["1", "2"]
    append(tmp_path / "a.jsonl", lines(3))
    append(tmp_path / "c.jsonl", lines(4))
    assert sorted(reader.read()) == ["3", "4"]


def test_stopping_after_any_record_skips_and_repeats_nothing(tmp_path: Path) -> None:
    for name in "cab":
        (tmp_path / f"{name}.jsonl").write_bytes(lines(*range(ord(name), ord(name) + 3)))
        await_tick()
    whole = items_of("chat", path=str(tmp_path))
    assert len(whole) == 9
    for count, item in enumerate(whole, start=1):
        rest = items_of("chat", path=str(tmp_path), position=item.position)
        assert [i.event.id for i in rest] == [i.event.id for i in whole[count:]]


def test_offsets_of_many_files_are_not_kept_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "MAX_FILES", 3)
    reader = Reader(tmp_path)
    for n in range(8):
        append(tmp_path / f"{n}.jsonl", lines(n))
    assert reader.read() == [str(n) for n in range(8)]
    assert reader.read() == []
    assert len(json.loads(reader.position or "")["files"]) <= 4
    append(tmp_path / "7.jsonl", lines(9))
    assert reader.read() == ["9"]


def test_restored_copy_goes_on_where_the_original_was(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    (first / "chat.jsonl").write_bytes(lines(1, 2))
    reader = Reader(first)
    assert reader.read() == ["1", "2"]
    shutil.copytree(first, second)
    append(second / "chat.jsonl", lines(3))
    reader.path = second
    assert reader.read() == ["3"]


def test_endless_line_is_cut_and_the_next_is_read(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    with file.open("wb") as opened:
        opened.write(b"x" * (MAX_RECORD_BYTES + 100_000) + b"\n" + line(2))
    first, second = items_of("chat", path=str(file))
    assert len(first.event.data) == MAX_RECORD_BYTES
    assert second.event.id == "m-2"


def test_growing_file_is_followed_through_its_rotation(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    file.write_bytes(lines(0))
    stop, log = threading.Event(), FakeLog()
    steps: list[Any] = [
        lambda: append(file, lines(1)),
        lambda: append(file, line(2)[:5]),
        lambda: append(file, line(2)[5:]),
        lambda: file.rename(tmp_path / "chat.jsonl.1"),
        lambda: append(file, lines(3)),
    ]

    def write() -> None:
        for step in steps:
            step()
            stop.wait(0.03)

    writer = threading.Thread(target=write)

    def progress(acknowledged: int) -> None:
        if acknowledged == 1:
            writer.start()
        if acknowledged == 4:
            stop.set()

    source = source_of("chat", tmp_path, path="chat.jsonl", poll_s=0.01)
    run_source(
        source, log.connect, Memory(), pace=Pace(is_following=True), stop=stop, progress=progress
    )
    writer.join()
    assert [e.id for e in log.events] == ["m-0", "m-1", "m-2", "m-3"]


@pytest.mark.parametrize("position", ["{}", "[]", "x", '{"until": 1, "files": [[1]]}'])
def test_position_of_something_else_is_named(tmp_path: Path, position: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(1))
    with pytest.raises(SetupError, match="is not one of growing files"):
        items_of("chat", path=str(tmp_path), position=position)


def test_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="nowhere"):
        items_of("chat", path=str(tmp_path / "nowhere.jsonl"))
