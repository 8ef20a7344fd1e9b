"""Times out of what sources and tables hold, read alike by every stage."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str) -> datetime | None:
    """A time zone-aware UTC time out of ISO 8601 text, or None.

    A time without a zone is read as UTC.
    """
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def to_us(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_us(count: int) -> datetime:
    """The moment so many microseconds after 1970, exactly."""
    return _EPOCH + timedelta(microseconds=count)
