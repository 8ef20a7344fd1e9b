"""Numbers that only context makes personal: "ssn 5632", or "6980" as the answer to a question."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from transforms.redact.addresses import STATES
from transforms.redact.answers import answer_range
from transforms.redact.checksums import is_card_number
from transforms.redact.cues import CUES, cue_after, cue_before, is_last_four
from transforms.redact.dates import find_dates
from transforms.redact.spans import KEPT, SUM, THINGS, Span
from transforms.redact.spoken import NUMBER_WORDS, SpokenNumber, spoken_emails, spoken_numbers
from transforms.redact.view import View
from transforms.redact.words import COMMON_WORDS, FIRST_NAMES

_TOKEN = re.compile(r"(?<![^\s<>,;!?()\"\[\]])[^\s<>,;!?()\"\[\]\d]{0,63}\d[^\s<>,;!?()\"\[\]]*")
"""A run without spaces that holds a digit. Looking for the digit first costs a third."""

_TOKEN_CHARS = 64
"""Longer runs without a space are no number of a person."""

_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"[\d./#+-]*")
_MONEY = "$€£¥%"
_UNITS = frozenset(
    "dollar dollars usd eur euro euros gbp pound pounds bucks cents rupees rs inr % percent items"
    " item units unit pieces days day"
    " hours hour minutes minute mins min weeks week months month years year times gb mb tb kb kg"
    " g lb lbs km miles mi cm mm inch"
    " inches cc am pm cal stars points miles people persons passengers pages mbps watts volts"
    " degrees keyboards".split()
)
_LETTERED = re.compile(r"(?!1z)[a-z]{1,3}-?\d{6,12}")
"""An account number with its letters in front, as an answer; forms of orders are told before."""

_CODE = re.compile(r"#?(?=[\w./-]*\d)[\w./-]{3,40}")
_SCIENTIFIC = re.compile(r"(?<![\w.])\d[.,]?\d{2,5} ?e ?\+?(?:1\d|20)(?!\w)")
"""A long number as a spreadsheet shows it when it is copied: 6.57E+15."""

_LEAST_DIGITS = {"PHONE": 7, "CARD": 3, "POSTCODE": 3, "PASSWORD": 3, "ACCOUNT": 3, "SSN": 3}
ASK_ORDER = (
    "SSN_LAST4", "SSN", "CARD", "IBAN", "ACCOUNT", "PHONE", "POSTCODE", "PASSWORD", "USERNAME",
    "LICENSE", "PASSPORT", "ORDER", "INVOICE", "TRACKING", "TICKET", "BOOKING", "CLAIM", "POLICY",
    "REFERENCE", "DOB",
)  # fmt: skip
_WITH_LETTERS = frozenset({"PASSWORD", "USERNAME", "LICENSE", "PASSPORT", "ACCOUNT", "IBAN"})
_STATES = frozenset(STATES)
_WORDS_TOO = frozenset("al co de hi id in la ma me mi ms ne oh ok or pa va".split())
"""States whose letters are a word: "ok 48213" is no place."""

_SHORT_BEFORE = re.compile(r"(?<![\w'])([^\W\d_]{1,3}) $")
_PLACE_BEFORE = re.compile(r"(?<![\w'])([^\W\d_]{3,20}),? [a-z]{2} $")
_GROUPS = re.compile(r"(?: ?- ?\d{2,7}|[ .]\d{2,7}){1,5}(?![\w-]|[.,]\d)")
_YEAR_BEFORE = re.compile(
    r"\b(?:in|of|im|en|em|nel|seit|depuis|desde|dal|sinds|until|by|from|year|before|after) $"
)
_YEARS = range(1940, 2040)
_RECENT = range(15, 30)
"""Two-digit years in which a date in one run of six digits is taken for one of a purchase."""
_SSN_DIGITS = 9
_ID_DIGITS = range(8, 16)
"""National identity numbers, the check letter apart: eight in Spain, thirteen or more in France."""

_PHONE_DIGITS = range(7, 16)
_CARD_DIGITS = range(12, 20)
_SPOKEN_PHONE_DIGITS = 10
_ANSWER_DIGITS = 4
_ABOUT_FOUR = (3, 4, 5)
"""Digits of "the last four", as people count."""

_QUANTITY_DIGITS = 5
_DATE_DIGITS = (6, 8)
_DAYS, _MONTHS = range(1, 32), range(1, 13)
_ANSWER_WORDS = 5
_SUM_DIGITS = 7
_THING_FORM = re.compile(
    r"(?:ord|order|inv|tkt|ticket|case|ref|po|rma|clm|pol|bkg)[-_#]?\d[\w-]{2,30}|1z[0-9a-z]{16}"
)
_THING_PREFIX = {
    "ord": "ORDER", "po": "ORDER", "inv": "INVOICE", "tkt": "TICKET", "tic": "TICKET",
    "cas": "TICKET", "ref": "REFERENCE", "rma": "REFERENCE", "clm": "CLAIM", "pol": "POLICY",
    "bkg": "BOOKING", "1z": "TRACKING",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known about where a number stands."""

    asked: frozenset[str] = frozenset()
    """Types that the agent has just asked for."""
    is_answer_masked: bool = True
    """Whether a message that is nothing but a number is masked without a question (customers)."""


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str

    @property
    def digits(self) -> int:
        return len(_DIGIT.findall(self.text))

    @property
    def is_number(self) -> bool:
        return _NUMBER.fullmatch(self.text) is not None


def find_numbers(view: View, expected: Expected) -> Iterator[Span]:
    """Typed spans of numbers in digits and in words, dates of birth, and ids of things."""
    lower = view.lower
    if view.digits:
        yield from find_dates(
            lower, asked=expected.asked, is_answer_masked=expected.is_answer_masked
        )
        yield from _written(view, expected)
    if "dot" in view.words:
        yield from (Span(start, end, "EMAIL", 2) for start, end in spoken_emails(lower))
    if not NUMBER_WORDS.isdisjoint(view.words):
        yield from _spoken(lower, expected)


def _written(view: View, expected: Expected) -> Iterator[Span]:
    lower = view.lower
    tokens = [
        _trimmed(m)
        for m in _TOKEN.finditer(lower)
        if len(m[0]) <= _TOKEN_CHARS and "@" not in m[0] and "://" not in m[0]
    ]
    is_answer = _is_answer(lower, tokens, expected)
    if is_answer or expected.asked:
        yield from (Span(m.start(), m.end(), "NUMBER", 3) for m in _SCIENTIFIC.finditer(lower))
    last: Span | None = None
    for token in tokens:
        kind = _type_of(view, token, expected, last, is_answer=is_answer)
        if kind is None:
            last = None
            continue
        span = Span(token.start, token.end, kind, 4)
        if last and last.type == kind and lower[last.end : token.start] in (" ", "-", " - "):
            span = Span(last.start, token.end, kind, 4 if kind != KEPT else 6)
        last = span
        yield span


def _trimmed(match: re.Match[str]) -> _Token:
    raw = match[0].rstrip(".:'*-/")
    text = raw.lstrip("#'*:=-.")
    start = match.start() + len(raw) - len(text)
    for sign in (":", "=", "#"):
        head, found, value = text.rpartition(sign)
        if found and _DIGIT.search(value) and not _DIGIT.search(head):
            return _Token(start + len(text) - len(value), start + len(text), value)
    return _Token(start, start + len(text), text)


def _type_of(
    view: View, token: _Token, expected: Expected, last: Span | None, *, is_answer: bool
) -> str | None:
    """The type of a number by its neighbours, the run it belongs to, the question, the message."""
    lower = view.lower
    if _is_quantity(lower, token):
        return None
    cue = _cue_of(lower, token)
    if last and cue in (None, last.type) and token.is_number and last.type != KEPT:
        if lower[last.end : token.start] in (" ", "-"):
            return last.type
    if cue == KEPT or (cue == SUM and token.digits <= _SUM_DIGITS):
        return None if token.digits < _ANSWER_DIGITS else KEPT
    if cue not in (None, SUM):
        return _fitted(lower, token, str(cue))
    if expected.asked:
        return _answered(token, expected) or _answered(_run_from(lower, token), expected)
    return _suspected(view, token, is_answer=is_answer)


def _cue_of(lower: str, token: _Token) -> str | None:
    """The type that words before, the form of an id, or words behind give to a number."""
    cue = cue_before(lower, token.start)
    if cue is None and (match := _THING_FORM.fullmatch(token.text)):
        cue = _THING_PREFIX.get(match[0][:3]) or _THING_PREFIX.get(match[0][:2])
    return cue or cue_after(lower, token.end)


def _suspected(view: View, token: _Token, *, is_answer: bool) -> str | None:
    """NUMBER or POSTCODE for a number that nobody calls anything, where it looks like an answer."""
    if is_last_four(view.lower, token.start) and token.is_number and token.digits in _ABOUT_FOUR:
        return "NUMBER"
    if not is_answer:
        return None
    if _is_bare(token):
        return _beside_word(view, token)
    run = _run_from(view.lower, token)
    if run is token:
        return None
    is_number = run.digits in _PHONE_DIGITS and _is_bare(run) and not _is_date_run(token.text)
    # Sizes and sums have groups of two and three, too: "38 40 42 44", "12 345 678".
    is_list = not run.text.startswith("0") and len(token.text) < _ABOUT_FOUR[0]
    return _beside_word(view, run) if is_number and not is_list else None


def _run_from(lower: str, token: _Token) -> _Token:
    """The number with the groups that follow it: "555 0199", "07 11 22 33"; else the token."""
    rest = _GROUPS.match(lower, token.end) if token.is_number else None
    if rest is None or any(_is_date_run(group) for group in re.findall(r"\d+", rest[0])):
        return token
    return _Token(token.start, rest.end(), re.sub(r"\D", "", token.text + rest[0]))


def _beside_word(view: View, token: _Token) -> str | None:
    """The type of a bare number by its neighbour: none beside one to three letters of a code."""
    lower = view.lower
    before = _SHORT_BEFORE.search(lower[max(0, token.start - 5) : token.start])
    after = re.match(r" [a-hj-z](?!\w)", lower[token.end : token.end + 3])
    if before and token.digits in (5, 6) and _is_state(view, before[1], token.start):
        return "POSTCODE"
    is_word = (
        before is None
        or before[1] in FIRST_NAMES
        or before[1] in _WORDS_TOO
        or (len(before[1]) > 1 and before[1] in COMMON_WORDS)
    )
    return "NUMBER" if is_word and after is None else None


def _is_state(view: View, word: str, end: int) -> bool:
    """Whether the word before `end` is a state.

    One that is a word of a language counts only in capitals or behind the name of a place.
    """
    if word not in _STATES:
        return False
    if word not in _WORDS_TOO or view.text[end - 3 : end - 1].isupper():
        return True
    place = _PLACE_BEFORE.search(view.lower[max(0, end - 30) : end])
    return place is not None and place[1] not in COMMON_WORDS and place[1] not in FIRST_NAMES


def is_content(lower: str, start: int, end: int) -> bool:
    """Whether a number is a sum, a quantity, a time or a year where it stands."""
    token = _Token(start, end, lower[start:end])
    if _is_quantity(lower, token):
        return True
    if token.digits <= _SUM_DIGITS and cue_before(lower, start) in (KEPT, SUM):
        return True
    if _is_round(token.text):
        return True
    is_year = token.text.isdecimal() and int(token.text) in _YEARS
    return is_year and _YEAR_BEFORE.search(lower[max(0, start - 8) : start]) is not None


def _is_quantity(lower: str, token: _Token) -> bool:
    if token.start and lower[token.start - 1] in _MONEY:
        return True
    after = lower[token.end : token.end + 14].split(None, 1)
    is_unit = bool(after) and after[0].strip(".,;!?") in _UNITS
    is_time = ":" in token.text or token.text.endswith(("am", "pm", "th", "st", "nd", "rd"))
    return is_time or (is_unit and token.digits <= _QUANTITY_DIGITS)


def _fitted(lower: str, token: _Token, cue: str) -> str | None:
    """The cue's type where the number can be that, else None."""
    if cue in THINGS:
        return cue if _CODE.fullmatch(token.text) else None
    if not token.is_number and cue not in _WITH_LETTERS:
        return None
    if cue == "DOB":
        return cue if token.digits in _DATE_DIGITS else None
    if cue == "SSN" and token.digits < _SSN_DIGITS:
        return "SSN_LAST4" if token.digits >= _LEAST_DIGITS[cue] else None
    least = _LEAST_DIGITS.get(cue, 3)
    if cue == "ACCOUNT" and not is_last_four(lower, token.start):
        least = _ANSWER_DIGITS
    is_begun = cue == "PHONE" and token.digits > 1 and _goes_on(lower, token)
    return cue if token.digits >= least or is_begun else None


def _goes_on(lower: str, token: _Token) -> bool:
    """Whether enough digits for a telephone number follow in groups."""
    rest = re.match(r"(?:[ .-]\d{2,7}){1,5}", lower[token.end : token.end + 24])
    digits = sum(c.isdecimal() for c in rest[0]) if rest else 0
    return digits + token.digits >= _LEAST_DIGITS["PHONE"]


def _answered(token: _Token, expected: Expected) -> str | None:
    """The asked type that fits a number best."""
    asked = expected.asked
    fits = {
        "SSN_LAST4": token.is_number and token.digits in _ABOUT_FOUR,
        "SSN": token.digits in _ID_DIGITS
        or (token.is_number and token.digits == _ANSWER_DIGITS)
        or (not token.is_number and token.digits >= _DATE_DIGITS[0]),
        "CARD": token.is_number and token.digits in (*_CARD_DIGITS, *_ABOUT_FOUR),
        "PHONE": token.is_number and token.digits in _PHONE_DIGITS,
        "POSTCODE": token.digits in range(3, 11),
        "DOB": token.is_number and token.digits in _DATE_DIGITS,
    }
    order = [
        kind
        for kind in ASK_ORDER
        if kind in asked and fits.get(kind, token.digits >= _ABOUT_FOUR[0])
    ]
    if order:
        kind = order[0]
        return "SSN_LAST4" if kind == "SSN" and token.digits == _ANSWER_DIGITS else kind
    is_personal = not asked <= THINGS | {KEPT}
    return "NUMBER" if is_personal and token.is_number and token.digits >= _ANSWER_DIGITS else None


def _is_bare(token: _Token) -> bool:
    """Whether a number may be the answer to a question after something personal.

    Not a year, not a round sum, not a date in one run of digits (MMDDYYYY).
    """
    text = token.text
    if _LETTERED.fullmatch(text):
        return True
    if not token.is_number or token.digits < _ANSWER_DIGITS:
        return False
    if not text.isdecimal():
        return token.digits >= _QUANTITY_DIGITS
    value = int(text)
    is_year = len(text) == _ANSWER_DIGITS and value in _YEARS
    return not (is_year or _is_round(text) or _is_date_run(text))


def _is_round(text: str) -> bool:
    """Whether a number is a sum of whole hundreds."""
    return len(text) <= _QUANTITY_DIGITS and text.endswith("00") and text[0] != "0"


def _is_date_run(text: str) -> bool:
    """Whether a number is a date: six digits with a recent year, seven or eight with any."""
    if not text.isdecimal():
        return False
    if len(text) == _DATE_DIGITS[1] and int(text[:4]) in _YEARS:
        head = text[4:]
    elif len(text) in (7, 8) and int(text[-4:]) in _YEARS:
        head = text[:-4]
    elif len(text) == _DATE_DIGITS[0] and int(text[-2:]) in _RECENT:
        head = text[:-2]
    else:
        return False
    pairs = ((head[:2], head[2:]), (head[:1], head[1:]))
    return any(
        (int(a) in _MONTHS or int(b) in _MONTHS) and int(a) in _DAYS and int(b) in _DAYS
        for a, b in pairs
        if b
    )


_QUERY_WORDS = frozenset(
    "i you want need how what when where why can could would have has was get give make add order"
    " buy for to from cancel change"
    " check transfer charge charged amount total costs book booking flight price model item my's"
    " send me us they he she".split()
)


def _is_answer(lower: str, tokens: list[_Token], expected: Expected) -> bool:
    """Whether a message is so short that its numbers are what somebody asked for."""
    if not tokens or not expected.is_answer_masked:
        return False
    start, end = answer_range(lower)
    words = re.findall(r"[^\W\d_][\w'.-]*", lower[start:end])
    if len(words) > _ANSWER_WORDS or "?" in lower:
        return False
    return not any(w in _QUERY_WORDS or w in _UNITS or CUES.get(w) in (KEPT, SUM) for w in words)


def _spoken(lower: str, expected: Expected) -> Iterator[Span]:
    for number in spoken_numbers(lower):
        kind = _spoken_type(lower, number, expected)
        if kind is not None:
            yield Span(number.start, number.end, kind, 3)


def _spoken_type(lower: str, number: SpokenNumber, expected: Expected) -> str | None:
    cue = cue_before(lower, number.start) or cue_after(lower, number.end)
    token = _Token(number.start, number.end, number.digits)
    if cue == KEPT or (cue == SUM and len(number.digits) <= _SUM_DIGITS):
        return None
    if cue is not None and cue != SUM:
        return _fitted(lower, token, cue)
    if expected.asked:
        return _answered(token, expected)
    if len(number.digits) in _CARD_DIGITS and is_card_number(number.digits):
        return "CARD"
    if len(number.digits) >= _SPOKEN_PHONE_DIGITS:
        return "PHONE"
    return "NUMBER" if expected.is_answer_masked and len(number.digits) >= _ANSWER_DIGITS else None
