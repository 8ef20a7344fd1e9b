"""What one endless line costs on its way from an event to a turn."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from deskwheel import reasons
from deskwheel.settings import TransformsSettings
from tests.transforms.toys import PLACE, RULES, call, chat, mail
from transforms.parse.model import RawEvent
from transforms.turns import turn_rows

LIMIT_BYTES = TransformsSettings().max_event_bytes
LONG_CHARS = LIMIT_BYTES - 1_000
NUMBERS_CHARS = 40_000
"""Each number is looked at by itself, which costs some ten times as much as a word."""

SHAPES = {
    "letters": "a", "words": "ab ", "names": "Ann B ", "brackets": "<", "opened": "[INST",
    "addresses": "a@b.", "links": "http://a.b ", "digits": "1", "dashes": "555-",
}  # fmt: skip
RULES = replace(RULES, limits=replace(RULES.limits, max_event_bytes=LIMIT_BYTES))


def spoken(text: str) -> RawEvent:
    agent = {"speaker": "agent", "start_s": 0.0, "end_s": 1.0, "text": "Acme, hello?"}
    customer = {"speaker": "customer", "start_s": 2.0, "end_s": 3.0, "text": text}
    return call(segments=[agent, customer])


CHANNELS: dict[str, Callable[[str], RawEvent]] = {
    "chat": lambda text: chat(text=text), "call": spoken, "email": mail,
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_line_as_long_as_an_event_may_be_is_read_in_seconds(shape: str) -> None:
    piece = SHAPES[shape]
    text = piece * ((LONG_CHARS - 200) // len(piece))
    (row,) = turn_rows(chat(text=text), PLACE, RULES, batch_id=0)
    assert row.verdict == "accepted"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("piece", ["1 ", "12.5 ", "um er "])
def test_a_line_of_numbers_or_fillers_is_read_in_seconds(channel: str, piece: str) -> None:
    event = CHANNELS[channel](piece * (NUMBERS_CHARS // len(piece)))
    rows = turn_rows(event, PLACE, RULES, batch_id=0)
    assert {row.verdict for row in rows} == {"accepted"}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_longer_line_is_refused_with_its_reason(channel: str) -> None:
    (row,) = turn_rows(CHANNELS[channel]("a" * LIMIT_BYTES), PLACE, RULES, batch_id=0)
    assert (row.verdict, row.reason) == ("rejected", reasons.TOO_LARGE)
