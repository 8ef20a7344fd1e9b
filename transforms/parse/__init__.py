"""Raw bytes of one event in, its utterances out, or the reason why there are none.

One parser a channel; each takes a `RawEvent` and returns a `ParsedEvent` or raises `Rejection`,
which never leaves this package: `parse_event` turns it into a value.
"""

from collections.abc import Callable

from deskwheel import reasons
from transforms.parse import call, chat, email, outcome
from transforms.parse.model import Limits, ParsedEvent, RawEvent, Rejection

PARSERS: dict[str, Callable[[RawEvent, Limits], ParsedEvent]] = {
    "email": email.parse,
    "chat": chat.parse,
    "call": call.parse,
    "outcome": outcome.parse,
}

KNOWN_SCHEMAS: dict[str, frozenset[str]] = {
    "email": frozenset({"email.v1"}),
    "chat": frozenset({"chat.v1", "chat.v2"}),
    "call": frozenset({"call.v1"}),
    "outcome": frozenset({"outcome.v1"}),
}
"""Schema versions that this release can read; an event without one is read as the newest."""


def parse_event(event: RawEvent, limits: Limits) -> ParsedEvent | Rejection:
    """The utterances of an event, or its rejection. Never raises, whatever the bytes are."""
    try:
        return _parse(event, limits)
    except Rejection as rejection:
        return rejection
    except RecursionError:
        return Rejection(reasons.TOO_DEEP, "nested beyond the interpreter's stack")
    except Exception as error:  # noqa: BLE001  the last line of defence of a running stream
        return Rejection(reasons.PARSER_FAILED, f"{type(error).__name__} in parser {event.channel}")


def _parse(event: RawEvent, limits: Limits) -> ParsedEvent:
    if event.header("refused") == reasons.DECOMPRESSION_BOMB:
        # Its source would not unpack it: the payload is still packed, and nobody parses it.
        raise Rejection(reasons.DECOMPRESSION_BOMB, event.header("refused_detail")[:200])
    if event.size > limits.max_event_bytes:
        raise Rejection(
            reasons.TOO_LARGE, f"{event.size} bytes, the limit is {limits.max_event_bytes}"
        )
    if not event.data:
        raise Rejection(reasons.EMPTY, "no payload")
    schema = event.header("ce_dataschema")
    if schema and schema not in KNOWN_SCHEMAS[event.channel]:
        known = ", ".join(sorted(KNOWN_SCHEMAS[event.channel]))
        raise Rejection(reasons.SCHEMA_UNKNOWN, f"{schema[:60]!r}; known: {known}")
    limits.check_time(event.envelope_time(), event.ingested_at)
    parsed = PARSERS[event.channel](event, limits)
    for utterance in parsed.utterances:
        limits.check_time(utterance.sent_at, event.ingested_at)
    if parsed.closing is not None:
        limits.check_time(parsed.closing.at, event.ingested_at)
    if parsed.told is not None:
        limits.check_time(parsed.told.at, event.ingested_at)
    return parsed
