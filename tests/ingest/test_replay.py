import json
import threading
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import PublishError, SetupError
from ingest.envelope import RefusedError
from ingest.replay import play, read_folder, write_folder
from ingest.simulate import simulate
from tests.ingest.conftest import NOON, FakePublisher, make_event


def row(**changes: Any) -> str:
    values: dict[str, Any] = {
        "channel": "chat",
        "key": "ch-1",
        "headers": {"content-type": "application/json", "producer": "chat-gw-2"},
        "value": '{"message_id": "m-1"}',
        "value_encoding": "utf-8",
        "timestamp": "2026-04-01T12:00:00Z",
    }
    return json.dumps(values | changes)


def folder(tmp_path: Path, *lines: str) -> Path:
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_recorded_line_becomes_the_event_it_was(tmp_path: Path) -> None:
    (event,) = read_folder(folder(tmp_path, row()), tenant="t")
    assert (event.id, event.key, event.source, event.tenant) == ("m-1", "ch-1", "chat-gw-2", "t")
    assert event.time == NOON


def test_recorded_header_with_a_line_break_travels_harmless(tmp_path: Path) -> None:
    line = row(headers={"producer": "gw\nce_id: forged", "a b": "1"})
    (event,) = read_folder(folder(tmp_path, line))
    assert (event.source, event.attributes) == ("gw%0Ace_id: forged", {"a_b": "1"})


def test_base64_value_is_decoded(tmp_path: Path) -> None:
    (event,) = read_folder(folder(tmp_path, row(value="/w==", value_encoding="base64")))
    assert event.data == b"\xff"


def test_value_that_is_not_the_base64_it_claims_stays_an_event(tmp_path: Path) -> None:
    (event,) = read_folder(folder(tmp_path, row(value="@@@", value_encoding="base64")))
    assert event.data == b"@@@"


def test_recorded_mail_without_key_is_keyed_by_its_thread(tmp_path: Path) -> None:
    mail = "Message-ID: <b@x>\r\nReferences: <a@x>\r\n\r\nhi"
    (event,) = read_folder(folder(tmp_path, row(channel="email", key="", value=mail)))
    assert event.key == "<a@x>"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{oops", "not JSON"),
        ("[1]", "a JSON object is wanted"),
        (row(channel="fax"), "channel 'fax'"),
        (row(value=None), "value is missing"),
        (row(value=7), "value is missing"),
    ],
)
def test_bad_line_is_reported_by_number_and_the_rest_is_read(
    tmp_path: Path, line: str, why: str
) -> None:
    problems: list[str] = []
    events = list(read_folder(folder(tmp_path, row(), line, row()), report=problems.append))
    assert len(events) == 2
    assert len(problems) == 1
    assert f"events.jsonl:2: {why}" in problems[0]


def test_line_without_readable_time_is_dated_long_ago(tmp_path: Path) -> None:
    (event,) = read_folder(folder(tmp_path, row(timestamp="soon")))
    assert event.time.year == 1970


def test_folder_without_events_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"events\.jsonl"):
        list(read_folder(tmp_path))


def test_written_folder_reads_back_as_the_same_events(tmp_path: Path) -> None:
    events = [e for e in simulate(2, 12, start=NOON).events if len(e.data) < 10_000]
    assert write_folder(events, tmp_path) == len(events)
    again = list(read_folder(tmp_path))
    assert again == events


def events_of(count: int) -> list[Any]:
    return [make_event(id=f"m-{i}") for i in range(count)]


def test_every_event_is_sent_in_order_and_acknowledged(fake_publisher: FakePublisher) -> None:
    played = play(events_of(5), fake_publisher)
    assert fake_publisher.published == fake_publisher.acknowledged == [f"m-{i}" for i in range(5)]
    assert (played.sent, played.acknowledged, played.failed) == (5, 5, 0)


def test_no_more_events_than_allowed_wait_for_acknowledgement(
    fake_publisher: FakePublisher,
) -> None:
    play(events_of(50), fake_publisher, max_in_flight=7)
    assert fake_publisher.most_waiting == 7


def test_refused_event_is_counted_and_the_next_one_is_sent() -> None:
    outlet = FakePublisher(refused={"m-1": RefusedError("m-1: too large")})
    played = play(events_of(4), outlet)
    assert outlet.published == ["m-0", "m-2", "m-3"]
    assert (played.sent, played.acknowledged, played.failed) == (4, 3, 1)
    assert played.errors == ("m-1: too large",)


def test_play_ends_when_the_broker_no_longer_answers() -> None:
    outlet = FakePublisher(refused={"m-2": PublishError("no broker")})
    played = play(events_of(100), outlet)
    assert (played.sent, played.acknowledged, played.failed) == (3, 2, 1)


def test_missing_acknowledgement_counts_as_failed() -> None:
    outlet = FakePublisher(unacknowledged=frozenset({"m-3"}))
    played = play(events_of(4), outlet)
    assert (played.acknowledged, played.failed) == (3, 1)


def test_only_the_first_errors_are_kept() -> None:
    refused: dict[str, PublishError] = {f"m-{i}": RefusedError(f"m-{i}") for i in range(30)}
    played = play(events_of(30), FakePublisher(refused=refused))
    assert played.failed == 30
    assert len(played.errors) == 10


def test_paced_play_takes_the_time_its_rate_asks_for(fake_publisher: FakePublisher) -> None:
    played = play(events_of(11), fake_publisher, rate_per_s=100)
    assert played.elapsed_s >= 0.1


def test_progress_is_told_after_each_event(fake_publisher: FakePublisher) -> None:
    seen: list[int] = []
    play(events_of(3), fake_publisher, progress=seen.append)
    assert seen == [1, 2, 3]


def test_stopped_play_still_awaits_what_is_under_way(fake_publisher: FakePublisher) -> None:
    stop = threading.Event()

    def stop_after_two(sent: int) -> None:
        if sent == 2:
            stop.set()

    played = play(events_of(9), fake_publisher, progress=stop_after_two, stop=stop)
    assert (played.sent, played.acknowledged) == (2, 2)


def test_stop_interrupts_a_slow_pace(fake_publisher: FakePublisher) -> None:
    stop = threading.Event()
    stop.set()
    played = play(events_of(9), fake_publisher, rate_per_s=0.001, stop=stop)
    assert played.sent == 0
