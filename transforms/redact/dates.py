"""Dates: of birth where they are called so or asked for, on suspicion, else content."""

import re
from collections.abc import Iterator

from transforms.redact.answers import answer_range
from transforms.redact.spans import KEPT, Span

_MONTH = (
    r"(?:jan(?:uary|uar|vier|eiro)?|feb(?:ruary|ruar)?|fév(?:rier)?|mar(?:ch|s|zo|ço)?|märz"
    r"|apr(?:il)?|avril|abril|may|mai|mayo|maio"
    r"|jun(?:e|i)?|juin|jul(?:y|i)?|juillet|aug(?:ust)?|août|agosto|sep(?:t(?:ember)?)?"
    r"|oct(?:ober)?|okt(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?|dez(?:ember)?|enero|febrero|junio|julio|septiembre|octubre|noviembre"
    r"|diciembre|janeiro|fevereiro|junho|julho"
    r"|setembro|outubro|novembro|dezembro|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre"
    r"|ottobre|dicembre"
    r"|septembre|octobre|novembre|décembre|januari|februari|maart|mei|augustus)"
)
DATE = re.compile(
    r"(?<![\w./-])(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.|º)?(?: of| de)? {_MONTH}\.?,?(?: de)? \d{{4}}"
    rf"|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})(?![\w/-]|\.\d)"
)
_BORN = re.compile(
    r"\b(?:dob|d\.o\.b\.?|born|b(?:irth)?[ -]?day|birth ?date|birth|geboren|geburtsdatum|geburtstag"
    r"|naissance|née?|nacid[oa]|nacimiento"
    r"|nascimento|nasci|nat[oa]|nascita|geboortedatum)\b[^\d\n]{0,24}$"
)
_LAST_BIRTH_YEAR = 2012


def find_dates(lower: str, *, asked: frozenset[str], is_answer_masked: bool) -> Iterator[Span]:
    """Dates of birth, dates that may be one (DATE), and all others as content."""
    start, end = answer_range(lower)
    for match in DATE.finditer(lower):
        is_all = match.start() <= start + 4 and match.end() >= end
        is_born = _BORN.search(lower[max(0, match.start() - 40) : match.start()])
        if is_born or ("DOB" in asked and KEPT not in asked):
            yield Span(match.start(), match.end(), "DOB", 2)
        elif is_all and is_answer_masked and not asked and _may_be_birth(match[0]):
            yield Span(match.start(), match.end(), "DATE", 3)
        else:
            yield Span(match.start(), match.end(), KEPT, 3)


def _may_be_birth(date: str) -> bool:
    """Whether a date is so long ago that an adult may be born on it; others are of deliveries."""
    years = [int(n) for n in re.findall(r"\d{4}", date)]
    return not years or max(years) <= _LAST_BIRTH_YEAR
