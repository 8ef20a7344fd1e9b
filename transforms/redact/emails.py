"""Mail addresses: with an at sign, in words, without punctuation, and cut off behind the host."""

import re
from collections.abc import Iterator, Sequence

from transforms.redact.spans import KEPT, Span
from transforms.redact.view import View, has_any

_EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_CUT = re.compile(r"(?<![\w.+%@-])[a-z][\w.+%-]{1,63}@(?P<host>[a-z][\w-]{2,62})(?![\w@-]|\.\w)")
_IN_BRACKETS = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64} ?[\[({] ?(?:at|@|ät|arroba) ?[\])}] ?[\w-]{1,63}"
    r"(?: ?(?:[\[({] ?(?:dot|punkt|point|punto) ?[\])}]|\.) ?[\w-]{1,63}){1,4}"
)
_HOSTS = frozenset(
    "gmail googlemail hotmail yahoo outlook icloud gmx aol protonmail ymail rediffmail".split()
)
"""Hosts of many people, which are named without the end of their domain."""

_AT_HOST = re.compile(
    r"(?<![\w.+-])(?=[a-z+-]{0,40}[\d_]|[a-z]{2,20}\.[a-z]{2})[\w.+-]{2,64}"
    rf" ?(?:\bat\b|@|\barroba\b) ?(?:{'|'.join(sorted(_HOSTS))})\b"
    r"(?:[ .](?:com|net|org|de|fr|es|it|nl|co\.?uk)\b)?"
)
"""What stands before the host has a digit, a line or a dot: "kim_77 at gmail", not "look at"."""

_MAIL_HOST = re.compile(
    r"(?:g+[an]?m+a?i?n?l|yahoo|hotmail|outlook|icloud|rediffmail|verizon|comcast|protonmail"
    r"|ymail|aol|msn|att|[a-z]mail)"
    r"[ .]?(?:com|net|org|co ?uk)\b"
)
_MAIL_ENDS = ("com", "net", "org", "uk")
_LOOSE_LOCAL = re.compile(r"(?:(?:\b[a-z]\w{0,24} )?\d{1,4} )?(?:\b[a-z]{1,14} [a-z] )?\w{0,40}@?$")
_LOOSE_CHARS = 64


def find_emails(view: View, company_domains: Sequence[str]) -> Iterator[Span]:
    """Spans of addresses; those of the company's own domains stay."""
    lower = view.lower
    if "@" in lower:
        yield from _with_at_sign(lower, company_domains)
    if "[" in lower or "(" in lower or "{" in lower:
        yield from (Span(m.start(), m.end(), "EMAIL", 1) for m in _IN_BRACKETS.finditer(lower))
    if not view.words.isdisjoint(_HOSTS):
        yield from (Span(m.start(), m.end(), "EMAIL", 2) for m in _AT_HOST.finditer(lower))
    if has_any(lower, _MAIL_ENDS):
        yield from _without_punctuation(lower)


def _with_at_sign(lower: str, company_domains: Sequence[str]) -> Iterator[Span]:
    for match in _EMAIL.finditer(lower):
        is_own = match[0].rpartition("@")[2].rstrip(".") in company_domains
        yield Span(match.start(), match.end(), KEPT if is_own else "EMAIL", 1)
    own = {domain.partition(".")[0] for domain in company_domains}
    for match in _CUT.finditer(lower):
        if match["host"] not in own:
            yield Span(match.start(), match.end(), "EMAIL", 2)


def _without_punctuation(lower: str) -> Iterator[Span]:
    """As text is left where signs were stripped: "kim 77 gmailcom"."""
    for match in _MAIL_HOST.finditer(lower):
        left = lower[max(0, match.start() - _LOOSE_CHARS) : match.start()]
        local = _LOOSE_LOCAL.search(left)
        if local and local[0].strip():
            is_word = lower[match.start() - 1 : match.start()].isspace() or match.start() == 0
            if not is_word or any(c.isdigit() for c in local[0]):
                yield Span(match.start() - len(local[0]), match.end(), "EMAIL", 3)
