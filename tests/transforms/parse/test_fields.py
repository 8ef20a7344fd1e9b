import pytest

from deskwheel import reasons
from transforms.parse.fields import rating_field, read_json, text_field, time_field
from transforms.parse.model import Rejection


def reason_of(*arguments: object, of: object, **named: object) -> str:
    with pytest.raises(Rejection) as caught:
        of(*arguments, **named)  # type: ignore[operator]
    return caught.value.reason


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def test_depth_is_allowed_up_to_the_limit() -> None:
    assert read_json(nested(5), 5) == {"a": {"a": {"a": {"a": {"a": 1}}}}}
    assert reason_of(nested(6), 5, of=read_json) == reasons.TOO_DEEP


def test_brackets_inside_a_string_are_not_nesting() -> None:
    assert read_json(b'{"a": "[[[[ \\" [[["}', 1) == {"a": '[[[[ " [[['}


def test_brackets_side_by_side_are_not_nesting() -> None:
    assert read_json(b'{"a": [[], [], []]}', 3) == {"a": [[], [], []]}


@pytest.mark.parametrize("value", [{}, {"x": None}, {"x": ""}])
def test_an_absent_text_is_missing_only_where_it_is_required(value: dict[str, object]) -> None:
    assert reason_of(value, "x", of=text_field) == reasons.FIELD_MISSING
    assert text_field(value, "x", required=False) == ""


@pytest.mark.parametrize("found", [1, True, [], {}, "a\x00", "\udc00"])
def test_a_text_that_is_none_is_invalid_even_where_it_is_optional(found: object) -> None:
    assert reason_of({"x": found}, "x", of=text_field, required=False) == reasons.FIELD_INVALID


def test_a_whole_surrogate_pair_is_a_text() -> None:
    assert text_field(read_json(b'{"x": "\\ud83d\\ude42"}', 5), "x") == "\U0001f642"


def test_a_time_field_is_checked() -> None:
    assert time_field({"x": "2026-03-02"}, "x").isoformat() == "2026-03-02T00:00:00+00:00"
    assert reason_of({"x": "noon"}, "x", of=time_field) == reasons.FIELD_INVALID


@pytest.mark.parametrize("found", [0, 6, 4.0, "4", True, [4]])
def test_a_rating_is_a_whole_number_from_1_to_5(found: object) -> None:
    assert reason_of({"x": found}, "x", of=rating_field) == reasons.FIELD_INVALID


@pytest.mark.parametrize("found", [1, 5, None])
def test_a_rating_may_be_absent(found: int | None) -> None:
    assert rating_field({"x": found}, "x") == found
