from deskwheel.settings import Settings
from deskwheel.topics import (
    CHANNELS,
    DAY_MS,
    DEAD_LETTERS,
    FEEDBACK,
    RAW,
    TOPICS,
    dead_letter_topic,
    raw_topic,
)


def test_each_channel_has_a_topic_and_a_dead_letter_topic() -> None:
    names = {t.name for t in TOPICS}
    for channel in CHANNELS:
        assert {raw_topic(channel), dead_letter_topic(raw_topic(channel))} <= names


def test_no_topic_is_named_twice() -> None:
    assert len({t.name for t in TOPICS}) == len(TOPICS)


def test_rejected_feedback_is_kept_too() -> None:
    assert dead_letter_topic(FEEDBACK.name) in {t.name for t in DEAD_LETTERS}


def test_a_dead_letter_outlives_its_event() -> None:
    longest = max(t.retention_ms for t in RAW)
    assert all(letter.retention_ms > longest for letter in DEAD_LETTERS)


def test_raw_bytes_are_kept_for_a_week_only() -> None:
    assert {t.retention_ms for t in RAW} == {7 * DAY_MS}


def test_an_event_above_the_parsers_limit_can_still_be_published() -> None:
    limit = Settings().transforms.max_event_bytes
    assert all(t.max_message_bytes > limit for t in (*RAW, *DEAD_LETTERS))


def test_an_event_id_is_remembered_for_as_long_as_its_topic_can_repeat_it() -> None:
    horizon_ms = Settings().transforms.dedup_horizon_h * 3_600_000
    assert all(horizon_ms >= t.retention_ms for t in RAW)
