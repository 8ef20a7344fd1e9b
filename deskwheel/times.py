"""A time out of what a source wrote, read alike at the door and in the stream."""

from datetime import UTC, datetime


def parse_time(text: str) -> datetime | None:
    """A time zone-aware UTC time out of ISO 8601 text, or None.

    A time without a zone is read as UTC.
    """
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
