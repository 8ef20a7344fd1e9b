"""Invented people, their personal data, and numbers that only look like it.

Hosts, phone numbers and networks are those reserved for examples; cards and IBANs pass their
checksums. Source: RFC 2606, RFC 5737; Luhn (ISO/IEC 7812-1, annex B); ISO 13616-1 (IBAN).
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from unicodedata import normalize

from ingest.simulate.people import Customer

HOSTS = ("example.com", "example.org", "example.net", "mail.example.com")
STREETS = ("Maple Avenue", "Kingsway", "Old Mill Lane", "Station Road", "W 43rd Street")
PLACES = ("Leeds LS1 4AP", "Austin, TX 78701", "Boise, ID 83702", "Bristol BS1 6QF")
MONTHS = ("January", "March", "April", "June", "August", "October", "December")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PASSWORDS = ("Kestrel!82", "tr0mb0ne-71", "Saffron_Lake9", "qW7$hazel")


def person(words: Mapping[str, Any], rng: Random) -> Customer:
    """A new customer."""
    first, last = rng.choice(words["first_names"]), rng.choice(words["last_names"])
    given, plain = _plain(first), "".join(c for c in _plain(last) if c.isalpha())
    local = rng.choice((f"{given}.{plain}", f"{given[0]}{plain}", plain))
    mail = f"{local}{rng.randrange(10, 100)}@{rng.choice(HOSTS)}"
    return Customer(id=f"c{rng.randrange(10**7):07d}", first=first, last=last, email=mail)


def _plain(name: str) -> str:
    """A name as an address may hold it. Source: RFC 5321, 4.1.2."""
    return "".join(c for c in normalize("NFKD", name.lower()) if c.isascii() and c != " ")


def personal(kind: str, who: Customer, rng: Random, words: Mapping[str, Any]) -> str:
    """A value of a type of personal data; a list may say how its addresses look."""
    digits = "".join(str(rng.randrange(10)) for _ in range(12))
    values: dict[str, str] = {
        "EMAIL": who.email,
        "PHONE": phone(rng),
        "CARD": card(rng),
        "SSN": rng.choice(("{}-{}-{}", "{} {} {}", "{}{}{}")).format(
            rng.randrange(101, 600), f"{rng.randrange(10, 99)}", f"{rng.randrange(1000, 9999)}"
        ),
        "SSN_LAST4": digits[:4],
        "IBAN": iban(rng),
        "IP": f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randrange(1, 255)}",
        "DOB": birthday(rng),
        "ADDRESS": address(rng, words.get("addresses")),
        "PERSON": who.name,
        "ACCOUNT": rng.choice((digits[:8], f"AC-{digits[:6]}", digits[:10], f"K{digits[:7]}")),
        "PASSWORD": rng.choice(PASSWORDS),
    }
    return values[kind]


def address(rng: Random, forms: Sequence[str] | None) -> str:
    """A postal address in one of the forms, which have a place for a number."""
    n = rng.randrange(2, 990)
    if forms:
        return rng.choice(forms).format(n=n)
    return f"{n} {rng.choice(STREETS)}, {rng.choice(PLACES)}"


def phone(rng: Random) -> str:
    """A phone number out of the ranges kept for fiction."""
    area, line = rng.randrange(201, 989), f"01{rng.randrange(100):02d}"
    return rng.choice(
        (
            f"({area}) 555-{line}",
            f"{area}-555-{line}",
            f"{area}.555.{line}",
            f"+1 {area} 555 {line}",
            f"{area}555{line}",
            f"+44 20 7946 0{rng.randrange(100, 999)}",
            f"07700 900{rng.randrange(100, 999)}",
            f"+33 1 99 00 {rng.randrange(10, 99)} {rng.randrange(10, 99)}",
            f"030 23125 {rng.randrange(100, 999)}",
        )
    )


def card(rng: Random) -> str:
    """A card number that passes Luhn's check."""
    body = rng.choice(("4", "51", "55", "6011")) + "".join(
        str(rng.randrange(10)) for _ in range(14)
    )
    body = body[:15]
    total = sum(sum(divmod(int(d) * 2, 10)) if i % 2 == 0 else int(d) for i, d in enumerate(body))
    number = f"{body}{-total % 10}"
    groups = [number[i : i + 4] for i in range(0, 16, 4)]
    return rng.choice((" ", "-", "")).join(groups)


def iban(rng: Random) -> str:
    """An IBAN with its check digits."""
    country, length = rng.choice((("DE", 18), ("AT", 16), ("BE", 12), ("PT", 21)))
    body = "".join(str(rng.randrange(10)) for _ in range(length))
    check = 98 - int(f"{body}{''.join(str(ord(c) - 55) for c in country)}00") % 97
    whole = f"{country}{check:02d}{body}"
    spaced = " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))
    return rng.choice((whole, spaced))


def birthday(rng: Random) -> str:
    """A date of birth in one of the usual ways."""
    year, month, day = rng.randrange(1948, 2004), rng.randrange(1, 13), rng.randrange(1, 29)
    return rng.choice(
        (
            f"{day} {rng.choice(MONTHS)} {year}",
            f"{rng.choice(MONTHS)} {day}, {year}",
            f"{month:02d}/{day:02d}/{year}",
            f"{day:02d}.{month:02d}.{year}",
            f"{year}-{month:02d}-{day:02d}",
        )
    )


def alike(kind: str, rng: Random) -> str:
    """A number that is nobody's: masking it is a false alarm."""
    a, b = rng.randrange(100, 999), rng.randrange(10000, 99999)
    values: dict[str, str] = {
        "order": rng.choice((f"#{b}{a}", f"ORD-{a}-{b}", f"{b}{a}", f"AC{a}X{b}", f"45{b}{a}")),
        "invoice": rng.choice((f"INV/{a}/{b}", f"RE-2026-{b}", f"2026{b}", f"I{b}-{a}")),
        "tracking": rng.choice((f"1Z{a}E84{b}{b}", f"JD00{b}{b}{a}", f"{b}{a}{b}{a}")),
        "model": rng.choice((f"WX-{a}B", f"DeskPro {a}", f"KM{b}-EU", f"TX {a}/{b % 100}")),
        "date": f"2026-0{rng.randrange(1, 4)}-{rng.randrange(10, 28)}",
        "price": rng.choice((f"${a}.49", f"€{a % 90 + 10},90", f"{a}.00 USD", f"£{a}")),
        "serial": rng.choice((f"SN{b}{a}{b}", f"{a}-{b}-{a}", f"C02{b}HV2{a % 10}")),
        "version": f"{a % 9 + 1}.{b % 20}.{a % 30}",
    }
    return values[kind]


def spoken(kind: str, value: str) -> str:
    """The value as a caller says it and a recogniser writes it, or as it stands."""
    if kind == "EMAIL":
        marks = {".": " dot ", "@": " at ", "_": " underscore ", "-": " dash "}
        return " ".join("".join(_said(c, marks) for c in value).split())
    if kind in ("CARD", "SSN_LAST4", "SSN", "PHONE"):
        words = ("plus" if c == "+" else DIGITS[int(c)] for c in value if c in "+0123456789")
        return " ".join(words)
    return value


def _said(c: str, marks: Mapping[str, str]) -> str:
    return marks.get(c) or (f" {DIGITS[int(c)]} " if c.isdigit() else c)
