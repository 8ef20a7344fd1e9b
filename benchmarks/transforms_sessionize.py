"""Conversations a CPU second, and chats and calls a second and core before they get there.

`python -m benchmarks.transforms_sessionize` measures two things. In one process: chat messages and
calls from raw bytes to rows of the table `turns` (parse, clean, redact), mails to threads, and the
turns of conversations to rows of `conversations` (assembling), also step by step. On Spark: turns
that lie in the table `turns`, through the conversation stream with its RocksDB state and timers.
Once to conversations that closed and are only counted, which is sessionizing alone; and to the
table `conversations`, which is the whole: with every conversation in one micro-batch, as when a
backlog is read, and with each conversation's turns spread over several, as when they are read live.
CPU seconds of the whole process tree count (the JVM, its Python workers and this process), from the
start of the query to its last batch; the start of the session and a first stream that warms the
compiler do not.

Generated chats repeat themselves, and results for short texts that come again are kept
(`transforms.acts.repeats`). What that is worth, the claims on unlike texts say: there no text comes
twice.
"""

import argparse
import gc
import json
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.live.assembling import assembling
from deskwheel import lake
from deskwheel.records import Pointer, Turn
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, TURNS
from transforms.conversations import catch_up, closed_conversations, start_conversations
from transforms.parse.model import RawEvent
from transforms.parse.thread import Links
from transforms.session import spark_session, start_query
from transforms.threads import Mail, assign_threads, thread_keys
from transforms.turns import Rules, turn_rows

_claim = claims_of("transforms_sessionize")

_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_SECRET = b"benchmark"
_ROUNDS = 3
_PARTS = 3
_BACKLOG_IDLE_S = 0.001
"""Of a backlog everything is due in the batch that reads it."""

_LIVE_IDLE_S = 15.0
"""Longer than a micro-batch takes: no chat closes before its last turn was read."""
_MESSAGES = (
    ("bot", "Hello, I am the assistant. Please describe your problem."),
    ("customer", "Hi, my order {n} has not arrived. My phone is 555-01{m}, pls call me"),
    ("agent", "I am sorry to hear that. Could you tell me the last four of your card?"),
    ("customer", "4{m}{m}"),
    ("agent", "Thank you. Your parcel left our warehouse on Monday; here is how you track it: log"
              " in, open your orders, click on the order and choose Track."),
    ("customer", "great, that worked, thanks a lot!!"),
    ("agent", "You are welcome. Have a nice day."),
)  # fmt: skip


def chats(count: int, *, unlike_from: int | None = None) -> Iterator[RawEvent]:
    """Chat messages of conversations one after the other.

    With `unlike_from` each ends in a word of its own, numbered from there.
    """
    rng = random.Random(count)
    for n in range(count):
        chat, step = divmod(n, len(_MESSAGES))
        sender, text = _MESSAGES[step]
        value = {
            "message_id": f"m-{n}",
            "conversation_id": f"ch-{chat}",
            "customer_id": f"c-{chat % 997}",
            "sender": sender,
            "agent_id": "a-1" if sender == "agent" else None,
            "text": text.format(n=rng.randint(10**9, 10**10), m=rng.randint(10, 99))
            + ("" if unlike_from is None else f" {_word(unlike_from + n)}."),
            "sent_at": (_NOW - timedelta(milliseconds=10 * (count - n))).isoformat(),
        }
        yield _raw("chat", value)


def _word(n: int) -> str:
    """A word of six letters that no other number has."""
    return "".join(chr(ord("a") + n // 26**i % 26) for i in range(6))


def calls(count: int) -> Iterator[RawEvent]:
    """Transcripts of twelve segments, with fillers and speech over speech."""
    for n in range(count):
        segments = [
            {"speaker": ("agent", "customer")[k % 2], "start_s": 4.0 * k, "end_s": 4.0 * k + 4.4,
             "text": f"um {_MESSAGES[1 + k % 6][1].format(n=n, m=42)} i i mean", "confidence": 0.9}
            for k in range(12)
        ]  # fmt: skip
        value = {
            "call_id": f"call-{n}",
            "customer_id": f"c-{n % 997}",
            "agent_id": "a-1",
            "started_at": (_NOW - timedelta(hours=2)).isoformat(),
            "segments": segments,
            "disposition": "resolved",
        }
        yield _raw("call", value)


def _raw(channel: str, value: object) -> RawEvent:
    data = json.dumps(value).encode()
    return RawEvent(channel, data, len(data), {}, _NOW)


def rows_of(events: Sequence[RawEvent], rules: Rules) -> list[Turn]:
    """Rows of the table `turns` for events of one topic."""
    rows: list[Turn] = []
    for offset, event in enumerate(events):
        place = Pointer(topic=f"raw.{event.channel}", partition=0, offset=offset)
        rows += turn_rows(event, place, rules, batch_id=0)
    rejected = {row.detail for row in rows if row.verdict != "accepted"}
    if rejected:
        raise ValueError(f"generated events were rejected: {sorted(map(str, rejected))[:3]}")
    return rows


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this process for some work; the best of a few rounds."""

    def once() -> float:
        gc.collect()
        began = time.process_time()
        work()
        return time.process_time() - began

    return min(once() for _ in range(_ROUNDS))


@dataclass(frozen=True)
class Spent:
    """CPU seconds so far, by kind of process."""

    jvm_s: float = 0.0
    python_s: float = 0.0
    """Of Spark's Python workers."""
    driver_s: float = 0.0
    """Of this process."""

    @property
    def total_s(self) -> float:
        """Of all processes."""
        return self.jvm_s + self.python_s + self.driver_s

    def since(self, before: "Spent") -> "Spent":
        """What was spent between two looks."""
        return Spent(
            self.jvm_s - before.jvm_s,
            self.python_s - before.python_s,
            self.driver_s - before.driver_s,
        )


class Meter:
    """CPU seconds of this process and of all that it started; ended ones as they were last seen.

    Spark ends idle Python workers, so a look at what is alive would forget their time.
    """

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._seen: dict[tuple[int, float], tuple[str, float]] = {}

    def spent(self) -> Spent:
        """The seconds so far."""
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            with suppress(psutil.Error):
                times = process.cpu_times()
                is_jvm = process.name().startswith("java")
                kind = "driver" if process == me else "jvm" if is_jvm else "python"
                self._seen[process.pid, process.create_time()] = kind, times.user + times.system
        total = dict.fromkeys(("jvm", "python", "driver"), 0.0)
        for kind, seconds in list(self._seen.values()):
            total[kind] += seconds
        return Spent(total["jvm"], total["python"], total["driver"])

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look once a second as long as the block lasts."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(1.0):
                self.spent()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


_METER = Meter()


def in_one_process(count: int, rules: Rules) -> list[Claim]:
    """Claims on parsing, cleaning and redaction of chats and calls, and on threading."""
    messages, transcripts = list(chats(count)), list(calls(max(1, count // 40)))
    rows_of(messages[:200], rules)
    by_chat = cpu_s(lambda: rows_of(messages, rules))
    by_call = cpu_s(lambda: rows_of(transcripts, rules))
    mails = list(_mails(count))
    by_thread = cpu_s(lambda: assign_threads(mails, [], subject_window=timedelta(days=7)))
    return [
        _claim("chat_messages_per_s", len(messages) / by_chat, "/s", ">= 2000",
               "one core, from bytes to redacted rows"),
        _claim("call_segments_per_s", 12 * len(transcripts) / by_call, "/s", "",
               "one core, calls of twelve segments"),
        _claim("mails_threaded_per_s", len(mails) / by_thread, "/s", "",
               "one core, threads of four mails, keys made beforehand"),
        *assembling(lambda first: rows_of(list(chats(count, unlike_from=first)), rules)),
    ]  # fmt: skip


def _mails(count: int) -> Iterator[Mail]:
    for n in range(count):
        thread, step = divmod(n, 4)
        own = f"<{n}@example.com>"
        references = (f"<{n - 1}@example.com>",) if step in (1, 3) else ()
        links = Links(own, references, (), "a question", is_reply=bool(step))
        keys = thread_keys(links, f"c{thread}@example.com", secret=_SECRET, tenant="acme")
        yield Mail(own, _NOW + timedelta(seconds=n), keys)


def on_spark(count: int, rules: Rules) -> list[Claim]:
    """Claims on the conversation stream over `count` turns."""
    rows = rows_of(list(chats(count)), rules)
    with tempfile.TemporaryDirectory() as folder, _METER.watching():
        spark = spark_session("deskwheel-benchmark", driver_memory="1g")
        try:
            _stream(spark, Path(folder) / "warm", rows[: count // 10], parts=1)
            counted = _sessions(spark, Path(folder) / "sessions", rows)
            whole = _stream(spark, Path(folder) / "whole", rows, parts=1)
            live = _stream(spark, Path(folder) / "live", rows, parts=_PARTS)
        finally:
            spark.stop()
    told = -(-count // len(_MESSAGES))
    return [
        _claim("sessionizing_turns_per_cpu_s", counted.rate(count), "/CPU-s", ">= 2500",
               f"turns read, kept in RocksDB and closed as conversations; {counted.told(count)}"),
        _claim("turns_per_cpu_s", whole.rate(count), "/CPU-s", ">= 2500",
               f"the whole: acts, resolution, tags, pass 2 of redaction and the commit included;"
               f" {count} turns of {told} chats in {whole.wall_s:.0f} s; {whole.told(count)}"),
        _claim("live_turns_per_cpu_s", live.rate(count), "/CPU-s", "",
               f"the whole, each chat over {_PARTS} micro-batches, in {live.wall_s:.0f} s;"
               f" {live.told(count)}"),
        _claim("conversations_lost", 3 * told - counted.closed - whole.closed - live.closed, "",
               "== 0", f"{counted.closed}, {whole.closed} and {live.closed} closed"),
    ]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What a stream over the turns spent, and how many conversations it closed."""

    spent: Spent
    wall_s: float
    closed: int

    def rate(self, turns: int) -> float:
        """Turns a CPU second."""
        return turns / self.spent.total_s

    def told(self, turns: int) -> str:
        """Where the CPU time went."""
        parts = (self.spent.jvm_s, self.spent.python_s, self.spent.driver_s)
        jvm, workers, driver = (1e6 * s / turns for s in parts)
        return f"µs a turn: JVM {jvm:.0f}, Python workers {workers:.0f}, driver {driver:.0f}"


def _settings(folder: Path, *, idle_close_s: float) -> Settings:
    whole = Settings()
    return replace(
        whole,
        pipeline=replace(whole.pipeline, lake=str(folder / "lake")),
        transforms=replace(
            whole.transforms,
            checkpoint_dir=str(folder / "checkpoints"),
            idle_close_s=idle_close_s,
            interval_s=1.0,
        ),
    )


def _sessions(spark: SparkSession, folder: Path, rows: Sequence[Turn]) -> Run:
    """The stream over rows up to closed conversations, which are counted."""
    settings = _settings(folder, idle_close_s=_BACKLOG_IDLE_S)
    lake.append(settings.pipeline.lake, TURNS, to_table(rows, Turn))
    closed = 0

    def count(frame: DataFrame, _batch_id: int) -> None:
        nonlocal closed
        closed += frame.count()

    before, began = _METER.spent(), time.monotonic()
    writer = closed_conversations(spark, settings).writeStream.foreachBatch(count)
    checkpoint = str(folder / "checkpoints" / "sessions")
    writer = writer.option("checkpointLocation", checkpoint).queryName("sessions")
    catch_up(start_query(writer, interval_s=0.1))
    return Run(_METER.spent().since(before), time.monotonic() - began, closed)


def _stream(spark: SparkSession, folder: Path, rows: Sequence[Turn], *, parts: int) -> Run:
    """The stream over rows, up to the table `conversations`."""
    settings = _settings(folder, idle_close_s=_BACKLOG_IDLE_S if parts == 1 else _LIVE_IDLE_S)
    tables = [to_table(part, Turn) for part in _parts(rows, parts)]
    lake.append(settings.pipeline.lake, TURNS, tables[0])
    before, began = _METER.spent(), time.monotonic()
    query = start_conversations(spark, settings, _SECRET, once=parts == 1)
    if parts == 1:
        catch_up(query)
    else:
        _feed(query, settings, tables)
    own, wall_s = _METER.spent().since(before), time.monotonic() - began
    table = lake.read(settings.pipeline.lake, CONVERSATIONS, columns=["conversation_id"])
    return Run(own, wall_s, len(set(table["conversation_id"].to_pylist())))


def _parts(rows: Sequence[Turn], parts: int) -> list[list[Turn]]:
    """The rows in so many heaps, the turns of each chat dealt out among them in order."""
    heaps: list[list[Turn]] = [[] for _ in range(parts)]
    for n, row in enumerate(rows):
        heaps[n % len(_MESSAGES) * parts // len(_MESSAGES)].append(row)
    return heaps


def _feed(query: StreamingQuery, settings: Settings, tables: Sequence[pa.Table]) -> None:
    """Append each table when the one before was read; stop when every chat is closed."""
    rows = 0
    for n, table in enumerate(tables):
        if n:
            lake.append(settings.pipeline.lake, TURNS, table)
        rows += table.num_rows
        _wait_until(partial(_has_read, query, rows))
    chats_told = -(-rows // len(_MESSAGES))
    time.sleep(_LIVE_IDLE_S)
    _wait_until(lambda: _closed(settings) >= chats_told)
    query.stop()


def _has_read(query: StreamingQuery, rows: int) -> bool:
    return sum(progress["numInputRows"] for progress in query.recentProgress) >= rows


def _closed(settings: Settings) -> int:
    return sum(commit["closed"] for commit in lake.commits(settings.pipeline.lake, CONVERSATIONS))


def _wait_until(is_done: Callable[[], bool]) -> None:
    """Return when it is, or after two minutes: a claim then shows what is missing."""
    until = time.monotonic() + 120.0
    while not is_done() and time.monotonic() < until:
        time.sleep(0.3)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transforms_sessionize", description=__doc__
    )
    parser.add_argument("--count", type=int, default=4000, help="messages in one process")
    parser.add_argument("--turns", type=int, default=105_000, help="turns on Spark; 0: without")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    rules = Rules.of(Settings(), _SECRET)
    claims = in_one_process(arguments.count, rules)
    if arguments.turns:
        claims += on_spark(arguments.turns, rules)
    return report(claims, arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
