"""Sentences of our own with personal data in many forms, and with numbers that only look like it.

Everything is invented: reserved hosts, check digits that fit, telephone numbers out of random
digits. The forms are those of public descriptions (E.164, ISO 13616, ISO/IEC 7812), not those of
the detectors.
"""

import random
import string
from collections.abc import Callable, Iterator

from transforms.redact.checksums import IBAN_LENGTHS, is_iban_valid, is_luhn_valid

Range = tuple[int, int, str]
Text = tuple[str, list[Range], list[Range]]
TEXTS_A_TYPE = 150
_CARDS = (
    ("4", 16),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("37", 15),
    ("34", 15),
    ("6011", 16),
    ("36", 14),
    ("3530", 16),
)
_GROUPS = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4)}
_COUNTRIES = ("DE", "GB", "FR", "ES", "IT", "NL", "PT", "CH", "AT", "BE", "PL", "SE")
_MONTHS = ("January", "March", "May", "July", "September", "December", "Feb", "Oct")


def _digits(rng: random.Random, n: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(n))


def _card(rng: random.Random) -> str:
    prefix, length = rng.choice(_CARDS)
    body = prefix + _digits(rng, length - len(prefix) - 1)
    number = next(body + d for d in string.digits if is_luhn_valid(body + d))
    separator = rng.choice(["", "", " ", "-"])
    parts, at = [], 0
    for size in _GROUPS[length]:
        parts.append(number[at : at + size])
        at += size
    return separator.join(parts)


def _iban(rng: random.Random) -> str:
    country = rng.choice(_COUNTRIES)
    letters = "".join(rng.choice(string.ascii_uppercase) for _ in range(4))
    start = letters if country in ("GB", "NL") else ""
    body = start + _digits(rng, IBAN_LENGTHS[country] - 4 - len(start))
    number = next(
        f"{country}{n:02d}{body}" for n in range(2, 99) if is_iban_valid(f"{country}{n:02d}{body}")
    )
    if rng.random() < 0.5:
        return " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    return number


def _phone(rng: random.Random) -> str:
    area, line = rng.randint(201, 989), _digits(rng, 4)
    middle = rng.randint(200, 999)
    forms = (
        f"({area}) {middle}-{line}",
        f"{area}-{middle}-{line}",
        f"{area}.{middle}.{line}",
        f"+1 {area} {middle} {line}",
        f"+1-{area}-{middle}-{line}",
        f"1-{area}-{middle}-{line}",
        f"+44 20 7946 {line}",
        f"020 7946 {line}",
        f"07700 900{_digits(rng, 3)}",
        f"+49 30 {_digits(rng, 8)}",
        f"+49 (0)30 {_digits(rng, 7)}",
        f"0171/{_digits(rng, 7)}",
        f"+33 6 {' '.join(_digits(rng, 2) for _ in range(4))}",
        f"06 {' '.join(_digits(rng, 2) for _ in range(4))}",
        f"+34 {_digits(rng, 3)} {_digits(rng, 3)} {_digits(rng, 3)}",
        f"+31 6 {_digits(rng, 8)}",
        f"+55 11 9{_digits(rng, 4)}-{line}",
        f"+39 02 {_digits(rng, 7)}",
        f"+91 98{_digits(rng, 3)} {_digits(rng, 5)}",
        f"{area} {middle} {line}",
    )
    return rng.choice(forms)


def _email(rng: random.Random) -> str:
    name = rng.choice(["kim.toy", "r_doe", "a-b", "jan", "x.y.z", "müller.k", "sales2"])
    host = rng.choice(
        ["example.com", "example.org", "mail.example.net", "toy.example", "shop.example.co.uk"]
    )
    return f"{name}{rng.randint(0, 99)}@{host}"


def _ssn(rng: random.Random) -> str:
    area = rng.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def _ip(rng: random.Random) -> str:
    if rng.random() < 0.25:
        return "2001:db8:" + ":".join(f"{rng.randint(0, 65535):x}" for _ in range(6))
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def _birth(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1940, 2006)
    name = rng.choice(_MONTHS)
    forms = (
        f"{month}/{day}/{year}",
        f"{day:02d}.{month:02d}.{year}",
        f"{year}-{month:02d}-{day:02d}",
        f"{name} {day}, {year}",
        f"{day} {name} {year}",
        f"{day}-{month}-{year}",
        f"{name} {day}th, {year}",
    )
    return rng.choice(forms)


PERSONAL: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    "CARD": (
        _card,
        (
            "I paid with {}.",
            "my card {} was declined",
            "Card number: {}",
            "it is {} and it expires soon",
            "please charge {}, thanks",
        ),
    ),
    "IBAN": (
        _iban,
        (
            "Please refund to {}.",
            "IBAN {}",
            "my account is {}, bank in town",
            "transfer it to {} today",
            "{} is where it should go",
        ),
    ),
    "PHONE": (
        _phone,
        (
            "Call me at {}.",
            "my number is {}",
            "You can reach me on {} after six",
            "tel. {}",
            "{} is my mobile",
            "if it fails, {} is the way to get me",
        ),
    ),
    "EMAIL": (
        _email,
        (
            "Write to {}.",
            "my mail is {}",
            "{} does not get anything",
            "I registered with {}, not with another one",
            "contact: <{}>",
        ),
    ),
    "SSN": (
        _ssn,
        (
            "My SSN is {}.",
            "social security number {}",
            "ssn: {}",
            "it's {} I think",
            "for the form: {}",
        ),
    ),
    "IP": (
        _ip,
        (
            "A login from {} was not me.",
            "ip {}",
            "your server refuses {}",
            "blocked: {}",
            "my address shows as {} here",
        ),
    ),
    "DOB": (
        _birth,
        (
            "I was born on {}.",
            "DOB {}",
            "date of birth: {}",
            "my birthday is {}",
            "birthdate {}",
            "geboren am {}",
        ),
    ),
}
"""Type → how a value is drawn, and sentences around it."""


def _model(rng: random.Random) -> str:
    return f"{rng.choice(['XR', 'TL', 'GX', 'WH'])}-{rng.randint(100, 9999)}-{rng.randint(10, 99)}"


LOOK_ALIKES: tuple[tuple[str, Callable[[random.Random], str], tuple[str, ...]], ...] = (
    (
        "ORDER",
        lambda r: _digits(r, r.choice([8, 10, 12, 15])),
        (
            "Where is order {}?",
            "order number {} has not come",
            "cancel purchase {} please",
            "order #{} is late",
        ),
    ),
    (
        "ORDER",
        lambda r: f"ORD-{_digits(r, 6)}",
        ("Where is {}?", "my order {} is late", "about {}: two items are missing"),
    ),
    (
        "INVOICE",
        lambda r: f"INV-2026-{_digits(r, 5)}",
        ("I cannot open {}.", "invoice {} is wrong", "send me {} again"),
    ),
    (
        "INVOICE",
        lambda r: f"#{_digits(r, 5)}",
        ("Where do I find bill {}?", "invoice {} shows a wrong sum"),
    ),
    (
        "TRACKING",
        lambda r: "1Z" + _digits(r, 3) + "AA" + _digits(r, 11),
        ("tracking {} stands still", "The tracking number is {}."),
    ),
    (
        "TICKET",
        lambda r: _digits(r, 7),
        ("ticket {} was closed", "case number {} is still open", "about ticket #{}"),
    ),
    (
        "DATE",
        lambda r: f"2026-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}",
        ("I bought it on {}.", "since {} nothing works", "it should have come by {}"),
    ),
    (
        "DATE",
        lambda r: f"{r.randint(1, 12)}/{r.randint(1, 28)}/2025",
        ("I ordered it on {}.", "delivery was planned for {}"),
    ),
    (
        "DATE",
        lambda r: (
            f"{r.randint(1, 28)}.{r.randint(1, 12)}.2025"
            f" {r.randint(0, 23):02d}:{r.randint(0, 59):02d}"
        ),
        ("It crashed on {}.", "log entry of {}"),
    ),
    (
        "PRICE",
        lambda r: f"{r.randint(1, 9)},{_digits(r, 3)}.{_digits(r, 2)}",
        ("It was ${} last week.", "you charged {} dollars twice", "the total is {} EUR"),
    ),
    (
        "PRICE",
        lambda r: f"{r.randint(100, 9999)}",
        ("I paid {} dollars.", "a refund of ${} is missing", "it costs {} euros"),
    ),
    ("MODEL", _model, ("My {} does not start.", "is {} still sold?", "model {} makes noise")),
    (
        "MODEL",
        lambda r: f"{_digits(r, 4)}-{_digits(r, 2)}-{_digits(r, 4)}",
        ("Product code {}.", "part {} is broken", "the sku is {}"),
    ),
    (
        "VERSION",
        lambda r: f"{r.randint(1, 20)}.{r.randint(0, 99)}.{r.randint(0, 999)}.{r.randint(0, 99)}",
        ("since version {} it hangs", "firmware {} fails", "I run build {}"),
    ),
    ("SERIAL", lambda r: _digits(r, 12), ("serial number {}", "the serial is {}")),
    (
        "AMOUNT",
        lambda r: f"{r.randint(1000, 99999)}",
        ("my error code is {}", "we need {} units", "the page has {} items"),
    ),
)
"""Kind of number that is no personal data, how it is drawn, and sentences around it."""


def draw_texts(rng: random.Random) -> Iterator[Text]:
    """Texts with their personal spans and their look-alikes, as many of each type."""
    for kind, (draw, sentences) in PERSONAL.items():
        for _ in range(TEXTS_A_TYPE):
            text, start, end = _fill(rng.choice(sentences), draw(rng))
            yield text, [(start, end, kind)], []
    for kind, draw, sentences in LOOK_ALIKES:
        for _ in range(TEXTS_A_TYPE // 3):
            text, start, end = _fill(rng.choice(sentences), draw(rng))
            yield text, [], [(start, end, kind)]


def _fill(sentence: str, value: str) -> tuple[str, int, int]:
    start = sentence.index("{}")
    return sentence.replace("{}", value), start, start + len(value)


HOSTILE = (
    "1", "1 ", "a@", "A", "1-", "+1 (", "12 Aa ", "my name is ", "one ", " at x dot ", "a dot ",
    "Hi Bob, ", "rue de ", "12 rue ", "de89 ", "gmailcom ", "1:", "a:", "ssn 1234 ", " ", "\n",
    "1\u200b", "<PHONE:", "(", "a [at] ", "b. ", "password is ", "my address is 1 ", "12345 ",
    "ab ca 12345 ", "1.", "a'", "aastraße ", "Bob ", "born 1 ", "last 1 ",
)  # fmt: skip
"""What repeated makes careless patterns slow."""


def hostile_text(piece: str, chars: int) -> str:
    """A text of a length that repeats a piece."""
    return piece * (chars // len(piece))
