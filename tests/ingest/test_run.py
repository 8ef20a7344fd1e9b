import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import ConfigError, PublishError, ServiceError, SetupError, StateError
from ingest.positions import locked, position_of
from ingest.run import Pace, run_source
from ingest.sources.config import SourceFile
from ingest.sources.files import PathOptions
from ingest.sources.model import Context, Item, Source
from tests.ingest.conftest import make_event
from tests.ingest.sourcing import FakeLog, Memory

QUICK = (0.001,) * 3


def counting(folder: Path, *steps: int | Exception, waits: bool = False) -> SourceFile:
    """A toy source of numbered records; an error stands for a reading that breaks there once."""
    left = list(steps)

    def read(_options: object, context: Context) -> Iterator[Item]:
        start = int(context.position or -1) + 1
        for n in [s for s in steps if isinstance(s, int) and s >= start]:
            while left and not (isinstance(left[0], int) and left[0] >= n):
                step = left.pop(0)
                if isinstance(step, Exception):
                    raise step
            event = make_event(id=f"m-{n}", data=str(n).encode())
            yield Item(event=event, origin=f"record {n}", position=str(n))
        for step in list(left):
            left.remove(step)
            if isinstance(step, Exception):
                raise step
        if context.is_following and waits:
            context.stop.wait()

    source = Source(channel="chat", about="Toy.", options=PathOptions, read=read)
    return SourceFile(
        path=folder / "toy.toml", name="toy", kind="toy", tenant="t", options=None, source=source
    )


def test_everything_is_published_in_order_and_the_last_position_kept(tmp_path: Path) -> None:
    log, kept = FakeLog(), Memory()
    ran = run_source(counting(tmp_path, *range(50)), log.connect, kept)
    assert log.data == [str(n).encode() for n in range(50)]
    assert (ran.sent, ran.acknowledged, ran.position, kept.read()) == (50, 50, "49", "49")


def test_the_next_run_goes_on_behind_the_position(tmp_path: Path) -> None:
    log = FakeLog()
    run_source(counting(tmp_path, *range(9)), log.connect, Memory("6"))
    assert log.data == [b"7", b"8"]


def test_nothing_behind_an_event_that_was_lost_is_kept(tmp_path: Path) -> None:
    log, kept = FakeLog(away_after=[4]), Memory()
    ran = run_source(counting(tmp_path, *range(9)), log.connect, kept, pace=Pace(pauses_s=()))
    assert ran.failure is not None
    assert (len(log.events), kept.read()) == (4, "3")


def test_brokers_that_come_back_get_everything_else(tmp_path: Path) -> None:
    log, kept = FakeLog(away_after=[4, 0, 2]), Memory()
    ran = run_source(counting(tmp_path, *range(20)), log.connect, kept, pace=Pace(pauses_s=QUICK))
    assert ran.failure is None
    assert log.data == [str(n).encode() for n in range(20)]
    assert (ran.interruptions, ran.acknowledged, kept.read()) == (3, 20, "19")


def test_event_lost_before_others_that_were_taken_is_sent_again(tmp_path: Path) -> None:
    log, kept = FakeLog(), Memory()
    log.loses = {b"4"}
    pace = Pace(pauses_s=QUICK, keep_s=0.0)
    run_source(counting(tmp_path, *range(9)), log.connect, kept, pace=pace)
    assert sorted(set(log.data)) == [str(n).encode() for n in range(9)]
    assert [int(p) for p in kept.kept] == sorted(int(p) for p in kept.kept)


def test_source_that_does_not_answer_is_read_again_from_the_position(tmp_path: Path) -> None:
    log = FakeLog()
    source = counting(tmp_path, 0, 1, ServiceError("away"), 2, ServiceError("away"), 3)
    ran = run_source(source, log.connect, Memory(), pace=Pace(pauses_s=QUICK))
    assert log.data == [b"0", b"1", b"2", b"3"]
    assert (ran.failure, ran.interruptions) == (None, 2)


def test_source_that_never_answers_ends_the_run_after_the_pauses(tmp_path: Path) -> None:
    source = counting(tmp_path, 0, *[ServiceError("away")] * 9)
    ran = run_source(source, FakeLog().connect, Memory(), pace=Pace(pauses_s=QUICK))
    assert isinstance(ran.failure, ServiceError)
    assert ran.interruptions == len(QUICK)


def test_source_that_does_not_answer_at_first_is_left_to_the_next_run(tmp_path: Path) -> None:
    source = counting(tmp_path, ServiceError("away"), 1)
    ran = run_source(source, FakeLog().connect, Memory())
    assert (str(ran.failure), ran.interruptions, ran.sent) == ("away", 0, 0)


def test_brokers_that_are_away_at_first_are_awaited_when_following(tmp_path: Path) -> None:
    log, stop, tries = FakeLog(), threading.Event(), iter([PublishError("away"), None])

    def connect() -> Any:
        if error := next(tries):
            raise error
        return log.connect()

    pace = Pace(is_following=True, pauses_s=QUICK)
    source = counting(tmp_path, 0, waits=True)
    run_source(source, connect, Memory(), pace=pace, stop=stop, progress=lambda _: stop.set())
    assert log.data == [b"0"]


def test_source_that_is_set_up_wrongly_is_not_tried_again(tmp_path: Path) -> None:
    source = counting(tmp_path, SetupError("no such folder"))
    ran = run_source(source, FakeLog().connect, Memory(), pace=Pace(is_following=True))
    assert (str(ran.failure), ran.interruptions) == ("no such folder", 0)


def test_refused_record_is_told_with_its_origin_and_passed(tmp_path: Path) -> None:
    log, kept = FakeLog(refuses=frozenset({b"2"})), Memory()
    ran = run_source(counting(tmp_path, *range(5)), log.connect, kept)
    assert (ran.acknowledged, ran.refused, kept.read()) == (4, 1, "4")
    assert ran.errors == ["record 2: too large for the fake"]


def test_clean_stop_repeats_and_skips_nothing(tmp_path: Path) -> None:
    log, kept, stop = FakeLog(), Memory(), threading.Event()

    def progress(acknowledged: int) -> None:
        if acknowledged == 5:
            stop.set()

    first = run_source(
        counting(tmp_path, *range(400)),
        log.connect,
        kept,
        stop=stop,
        progress=progress,
        pace=Pace(max_in_flight=3),
    )
    assert first.sent == first.acknowledged < 400
    run_source(counting(tmp_path, *range(400)), log.connect, kept)
    assert log.data == [str(n).encode() for n in range(400)]


def test_position_is_kept_while_a_followed_source_has_nothing_to_give(tmp_path: Path) -> None:
    stop = threading.Event()

    class Watched(Memory):
        def keep(self, position: str) -> None:
            super().keep(position)
            if position == "2":
                stop.set()

    kept = Watched()
    pace = Pace(is_following=True, keep_s=0.01)
    ran = run_source(
        counting(tmp_path, 0, 1, 2, waits=True), FakeLog().connect, kept, stop=stop, pace=pace
    )
    assert (ran.failure, kept.read()) == (None, "2")


def test_position_that_cannot_be_kept_ends_the_run(tmp_path: Path) -> None:
    class Full(Memory):
        def keep(self, position: str) -> None:
            raise OSError(28, "No space left on device")

    ran = run_source(counting(tmp_path, *range(9)), FakeLog().connect, Full())
    assert "No space left" in str(ran.failure)


def test_position_that_cannot_be_kept_for_whatever_reason_ends_the_run(tmp_path: Path) -> None:
    class Broken(Memory):
        def keep(self, position: str) -> None:
            raise ValueError("nobody foresaw this")

    pace = Pace(max_in_flight=2, keep_s=0.0)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(
            run_source, counting(tmp_path, *range(99)), FakeLog().connect, Broken(), pace=pace
        )
        ran = running.result(timeout=20)
    assert isinstance(ran.failure, StateError)
    assert "nobody foresaw this" in str(ran.failure)
    assert ran.sent == ran.acknowledged + ran.unsettled


def test_header_with_a_line_break_travels_harmless_instead_of_being_lost(tmp_path: Path) -> None:
    def read(_options: object, _context: Context) -> Iterator[Item]:
        event = make_event(
            attributes={"bad\r\nname": "x", "started_at": "now\r\nce_id: forged"}, source="gw\n"
        )
        yield Item(event=event, origin="one")

    base = counting(tmp_path)
    source = Source(channel="chat", about="Toy.", options=PathOptions, read=read)
    log = FakeLog()
    ran = run_source(SourceFile(**{**vars(base), "source": source}), log.connect, Memory())
    (event,) = log.events
    assert (ran.acknowledged, ran.refused) == (1, 0)
    assert event.attributes == {"bad__name": "x", "started_at": "now%0D%0Ace_id: forged"}
    assert event.source == "gw%0A"


def test_rate_spaces_the_events(tmp_path: Path) -> None:
    ran = run_source(
        counting(tmp_path, *range(11)), FakeLog().connect, Memory(), pace=Pace(rate_per_s=100)
    )
    assert ran.elapsed_s >= 0.1


def test_position_outlives_the_process_and_belongs_to_a_kind(tmp_path: Path) -> None:
    with locked(tmp_path, "mails.eu", "email") as position:
        assert position.read() is None
        position.keep("p-1")
        position.keep("p-2")
    assert position_of(tmp_path, "mails.eu", "email") == "p-2"
    with pytest.raises(ConfigError, match="of kind email, not chat"):
        position_of(tmp_path, "mails.eu", "chat")


def test_two_runs_of_one_source_refuse_and_name_the_first(tmp_path: Path) -> None:
    with locked(tmp_path, "a", "email"), locked(tmp_path, "b", "email"):
        with pytest.raises(StateError, match=f"being run by process {os.getpid()}"):
            with locked(tmp_path, "a", "email"):
                pass
    with locked(tmp_path, "a", "email"):
        pass


def test_lock_goes_with_the_process_that_held_it(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib, ingest.positions as p\n"
        "with p.locked(pathlib.Path(sys.argv[1]), 'a', 'email') as position:\n"
        "    position.keep('here'); os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == 9
    with locked(tmp_path, "a", "email") as position:
        assert position.read() == "here"


def test_damaged_position_says_how_to_start_anew(tmp_path: Path) -> None:
    with locked(tmp_path, "a", "email") as position:
        position.keep("x")
        (tmp_path / "positions" / "a.json").write_text("{oops")
        with pytest.raises(StateError, match="remove it to start from the beginning"):
            position.read()


def test_position_file_is_json(tmp_path: Path) -> None:
    with locked(tmp_path, "a", "email") as position:
        position.keep("x")
    kept = json.loads((tmp_path / "positions" / "a.json").read_text())
    assert kept == {"kind": "email", "position": "x"}
