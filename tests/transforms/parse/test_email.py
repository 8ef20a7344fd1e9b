import pytest

from tests.transforms.toys import LIMITS, NOW, mail, raw
from transforms.parse import parse_event
from transforms.parse.model import ParsedEvent, RawEvent

ALTERNATIVE = b"""From: Robin Toy <robin@example.com>\r
Message-ID: <1@example.com>\r
Date: Mon, 02 Mar 2026 11:00:00 +0000\r
Content-Type: multipart/alternative; boundary=b\r
\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<p>From HTML</p>\r
--b\r
Content-Type: text/plain; charset=%s\r
Content-Transfer-Encoding: quoted-printable\r
\r
From pl=E4in\r
--b\r
Content-Type: text/plain\r
Content-Disposition: attachment; filename=log.txt\r
\r
From a log file\r
--b--\r
"""


def parsed(event: RawEvent) -> ParsedEvent:
    found = parse_event(event, LIMITS)
    assert isinstance(found, ParsedEvent), found
    return found


def body(event: RawEvent) -> str:
    return parsed(event).utterances[0].text


def test_a_customer_s_mail_is_one_utterance() -> None:
    found = parsed(mail())
    (said,) = found.utterances
    assert (said.role, said.text.strip(), said.sent_at.hour) == (
        "customer", "Where is my parcel?", 11,
    )  # fmt: skip
    assert (found.event_id, found.customer_id) == ("<1@example.com>", "robin@example.com")
    assert "Robin Toy" in found.known_names


def test_a_mail_of_the_company_is_an_agent_s_and_names_the_customer_it_goes_to() -> None:
    found = parsed(
        mail(From="Support <Support@ACME.example>", To="Robin Toy <Robin@example.com>",
             X_Ticket_Status="Solved")
    )  # fmt: skip
    (said,) = found.utterances
    assert (said.role, said.agent_id, said.status) == ("agent", "support@acme.example", "solved")
    assert found.customer_id == "robin@example.com"
    assert found.known_names == ("Robin Toy",)


@pytest.mark.parametrize("domain", ["notacme.example", "acme.example.com", "mail.acme.example"])
def test_only_the_company_s_very_domain_makes_an_agent(domain: str) -> None:
    assert parsed(mail(From=f"x@{domain}")).utterances[0].role == "customer"


def test_a_thread_is_one_conversation() -> None:
    first = mail(Message_ID="<1@example.com>")
    answer = mail(Message_ID="<2@acme.example>", In_Reply_To="<1@example.com>")
    third = mail(Message_ID="<3@example.com>", References="<1@example.com> <2@acme.example>",
                 In_Reply_To="<2@acme.example>")  # fmt: skip
    other = mail(Message_ID="<9@example.com>")
    ids = [parsed(event).conversation_id for event in (first, answer, third, other)]
    assert ids[0] == ids[1] == ids[2] != ids[3]


def test_the_plain_part_wins_over_html_and_attachments() -> None:
    assert body(raw("email", ALTERNATIVE % b"iso-8859-1")).strip() == "From pläin"


@pytest.mark.parametrize("charset", [b"x-unknown", b"utf-8", b"undefined", b"a\x00b"])
def test_a_charset_that_is_wrong_is_guessed(charset: bytes) -> None:
    assert body(raw("email", ALTERNATIVE % charset)).strip() == "From pläin"


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape"])
def test_a_charset_that_yields_half_a_character_leaves_text_that_can_be_stored(
    charset: str,
) -> None:
    text = {"utf-7": "Hello +2AA- there", "unicode_escape": r"Hello \ud800 there"}[charset]
    found = body(mail(text, Content_Type=f"text/plain; charset={charset}"))
    assert found.encode("utf-8").strip() == b"Hello ? there"


def test_html_becomes_text_without_scripts_and_with_its_lines() -> None:
    page = "<style>p{}</style><p>One&nbsp;&amp; two</p><p>three<br>four</p><script>x()</script>"
    found = body(mail(page, Content_Type="text/html; charset=utf-8"))
    assert [line.replace("\xa0", " ") for line in found.split("\n") if line.strip()] == [
        "One & two", "three", "four",
    ]  # fmt: skip


def test_encoded_words_in_headers_are_read() -> None:
    found = parsed(mail(From="=?utf-8?q?J=C3=BCrgen_Toy?= <j@example.com>"))
    assert "Jürgen Toy" in found.known_names


def test_a_date_that_cannot_be_read_is_the_envelope_s() -> None:
    for date in ("", "soon", "Fri, 31 Dec 9999 23:59:59 -1200"):
        assert parsed(mail(Date=date)).utterances[0].sent_at == NOW


def test_a_reply_to_a_person_is_no_machine_s() -> None:
    assert parsed(mail(Auto_Submitted="no", Subject="Re: A question")).utterances
