"""Reason codes of rejected events: one name for code, table, dead-letter header, metric and page.

Rule ids of the validation suite live in `validate.suite`; they follow the same style.
"""

UNDECODABLE = "UNDECODABLE"
NOT_JSON = "NOT_JSON"
TOO_DEEP = "TOO_DEEP"
TOO_LARGE = "TOO_LARGE"
EMPTY = "EMPTY"
SCHEMA_UNKNOWN = "SCHEMA_UNKNOWN"
FIELD_MISSING = "FIELD_MISSING"
FIELD_INVALID = "FIELD_INVALID"
NO_HEADERS = "NO_HEADERS"
TRANSCRIPT_INVALID = "TRANSCRIPT_INVALID"
TIME_FUTURE = "TIME_FUTURE"
TIME_PAST = "TIME_PAST"
PARSER_FAILED = "PARSER_FAILED"
MACHINE_MAIL = "MACHINE_MAIL"
VOICEMAIL = "VOICEMAIL"
NO_WORDS = "NO_WORDS"
DUPLICATE_EVENT = "DUPLICATE_EVENT"
NUMBER_TOO_LARGE = "NUMBER_TOO_LARGE"
DECOMPRESSION_BOMB = "DECOMPRESSION_BOMB"
HEADER_INVALID = "HEADER_INVALID"
TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105  a code, not a token
SIGNATURE_INVALID = "SIGNATURE_INVALID"
SIGNATURE_EXPIRED = "SIGNATURE_EXPIRED"
WEBHOOK_REPLAYED = "WEBHOOK_REPLAYED"
RATE_LIMITED = "RATE_LIMITED"
BROKER_AWAY = "BROKER_AWAY"
OVERLOADED = "OVERLOADED"
MEDIA_TYPE_UNKNOWN = "MEDIA_TYPE_UNKNOWN"
ADDRESS_UNKNOWN = "ADDRESS_UNKNOWN"
REQUEST_BROKEN = "REQUEST_BROKEN"
GATEWAY_FAILED = "GATEWAY_FAILED"

MEANING: dict[str, str] = {
    UNDECODABLE: "The bytes are not text in the encoding they declare.",
    NOT_JSON: "The payload should be JSON and is not.",
    TOO_DEEP: "The JSON is nested more deeply than the parser allows.",
    TOO_LARGE: "The event is larger than `transforms.max_event_bytes`.",
    EMPTY: "The event has no payload, or nothing of it is left after cleaning.",
    SCHEMA_UNKNOWN: "The event declares a schema version that this release does not know.",
    FIELD_MISSING: "A required field is not there.",
    FIELD_INVALID: "A field has the wrong type or a value outside its range.",
    NO_HEADERS: "The mail has no header block, so sender and thread are unknown.",
    TRANSCRIPT_INVALID: "The transcript cannot be read, or its segments run backwards in time.",
    TIME_FUTURE: "The event is dated later than the broker received it, beyond the allowed slack.",
    TIME_PAST: "The event is dated before `transforms.earliest_event_time`.",
    PARSER_FAILED: "The parser failed in a way no other code names; please report it.",
    MACHINE_MAIL: "An auto-reply, bounce or newsletter: nobody asked anything.",
    VOICEMAIL: "A caller who reached a recorder: nobody answered.",
    NO_WORDS: "A sticker, an attachment, a join or the like in a chat: nothing was said.",
    DUPLICATE_EVENT: "An event with this id was accepted before.",
    NUMBER_TOO_LARGE: "A number does not fit 64 bits.",
    DECOMPRESSION_BOMB: "Something in the event expands beyond its limit when it is unpacked.",
    HEADER_INVALID: "A header's name or value cannot travel, as one with a line break.",
    TOKEN_INVALID: "The request bears no token of a tenant.",
    SIGNATURE_INVALID: "The signature does not belong to this body and secret.",
    SIGNATURE_EXPIRED: "The webhook was signed outside `gateway.replay_window_s`.",
    WEBHOOK_REPLAYED: "The same signed delivery was accepted before; nothing was published.",
    RATE_LIMITED: "The tenant sends more than `gateway.events_per_s`.",
    BROKER_AWAY: "No acknowledgement from the brokers in time; send it again.",
    OVERLOADED: "The gateway holds as many events or bytes as it may; send it again.",
    MEDIA_TYPE_UNKNOWN: "The Content-Type or Content-Encoding is none that is taken here.",
    ADDRESS_UNKNOWN: "There is nothing at this address, or not by this method.",
    REQUEST_BROKEN: "The request is no HTTP/1.1, too large a head, or did not arrive whole.",
    GATEWAY_FAILED: "The gateway failed in a way no other code names; please report it.",
}
"""What each code means, in a sentence for the console and docs/reference.md."""

AT_THE_DOOR: frozenset[str] = frozenset(
    {
        HEADER_INVALID,
        TOKEN_INVALID,
        SIGNATURE_INVALID,
        SIGNATURE_EXPIRED,
        WEBHOOK_REPLAYED,
        RATE_LIMITED,
        BROKER_AWAY,
        OVERLOADED,
        MEDIA_TYPE_UNKNOWN,
        ADDRESS_UNKNOWN,
        REQUEST_BROKEN,
        GATEWAY_FAILED,
    }
)
"""Codes that only the gateway answers with: what it turns away was never an event."""

NOT_MENDED: frozenset[str] = frozenset({DUPLICATE_EVENT, MACHINE_MAIL, VOICEMAIL, NO_WORDS})
"""Codes of events in which nothing is wrong; they are only not part of a dialogue."""

DEAD_LETTER: frozenset[str] = frozenset(MEANING) - NOT_MENDED - AT_THE_DOOR
"""Codes whose original bytes go to the dead-letter topic, because a person may mend them."""
