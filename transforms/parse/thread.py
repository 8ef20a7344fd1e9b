"""What a mail says about the thread it belongs to: ids, tickets, subject, and whether it replies.

Header names and tags are those that mail programs and help desks write; see `Links`.
"""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transforms.trim.lines import Lines
from transforms.trim.quote import mark_quotes

MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")

MOST_REFERENCES = 32
"""Ids of earlier mails that are kept: the thread's first and the newest."""

_LONGEST_SUBJECT = 400
_QUOTE_LINES = 200
"""Lines of a body in which a quote is looked for; one that begins later quotes little."""

_REPLY = (
    r"re|aw|antw|antwort|sv|vs|odp|res|rif|r|ynt|v[áa]|atb|bls|ref|hl|απ|σχετ|отв|ответ|на|"
    r"回复|回覆|答复|答覆|返信|회신|رد|השב|תשובה"
)
_FORWARD = r"fwd?|wg|vb|vl|tr|rv|enc|i|pd|ilt|i̇lt|doorst|fs|továbbítás|пересл|转发|轉寄|転送|전달"
_PREFIX = re.compile(
    rf"^(?:(?P<reply>{_REPLY})|(?P<forward>{_FORWARD}))\s?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\^\d{{1,3}})?"
    r"\s?[:：]\s*",
    re.IGNORECASE,
)
"""Marks of a reply or a forward at the start of a subject, in the languages of the common mail
programs. Source: Wikipedia, "List of email subject abbreviations"."""

_OUTSIDE = re.compile(
    r"^[\[(](?:ext|extern|external|externe|esterno|externo)[\])]\s*", re.IGNORECASE
)

_TICKET_WORD = (
    r"ticket|case|request|incident|issue|ref|reference|vorgang|fall|anfrage|demande|dossier|caso|"
    r"solicitud|pedido de suporte|chamado|richiesta|verzoek|zaak"
)
_TICKET_TAGS = (
    re.compile(
        rf"[\[(]\s?(?:{_TICKET_WORD})\s?(?:id|no|nr|number)?\.?\s?[:#-]{{0,2}}\s?"
        r"([a-z]{0,8}-?\d[\w-]{1,20})\s?[\])]",
        re.IGNORECASE,
    ),
    re.compile(r"\[\s?#\s?([a-z]{0,8}-?\d[\w-]{1,20})\s?\]", re.IGNORECASE),
    re.compile(r"\[(?!orders?\b|invoice|rechnung|bestell|commande|pedido|ordine|factu)"
               r"[^\[\]#]{1,30}\s#(\d{2,12})\]", re.IGNORECASE),
    re.compile(r"##(\d{2,12})##"),
    re.compile(r"\[([A-Z]{2,10}-\d{1,8})\]"),
    re.compile(r"\b(ref:[\w.!]{6,60}:ref)\b"),
)  # fmt: skip
"""Tags that help desks put into subjects: RT, Zendesk, Freshdesk, ServiceDesk, Jira, Salesforce."""

_TICKET_HEADERS = (
    "X-Ticket-ID", "X-Ticket-Number", "X-Ticket", "X-Case-ID", "X-Zendesk-Ticket-ID",
    "X-Freshdesk-Ticket-ID", "X-OTRS-TicketNumber", "X-RT-Ticket", "RT-Ticket",
)  # fmt: skip
_TICKET_VALUE = re.compile(r"#?\s?([\w-]{2,40})\s*$")

_THREAD_INDEX_BYTES = 22
"""Of Exchange's Thread-Index, the part that all mails of a conversation share.
Source: Microsoft, [MS-OXOMSG] section 2.2.1.3, PidTagConversationIndex."""


@dataclass(frozen=True)
class Links:
    """By what other mails a mail can be found, in clear; see `transforms.threads` for its keys."""

    own: str
    """Empty for an outcome, which is no mail but names some."""
    references: tuple[str, ...] = ()
    """Earlier mails of the thread, the nearest first."""
    tickets: tuple[str, ...] = ()
    subject: str = ""
    """Without marks of replies and tickets, in one case; empty where nothing is left."""
    is_reply: bool = False
    """It refers to a mail, its subject is marked as a reply's, or it quotes."""


def find_links(header: Callable[[str], str], own: str, body: str) -> Links:
    """The links of a mail.

    Args:
        header: A header's decoded value by its name, empty where there is none.
        own: The mail's Message-ID.
        body: Its text, quotes included.
    """
    references = _references(header, own)
    subject = header("Subject")[:_LONGEST_SUBJECT]
    bare, is_answer, is_forward = strip_prefixes(subject)
    return Links(
        own=own,
        references=references,
        tickets=_tickets(header, subject),
        subject=bare,
        is_reply=bool(references) or is_answer or (not is_forward and _quotes(body)),
    )


def strip_prefixes(subject: str) -> tuple[str, bool, bool]:
    """The subject as it was when the thread began, and whether it marks a reply or a forward.

    >>> strip_prefixes("AW: Re[2]: Where is  my parcel? [#4711]")
    ('where is my parcel?', True, False)
    """
    for tag in _TICKET_TAGS:
        subject = tag.sub(" ", subject)
    bare = " ".join(subject.split())
    is_answer = is_forward = False
    while True:
        bare = _OUTSIDE.sub("", bare)
        found = _PREFIX.match(bare)
        if found is None:
            return bare.casefold(), is_answer, is_forward
        is_answer = is_answer or found["reply"] is not None
        is_forward = is_forward or found["forward"] is not None
        bare = bare[found.end() :]


def _references(header: Callable[[str], str], own: str) -> tuple[str, ...]:
    parents = MESSAGE_ID.findall(header("In-Reply-To"))
    named = MESSAGE_ID.findall(header("References"))
    nearest_first = list(dict.fromkeys([*parents, *reversed(named)]))
    found = [name for name in nearest_first if name != own]
    if len(found) > MOST_REFERENCES:
        found = [*found[: MOST_REFERENCES - 1], found[-1]]
    return tuple(found)


def _tickets(header: Callable[[str], str], subject: str) -> tuple[str, ...]:
    found = [m[1] for name in _TICKET_HEADERS if (m := _TICKET_VALUE.search(header(name)[:200]))]
    found += [m[1] for tag in _TICKET_TAGS if (m := tag.search(subject))]
    tickets = [ticket.casefold() for ticket in found]
    if index := _thread_index(header("Thread-Index")[:200]):
        tickets.append(index)
    return tuple(dict.fromkeys(tickets))


def _thread_index(value: str) -> str:
    """The part of Exchange's thread index that stays the same in a conversation, in hex."""
    try:
        raw = base64.b64decode("".join(value.split()), validate=True)
    except ValueError:
        return ""
    return raw[:_THREAD_INDEX_BYTES].hex() if len(raw) >= _THREAD_INDEX_BYTES else ""


def _quotes(body: str) -> bool:
    lines = Lines(_first_lines(body))
    mark_quotes(lines)
    return "quote" in lines.kinds


def _first_lines(body: str) -> list[str]:
    found: Sequence[str] = body[:20_000].split("\n", _QUOTE_LINES)
    return list(found[:_QUOTE_LINES])
