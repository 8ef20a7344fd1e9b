"""Postal addresses: a house number and a street, a city with its postcode, a box, what is asked."""

import re
from collections.abc import Iterator

from transforms.redact.spans import Span
from transforms.redact.view import View, has_any
from transforms.redact.words import COMMON_WORDS

_STREET_TYPES = (
    "street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|terrace|ter|place|pl"
    "|plaza"
    "|parkway|pkwy|highway|hwy|circle|cir|crescent|close|square|sq|trail|trl|way|row|alley|mews"
    "|quay|loop"
)
STATES = (
    "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm"
    " ny nc nd oh ok or pa"
    " ri sc sd tn tx ut vt va wa wv wi wy dc pr"
).split()
_STATE_NAMES = (
    "alabama alaska arizona arkansas california colorado connecticut delaware florida georgia"
    " hawaii idaho illinois"
    " indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota"
    " mississippi missouri"
    " montana nebraska nevada ohio oklahoma oregon pennsylvania tennessee texas utah vermont"
    " virginia washington"
    " wisconsin wyoming"
).split()
_STATE = (
    "(?:"
    + "|".join([*STATES, *_STATE_NAMES, r"new \w{4,9}", r"(?:north|south|west) \w{6,9}"])
    + ")"
)
_W = r"[^\W\d_][\w'.-]{0,24}"
_UNIT = r"(?:,? (?:(?:apt|apartment|unit|suite|ste|floor|fl|no)\b\.? ?#?|#)\w{1,6})?"
_NUMBERED_STREET = re.compile(
    rf"(?<![\w.,#/-])(?P<no>\d{{1,5}}[a-z]?(?:[-/]\d{{1,4}})?),? (?P<name>(?:(?:[nesw]|{_W}"
    rf"|\d{{1,3}}(?:st|nd|rd|th)?) ){{1,4}}?)"
    rf"(?P<type>{_STREET_TYPES})\b\.?"
)
_US_TAIL = re.compile(
    rf"{_UNIT}(?:,?[ \n]{{1,2}}(?P<city>{_W}(?: {_W}){{0,2}}?),?["
    rf" \n]{{1,2}}(?P<state>{_STATE})\b(?:,?[ \n]{{1,2}}\d{{4,6}}(?:-\d{{4}})?\b)?"
    r"|,?[ \n]{1,2}\d{5}(?:-\d{4})?\b)?(?:,? (?:usa|us|united states|uk|canada)\b)?"
)
_UK_TAIL = re.compile(rf"(?:,? {_W}){{1,3}},? [a-z]{{1,2}}\d[a-z\d]? ?\d[a-z]{{2}}\b")
_CITY_TAIL = re.compile(rf",? {_W}(?: {_W})?(?=[,.\n]|$)")
_ZIP = re.compile(r"(?<![\w-])\d{5,6}(?:-\d{4})?(?![\w-])")
_CITY_STATE = re.compile(rf"(?:(?:{_W} )?{_W} )?{_W},? {_STATE},?[ \n]{{1,2}}$")
_CITY_CHARS = 60
_GERMANIC = re.compile(
    r"\b(?:\d{1,5} )?[^\W\d_]{2,30}(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|damm|ufer|straat"
    r"|laan|gracht|plein|gatan|vägen|gata"
    r"|vej|gade|vegen|veien|katu"
    r"|tie)(?: ?nr\.?)? \d{1,4} ?[a-z]?\b(?:,? (?:[a-z]{1,2}-?)?\d{4,5}(?: [a-z]{2})?"
    r" [^\W\d_]{3,30})?"
)
_ROMANCE = re.compile(
    r"(?:\b\d{1,4}(?: ?bis| ?ter)?,? )?\b(?:rue|avenue|boulevard|bd|chemin|place|impasse|allée"
    r"|calle|avenida|avda\.?|paseo|plaza|camino"
    r"|rua|travessa|alameda|via|viale|corso|piazza|largo|ul\.|ulica)(?: (?:de|du|des|la|le|les"
    r"|del|della|dei|do|da|dos|das|el|los|las|l'|d'))*"
    r" ?[^\W\d_][\w'-]{1,24}(?: [^\W\d_][\w'-]{1,24}){0,2}?,? (?:n[º°o.]? ?)?\d{1,5}\b(?:,?"
    r" (?:\d{4,5}(?:-\d{3})? )?[^\W\d_]{3,30})?"
)
_FRENCH_NUMBERED = re.compile(
    r"\b\d{1,4}(?: ?bis| ?ter)?,? (?:rue|avenue|boulevard|bd|chemin|place|impasse|allée)(?: (?:de"
    r"|du|des|la|le|les|l'|d'))*"
    r" ?[^\W\d_][\w'-]{1,24}(?:,? \d{5} [^\W\d_]{3,30})?"
)
_BOX = re.compile(
    r"\b(?:p\.? ?o\.? ?box|post office box|postfach|psc \d{1,5},? box|unit \d{1,5} box"
    r"|case postale|apartado) \d{1,6}(?:[ ,\n]{1,2}(?:[adf]po [a-z]{2} \d{5}))?"
)
_UNIT_ALONE = re.compile(r"\b(?:suite|apt\.?|apartment|unit) #?\d{1,5}[a-z]?\b")
_UNIT_WORDS = frozenset({"suite", "apt", "apartment"})
_BOX_WORDS = frozenset({"box", "postfach", "postale", "apartado"})
_GERMANIC_SIGNS = (
    "stra", "str.", "gasse", "weg", "platz", "allee", "damm", "ufer", "laan", "gracht", "plein",
    "gat", "vägen", "vej", "gade", "vegen", "veien", "katu", "tie",
)  # fmt: skip
_ROMANCE_WORDS = frozenset(
    "rue avenue boulevard bd chemin place impasse allée calle avenida avda paseo plaza camino rua"
    " travessa alameda via viale corso piazza largo ul ulica".split()
)
_PLACES = re.compile(
    r"(?:,?[ \n]{1,2}[^\W\d_]{2,20}){1,5}(?:,?[ \n]{1,2}\d{4,6})?"
    r"(?=\s*(?:$|[.;\n]|\d{7}|ph\b|and\b))"
)
_ZIP_DIGITS = 5
_CUE = re.compile(
    r"\b(?:(?:my|our|the|home|new|billing|shipping|delivery|mailing|street) address(?: is| to"
    r"| would be|:)|address(?: is|:)|i live (?:at|in|on)|lives (?:at|on)|deliver(?:ed"
    r"|y)? (?:it )?to"
    r"|ship (?:it )?to|send (?:it )?to|moved to|meine (?:neue )?(?:adresse|anschrift) (?:ist"
    r"|lautet)|ich wohne in(?: der)?|mon adresse est|j'habite(?: au)?"
    r"|mi dirección es|vivo en(?: la)?|meu endereço é|moro na|il mio indirizzo è|abito in"
    r"|mijn adres is|ik woon (?:op|in)(?: de| het)?)[ \n]{1,2}"
)
_CUED_END = re.compile(
    r"[.!?;](?:\s|$)|\n|\b(?:and (?:my|the|also|i|phone|contact)|but|my|please|phone|contact|mob"
    r"|mobile|thanks|thank|so|because|is wrong|can you|could)\b"
)
_LONGEST = 140
_COMMON_SHARE = 0.4
_STREETLESS = frozenset(
    "for the a an of in on by to and or my your is was with from at i you it this that than"
    " minutes days hours items dollars euros percent stars times units pieces years months weeks"
    " miles".split()
)
_SHORT_TYPES = frozenset(
    "st way place close row court ct pl dr square sq ter loop drive trail circle".split()
)


def find_addresses(view: View) -> Iterator[Span]:
    """Spans of addresses that can be told by their form, or that a phrase announces."""
    lower = view.lower
    if not view.digits:
        return
    yield from _numbered(view)
    if has_any(lower, _GERMANIC_SIGNS):
        yield from (Span(m.start(), m.end(), "ADDRESS", 3) for m in _GERMANIC.finditer(lower))
    if not view.words.isdisjoint(_ROMANCE_WORDS):
        yield from (
            Span(m.start(), m.end(), "ADDRESS", 3) for m in _FRENCH_NUMBERED.finditer(lower)
        )
        for match in _ROMANCE.finditer(lower):
            if _has_capital(view.text[match.start() : match.end()]):
                yield Span(match.start(), match.end(), "ADDRESS", 3)
    if not view.words.isdisjoint(_BOX_WORDS):
        yield from (Span(m.start(), m.end(), "ADDRESS", 3) for m in _BOX.finditer(lower))
    if not view.words.isdisjoint(_UNIT_WORDS):
        yield from (Span(m.start(), m.end(), "ADDRESS", 5) for m in _UNIT_ALONE.finditer(lower))
    if view.digits >= _ZIP_DIGITS:
        yield from _cities(lower)
    yield from _cued(view)


_NOT_CITIES = frozenset(
    "order invoice bill code number zip account ssn phone card need model psr".split()
)


def _cities(lower: str) -> Iterator[Span]:
    for match in _ZIP.finditer(lower):
        window = max(0, match.start() - _CITY_CHARS)
        found = _CITY_STATE.search(lower[window : match.start()])
        if found is None:
            continue
        words = found[0].replace(",", " ").split()
        while words and (words[0] in _STREETLESS or words[0] in _NOT_CITIES):
            words.pop(0)
        if len(words) > 1:
            yield Span(lower.index(words[0], window + found.start()), match.end(), "ADDRESS", 4)


def _has_capital(text: str) -> bool:
    return any(c.isupper() for c in text)


def _numbered(view: View) -> Iterator[Span]:
    lower = view.lower
    for match in _NUMBERED_STREET.finditer(lower):
        names = match["name"].split()
        if any(name in _STREETLESS for name in names):
            continue
        tail = _US_TAIL.match(lower, match.end())
        has_state = tail is not None and len(tail[0]) > 1
        named = view.text[match.start("name") : match.end("name")]
        if match["type"] in _SHORT_TYPES and not has_state and not named[0].isupper():
            is_usual = not any(name in COMMON_WORDS for name in names)
            if not is_usual or match["type"] in {"way", "close", "row", "place"}:
                continue
        end = tail.end() if has_state and tail else match.end()
        if not has_state and named[0].isupper():
            city = _CITY_TAIL.match(view.text, match.end())
            if city and city[0].lstrip(", ")[:1].isupper():
                end = city.end()
        british = _UK_TAIL.match(lower, match.end())
        end = max(end, _end_of_places(lower, end), british.end() if british else end)
        yield Span(match.start(), end - lower[:end].endswith("."), "ADDRESS", 2)


def _end_of_places(lower: str, start: int) -> int:
    """Where names of places and a postcode end that go on to the end of what is said."""
    match = _PLACES.match(lower, start)
    if match is None:
        return start
    words = re.findall(r"[^\W\d_]+", match[0])
    is_place = not any(
        word in _STREETLESS or (word in COMMON_WORDS and word not in _STREET_WORDS)
        for word in words
    )
    return match.end() if is_place else start


def _cued(view: View) -> Iterator[Span]:
    lower = view.lower
    for match in _CUE.finditer(lower):
        window = lower[match.end() : match.end() + _LONGEST]
        stop = _CUED_END.search(window)
        body = window[: stop.start()] if stop else window
        body = body.rstrip(" ,.\n")
        words = body.split()
        is_place = bool(words) and words[0].strip(",") not in _NOT_AN_ADDRESS and "@" not in body
        if is_place and any(c.isdigit() for c in body) and _is_postal(body):
            yield Span(match.end(), match.end() + len(body), "ADDRESS", 4)


def _is_postal(body: str) -> bool:
    """Whether words are mostly names of places, not those of a sentence."""
    words = re.findall(r"[^\W\d_]+", body)
    is_sentence = any(word in _STREETLESS for word in words)
    common = sum(word in COMMON_WORDS and word not in _STREET_WORDS for word in words)
    return bool(words) and not is_sentence and common <= _COMMON_SHARE * len(words)


_NOT_AN_ADDRESS = frozenset("change update you this that email it is order be do not me".split())


def find_asked_address(view: View, start: int, end: int) -> Iterator[Span]:
    """A message that answers the question for an address, from `start` to `end`."""
    body = view.lower[start:end]
    if "?" in body or len(body) > _LONGEST:
        return
    if any(c.isdigit() for c in body) and _is_postal(body):
        yield Span(start, end, "ADDRESS", 4)


_STREET_WORDS = frozenset((_STREET_TYPES + "|city|old|new|north|little|high|park|town").split("|"))
