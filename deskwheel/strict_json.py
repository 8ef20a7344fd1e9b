"""A JSON object out of bytes, or the one thing that is wrong with them; the same on both sides.

The door (`ingest.contract`) and the stream (`transforms.parse`) read payloads with it, so neither
accepts what the other would reject. Never raises on bytes; time and memory are linear in them.
"""

import json
import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from deskwheel import reasons

MAX_DEPTH = 64
"""JSON nesting; source payloads nest three deep, the standard parser dies near 1,000."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {b: 1 if b in b"[{" else -1 for b in b"[]{}"}
_UNUSUAL_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LOW, _HIGH = -(2**63), 2**63 - 1
_INTEGER_CHARS = 20
"""Of the longest text of a 64-bit integer, its sign included."""


@dataclass(frozen=True)
class Flaw:
    """Why bytes are not a usable JSON object: a reason code and what was wrong.

    The detail names places and sizes, never text of the customer.
    """

    reason: str
    detail: str


class _Refused(Exception):  # noqa: N818  never leaves this module
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.flaw = Flaw(reason, detail)


def read_object(data: bytes, max_depth: int = MAX_DEPTH) -> dict[str, Any] | Flaw:
    """The JSON object in UTF-8 bytes, or its first flaw.

    Refused besides what is no JSON: NaN and Infinity, a name that appears twice in an object
    (RFC 8259 leaves open which one holds, RFC 7493 forbids it), integers beyond 64 bits and
    numbers beyond a double, NUL and lone surrogates, which neither Spark nor Arrow can store.
    Depth is counted before parsing, so that hostile nesting costs one pass and no stack.
    """
    try:
        return _read(data, max_depth)
    except _Refused as refused:
        return refused.flaw


def _read(data: bytes, max_depth: int) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Refused(reasons.UNDECODABLE, f"not UTF-8 at byte {error.start}") from None
    if _is_deeper(data, max_depth):
        raise _Refused(reasons.TOO_DEEP, f"nested more than {max_depth} deep")
    try:
        value = _DECODER.decode(text)
    except ValueError as error:
        position = getattr(error, "pos", 0)
        raise _Refused(reasons.NOT_JSON, f"not JSON at character {position}") from None
    if not isinstance(value, dict):
        raise _Refused(reasons.NOT_JSON, f"a JSON {type(value).__name__}, not an object")
    if _UNUSUAL_ESCAPE.search(text) and (name := _unstorable(value)) is not None:
        raise _Refused(reasons.FIELD_INVALID, f"{name} holds NUL or a lone surrogate")
    return value


def _is_deeper(data: bytes, limit: int) -> bool:
    if data.count(b"{") + data.count(b"[") <= limit:
        return False
    # Without a backslash every second piece lies outside of strings: ten times as fast.
    outside = _STRING.sub(b"", data) if b"\\" in data else b"".join(data.split(b'"')[::2])
    brackets = outside.translate(None, _ALL_BUT_BRACKETS)
    return any(map(limit.__lt__, accumulate(map(_STEP.__getitem__, brackets))))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused(reasons.FIELD_INVALID, "a name appears twice in one object")
    return found


def _integer(text: str) -> int:
    # Checked before int(): Python refuses 5,000 digits, and their cost grows with the square.
    if len(text) <= _INTEGER_CHARS and _LOW <= (found := int(text)) <= _HIGH:
        return found
    raise _Refused(reasons.NUMBER_TOO_LARGE, f"an integer of {len(text)} characters")


def _float(text: str) -> float:
    found = float(text)
    if found * 0.0 == 0.0:  # false for infinity alone; a comparison with it takes twice as long
        return found
    raise _Refused(reasons.NUMBER_TOO_LARGE, "a number beyond the range of a double")


def _constant(name: str) -> Any:
    raise _Refused(reasons.NOT_JSON, f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _unstorable(value: dict[str, Any]) -> str | None:
    """The top-level field that holds NUL or half a surrogate pair; None where there is none."""
    for place, (name, field) in enumerate(value.items()):
        if _UNSTORABLE.search(name):
            return f"the name of field {place}"
        if _holds_unstorable(field):
            return name
    return None


def _holds_unstorable(value: Any) -> bool:
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is not None
    if isinstance(value, list):
        return any(map(_holds_unstorable, value))
    if isinstance(value, dict):
        return any(map(_holds_unstorable, value)) or any(map(_holds_unstorable, value.values()))
    return False
