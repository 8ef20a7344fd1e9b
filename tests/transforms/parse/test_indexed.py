from email import message_from_bytes, policy
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.parse.indexed import IndexedMessage, read_message

NAMES = st.sampled_from(("From", "to", "TO", "Subject", "X-A", "Content-Type"))
LINES = st.tuples(NAMES, st.text(alphabet="abc =?", max_size=6))
ASKED = ("from", "To", "SUBJECT", "x-a", "Content-type", "Absent")
PARAMETERS = ("charset", "Name", "name*", "format", "boundary", "a", "absent")


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


@pytest.mark.parametrize(
    "value",
    [
        "text/plain; charset=utf-8; format=flowed",
        "text/plain; NAME*0*=utf-8''a%20; name*1=b; A",
        'text/plain; name="a; charset=x"',
        "text/plain; charset",
        "; a=b",
        "",
        "text/plain; n\xe4me=a; name=\xe4",
    ],
)
def test_a_parameter_is_found_as_the_standard_message_finds_it(value: str) -> None:
    data = f"Content-Type: {value}\n\nbody".encode("latin-1")
    indexed, standard = read_message(data), message_from_bytes(data, policy=policy.compat32)
    for name in PARAMETERS:
        assert indexed.get_param(name) == standard.get_param(name)
        assert indexed.get_param(name, "none", unquote=False) == standard.get_param(
            name, "none", unquote=False
        )
    assert indexed.get_filename() == standard.get_filename()
    assert indexed.get_content_charset() == standard.get_content_charset()


def told(message: Message) -> list[object]:
    """All that a message says, part by part."""
    return [
        (
            part.items(),
            part.get_unixfrom(),
            part.get_content_type(),
            part.is_multipart() or part.get_payload(),
            part.is_multipart() or part.get_payload(decode=True),
            part.preamble,
            part.epilogue,
            [type(defect) for defect in part.defects],
        )
        for part in message.walk()
    ]


BODY = b"one\n\n> two \xe4\n\nFrom: x\n.\n"


@pytest.mark.parametrize(
    "data",
    [
        b"From: a\nTo: b\n\n" + BODY,
        b"From: a\r\nSubject: b\r\n c\r\n\r\n" + BODY.replace(b"\n", b"\r\n"),
        b"From: a\r\nTo: b\n\r\n" + BODY,
        b"From: a\r\rbody\r\n\r\nmore",
        b"From: a\n\nbody\rmore\n\n",
        b"From: a\n",
        b"From: a\n\n",
        b"",
        b"\n\n" + BODY,
        b"no header\n\n" + BODY,
        b"From: a\nno header\nTo: b\n\n" + BODY,
        b"From: a\n \n b\n\n" + BODY,
        b"From a@example.com Mon\nFrom: a\n\n" + BODY,
        b"From: a\nFrom a@example.com Mon\n\n" + BODY,
        b" folded\nFrom: a\n\n" + BODY,
        b": none\nFrom: a\n\n" + BODY,
        b"Message-ID: <a@b>\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n",
        b"Content-Type: text/html; charset=latin-1\nContent-Transfer-Encoding: 8bit\n\n" + BODY,
        b"Content-Type: text\nSubject: multipart/mixed\n\n" + BODY,
        b"Content-Type: message/rfc822\n\nFrom: a\n\n" + BODY,
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nX: 1\n\ntwo\n--b--\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + BODY + b"\n--b\n\n" + BODY + b"\n--b\n"
        b"Content-Type: multipart/alternative; boundary=c\n\n--c\n\n"
        + BODY
        + b"\n--c\n\n"
        + BODY
        + BODY
        + b"\n--c--\n\n"
        + BODY
        + b"\n--b--\n\n"
        + BODY,
        b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nX: 1\nY: 2\nZ: 3\n\none\n--b--\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n2\r--b\nX: 1\nY: 2\n\n3\n--b--\n",
        b"From: a\n\n\x000\n" + BODY,
        b"From: a\n\n" + BODY + b"-- \n\nRobin\nToy\nAcme\n",
        b"Content-Type: Multipart/Mixed\n\n--b\n\none\n",
        b"Content-Type: message/delivery-status\n\nA: b\n\nC: d\n",
    ],
)
def test_a_mail_is_read_as_the_standard_parser_reads_it(data: bytes) -> None:
    assert told(read_message(data)) == told(message_from_bytes(data, policy=policy.compat32))


@given(
    st.lists(
        st.sampled_from(
            [b"From: a", b"X-A:", b" b", b"", b" ", b"\xe4", b"a", b"From a", b":", b"\x0c", b"--b",
             b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/plain", b"--b--",
             b"Content-Type: multipart/digest; boundary=c", b"--c", b"--c--", b"\x000", b"\r",
             b"Content-Type: message/rfc822", b"one", b"two", b"three", b"-- "]
        ),
        max_size=25,
    ),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.binary(max_size=8),
)  # fmt: skip
def test_whatever_the_lines_are_a_mail_is_read_as_the_standard_parser_reads_it(
    lines: list[bytes], end: bytes, rest: bytes
) -> None:
    data = end.join(lines) + rest
    assert told(read_message(data)) == told(message_from_bytes(data, policy=policy.compat32))
