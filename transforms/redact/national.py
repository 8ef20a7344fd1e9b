"""Numbers that a state gives to people and cars: by their check digits, or by what they are called.

The forms and checks are those that the states publish. A number that fits its check, or has a form
that nothing else has, needs no word; others count only behind the word that names them.
"""

import re
from collections.abc import Callable, Iterator

from transforms.redact.cues import cue_before
from transforms.redact.spans import KEPT, THINGS, Span
from transforms.redact.view import View, has_any

_SPANISH_LETTERS = "trwagmyfpdxbnjzsqvhlcke"
_CPF_DIGITS = 11
_FRENCH_MODULUS = 97
_LEAST_DIGITS = 5


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())


def is_dni(text: str) -> bool:
    """Whether a Spanish DNI or NIE ends in its letter.

    Source: Real Decreto 1553/2005, the remainder by 23; X, Y and Z stand for 0, 1 and 2.

    >>> is_dni("12345678z"), is_dni("12345678a"), is_dni("x1234567l")
    (True, False, True)
    """
    first = {"x": "0", "y": "1", "z": "2"}.get(text[0], "")
    return _SPANISH_LETTERS[int(first + _digits(text)) % 23] == text[-1]


def is_cpf(text: str) -> bool:
    """Whether the last two of a Brazilian CPF's digits check the others.

    Source: Receita Federal, weights from 10 and 11 down, modulo 11.

    >>> is_cpf("123.456.789-09"), is_cpf("123.456.789-00"), is_cpf("111.111.111-11")
    (True, False, False)
    """
    digits = [int(c) for c in _digits(text)]
    if len(digits) != _CPF_DIGITS or len(set(digits)) == 1:
        return False
    for n in (9, 10):
        total = sum(d * w for d, w in zip(digits, range(n + 1, 1, -1), strict=False))
        if total * 10 % 11 % 10 != digits[n]:
            return False
    return True


def is_nir(text: str) -> bool:
    """Whether a French social security number of 15 digits has its key.

    Source: INSEE, 97 less the remainder by 97.

    >>> is_nir("2 69 05 49 588 157 80"), is_nir("2 69 05 49 588 157 81")
    (True, False)
    """
    digits = _digits(text)
    return int(digits[-2:]) == _FRENCH_MODULUS - int(digits[:-2]) % _FRENCH_MODULUS


def _always(_: str) -> bool:
    return True


_CHECKS: dict[str, Callable[[str], bool]] = {"dni": is_dni, "cpf": is_cpf, "nir": is_nir}
_FORM = re.compile(
    r"(?<![\w.-])(?:"
    r"(?P<dni>(?:\d{8}|[xyz]-?\d{7})-?[trwagmyfpdxbnjzsqvhlcke])"
    r"|(?P<cpf>\d{3}\.\d{3}\.\d{3}-\d\d)"
    # France: sex, year, month, department, commune, order, key.
    r"|(?P<nir>[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d\d ?\d{3} ?\d{3} ?\d\d)"
    # Italy, codice fiscale: names, date, place, check letter.
    r"|(?P<fiscale>[a-z]{6}\d\d[a-ehlmprst]\d\d[a-z]\d{3}[a-z])"
    # United Kingdom, national insurance. Source: HMRC NIM39110.
    r"|(?P<nino>(?!bg|gb|nk|kn|tn|nt|zz)[a-ceghj-prstw-z][a-ceghj-nprstw-z]"
    r"(?:\d{6}[a-d]| \d\d \d\d \d\d [a-d]))"
    # Switzerland, AHV.
    r"|(?P<ahv>756\.\d{4}\.\d{4}\.\d\d)"
    r")(?![\w-]|\.\d)"
)
_FORM_DIGITS = 6

_NAMED = re.compile(
    r"\b(?:dni|nif|cpf|curp|pesel|nino|ni n(?:umber|o)|national insurance|codice fiscale"
    r"|cod\. ?fisc|steuer-?(?:id|identifikationsnummer|nummer)"
    r"|(?:n° |num[ée]ro )?(?:de )?s[ée]cu(?:rit[ée] sociale)?|nir"
    r"|(?:n\.º |número )?(?:de )?seguridad social|sozialversicherungsnummer|bsn"
    r"|burgerservicenummer|rijksregisternummer|personnummer|aadhaar|contribuinte|ahv-?nummer)\b"
)
_CAR = re.compile(
    r"\b(?:vin|fahrgestellnummer|chassis|châssis|bastidor|(?:licen[cs]e|number) plate"
    r"|plate(?= (?:is|number|no)\b)|kennzeichen|nummernschild|matr[ií]cula|immatriculation"
    r"|targa|placa|kenteken)\b"
)
_SIGNS = (
    "dni", "nif", "cpf", "curp", "pesel", "nino", "ni n", "insurance", "fisc", "steuer", "sécu",
    "secu", "nir", "segur", "sozialv", "bsn", "burgers", "rijksreg", "personnu", "aadhaar",
    "contribui", "ahv",
)  # fmt: skip
_CAR_SIGNS = (
    "vin", "fahrgest", "chassis", "châssis", "bastidor", "plate", "kennzeich", "nummernsch",
    "matr", "targa", "placa", "kenteken",
)  # fmt: skip
_BETWEEN = re.compile(
    r"(?:[\s:#.,=°ºª-]|\b(?:is|ist|lautet|est|es|é|è|number|nummer|no|nr|n|num|my|mi|el|la|das|the|of|for"
    r"|id|auto|car|von|del|della|mio|meu|minha|mijn|mon|ma)\b){0,8}"
)
_VALUE = re.compile(
    r"(?:[a-zäöü]{1,3}[ -]){0,2}[a-z0-9]*\d[a-z0-9]*(?:[ ./-][a-z]{0,3}\d[a-z0-9]*){0,6}"
    r"(?:[ -][a-z]{1,3}(?![\w']))?"
)
_VALUE_CHARS = 40
_LEAST_CAR_CHARS = 5
_MEASURE = re.compile(r"\d ?(?:cm|mm|m|km|in|kg|g|l|ml|x|v|w|a|nm)$")


def find_national_ids(view: View) -> Iterator[Span]:
    """Spans of national identity, tax and insurance numbers (SSN), and of cars (LICENSE)."""
    lower = view.lower
    if view.digits >= _FORM_DIGITS:
        for match in _FORM.finditer(lower):
            is_valid = _CHECKS.get(match.lastgroup or "", _always)
            if cue_before(lower, match.start()) not in _NOT_PEOPLE and is_valid(match[0]):
                yield Span(match.start(), match.end(), "SSN", 1)
    if view.digits >= _LEAST_DIGITS and has_any(lower, _SIGNS):
        yield from _named(lower, _NAMED, "SSN")
    if view.digits and has_any(lower, _CAR_SIGNS):
        yield from _named(lower, _CAR, "LICENSE")


_NOT_PEOPLE = THINGS | {KEPT}


def _named(lower: str, pattern: re.Pattern[str], kind: str) -> Iterator[Span]:
    """What stands behind the word that names it, as far as it is long enough."""
    for match in pattern.finditer(lower):
        between = _BETWEEN.match(lower, match.end(), match.end() + _VALUE_CHARS)
        start = between.end() if between else match.end()
        value = _VALUE.match(lower, start, start + _VALUE_CHARS)
        if value is not None and start > match.end() and _is_long(value[0], kind):
            yield Span(value.start(), value.end(), kind, 2)


def _is_long(value: str, kind: str) -> bool:
    """Whether a value has digits enough, or the letters and digits of a car's."""
    if len(_digits(value)) >= _LEAST_DIGITS:
        return True
    is_mixed = not value.isdigit() and not _MEASURE.search(value)
    return kind == "LICENSE" and is_mixed and sum(map(str.isalnum, value)) >= _LEAST_CAR_CHARS
