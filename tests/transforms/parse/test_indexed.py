from email import message_from_bytes, policy

from hypothesis import given
from hypothesis import strategies as st

from transforms.parse.indexed import IndexedMessage

NAMES = st.sampled_from(("From", "to", "TO", "Subject", "X-A", "Content-Type"))
LINES = st.tuples(NAMES, st.text(alphabet="abc =?", max_size=6))
ASKED = ("from", "To", "SUBJECT", "x-a", "Content-type", "Absent")


@given(st.lists(LINES, max_size=12))
def test_a_header_is_found_as_the_standard_message_finds_it(lines: list[tuple[str, str]]) -> None:
    data = "".join(f"{name}: {value}\r\n" for name, value in lines).encode() + b"\r\nbody"
    indexed = message_from_bytes(data, _class=IndexedMessage, policy=policy.compat32)
    standard = message_from_bytes(data, policy=policy.compat32)
    for name in ASKED:
        assert indexed.get(name, "none") == standard.get(name, "none")
    assert indexed.get_content_type() == standard.get_content_type()


def test_parts_are_indexed_too() -> None:
    data = b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nX-A: 1\nx-a: 2\n\none\n--b--\n'
    whole = message_from_bytes(data, _class=IndexedMessage, policy=policy.compat32)
    (part,) = whole.get_payload()
    assert isinstance(part, IndexedMessage)
    assert part.get("x-A") == "1"
