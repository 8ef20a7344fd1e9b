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
DUPLICATE_EVENT = "DUPLICATE_EVENT"

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
    DUPLICATE_EVENT: "An event with this id was accepted before.",
}
"""What each code means, in a sentence for the console and docs/operations.md."""

DEAD_LETTER: frozenset[str] = frozenset(MEANING) - {DUPLICATE_EVENT, MACHINE_MAIL}
"""Codes whose original bytes go to the dead-letter topic, because a person may mend them."""
