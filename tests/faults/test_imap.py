"""A mailbox read over a connection that breaks, by a process that is killed, from a server that
renumbers: what is acknowledged is readable, each mail once after deduplication by id."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deskwheel.settings import KafkaSettings
from ingest.positions import locked, position_of
from ingest.publish import Publisher
from ingest.run import Pace, Ran, run_source
from ingest.sources.config import load_source
from tests.faults.conftest import readable
from tests.ingest.imap_server import PASSWORD, FakeImap, fake_imap

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
MAILS = 300
WAIT_S = 60.0


def mail(prefix: str, number: int) -> bytes:
    head = f"From: a@example.com\r\nMessage-ID: {prefix}{number:04}@example.com>\r\n\r\n"
    return head.encode() + b"It is broken.\r\n" * 20


class Mailbox:
    """A mailbox of the fake server, its source file, and what the broker has of it."""

    def __init__(self, server: FakeImap, folder: Path, broker: str) -> None:
        self.server, self.folder, self.broker = server, folder, broker
        self.prefix = f"<{folder.name}-"
        self.state = folder / "state"
        self.file = folder / "source.toml"
        self.file.write_text(
            '[source]\nname = "desk"\nkind = "imap"\n[options]\nhost = "127.0.0.1"\nuser = "desk"\n'
            f'password = "env:TOY_PASSWORD"\nport = {server.port}\nsecurity = "none"\n'
            "poll_s = 0.1\n"
        )
        for n in range(MAILS):
            server.inbox.add(mail(self.prefix, n))

    def run(self) -> Ran:
        """Read once to the end, in this process."""
        source = load_source(self.file, tenant="default")
        with locked(self.state, source.name, source.kind) as position:
            return run_source(
                source,
                lambda: Publisher(KafkaSettings(bootstrap=self.broker)),
                position,
                pace=Pace(pauses_s=(0.05,) * 5),
            )

    def start(self, *more: str) -> "subprocess.Popen[str]":
        """Read in a process of its own, as an operator does."""
        command = [sys.executable, "-m", "ingest", "source", "run", str(self.file), "--json", *more]
        command += ["--set", f"kafka.bootstrap={self.broker}"]
        command += ["--set", f"ingest.state_dir={self.state}"]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def await_position(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while position_of(self.state, "desk", "imap") is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def check(self, what: str, acknowledged: int) -> int:
        """Every mail is readable, once after deduplication; return how many copies there were."""
        ids = readable(KafkaSettings(bootstrap=self.broker), self.prefix, "raw.email").ids
        copies = len(ids) - len(set(ids))
        print(
            f"\n{what}: {acknowledged} events acknowledged, {len(ids)} readable,"
            f" {len(set(ids))} after deduplication by id ({copies} copies)"
        )
        assert set(ids) == {f"{self.prefix}{n:04}@example.com>" for n in range(MAILS)}
        return copies


@pytest.fixture
def mailbox(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    monkeypatch.setenv("TOY_PASSWORD", PASSWORD)
    with fake_imap() as server:
        yield Mailbox(server, tmp_path, broker)


def told(process: "subprocess.Popen[str]") -> dict[str, Any]:
    output, _ = process.communicate(timeout=WAIT_S)
    value: dict[str, Any] = json.loads(output)
    return value


def test_connection_lost_in_mid_fetch_loses_and_repeats_nothing(mailbox: Mailbox) -> None:
    mailbox.server.cut_after_mails = [70, 0, 120]
    ran = mailbox.run()
    assert (ran.failure, ran.interruptions, ran.refused) == (None, 3, 0)
    copies = mailbox.check("IMAP connection lost three times in mid-fetch", ran.acknowledged)
    assert (ran.acknowledged, copies) == (MAILS, 0)


def test_killed_reader_goes_on_where_the_brokers_have_everything(mailbox: Mailbox) -> None:
    process = mailbox.start("--rate", "100")
    mailbox.await_position()
    process.kill()
    process.communicate(timeout=WAIT_S)
    kept = position_of(mailbox.state, "desk", "imap")
    assert kept is not None
    last_uid = json.loads(kept)["INBOX"][1]
    ran = mailbox.run()
    assert 0 < last_uid < MAILS
    assert ran.acknowledged == MAILS - last_uid
    mailbox.check(f"IMAP reader killed behind uid {last_uid} at least", last_uid + ran.acknowledged)


def test_reader_that_is_told_to_stop_repeats_and_skips_nothing(mailbox: Mailbox) -> None:
    process = mailbox.start("--rate", "100")
    mailbox.await_position()
    os.kill(process.pid, signal.SIGTERM)
    first = told(process)
    second = told(mailbox.start("--once"))
    assert (process.returncode, first["unsettled"]) == (0, 0)
    acknowledged = first["acknowledged"] + second["acknowledged"]
    copies = mailbox.check("IMAP reader stopped and started again", acknowledged)
    assert 0 < first["acknowledged"] < MAILS
    assert (acknowledged, copies) == (MAILS, 0)


def test_renumbered_mailbox_is_read_again_and_recognised(mailbox: Mailbox) -> None:
    first = mailbox.run()
    mailbox.server.inbox.renumber()
    second = mailbox.run()
    copies = mailbox.check("IMAP UIDVALIDITY changed", first.acknowledged + second.acknowledged)
    assert (first.acknowledged, second.acknowledged, copies) == (MAILS, MAILS, MAILS)
