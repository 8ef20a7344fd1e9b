from datetime import UTC, datetime, timedelta

import pytest

from deskwheel import reasons
from tests.transforms.toys import LIMITS, NOW, raw
from transforms.parse.model import Rejection, parse_time


def test_a_time_keeps_its_moment_and_becomes_utc() -> None:
    assert parse_time("2026-03-02T13:00:00+02:00") == datetime(2026, 3, 2, 11, tzinfo=UTC)


def test_a_time_without_zone_is_utc() -> None:
    assert parse_time("2026-03-02T11:00:00") == datetime(2026, 3, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_the_slack_is_allowed_and_no_second_more() -> None:
    LIMITS.check_time(NOW + LIMITS.future_slack, NOW)
    with pytest.raises(Rejection) as caught:
        LIMITS.check_time(NOW + LIMITS.future_slack + timedelta(seconds=1), NOW)
    assert caught.value.reason == reasons.TIME_FUTURE


def test_the_earliest_time_is_allowed_and_no_second_less() -> None:
    LIMITS.check_time(LIMITS.earliest, NOW)
    with pytest.raises(Rejection) as caught:
        LIMITS.check_time(LIMITS.earliest - timedelta(seconds=1), NOW)
    assert caught.value.reason == reasons.TIME_PAST


def test_headers_are_found_whatever_the_case_of_the_question() -> None:
    event = raw("chat", b"", ce_time="x")
    assert (event.header("CE_Time"), event.header("ce_other")) == ("x", "")


def test_without_an_envelope_time_the_broker_s_counts() -> None:
    assert raw("chat", b"").envelope_time() == NOW
    assert raw("chat", b"", ce_time="2026-03-02T11:00:00Z").envelope_time() == datetime(
        2026, 3, 2, 11, tzinfo=UTC
    )
