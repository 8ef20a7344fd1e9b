"""The spool while brokers are away, processes die and disks are full."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deskwheel.errors import PublishError
from deskwheel.records import Event
from ingest.receipt import Receipt, Record
from ingest.spool import Spool, SpoolFullError
from ingest.spooled import SpoolingPublisher
from tests.faults.conftest import Sent, Site, check_delivered, numbered, readable

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

MIB = 1024 * 1024
BACK_S = 90.0


def opened(folder: Path, *, max_bytes: int = 64 * MIB, segment_bytes: int = 65_536) -> Spool:
    return Spool(folder, max_bytes=max_bytes, segment_bytes=segment_bytes)


def await_direct(publisher: SpoolingPublisher) -> None:
    deadline = time.monotonic() + BACK_S
    while not publisher.is_direct:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def acknowledged(receipts: dict[str, Receipt]) -> Sent:
    sent = Sent()
    for event_id, receipt in receipts.items():
        try:
            receipt.wait(60)
            sent.acknowledged.add(event_id)
        except PublishError as error:
            sent.failures.append(str(error))
    return sent


def test_a_source_that_cannot_wait_goes_on_while_the_broker_is_killed(
    site: Site, tmp_path: Path
) -> None:
    events = numbered("spooled", 3000)
    settings = site.settings(delivery_timeout_s=20)
    receipts: dict[str, Receipt] = {}
    slowest_s = 0.0
    with SpoolingPublisher(settings, opened(tmp_path / "spool"), patience_s=1) as publisher:
        assert publisher.is_direct
        for number, event in enumerate(events):
            if number == 1000:
                site.broker.kill()
            if number == 2200:
                threading.Thread(target=site.broker.restart, kwargs={"wait": False}).start()
            began = time.monotonic()
            receipts[event.id] = publisher.publish(event)
            slowest_s = max(slowest_s, time.monotonic() - began)
            time.sleep(0.001)
        sent = acknowledged(receipts)
        assert publisher.spooled > 0
        await_direct(publisher)
        print(f"\n{publisher.spooled} events went to the disk; slowest hand-over {slowest_s:.2f} s")
    assert not sent.failures
    check_delivered("spooled", events, sent, readable(settings, "spooled:"))


_SPOOLER = """
import sys
from pathlib import Path
from ingest.spool import Spool
from ingest.spooled import SpoolingPublisher
from deskwheel.settings import KafkaSettings
from tests.faults.conftest import numbered

publisher = SpoolingPublisher(
    KafkaSettings(bootstrap="127.0.0.1:1"),
    Spool(Path(sys.argv[1]), max_bytes=64 << 20, segment_bytes=65536),
    patience_s=1,
)
for event in numbered("crashed", 1_000_000):
    publisher.publish(event).wait()
    print(event.id, flush=True)
"""


def test_what_was_acknowledged_before_a_sigkill_is_delivered_by_the_next_run(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    process = subprocess.Popen(
        [sys.executable, "-c", _SPOOLER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(500)]
    process.kill()
    told += process.stdout.read().split("\n")[:-1]
    process.wait()
    settings = site.settings(delivery_timeout_s=20)
    with SpoolingPublisher(settings, opened(folder), patience_s=2) as publisher:
        await_direct(publisher)
    found = readable(settings, "crashed:")
    print(f"\nkilled: {len(told)} events acknowledged, {len(found.once())} readable")
    assert set(told) <= set(found.ids)
    assert len(found.ids) - len(told) <= 1
    assert found.is_ordered()


_LIMITED = """
import resource, sys
from pathlib import Path
from ingest.receipt import Record
from ingest.spool import Spool, SpoolFullError

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
spool = Spool(Path(sys.argv[1]), max_bytes=1 << 30, segment_bytes=1 << 20)
kept = refused = 0
for number in range(60):
    try:
        spool.sync(spool.append(b"%d:" % number + bytes(900)))
        kept += 1
    except SpoolFullError as error:
        assert error.retriable and "File too large" in str(error), error
        refused += 1
spool.close()
print(kept, refused)
"""


def test_a_file_that_may_not_grow_refuses_events_whole(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kept, refused = (int(word) for word in done.stdout.split())
    assert kept > 0
    assert refused > 0
    spool = opened(tmp_path)
    found = [record.payload for record in spool.read(spool.done)]
    print(
        f"\nfile size limit: {kept} events acknowledged, {len(found)} readable, {refused} refused"
    )
    assert len(found) == kept
    assert spool.damaged == 0
    spool.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=256k")
    if libc.mount(*arguments):
        pytest.skip(f"no file system can be mounted here: {os.strerror(ctypes.get_errno())}")
    yield folder
    libc.umount2(os.fsencode(folder), 2)


def test_a_full_disk_refuses_events_and_delivers_what_it_took(site: Site, small_disk: Path) -> None:
    events = numbered("full", 2000)
    settings = site.settings(delivery_timeout_s=20)
    site.broker.kill()
    receipts: dict[str, Receipt] = {}
    refused: list[str] = []
    spool = opened(small_disk / "spool")
    with SpoolingPublisher(settings, spool, patience_s=1) as publisher:
        for event in events:
            try:
                receipts[event.id] = publisher.publish(event)
            except SpoolFullError:
                refused.append(event.id)
        sent = acknowledged(receipts)
        assert refused
        site.broker.restart()
        await_direct(publisher)
        again = {e.id: sent_at_last(publisher, e) for e in events if e.id in set(refused)}
        sent.acknowledged |= acknowledged(again).acknowledged
        assert publisher.damaged == 0
    print(f"\nfull disk: {len(refused)} events refused, then sent again")
    check_delivered("full disk", events, sent, readable(settings, "full:"))


def sent_at_last(publisher: SpoolingPublisher, event: Event) -> Receipt:
    """Send again what is refused, as its source would: a busy broker may take a while."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return publisher.publish(event)
        except SpoolFullError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_an_event_that_kafka_never_takes_is_put_aside_and_blocks_nothing(
    site: Site, tmp_path: Path
) -> None:
    spool = opened(tmp_path / "spool", segment_bytes=32 * MIB)
    too_large = Record("raw.chat", "k", bytes(21 * MIB), [("ce_id", b"aside:0:1")])
    headers = [("ce_id", b"aside:0:2")]
    for record in (too_large, Record("raw.chat", "k", b"{}", headers)):
        spool.sync(spool.append(record.encoded()))
    settings = site.settings(delivery_timeout_s=20)
    with SpoolingPublisher(settings, spool, patience_s=2) as publisher:
        await_direct(publisher)
        assert publisher.refused == 1
    (aside,) = (tmp_path / "spool" / "refused").iterdir()
    assert aside.stat().st_size > 21 * MIB
    assert readable(settings, "aside:").ids == ["aside:0:2"]
