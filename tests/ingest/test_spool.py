import mmap
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.errors import ConfigError, ServiceError
from deskwheel.settings import KafkaSettings, Settings
from ingest import spooled
from ingest.receipt import Record
from ingest.spool import Spool, SpoolFullError
from ingest.spooled import SpoolingPublisher, publisher_for
from tests.ingest.conftest import make_event

NOBODY = "127.0.0.1:1"
MIB = 1024 * 1024


def opened(folder: Path, *, max_bytes: int = MIB, segment_bytes: int = 65_536) -> Spool:
    return Spool(folder, max_bytes=max_bytes, segment_bytes=segment_bytes)


def kept(folder: Path, *payloads: bytes) -> Path:
    """The one segment of a spool that holds the payloads and was closed."""
    with_spool = opened(folder)
    for payload in payloads:
        with_spool.append(payload)
    with_spool.close()
    (segment,) = folder.glob("*.spool")
    return segment


def payloads(spool: Spool) -> list[bytes]:
    return [record.payload for record in spool.read(spool.done)]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened_one = opened(tmp_path / "spool")
    yield opened_one
    opened_one.close()


def test_records_come_back_in_order_over_many_segments(tmp_path: Path) -> None:
    sent = [f"{i}-".encode() + bytes(3000) for i in range(100)]
    spool = opened(tmp_path)
    for payload in sent:
        place = spool.append(payload)
    spool.sync(place)
    assert payloads(spool) == sent
    assert len(list(tmp_path.glob("*.spool"))) > 3
    spool.close()
    again = opened(tmp_path)
    assert payloads(again) == sent
    again.close()


def test_a_record_is_not_read_before_it_is_durable(spool: Spool) -> None:
    place = spool.append(b"one")
    assert payloads(spool) == []
    spool.sync(place)
    assert payloads(spool) == [b"one"]


def test_what_is_forgotten_does_not_come_back_and_its_files_go(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for i in range(60):
        spool.sync(spool.append(b"%d-" % i + bytes(3000)))
    records = list(spool.read(spool.done))
    spool.forget(records[49].end)
    assert [r.payload[:2] for r in spool.read(spool.done)][0] == b"50"
    before = len(list(tmp_path.glob("*.spool")))
    spool.close()
    spool = opened(tmp_path)
    assert [r.payload[:2] for r in spool.read(spool.done)][0] == b"50"
    spool.forget(records[-1].end)
    assert spool.is_empty
    assert before < 3
    assert not list(tmp_path.glob("*.spool"))
    spool.sync(spool.append(b"next"))
    assert payloads(spool) == [b"next"]
    spool.close()


@given(cut=st.integers(1, 200))
def test_a_torn_last_record_is_cut_and_the_others_stay(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    segment = kept(folder, b"one", b"two", bytes(185))
    os.truncate(segment, segment.stat().st_size - cut)
    spool = opened(folder)
    assert payloads(spool) == [b"one", b"two"]
    assert spool.damaged == 0
    assert not (folder / "damaged").exists()
    spool.sync(spool.append(b"three"))
    assert payloads(spool) == [b"one", b"two", b"three"]
    spool.close()


@given(at=st.integers(0, 22), bit=st.integers(0, 7))
def test_a_damaged_record_is_put_aside_with_its_bytes_and_the_others_come(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    segment = kept(folder, b"1234567", b"two", b"three")
    raw = bytearray(segment.read_bytes())
    raw[at] ^= 1 << bit
    segment.write_bytes(raw)
    spool = opened(folder)
    assert payloads(spool) == [b"two", b"three"]
    assert spool.damaged == 1
    (aside,) = (folder / "damaged").iterdir()
    assert aside.read_bytes() == bytes(raw[:23])
    assert payloads(spool) == [b"two", b"three"]
    assert spool.damaged == 1
    spool.close()


def test_damage_at_the_very_end_is_put_aside_not_cut(tmp_path: Path) -> None:
    segment = kept(tmp_path, b"one", b"two")
    raw = bytearray(segment.read_bytes())
    raw[-1] ^= 1
    segment.write_bytes(raw)
    spool = opened(tmp_path)
    assert payloads(spool) == [b"one"]
    assert spool.damaged == 1
    (aside,) = (tmp_path / "damaged").iterdir()
    assert aside.read_bytes().endswith(b"tw" + bytes([ord("o") ^ 1]))
    spool.close()


def test_a_record_inside_the_text_of_a_damaged_one_is_none(tmp_path: Path) -> None:
    inner = kept(tmp_path / "inner", b"forged").read_bytes()
    segment = kept(tmp_path / "outer", b"text " + inner, b"two")
    raw = bytearray(segment.read_bytes())
    raw[16] ^= 1
    segment.write_bytes(raw)
    spool = opened(tmp_path / "outer")
    assert payloads(spool) == [b"two"]
    spool.close()


def test_a_full_spool_refuses_and_keeps_nothing_of_the_event(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=1000)
    spool.sync(spool.append(bytes(600)))
    with pytest.raises(SpoolFullError, match="spool_max_bytes = 1000") as caught:
        spool.append(bytes(600))
    assert caught.value.retriable
    spool.sync(spool.append(bytes(100)))
    assert [len(p) for p in payloads(spool)] == [600, 100]
    spool.close()


def test_a_second_process_is_refused(tmp_path: Path, spool: Spool) -> None:
    folder = tmp_path / "spool"
    with pytest.raises(ServiceError, match="used by another process"):
        opened(folder)
    program = (
        "from pathlib import Path; from ingest.spool import Spool;"
        f"Spool(Path({str(folder)!r}), max_bytes=10**6, segment_bytes=10**5)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert b"used by another process" in done.stderr


def test_threads_that_append_at_once_share_fsyncs_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, calls, fsync = opened(tmp_path), [0], os.fsync

    def counted(descriptor: int) -> None:
        calls[0] += 1
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)

    def work(name: int) -> None:
        for i in range(50):
            spool.sync(spool.append(f"{name}:{i}".encode()))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [p.decode().split(":") for p in payloads(spool)]
    assert len(found) == 400
    assert calls[0] < 400
    for name in range(8):
        assert [int(i) for n, i in found if n == str(name)] == list(range(50))
    spool.close()


def test_a_disk_that_takes_no_cut_either_refuses_and_loses_nothing_else(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.sync(spool.append(b"one"))

    def failing(*_: int) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        write = os.write

        def torn(descriptor: int, data: bytes) -> int:
            if len(data) < 15:
                failing()
            return write(descriptor, data[:10])

        patch.setattr(os, "write", torn)
        patch.setattr(os, "ftruncate", failing)
        with pytest.raises(SpoolFullError):
            spool.append(b"two")
    spool.sync(spool.append(b"three"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        patch.setattr(os, "ftruncate", failing)
        lost = spool.append(b"four")
        with pytest.raises(SpoolFullError):
            spool.sync(lost)
    spool.sync(spool.append(b"five"))
    assert payloads(spool) == [b"one", b"three", b"five"]


def test_an_fsync_that_fails_refuses_what_it_was_for_and_nothing_else(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.sync(spool.append(b"one"))
    lost = [spool.append(b"two"), spool.append(b"three")]

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(SpoolFullError):
            spool.sync(lost[0])
    with pytest.raises(SpoolFullError):
        spool.sync(lost[1])
    spool.sync(spool.append(b"four"))
    assert payloads(spool) == [b"one", b"four"]


@given(st.text(), st.text(), st.binary(), st.lists(st.tuples(st.text(max_size=20), st.binary())))
def test_a_record_reads_back_as_it_was(
    topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    record = Record(topic, key, value, headers)
    assert Record.decoded(record.encoded()) == record


def test_events_are_taken_while_no_broker_answers_and_stay_for_the_next_run(
    tmp_path: Path,
) -> None:
    kafka = KafkaSettings(bootstrap=NOBODY)
    called = []
    with SpoolingPublisher(kafka, opened(tmp_path), patience_s=0.6) as publisher:
        assert not publisher.is_direct
        for i in range(5):
            receipt = publisher.publish(make_event(id=f"m-{i}"))
            receipt.add_done_callback(called.append)
        publisher.flush()
        assert publisher.acknowledged == publisher.spooled == len(called) == 5
    spool = opened(tmp_path)
    found = [dict(Record.decoded(p).headers)["ce_id"] for p in payloads(spool)]
    assert found == [f"m-{i}".encode() for i in range(5)]
    spool.close()


class FakeKafka:
    """A fake publisher that takes everything at once."""

    taken: ClassVar[list[bytes]] = []

    def __init__(self, _settings: KafkaSettings) -> None:
        self.close = self.abandon = lambda: None

    def publish_bytes(self, _topic: str, _key: str, value: bytes, _headers: object) -> "FakeKafka":
        self.taken.append(value)
        return self

    def wait(self, _timeout_s: float | None = None) -> None:
        return

    def add_done_callback(self, callback: Callable[["FakeKafka"], None]) -> None:
        callback(self)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What a fake Kafka took."""
    monkeypatch.setattr(spooled, "Publisher", FakeKafka)
    monkeypatch.setattr(spooled, "RETRY_S", 0.01)
    monkeypatch.setattr(FakeKafka, "taken", [])
    return FakeKafka.taken


@pytest.mark.parametrize(
    ("place", "name"), [(mmap, "mmap"), (Path, "unlink"), (spooled.Record, "decoded")]
)
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError()])
def test_what_is_on_the_disk_arrives_though_the_disk_failed_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kafka: list[bytes],
    place: object,
    name: str,
    error: Exception,
) -> None:
    kept(tmp_path, Record("raw.chat", "k", b"one", []).encoded())
    spool, working, failures = opened(tmp_path), getattr(place, name), [error]

    def failing(*arguments: Any, **more: Any) -> Any:
        if failures:
            raise failures.pop()
        return working(*arguments, **more)

    monkeypatch.setattr(place, name, failing)
    with SpoolingPublisher(KafkaSettings(bootstrap=NOBODY), spool, patience_s=0.6) as publisher:
        deadline = time.monotonic() + 20
        while not publisher.is_direct:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        publisher.publish(make_event(data=b"two")).wait(20)
    assert not failures
    assert list(dict.fromkeys(kafka)) == [b"one", b"two"]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError()])
def test_a_disk_that_fails_as_nobody_foresaw_refuses_events_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    spool = opened(tmp_path)

    def failing(_: object) -> None:
        raise error

    with SpoolingPublisher(KafkaSettings(bootstrap=NOBODY), spool, patience_s=0.6) as publisher:
        publisher.publish(make_event()).wait(20)
        with monkeypatch.context() as patch:
            patch.setattr(spool, "sync", failing)
            receipt = publisher.publish(make_event())
            with pytest.raises(SpoolFullError, match="may be sent again"):
                receipt.wait(20)
        publisher.publish(make_event()).wait(20)


def test_records_put_aside_under_the_same_number_do_not_hide_each_other(tmp_path: Path) -> None:
    for payload in (b"one", b"two"):
        spool = opened(tmp_path)
        spool.sync(spool.append(payload))
        (record,) = spool.read(spool.done)
        assert spool.put_aside(record)
        assert not spool.put_aside(record)
        spool.forget(record.end)
        spool.close()
        # Without its position a spool numbers its files from the start again.
        (tmp_path / "position").unlink()
    aside = [path.read_bytes() for path in (tmp_path / "refused").iterdir()]
    assert sorted(aside) == [b"one", b"two"]


def test_a_spool_needs_a_name_that_a_folder_can_bear(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"\.\./x"):
        publisher_for(settings, is_spooled=True, name="../x")
