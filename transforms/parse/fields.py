"""Checked access to the fields of a JSON payload: a missing or mistyped one is a rejection."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from deskwheel import reasons
from deskwheel.strict_json import Flaw, read_object
from transforms.parse.model import Rejection, parse_time

_RATINGS = range(1, 6)


def read_json(data: bytes, max_depth: int) -> dict[str, Any]:
    """A JSON object out of UTF-8 bytes, whose texts and numbers can be stored."""
    value = read_object(data, max_depth)
    if isinstance(value, Flaw):
        raise Rejection(value.reason, value.detail)
    return value


def text_field(value: dict[str, Any], name: str, *, required: bool = True) -> str:
    """A string field; absent or null gives the empty string where it is not required."""
    found = value.get(name)
    if found is None or found == "":
        if required:
            raise Rejection(reasons.FIELD_MISSING, name)
        return ""
    if not isinstance(found, str):
        raise Rejection(reasons.FIELD_INVALID, f"{name} is a {type(found).__name__}, not a string")
    return found


def time_field(value: dict[str, Any], name: str) -> datetime:
    """An ISO 8601 field as UTC time."""
    found = parse_time(text_field(value, name))
    if found is None:
        raise Rejection(reasons.FIELD_INVALID, f"{name} is not ISO 8601")
    return found


def choice_field(value: dict[str, Any], name: str, choices: Collection[str]) -> str:
    """A string field that holds one of a few values."""
    found = text_field(value, name)
    if found not in choices:
        raise Rejection(
            reasons.FIELD_INVALID, f"{name} must be one of {', '.join(sorted(choices))}"
        )
    return found


def rating_field(value: dict[str, Any], name: str, *, required: bool = False) -> int | None:
    """A whole number from 1 to 5; JSON Schema counts 4.0 among the whole numbers."""
    found = value.get(name)
    if found is None:
        if required:
            raise Rejection(reasons.FIELD_MISSING, name)
        return None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if not is_number or found not in _RATINGS:
        raise Rejection(reasons.FIELD_INVALID, f"{name} must be 1 to 5")
    return int(found)
