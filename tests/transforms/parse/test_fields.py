import pytest

from deskwheel import reasons
from transforms.parse.fields import choice_field, rating_field, read_json, text_field, time_field
from transforms.parse.model import Rejection


def reason_of(*arguments: object, of: object, **named: object) -> str:
    with pytest.raises(Rejection) as caught:
        of(*arguments, **named)  # type: ignore[operator]
    return caught.value.reason


def test_what_is_wrong_with_the_bytes_is_a_rejection() -> None:
    assert read_json(b'{"a": 1}', 1) == {"a": 1}
    assert reason_of(b'{"a": {"b": 1}}', 1, of=read_json) == reasons.TOO_DEEP


@pytest.mark.parametrize("value", [{}, {"x": None}, {"x": ""}])
def test_an_absent_text_is_missing_only_where_it_is_required(value: dict[str, object]) -> None:
    assert reason_of(value, "x", of=text_field) == reasons.FIELD_MISSING
    assert text_field(value, "x", required=False) == ""


@pytest.mark.parametrize("found", [1, True, [], {}])
def test_a_text_that_is_none_is_invalid_even_where_it_is_optional(found: object) -> None:
    assert reason_of({"x": found}, "x", of=text_field, required=False) == reasons.FIELD_INVALID


def test_a_whole_surrogate_pair_is_a_text() -> None:
    assert text_field(read_json(b'{"x": "\\ud83d\\ude42"}', 5), "x") == "\U0001f642"


def test_a_time_field_is_checked() -> None:
    assert time_field({"x": "2026-03-02"}, "x").isoformat() == "2026-03-02T00:00:00+00:00"
    assert reason_of({"x": "noon"}, "x", of=time_field) == reasons.FIELD_INVALID


@pytest.mark.parametrize("found", [0, 6, 4.5, "4", True, [4]])
def test_a_rating_is_a_whole_number_from_1_to_5(found: object) -> None:
    assert reason_of({"x": found}, "x", of=rating_field) == reasons.FIELD_INVALID


@pytest.mark.parametrize(("found", "rating"), [(1, 1), (5, 5), (4.0, 4), (None, None)])
def test_a_rating_may_be_absent(found: float | None, rating: int | None) -> None:
    assert repr(rating_field({"x": found}, "x")) == repr(rating)
    if found is None:
        assert reason_of({}, "x", of=rating_field, required=True) == reasons.FIELD_MISSING


def test_a_choice_is_one_of_the_given() -> None:
    assert choice_field({"x": "up"}, "x", ("up", "down")) == "up"
    assert reason_of({"x": "left"}, "x", ("up", "down"), of=choice_field) == reasons.FIELD_INVALID
