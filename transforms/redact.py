"""Text with personal data replaced by `<TYPE>`, and how many spans of each type there were.

Detectors are regular expressions with a checksum where the number has one, plus the names that
the envelope states. Order matters: a detector never sees what an earlier one has masked.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

VERSION = "redact-1"


def is_luhn_valid(number: str) -> bool:
    """Whether the digits pass the Luhn check.

    Source: ISO/IEC 7812-1, annex B.

    >>> is_luhn_valid("4111 1111 1111 1111"), is_luhn_valid("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(c) for c in number if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban_valid(number: str) -> bool:
    """Whether an IBAN passes its modulo 97 check.

    Source: ISO 13616, ISO/IEC 7064 (MOD 97-10).

    >>> is_iban_valid("GB82 WEST 1234 5698 7654 32"), is_iban_valid("GB82 WEST 1234 5698 7654 33")
    (True, False)
    """
    compact = "".join(number.split()).upper()
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _always(_text: str) -> bool:
    return True


@dataclass(frozen=True)
class Detector:
    """A type of personal data: what it looks like and a check that a match must pass.

    The pattern's group `v`, or the whole match, is what gets masked.
    """

    type: str
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool] = _always


_NAME_CHARS = 3
"""Shorter parts of a name (initials, "Al", "Jo") are also words."""

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_NAME = r"[A-Z][a-zà-ÿ'’-]{1,20}"

DETECTORS: tuple[Detector, ...] = (
    Detector("EMAIL", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")),
    Detector(
        "IBAN",
        re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        is_iban_valid,
    ),
    # First digit: industry identifiers of banks and card networks (ISO/IEC 7812-1).
    Detector("CARD", re.compile(r"(?<![\w-])[2-6](?:[ -]?\d){12,18}(?![\w-])"), is_luhn_valid),
    Detector("SSN", re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")),
    Detector(
        "PHONE",
        re.compile(
            r"(?<![\w.-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{3}[ .-])\d{3,4}[ .-]\d{3,4}"
            r"(?![\w-])|(?<![\w.-])\+\d[\d ]{8,15}\d(?!\w)"
        ),
    ),
    Detector("IP", re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.\d)")),
    Detector(
        "PASSWORD", re.compile(r"\bpassword (?:is|was|:)\s*(?P<v>[^\s,;]{4,40})", re.IGNORECASE)
    ),
    Detector(
        "DOB",
        re.compile(
            r"\b(?:born(?: on)?|birthday(?: is)?|date of birth(?: is)?|dob)[ :]*"
            r"(?P<v>\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|[A-Z][a-z]{2,8} \d{1,2},? \d{4}|"
            r"\d{1,2} [A-Z][a-z]{2,8} \d{4})",
            re.IGNORECASE,
        ),
    ),
    Detector(
        "ADDRESS",
        re.compile(
            r"\b\d{1,5} (?:[A-Z][\w'-]{1,20} ){1,3}"
            r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place)"
            r"\b\.?(?:,? (?:[A-Z][\w'-]{1,20} ?){1,3})?(?:,? [A-Z]{2})?(?: \d{5})?"
        ),
    ),
    Detector(
        "PERSON",
        re.compile(
            rf"(?:[Mm]y name is|[Mm]y name's|[Tt]his is|[Ii]['’]?m|[Ii] am|[Nn]ame:|"
            rf"[Ss]peaking with|[Cc]onnected with) (?P<v>{_NAME}(?:,? {_NAME}){{1,2}})"
        ),
    ),
)


def redact(
    text: str, *, known_names: Sequence[str] = (), company_domains: Sequence[str] = ()
) -> tuple[str, dict[str, int]]:
    """The masked text and the number of masked spans a type.

    Mail addresses of the company's own domains stay: they are in every good answer.
    """
    counts: dict[str, int] = {}
    for detector in DETECTORS:
        text = _mask(text, detector, counts, company_domains)
    for name in known_names:
        text = _mask_name(text, name, counts)
    return text, counts


def merge_counts(all_counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Sums of spans a type over several texts, types in alphabetical order."""
    total: dict[str, int] = {}
    for counts in all_counts:
        for kind, n in counts.items():
            total[kind] = total.get(kind, 0) + n
    return dict(sorted(total.items()))


def _mask(
    text: str, detector: Detector, counts: dict[str, int], company_domains: Sequence[str]
) -> str:
    def replacement(match: re.Match[str]) -> str:
        group = "v" if "v" in detector.pattern.groupindex else 0
        value = match[group]
        is_ours = detector.type == "EMAIL" and value.lower().rpartition("@")[2] in company_domains
        if is_ours or not detector.accepts(value):
            return match[0]
        counts[detector.type] = counts.get(detector.type, 0) + 1
        return match[0].replace(value, f"<{detector.type}>")

    return detector.pattern.sub(replacement, text)


def _mask_name(text: str, name: str, counts: dict[str, int]) -> str:
    """Mask a full name in both orders, and each part of it that is longer than two letters."""
    parts = [p for p in re.split(r"[\s,]+", name) if len(p) >= _NAME_CHARS and p.isalpha()]
    if not parts:
        return text
    either = "|".join(re.escape(p) for p in parts)
    pattern = re.compile(rf"\b(?:{either})\b(?:,? (?:{either})\b)*")
    text, found = pattern.subn("<PERSON>", text)
    if found:
        counts["PERSON"] = counts.get("PERSON", 0) + found
    return text
