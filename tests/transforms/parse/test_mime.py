import base64
import gzip
import io
import zipfile
from email import message_from_bytes
from email.message import EmailMessage, Message

import pytest

from deskwheel import reasons
from transforms.parse.mime import Body, read_body
from transforms.parse.model import Rejection


def read(*parts: str | bytes, kind: str = "mixed") -> Body:
    """The body of a multipart mail of these parts, each with its headers."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    head = f"Content-Type: multipart/{kind}; boundary=b\r\n\r\n".encode()
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in raw) + b"--b--\r\n"
    return read_body(message_from_bytes(head + body))


def part(text: str, kind: str = "text/plain", *more: str) -> str:
    return "\r\n".join([f"Content-Type: {kind}", *more, "", text])


def attached(name: str, data: bytes, kind: str = "application/octet-stream") -> Message:
    message = EmailMessage()
    message.set_content("Hello")
    message.add_attachment(data, *kind.split("/"), filename=name)
    return message_from_bytes(message.as_bytes())


def archive(size: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("zeros", "w", force_zip64=True) as entry:
            for _ in range(size // 1_000_000):
                entry.write(bytes(1_000_000))
    return packed.getvalue()


def test_the_plain_alternative_wins() -> None:
    found = read(part("plain"), part("<p>page</p>", "text/html"), kind="alternative")
    assert found.text.strip() == "plain"


@pytest.mark.parametrize(
    "plain", ["", " \r\n\xa0", "This message requires an HTML viewer to be seen."]
)
def test_html_wins_over_a_plain_alternative_that_says_nothing(plain: str) -> None:
    found = read(
        part(plain, "text/plain; charset=utf-8"), part("<p>page</p>", "text/html"),
        kind="alternative",
    )  # fmt: skip
    assert (found.text, found.notes) == ("page", ["html"])


def test_mixed_parts_are_read_in_order_and_once() -> None:
    found = read(part("one"), part("<p>two</p>", "text/html"), part("<p>one</p>", "text/html"))
    assert found.text.split() == ["one", "two"]


def test_files_are_skipped_and_noted() -> None:
    found = read(
        part("own"),
        part("log", "text/plain; name=log.txt"),
        part("x", "text/plain", "Content-Disposition: attachment"),
        part("AAAA", "application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: base64"),
    )
    assert found.text.strip() == "own"
    assert found.notes == ["attachment", "attachment", "tnef"]


def test_an_attached_mail_is_read_only_where_there_is_nothing_else() -> None:
    inner = part("Subject: x\r\n\r\ninner words", "message/rfc822")
    assert read(part("own"), inner).text.strip() == "own"
    alone = read(inner)
    assert alone.text.strip() == "inner words"
    assert "attached_message" in alone.notes


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("utf-8", "utf-8"), ("iso-8859-1", "iso-8859-1"), ("iso-8859-1", "cp1252"),
        ("iso-8859-1", "utf-8"), ("us-ascii", "utf-8"), ("us-ascii", "cp1252"),
        ("x-unknown", "utf-8"), ("utf-8", "cp1252"), ("a\x00b", "cp1252"), ("punycode", "utf-8"),
        ("utf-16", "utf-16"), ("x-unknown", "utf-16"), ("utf-8", "utf-8-sig"),
    ],
)  # fmt: skip
def test_text_is_read_in_the_charset_it_has(charset: str, encoding: str) -> None:
    words = "Grüße \u2013 schön"
    raw = words.replace("\u2013", "-") if encoding == "iso-8859-1" else words
    encoded = base64.b64encode(raw.encode(encoding)).decode()
    found = read(
        part(encoded, f"text/plain; charset={charset}", "Content-Transfer-Encoding: base64")
    )
    assert found.text == raw


@pytest.mark.parametrize(
    ("charset", "words"), [("gb2312", "\u4f60\u597d\u9555"), ("big5", "\u4f60\u597d")]
)
def test_a_charset_is_read_as_its_senders_mean_it(charset: str, words: str) -> None:
    encoded = base64.b64encode(words.encode({"gb2312": "gbk"}.get(charset, charset))).decode()
    found = read(
        part(encoded, f"text/plain; charset={charset}", "Content-Transfer-Encoding: base64")
    )
    assert found.text == words


def test_paragraphs_that_were_wrapped_for_the_way_are_lines_again() -> None:
    wrapped = "The lamp \r\nis broken.\r\n\r\nNew \r\n> old \r\n> one\r\n-- \r\nRobin"
    found = read(part(wrapped, "text/plain; format=flowed"))
    assert found.text.strip() == "The lamp is broken.\n\nNew \n> old \n> one\n-- \nRobin"
    assert read(part("a \r\nb", "text/plain; format=flowed; delsp=yes")).text.strip() == "ab"
    assert read(part("a \r\nb")).text.strip() == "a \nb"


def test_a_page_s_own_charset_counts_where_its_part_names_none() -> None:
    page = '<meta charset="windows-1251"><p>Привет</p>'.encode("cp1251")
    assert read(b"Content-Type: text/html\r\n\r\n" + page).text == "Привет"


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.zip", archive(300_000_000)), ("a.dat", archive(300_000_000)),
     ("a.gz", gzip.compress(b"x") [:-4] + (2**31).to_bytes(4, "little"))],
    ids=["zip", "zip by its first bytes", "gzip"],
)  # fmt: skip
def test_an_archive_that_declares_too_much_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(Rejection) as refused:
        read_body(attached(name, data))
    assert refused.value.reason == reasons.DECOMPRESSION_BOMB


@pytest.mark.parametrize(
    "data", [archive(3_000_000), b"PK\x03\x04 and then nothing", b"", gzip.compress(b"x" * 1000)]
)
def test_other_archives_are_skipped(data: bytes) -> None:
    found = read_body(attached("a.zip", data, "application/zip"))
    assert (found.text.strip(), found.notes) == ("Hello", ["attachment"])


def test_of_many_parts_the_first_ones_are_read() -> None:
    found = read(*[part(f"part {i}") for i in range(500)])
    assert "part 150" in found.text
    assert "part 400" not in found.text
    assert "parts_capped" in found.notes
