import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel import reasons
from deskwheel.strict_json import MAX_DEPTH, Flaw, read_object


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


FLAWS: list[tuple[str, bytes, str]] = [
    ("bad UTF-8", b'{"a": "par\xff\xfecel"}', reasons.UNDECODABLE),
    ("half a surrogate pair in UTF-8", b'{"a": "\xed\xa0\x80"}', reasons.UNDECODABLE),
    ("1,100 levels", nested(1100), reasons.TOO_DEEP),
    ("one level too many", nested(MAX_DEPTH + 1), reasons.TOO_DEEP),
    ("lists and objects", b'{"a":[' * 40, reasons.TOO_DEEP),
    ("levels behind a string with a quote", rb'{"q": "\"", "a": ' + nested(70) + b"}",
     reasons.TOO_DEEP),
    ("levels that a string seems to close", b'{"a": ["' + b"]" * 99 + b'", ' + nested(70) + b"]}",
     reasons.TOO_DEEP),
    ("nothing", b"", reasons.NOT_JSON),
    ("a byte order mark", b"\xef\xbb\xbf{}", reasons.NOT_JSON),
    ("XML", b"<a/>", reasons.NOT_JSON),
    ("two objects", b"{} {}", reasons.NOT_JSON),
    ("a list", b"[1]", reasons.NOT_JSON),
    ("NUL as it is", b'{"a": "\x00"}', reasons.NOT_JSON),
    ("NaN", b'{"a": NaN}', reasons.NOT_JSON),
    ("minus infinity", b'{"a": -Infinity}', reasons.NOT_JSON),
    ("a name twice", b'{"a": 1, "b": {"c": 1, "c": 1}}', reasons.FIELD_INVALID),
    ("NUL", rb'{"a": "x\u0000y"}', reasons.FIELD_INVALID),
    ("NUL in a name", rb'{"a\u0000": 1}', reasons.FIELD_INVALID),
    ("half a surrogate pair", rb'{"a": [{"b": "\uD83D"}]}', reasons.FIELD_INVALID),
    ("the other half", rb'{"a": "\udE42 x"}', reasons.FIELD_INVALID),
    ("2^63", b'{"a": 9223372036854775808}', reasons.NUMBER_TOO_LARGE),
    ("-2^63 - 1", b'{"a": [-9223372036854775809]}', reasons.NUMBER_TOO_LARGE),
    ("5,000 digits", b'{"a": ' + b"9" * 5000 + b"}", reasons.NUMBER_TOO_LARGE),
    ("a float that overflows", b'{"a": 1e400}', reasons.NUMBER_TOO_LARGE),
    ("a float of 400 digits", b'{"a": -' + b"9" * 400 + b".0}", reasons.NUMBER_TOO_LARGE),
]  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), [f[1:] for f in FLAWS], ids=[f[0] for f in FLAWS])
def test_bytes_are_refused_for_their_first_flaw(data: bytes, reason: str) -> None:
    found = read_object(data)
    assert isinstance(found, Flaw)
    assert found.reason == reason
    assert (
        "x" not in found.detail.replace("nested more", "").replace("beyond", "").partition(" ")[0]
    )


GOOD: list[tuple[str, bytes, Any]] = [
    ("levels up to the limit", nested(3), {"a": {"a": {"a": 1}}}),
    ("brackets in a string", b'{"a": "' + b"[{" * 200 + b'"}', {"a": "[{" * 200}),
    ("brackets behind quotes", rb'{"a": "\"' + b"[" * 200 + b'"}', {"a": '"' + "[" * 200}),
    ("brackets side by side", b'{"a": [' + b"[]," * 200 + b"[]]}", {"a": [[]] * 201}),
    ("a whole surrogate pair", rb'{"a": "\ud83d\ude42"}', {"a": "\U0001f642"}),
    ("a backslash before u0000", rb'{"a": "\\u0000"}', {"a": "\\u0000"}),
    ("2^63 - 1", b'{"a": 9223372036854775807}', {"a": 2**63 - 1}),
    ("-2^63", b'{"a": -9223372036854775808}', {"a": -(2**63)}),
    ("the largest double", b'{"a": 1.7976931348623157e308}', {"a": 1.7976931348623157e308}),
    ("a float that underflows", b'{"a": -1e-400}', {"a": -0.0}),
]


@pytest.mark.parametrize(("data", "value"), [g[1:] for g in GOOD], ids=[g[0] for g in GOOD])
def test_what_only_looks_dangerous_is_read(data: bytes, value: Any) -> None:
    assert read_object(data) == value


def test_the_limit_of_depth_is_an_argument() -> None:
    assert read_object(nested(5), 5) == json.loads(nested(5))
    assert isinstance(read_object(nested(6), 5), Flaw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)  # fmt: skip


def is_storable(value: Any) -> bool:
    return "\\u0000" not in json.dumps(value)


@given(value=st.dictionaries(st.text(max_size=5), JSON).filter(is_storable))
def test_storable_json_is_read_as_the_standard_library_reads_it(value: dict[str, Any]) -> None:
    for is_ascii in (True, False):
        assert read_object(json.dumps(value, ensure_ascii=is_ascii).encode()) == value


def depth_of(text: str) -> int:
    """The depth by the book, a character at a time."""
    depth = deepest = 0
    is_string = is_escaped = False
    for c in text:
        if is_escaped:
            is_escaped = False
        elif c == "\\" and is_string:
            is_escaped = True
        elif c == '"':
            is_string = not is_string
        elif not is_string and c in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif not is_string and c in "]}":
            depth -= 1
    return deepest


@given(text=st.text(alphabet='[]{}"\\a,', max_size=40), limit=st.integers(0, 6))
def test_depth_is_counted_as_by_the_book(text: str, limit: int) -> None:
    found = read_object(text.encode(), limit)
    is_deep = isinstance(found, Flaw) and found.reason == reasons.TOO_DEEP
    if is_escaping_only_in_strings(text):
        assert is_deep == (depth_of(text) > limit)


def is_escaping_only_in_strings(text: str) -> bool:
    is_string = is_escaped = False
    for c in text:
        if is_escaped:
            is_escaped = False
        elif c == "\\":
            if not is_string:
                return False
            is_escaped = True
        elif c == '"':
            is_string = not is_string
    return True


@given(data=st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    found = read_object(data)
    assert isinstance(found, dict) or found.reason in reasons.MEANING


SIZE = 400_000
HOSTILE = {
    "brackets": b"[" * SIZE,
    "brackets closed": b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
    "pairs": b"{}" * (SIZE // 2),
    "quotes": b'"' * SIZE,
    "escaped quotes": b'{"a": "' + b'\\"' * (SIZE // 2),
    "backslashes and brackets": b'{"a": "' + b"\\" * SIZE + b"[" * 100,
    "digits": b'{"a": ' + b"9" * SIZE + b"}",
    "a float's digits": b'{"a": 0.' + b"9" * SIZE + b"}",
    "escapes": b'{"a": "' + b"\\u0000" * (SIZE // 6) + b'"}',
    "names": b"{" + b",".join(b'"%d":1' % n for n in range(SIZE // 10)) + b"}",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=list(HOSTILE))
def test_cost_grows_with_size_and_not_with_its_square(data: bytes) -> None:
    """Twice the bytes take about twice the time; four times would be the square."""

    def seconds(piece: bytes) -> float:
        best = 9.0
        for _ in range(3):
            started = time.perf_counter()
            read_object(piece)
            best = min(best, time.perf_counter() - started)
        return best

    quarter = seconds(data[: len(data) // 4])
    assert seconds(data) < max(quarter, 0.002) * 12
