"""Checked access to the fields of a JSON payload: a missing or mistyped one is a rejection."""

import json
from datetime import datetime
from typing import Any

from deskwheel import reasons
from transforms.parse.model import Rejection, parse_time

_OPEN, _CLOSE = frozenset("[{"), frozenset("]}")
_RATINGS = range(1, 6)


def read_json(data: bytes, max_depth: int) -> dict[str, Any]:
    """A JSON object out of UTF-8 bytes.

    Depth is counted before parsing, so that hostile nesting costs one pass and no stack.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejection(reasons.UNDECODABLE, f"not UTF-8 at byte {error.start}") from None
    if _depth(text, max_depth) > max_depth:
        raise Rejection(reasons.TOO_DEEP, f"nested more than {max_depth} deep")
    try:
        value = json.loads(text)
    except ValueError as error:
        position = getattr(error, "pos", 0)
        raise Rejection(reasons.NOT_JSON, f"not JSON at character {position}") from None
    if not isinstance(value, dict):
        raise Rejection(reasons.NOT_JSON, f"a JSON {type(value).__name__}, not an object")
    return value


def _depth(text: str, limit: int) -> int:
    depth = deepest = 0
    is_string = is_escaped = False
    for character in text:
        if is_string:
            if is_escaped:
                is_escaped = False
            elif character == "\\":
                is_escaped = True
            elif character == '"':
                is_string = False
        elif character == '"':
            is_string = True
        elif character in _OPEN:
            depth += 1
            deepest = max(deepest, depth)
            if deepest > limit:
                break
        elif character in _CLOSE:
            depth -= 1
    return deepest


def text_field(value: dict[str, Any], name: str, *, required: bool = True) -> str:
    """A string field; absent or null gives the empty string where it is not required."""
    found = value.get(name)
    if found is None or found == "":
        if required:
            raise Rejection(reasons.FIELD_MISSING, name)
        return ""
    if not isinstance(found, str):
        raise Rejection(reasons.FIELD_INVALID, f"{name} is a {type(found).__name__}, not a string")
    if "\x00" in found:
        raise Rejection(reasons.FIELD_INVALID, f"{name} holds NUL")
    if any("\ud800" <= c <= "\udfff" for c in found):
        raise Rejection(reasons.FIELD_INVALID, f"{name} holds a lone surrogate")
    return found


def time_field(value: dict[str, Any], name: str) -> datetime:
    """An ISO 8601 field as UTC time."""
    found = parse_time(text_field(value, name))
    if found is None:
        raise Rejection(reasons.FIELD_INVALID, f"{name} is not ISO 8601")
    return found


def rating_field(value: dict[str, Any], name: str) -> int | None:
    """An optional whole number from 1 to 5."""
    found = value.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or found not in _RATINGS:
        raise Rejection(reasons.FIELD_INVALID, f"{name} must be 1 to 5")
    return found
