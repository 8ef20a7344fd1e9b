import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import ConfigError, PublishError
from deskwheel.records import Event
from ingest.__main__ import main
from ingest.commands import simulate as verb
from tests.ingest.conftest import make_event

TOO_LONG_S = 60.0


def numbers() -> Iterator[Event]:
    number = 0
    while True:
        yield make_event(id=f"m-{number}")
        number += 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("2d", 172_800)]
)
def test_a_time_is_read_with_its_unit(text: str, seconds: float) -> None:
    assert verb.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "10 weeks", "-5s", "1e3"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--for"):
        verb.seconds_of(text)


def test_events_end_after_the_number_asked_for() -> None:
    stop = threading.Event()
    told = list(verb.paced(numbers(), rate_per_s=None, stop=stop, max_events=7))
    assert [e.id for e in told] == [f"m-{n}" for n in range(7)]
    assert list(verb.paced(numbers(), rate_per_s=None, stop=stop, max_events=0)) == []


def test_events_end_after_the_time_asked_for() -> None:
    stop = threading.Event()
    told = list(verb.paced(numbers(), rate_per_s=100, stop=stop, limit_s=0.2))
    assert 1 <= len(told) <= 21


def test_a_stop_ends_the_waiting() -> None:
    stop = threading.Event()
    events = verb.paced(numbers(), rate_per_s=1 / TOO_LONG_S, stop=stop)
    next(events)
    threading.Timer(0.05, stop.set).start()
    assert list(events) == []


def test_no_event_is_made_before_it_is_due() -> None:
    stop = threading.Event()
    made: list[str] = []

    def watched() -> Iterator[Event]:
        for event in numbers():
            made.append(event.id)
            yield event

    events = verb.paced(watched(), rate_per_s=1 / TOO_LONG_S, stop=stop)
    next(events)
    threading.Timer(0.05, stop.set).start()
    list(events)
    assert made == ["m-0"]


class FakeDelivery:
    """A fake: settles when told to."""

    def __init__(self) -> None:
        self.is_acknowledged = False
        self.callbacks: list[Any] = []

    def add_done_callback(self, callback: Any) -> None:
        self.callbacks.append(callback)

    def settle(self, *, is_acknowledged: bool) -> None:
        self.is_acknowledged = is_acknowledged
        for callback in self.callbacks:
            callback(self)


class FakePublisher:
    """A fake: hands out deliveries that nobody settles, or refuses."""

    def __init__(self) -> None:
        self.deliveries: list[FakeDelivery] = []
        self.is_away = False

    def publish(self, _event: Event) -> FakeDelivery:
        if self.is_away:
            raise PublishError("the fake broker is away")
        self.deliveries.append(FakeDelivery())
        return self.deliveries[-1]


def test_what_is_acknowledged_and_what_failed_is_counted_as_it_happens() -> None:
    publisher = FakePublisher()
    outlet = verb.CountedOutlet(publisher)  # type: ignore[arg-type]
    for number in range(3):
        outlet.publish(make_event(id=f"m-{number}"))
    assert (outlet.acknowledged, outlet.failed) == (0, 0)
    publisher.deliveries[0].settle(is_acknowledged=True)
    publisher.deliveries[1].settle(is_acknowledged=False)
    publisher.is_away = True
    with pytest.raises(PublishError):
        outlet.publish(make_event())
    assert (outlet.acknowledged, outlet.failed) == (1, 2)


def test_progress_tells_rate_channels_and_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    told = Counter(chat=30, email=10)
    outlet = verb.CountedOutlet(FakePublisher())  # type: ignore[arg-type]
    times = iter([0.0, 5.0, 20.0, 20.0])
    line = verb.ProgressLine(told, outlet, is_quiet=False, now=lambda: next(times))
    line.show(10)
    assert capsys.readouterr().err == "", "it is too early for a line in a log"
    line.show(40)
    said = capsys.readouterr().err
    assert "2.0 events/s, 40 sent (chat 30 email 10 call 0), 0 acknowledged, 0 failed" in said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--channels", "fax"], "--channels fax"),
        (["--for", "soon"], "--for soon"),
        (["--events", "-1"], "--events must be"),
        (["--rate", "0"], "--rate must be"),
        (["--start", "2026-04-01T08:00Z"], "needs a --rate"),
        (["--conversations", "3", "--events", "9"], "--events and --for end live traffic"),
    ],
)
def test_a_bad_argument_is_named_before_anything_is_sent(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *arguments]) == 1
    assert why in capsys.readouterr().err


def test_a_folder_is_not_written_at_a_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    arguments = ["--conversations", "1", "--out", str(folder), "--rate", "5"]
    assert main(["simulate", *arguments]) == 1
    assert "leave one out" in capsys.readouterr().err
    assert not folder.exists()


def test_a_recording_holds_the_channels_asked_for_and_says_that_it_is_synthetic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--conversations", "12", "--channels", "chat", "--messiness", "0"]
    assert main(["simulate", *arguments, "--out", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr()
    assert "synthetic" in said.err
    assert json.loads(said.out)["ledger"]["conversations"] == 12
    rows = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert {row["channel"] for row in rows} == {"chat"}
    assert {row["headers"]["synthetic"] for row in rows} == {"true"}
