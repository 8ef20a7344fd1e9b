"""Personal data that has a form of its own: mail addresses, cards, numbers with check digits."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from transforms.redact.checksums import (
    IBAN_LENGTHS,
    is_card_number,
    is_iban_valid,
    is_ip_address,
)
from transforms.redact.cues import cue_before
from transforms.redact.emails import find_emails
from transforms.redact.spans import KEPT, THINGS, Span
from transforms.redact.view import View

_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?=[ -]?[a-z0-9]{4})")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\w-])")
_CARD_GROUPS = re.compile(
    r"(?<![\w-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{5})(?![\w-])"
)
_SSN = re.compile(r"(?<![\w-])(\d{3})([- .])(\d{2})\2(\d{4})(?![\w-])")
_PHONES = tuple(
    re.compile(rf"(?<![\w.@/-]){pattern}(?![\w@-]|[.,/:]\d)")
    for pattern in (
        # North America, with or without its country code. Source: NANPA.
        r"(?:(?:\+|00)?1[ .-]?|001-)?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?:x\d{1,5})?",
        # International. Source: ITU-T E.164, E.123.
        r"\+\d(?:[ .()/-]{0,2}\d){6,14}",
        r"00[1-9]\d{0,2}(?:[ .-]\(?\d{1,4}\)?){2,6}",
        # National with a trunk zero in two or more groups, nine to twelve digits.
        r"(?:\(?0\d{1,5}\)?[ ./-]{1,2}\d{5,8}"
        r"|\(?0\d{1,5}\)?[ ./-]{1,2}\d{2,5}(?:[ .-]\d{2,5}){1,4})",
        # Three groups of three; four of two.
        r"\d{3}[ .]\d{3}[ .]\d{3}",
        r"[1-9]\d-\d{2}-\d{2}-\d{2}",
        r"(?:1[ -]\d{10}|\d{3}[ -]\d{7})",
        # Two or three groups with their label behind.
        r"\d{3}[ .-]\d{2,4}(?:[ .-]\d{2,4})?(?= (?:office|fax|mobile|cell|home|work)\b)",
    )
)
_DIGIT = re.compile(r"\d")
_PHONE_RUN = re.compile(r"\d(?:[ .()/-]{0,3}\d){6,}")
"""Where a telephone number can be at all: eight patterns over a run cost less than over a text."""

_AROUND = 12
"""Characters around a run that a pattern may see: a plus, brackets, a label behind."""

_PHONE_DIGITS = range(7, 16)
_NATIONAL = (2, 3, 4)
_LEAST_NATIONAL_DIGITS = 9
_TOLL_FREE = re.compile(r"\+?1?[ .-]?\(?8(?:00|33|44|55|66|77|88)\b")
"""North American prefixes of companies' numbers. Source: NANPA, toll-free codes."""

_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
_IP6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}:[0-9a-f:]{2,36}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])")
_IP6_CHARS = 5
_SECRET_CHARS = 3
_POSTCODE_UK = re.compile(r"(?<![\w-])[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?![\w-])")
_SECRET = re.compile(
    r"\b(?:pass ?word|pass ?code|passwort|kennwort|contraseña|senha|wachtwoord|mot de passe"
    r"|pass ?phrase"
    r"|pwd|pw)(?: (?:that )?(?:i|we)(?:'ve)? \w{2,12}(?: \w{2,12})?(?= is ))?"
    r"(?: (?:is|was|ist|lautet|est|es|é)\b:?|\s?[:=])\s{0,2}(?P<v>[^\s,;<>]{3,64})"
)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|x|h|s|min|am|pm|ª|º|er|e)|v?\d+(?:\.\d+)+")
_SECRET_PAIR = re.compile(
    r"\b(?:pass ?word|pass ?code|pwd|pin|pass)\b(?: (?:is|was|number"
    r"|no))?:? (?P<v>[^\W\d_]\w{0,20} \d{1,8})\b"
)
_MIXED = r"(?=[^\s,;<>]{0,40}[\d_!$%&*#+=@^~])(?=[^\s,;<>]{0,40}[a-z])[\w!$%&*#+=@^~?.-]{4,40}"
_SECRET_BESIDE = re.compile(
    r"\b(?:pass ?word|pass ?code|passwort|kennwort|contraseña|clave|senha|wachtwoord|mot de passe"
    r"|pass ?phrase|pwd|pw|pass(?=[:=]))\b(?:'s)?(?: (?:that )?(?:i|we) \w{2,12}(?= is ))?"
    r"(?:[,:=]|(?: -| \u2013| to| as| be| set to| being))?"
    rf" \(?(?P<v>{_MIXED})(?![^\s,;.)?])"
)
"""A word with digits or signs in it right behind: "pw kimlee!88", "set my password to kim_88"."""

_SECRET_BEFORE = re.compile(
    rf"(?<![^\s\"'(])(?P<v>{_MIXED})[\"']? (?:as|is|was|for) (?:(?:my|the|a|our|its?) )?"
    r"(?:(?:new|old|current|first) )?(?:pass ?word|pass ?code|pass ?phrase|pwd|pw)\b"
)

_SECRET_WORDS = frozenset(
    "password pass passcode passphrase passwort kennwort contraseña clave senha wachtwoord passe"
    " pwd pw pin".split()
)
"""Words of which one is in whatever the four patterns match."""

_NO_SECRETS = frozenset(
    "not the a my is incorrect wrong invalid expired lost correct right working reset required too"
    " forgotten always now still in on for to no set never being also same and please what how"
    " this that it weak strong case being secure rejected blocked old of with has have wpa2 wpa3"
    " 2fa".split()
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the shapes must know besides the text."""

    company_domains: Sequence[str] = ()
    is_customer: bool = True
    """Toll-free numbers in an agent's words are the company's own."""


Finder = Callable[[View, Scope], Iterator[Span]]


def _emails(view: View, scope: Scope) -> Iterator[Span]:
    yield from find_emails(view, scope.company_domains)


def find_ibans(view: View, _scope: Scope) -> Iterator[Span]:
    """Account numbers of the length of their country that pass their check or are called so."""
    for match in _IBAN.finditer(view.lower):
        length = IBAN_LENGTHS.get(match[0][:2].upper())
        if length is None:
            continue
        end = _end_of(view.lower, match.start(), length)
        if end is None:
            continue
        is_named = cue_before(view.lower, match.start()) == "IBAN"
        if is_named or is_iban_valid(view.lower[match.start() : end]):
            yield Span(match.start(), end, "IBAN", 1)


def _end_of(text: str, start: int, length: int) -> int | None:
    """Where `length` letters and digits end that only single spaces and dashes interrupt."""
    at, left = start, length
    while left and at < len(text):
        c = text[at]
        if c.isascii() and c.isalnum():
            left -= 1
        elif c not in " -" or not text[at - 1].isalnum():
            return None
        at += 1
    is_whole = not left and not (at < len(text) and text[at].isalnum())
    return at if is_whole else None


def find_cards(view: View, _scope: Scope) -> Iterator[Span]:
    """Runs of 12 to 19 digits that are card numbers, or are called so."""
    lower = view.lower
    for match in _CARD_GROUPS.finditer(lower):
        is_other = cue_before(lower, match.start()) in _NOT_CARDS
        if is_card_number(match[0]) or (match[0][0] in "23456" and not is_other):
            yield Span(match.start(), match.end(), "CARD", 2)
    for match in _CARD.finditer(lower):
        yield from _cards_within(lower, match.start(), match.end())


_MOST_GROUPS = 6
_NOT_CARDS = THINGS | {"ACCOUNT", KEPT}


def _cards_within(lower: str, start: int, end: int) -> Iterator[Span]:
    cue = cue_before(lower, start)
    if cue == "CARD":
        yield Span(start, end, "CARD", 2)
        return
    if cue in _NOT_CARDS:
        return
    if is_card_number(lower[start:end]):
        yield Span(start, end, "CARD", 3)
        return
    # A number beside the card's own belongs to the run; look at the runs between spaces.
    if lower.count(" ", start, end) > _MOST_GROUPS:
        return
    edges = [start, *(m.end() for m in re.finditer(" ", lower[start:end])), end]
    edges = [e if i in (0, len(edges) - 1) else start + e for i, e in enumerate(edges)]
    for i, left in enumerate(edges[:-1]):
        for right in reversed(edges[i + 1 :]):
            if is_card_number(lower[left:right]):
                yield Span(left, len(lower[:right].rstrip()) if right < end else right, "CARD", 4)
                return


def find_ssns(view: View, _scope: Scope) -> Iterator[Span]:
    """US social security numbers; with dots or spaces only where they are called so."""
    for match in _SSN.finditer(view.lower):
        cue = cue_before(view.lower, match.start())
        is_plain = match[2] == "-" and cue not in THINGS and cue != KEPT
        if cue == "SSN" or is_plain:
            yield Span(match.start(), match.end(), "SSN", 2)


def find_phones(view: View, scope: Scope) -> Iterator[Span]:
    """Telephone numbers in the usual ways to write them; not a company's toll-free ones."""
    lower = view.lower
    for run in _PHONE_RUN.finditer(lower):
        yield from _phones_in(lower, run.start() - _AROUND, run.end() + _AROUND, scope)


def _phones_in(lower: str, left: int, right: int, scope: Scope) -> Iterator[Span]:
    for i, pattern in enumerate(_PHONES):
        for match in pattern.finditer(lower, max(0, left), right):
            start, end = match.span()
            count = len(_DIGIT.findall(match[0]))
            if count not in _PHONE_DIGITS or (i in _NATIONAL and count < _LEAST_NATIONAL_DIGITS):
                continue
            cue = cue_before(lower, start)
            if _TOLL_FREE.match(match[0]) and not scope.is_customer:
                yield Span(start, end, KEPT, 3)
            elif cue not in _NOT_PHONES:
                yield Span(start, end, "PHONE", 3)


_NOT_PHONES = THINGS | {"ACCOUNT", "CARD", "SSN", KEPT}


def find_ips(view: View, _scope: Scope) -> Iterator[Span]:
    """IP addresses, but no version numbers."""
    lower = view.lower
    for match in _IP4.finditer(lower):
        if is_ip_address(match[0]) and cue_before(lower, match.start()) != KEPT:
            yield Span(match.start(), match.end(), "IP", 2)
    if lower.count(":") > 1:
        for match in _IP6.finditer(lower):
            if match[0].count(":") > 1 and is_ip_address(match[0]) and len(match[0]) >= _IP6_CHARS:
                yield Span(match.start(), match.end(), "IP", 2)


def find_secrets(view: View, _scope: Scope) -> Iterator[Span]:
    """What follows "password is"."""
    lower = view.lower
    if view.words.isdisjoint(_SECRET_WORDS):
        return
    for match in _SECRET.finditer(lower):
        value = match["v"].rstrip(".!?")
        if value not in _NO_SECRETS and len(value) >= _SECRET_CHARS:
            yield Span(match.start("v"), match.start("v") + len(value), "PASSWORD", 1)
    for match in (*_SECRET_BESIDE.finditer(lower), *_SECRET_BEFORE.finditer(lower)):
        value = match["v"].rstrip(".!?")
        if value not in _NO_SECRETS and not value.isalpha() and not _ORDINAL.fullmatch(value):
            yield Span(match.start("v"), match.start("v") + len(value), "PASSWORD", 2)
    for match in _SECRET_PAIR.finditer(lower):
        if match["v"].split()[0] not in _NO_SECRETS:
            yield Span(match.start("v"), match.end("v"), "PASSWORD", 1)


def find_postcodes(view: View, _scope: Scope) -> Iterator[Span]:
    """British postcodes; others need a word that calls them so, or an address around them."""
    for match in _POSTCODE_UK.finditer(view.text):
        if cue_before(view.lower, match.start()) not in _NOT_CARDS:
            yield Span(match.start(), match.end(), "POSTCODE", 5)


_BY_DIGITS: tuple[tuple[int, Finder], ...] = (
    (0, _emails), (0, find_secrets), (2, find_postcodes), (3, find_ips), (7, find_phones),
    (9, find_ssns), (12, find_cards), (12, find_ibans),
)  # fmt: skip
"""Finders and the fewest digits that a text must hold to be worth them."""


def find_shapes(view: View, scope: Scope) -> Iterator[Span]:
    """Spans of every type that has a form, overlaps included."""
    for least, finder in _BY_DIGITS:
        if view.digits >= least:
            yield from finder(view, scope)
