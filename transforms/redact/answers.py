"""What a message is that holds nothing else: a name, or a name with a number.

Where the agent's question is not known, this is suspicion; it is masked, because a customer who
says nothing but a name was asked for it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from transforms.redact.likeness import name_likeness
from transforms.redact.names import ENDINGS, PARTICLES, plain
from transforms.redact.spans import Span
from transforms.redact.spoken import NUMBER_WORDS
from transforms.redact.states import STATE_WORDS
from transforms.redact.view import View
from transforms.redact.words import AMBIGUOUS, COMMON_WORDS, FIRST_NAMES, NOT_NAMES, SURNAMES

_LEAD = re.compile(
    r"\s*(?:(?:hai|hey|hii|bye|yes|yeah|yep|sure|ok|okay|certainly|of course|absolutely"
    r"|(?:that|it)(?:'d| would) be|that's|that is|it's|its|it is"
    r"|it (?:would|should|must|ought to) be|that (?:should|must) be|should be|let me (?:see|check"
    r"|look"
    r"|think)|(?:hang|hold) on|(?:one|just a) (?:sec(?:ond)?|moment|minute)|i (?:think|believe"
    r"|guess)"
    r"|yup|aye|right|sure thing|there you go|here you are|mine|this is|here it is|here you go"
    r"|here|hi|hello|thanks|thank you|please"
    r"|no problem|my|the|is|name|i'm"
    r"|i am|ja|klar|gerne|oui|bien sûr|sí|claro|sim|sì|certo|natürlich|das ist|um|uh|erm|ehm|uhm"
    r"|hm+|eh|ah|oh|so|well|and"
    r"|alright|no|not at all|np)\b[\s,.:;!-]*)*"
)
_TAIL = re.compile(
    r"(?:[\s,.!]|\b(?:i (?:think|believe|guess|hope)|mate|dear|correct|please|thanks|thank you"
    r"|sir|madam|ok|danke|merci|gracias)\b)+$"
)
_ANSWER_CHARS = 200
_OUTCOMES = frozenset(
    "sorted fixed solved resolved worked working cheers ta thx superb awesome"
    " brilliant brill yay hooray phew bingo cleared received".split()
)
"""What else people say in a word or two where an answer could stand."""

_MOST_WORDS = 4
_WORD = re.compile(r"[^\W\d_][\w'.-]*")
_NO_ANSWER = re.compile(r"[\d@<>:/?]")

_LIKELY = 0.25
_LIKELY_WITH_NUMBER = 0.5
"""Mean log-odds of a name, see `likeness`. Source: chosen on the development half of MultiDoGO,
where most unlisted words above the first, alone in a message, are names."""
_LIKELY_WORDS = 2
_NATIONS = ("ese", "ian")
"""Ends of words for where somebody is from: "I am Canadian"."""

_NAME_CHARS = 4
"""Shorter words that no list has are mostly codes: "kij 561", "crv"."""
_NAME_AND_NUMBER = re.compile(
    r"(?P<name>[^\W\d_][a-z'-]{1,30}(?: [^\W\d_][a-z'-]{1,30})?),?(?: and)?"
    r"(?: (?:my )?(?:account|card|phone|mobile|contact|confirmation|policy|customer|member|booking"
    r"|ssn|social|pin|zip|last|email|id|number|no)\b[a-z #.:]{0,30})? ?[#:-]? ?(?=[a-z]{0,3} ?\d)"
)
_CODE = re.compile(r"(?!(?:19|20)\d\d\b)(?:\d{4}|\d{7,16})[\s.,!]*$")
"""What may follow a name that no list has: four digits that are no year, or the digits of a number;
five and six follow a town."""
_LEAST_DIGITS = 3


def answer_range(lower: str) -> tuple[int, int]:
    """Where a message's matter begins and ends, without words of politeness around it."""
    return (0, len(lower)) if len(lower) > _ANSWER_CHARS else _short_range(lower)


@lru_cache(maxsize=64)
def _short_range(lower: str) -> tuple[int, int]:
    """Kept for a moment: numbers, dates and names of one text all ask for it."""
    lead = _LEAD.match(lower)
    start = lead.end() if lead else 0
    tail = _TAIL.search(lower, start)
    return start, tail.start() if tail else len(lower)


def find_answer_name(view: View, *, is_asked: bool) -> Iterator[Span]:
    """A name that is all of a message, but for words of politeness: "sure, Robin Toy"."""
    start, end = answer_range(view.lower)
    body = view.text[start:end]
    if view.digits >= _LEAST_DIGITS:
        yield from _before_number(view.lower, start, end)
    if len(body) > _ANSWER_CHARS or _NO_ANSWER.search(body):
        return
    words = list(_WORD.finditer(body))
    if not words or len(words) > _MOST_WORDS:
        return
    plains = [plain(m[0]) for m in words]
    is_titled = len(words) > 1 and all(m[0][0].isupper() and not m[0].isupper() for m in words)
    is_word = [
        p in _OUTCOMES
        or (p in COMMON_WORDS and p not in FIRST_NAMES and not (n and p in PARTICLES))
        for n, p in enumerate(plains)
    ]
    # "Mark Hope" is a name after the question for one; "Of Course" and "Not Yet" never are.
    if all(is_word) or (any(is_word) and not (is_asked and is_titled)):
        return
    is_even = len({m[0][0].isupper() for m in words}) == 1
    if is_asked or (is_even and (_is_full_name(plains) or _is_likely(plains, _LIKELY))):
        yield Span(start + words[0].start(), start + words[-1].end(), "PERSON", 4)


SECRETS = ("PASSWORD", "USERNAME", "EMAIL")
"""Types whose values may look like anything, in the order in which a question is believed."""

_SECRET_CHARS = range(4, 65)
_SECRET_WORDS = 3
_SECRET_WORD = re.compile(r"[^\s,;<>\"]+")
_CUT_EMAIL = re.compile(
    r"[\w.+-]{2,64} ?(?:@|\bat\b|\barroba\b|\bchez\b) ?[\w-]{2,40}(?: ?(?:\.|dot) ?\w+)*"
)
_NO_SECRETS = frozenset(
    "again already always caps changed correct default different done forgot forgotten generated"
    " incorrect invalid lost lowercase nada nessuna nessuno nichts nien niente ninguna ninguno"
    " nothing nee olvide olvidado oublie pareil random rien same several temporary today tried"
    " twice unknown unsure uppercase vergessen vergeten weiss weet keine aucun aucune".split()
)
"""What people say instead of a password, a login or an address."""


def find_asked_secret(view: View, asked: frozenset[str]) -> Iterator[Span]:
    """A password, login or cut mail address in a message of one to three words, where asked for."""
    kind = next(kind for kind in SECRETS if kind in asked)
    start, end = answer_range(view.lower)
    body = view.lower[start:end]
    if "?" in body[:-1] or len(body) > _ANSWER_CHARS:
        return
    if kind == "EMAIL" and (cut := _CUT_EMAIL.fullmatch(body)):
        yield Span(start, start + cut.end(), "EMAIL", 3)
        return
    words = list(_SECRET_WORD.finditer(view.text, start, end))
    if len(words) > _SECRET_WORDS:
        return
    for match in words:
        value = match[0].rstrip(".,")
        if _is_secret(value, is_alone=len(words) == 1 and kind != "EMAIL"):
            yield Span(match.start(), match.start() + len(value), kind, 4)


def _is_secret(value: str, *, is_alone: bool) -> bool:
    """Whether a token mixes letters with digits or signs, or is an unknown word and all is said."""
    if len(value) not in _SECRET_CHARS or not any(c.isalpha() for c in value):
        return False
    if any(c.isdecimal() or c in "_!$%&*#+=@^~" for c in value.rstrip("!")):
        return True
    word = plain(value.rstrip("!"))
    is_word = word in COMMON_WORDS or word in NOT_NAMES or word in _NO_SECRETS
    is_word = is_word or word in STATE_WORDS or word.endswith(ENDINGS)
    return is_alone and not is_word


def _is_full_name(plains: Sequence[str]) -> bool:
    """Whether words hold a given name that is no word, or one beside a surname."""
    if any(p in FIRST_NAMES and p not in AMBIGUOUS for p in plains):
        return True
    return len(plains) > 1 and plains[0] in FIRST_NAMES and plains[-1] in SURNAMES


def _is_likely(plains: Sequence[str], least: float) -> bool:
    """Whether one or two words are spelled like names and are no words that we know."""
    return len(plains) <= _LIKELY_WORDS and all(
        len(p) >= _NAME_CHARS
        and not p.endswith(_NATIONS)
        and p not in NOT_NAMES
        and p not in NUMBER_WORDS
        and p not in STATE_WORDS
        and name_likeness(p) >= least
        for p in plains
    )


def _before_number(lower: str, start: int, end: int) -> Iterator[Span]:
    """A name at the beginning of a message that goes on with a number: "robin 2541"."""
    match = _NAME_AND_NUMBER.match(lower, start, end)
    if match is None:
        return
    words = _leading_names(match["name"].split())
    if not words:
        return
    plains = [plain(w) for w in words]
    is_listed = plains[0] in FIRST_NAMES or (len(plains) > 1 and plains[-1] in SURNAMES)
    is_code = _CODE.match(lower, match.end(), end) is not None
    if is_listed or (is_code and _is_likely(plains, _LIKELY_WITH_NUMBER)):
        yield Span(match.start("name"), match.start("name") + len(" ".join(words)), "PERSON", 4)


def _leading_names(words: Sequence[str]) -> list[str]:
    """Words up to the first that is no name; of unlisted ones only those as long as a name."""
    found: list[str] = []
    for word in words:
        p = plain(word)
        is_listed = p in FIRST_NAMES or p in SURNAMES
        if (p in COMMON_WORDS and p not in FIRST_NAMES) or p in NOT_NAMES:
            break
        if not is_listed and len(p) < _NAME_CHARS:
            break
        found.append(word)
    return found
