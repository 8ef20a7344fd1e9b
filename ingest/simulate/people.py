"""Invented customers and the personal data they let slip. Reserved or unissued numbers only."""

import random
import unicodedata
from dataclasses import dataclass

from ingest.simulate import phrases
from ingest.simulate.chance import happens
from ingest.simulate.names import Namer

TEST_CARDS = (
    "4111111111111111",
    "4012888888881881",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
)
"""Numbers card networks publish for tests: they pass the Luhn check and no bank issued them."""

TEST_SSNS = ("078-05-1120", "219-09-9999")
"""Printed in advertisements and void since. Source: Social Security Administration."""


@dataclass(frozen=True, kw_only=True)
class Customer:
    """One invented person."""

    id: str
    first: str
    last: str
    email: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


def draw_customer(rng: random.Random, name: Namer) -> Customer:
    """Return a new customer with an address at a reserved domain."""
    first, last = rng.choice(phrases.FIRST_NAMES), rng.choice(phrases.LAST_NAMES)
    domain = rng.choice(("example.com", "example.org", "mail.example.com"))
    local = f"{_ascii(first)}.{_ascii(last)}{rng.randint(10, 99)}".lower()
    return Customer(id=name("c", 40), first=first, last=last, email=f"{local}@{domain}")


def draw_slip(rng: random.Random, customer: Customer) -> tuple[str, str]:
    """Return (type, sentence) of personal data that a customer puts into a message unasked."""
    slips = {
        "PERSON": lambda: f"My name is {customer.name}.",
        "PHONE": lambda: f"You can reach me at {phone(rng)}.",
        "EMAIL": lambda: f"My email is {customer.email}.",
        "CARD": lambda: f"I paid with card {card(rng)}.",
        "SSN": lambda: f"My social security number is {ssn(rng)}.",
        "ADDRESS": lambda: (
            f"I live at {rng.randint(1, 240)} {rng.choice(phrases.STREETS)},"
            f" {rng.choice(phrases.TOWNS)}."
        ),
        "DOB": lambda: (
            f"I was born on {rng.randint(1950, 2003)}-{rng.randint(1, 12):02}-"
            f"{rng.randint(1, 28):02}."
        ),
    }
    kind = rng.choices(tuple(slips), weights=(4, 5, 5, 2, 1, 2, 1))[0]
    return kind, slips[kind]()


def phone(rng: random.Random) -> str:
    """Return a phone number in the range 555-0100 to 555-0199, in one of four notations."""
    area, line = rng.randint(201, 989), rng.randint(100, 199)
    return rng.choice(
        (f"555-0{line}", f"({area}) 555-0{line}", f"{area}.555.0{line}", f"+1 {area} 555 0{line}")
    )


def card(rng: random.Random) -> str:
    """Return a test card number, in groups of four or in one piece."""
    digits = rng.choice(TEST_CARDS)
    gap = rng.choice(("", " ", "-"))
    return gap.join(digits[i : i + 4] for i in range(0, len(digits), 4))


def ssn(rng: random.Random) -> str:
    """Return a void number, or one of the never issued area 900-999 and group 01-49."""
    if happens(rng, 0.5):
        return rng.choice(TEST_SSNS)
    return f"{rng.randint(900, 999)}-{rng.randint(1, 49):02}-{rng.randint(1, 9999):04}"


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
