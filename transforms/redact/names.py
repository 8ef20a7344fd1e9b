"""Names of people: introduced, greeted, signed, known from the envelope, or plainly names."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from transforms.redact.likeness import name_likeness
from transforms.redact.spans import Span
from transforms.redact.states import STATE_WORDS
from transforms.redact.view import View, has_any
from transforms.redact.words import AMBIGUOUS, COMMON_WORDS, FIRST_NAMES, NOT_NAMES, SURNAMES

_STRONG = re.compile(
    r"\b(?:(?:my|her|his|our|your|full|first|last|account|card ?holder(?:'?s)?"
    r"|customer) name(?:'s| is| was|:| s| its| as)?"
    r"|under (?:the )?name(?: of)?|(?:in|on) (?:the )?name of|mein name ist|ich hei(?:ß|ss)e"
    r"|je m'appelle|mon nom est|me llamo|mi nombre es"
    r"|o?\s?meu nome (?:é|e)|me chamo|mi chiamo|il mio nome (?:è|e)|mijn naam is|ik heet"
    r"|(?:(?<=^)|(?<=[\n.,:;] )|(?<=and ))name(?:d| is|:|s| as)?)"
    r"[ \t]{1,2}(?=[^\W\d_])"
)
_OPEN = re.compile(
    r"\b(?:call me|speaking (?:with|to)|connected (?:with|to)|chatting with|talking to"
    r"|(?:issued|registered|addressed|belongs|made out|assigned|sold) to|on behalf of"
    r"|(?:booked|placed|signed|ordered) (?:by|for)|account ?holder(?: is|:)?"
    r"|name(?:d| is|:)|my (?:late )?(?:husband|wife|spouse|son|daughter|mother|mum|mom|father|dad"
    r"|friend|colleague|kid|partner|boyfriend|girlfriend|boss|neighbou?r|brother|sister|uncle|aunt"
    r"|cousin|grandmother|grandfather|flatmate|roommate)"
    r"(?:'s name is)?),?[ \t]{1,2}(?=[^\W\d_])"
)
_SELF = re.compile(
    r"\b(?:i am|i'm|im|myself|this is|ich bin|je suis|ik ben|hier spricht)[ \t]{1,2}(?=[^\W\d_])"
)
_SELF_END = re.compile(
    r"\s*(?:$|[.,;!\n]|(?:and|from|here|speaking|with|my|calling|writing|a|an)\b)"
)
_NO_NAME_ENDINGS = (
    "ous", "able", "ible", "ful", "less", "ive", "ish", "ical", "ic", "ment", "ness", "ity", "est",
    "ary", "ory", "ese", "ian",
)  # fmt: skip
_ROLES = (
    "kunde", "inhaber", "besitzer", "nutzer", "mieter", "leiter", "partner", "nehmer", "geber",
    "meister", "werker", "arbeiter", "berater", "halter", "pfleger", "anwalt", "kollege",
)  # fmt: skip
"""Ends of German nouns for people, which have a capital: "Ich bin Stammkunde"."""

_ENGLISH_SELF = frozenset({"i am", "i'm", "im", "myself", "this is", "hier spricht"})
"""Phrases behind which a name counts in lower case, too."""

_LIKELY = -0.6
"""How much it must be spelled like one, see `likeness`: "sabotage" and "theft" are not. Source:
chosen on the development half of MultiDoGO, where no introduced name is lost by it."""

_SELF_MOST = 2
_WEAK = re.compile(
    r"\b(?:c'est|soy|sou(?: [oa])?|sono|aqui é|it's|its|it is)"
    r"[ \t]{1,2}(?=[^\W\d_])"
)
_TITLE = re.compile(
    r"\b(?:mr|mrs|ms|miss|dr|prof|herrn?|frau|mme|mlle|monsieur|madame|señora?|sr|sra|signora?"
    r"|sig|dhr|mevr|mevrouw)"
    r"\b\.?[ \t](?=[^\W\d_])"
)
_GREETING = (
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|guten (?:tag"
    r"|morgen|abend)"
    r"|liebe[r]?|sehr geehrte[r]?|bonjour|bonsoir|chère?|hola|buenos días|buenas tardes"
    r"|estimad[oa]|querid[oa]|olá|oi"
    r"|bom dia|prezad[oa]|caro|cara|ciao|buongiorno|gentile|beste|geachte|goedemorgen|thanks"
    r"|thank you|thx|thanx|thnx|tks|ty|cheers|welcome|sorry|danke(?: (?:schön|dir|ihnen))?|merci"
    r"|gracias|obrigad[oa]|grazie|bedankt|dank (?:je|u))"
    r"[ ,\t]{1,2}(?=[^\W\d_])"
)
_FIRST_GREETING, _LATER_GREETING = re.compile(_GREETING), re.compile(rf"[\n.!?]\s*{_GREETING}")
"""Apart, because the search for a pattern that begins with a sign skips what is none."""
_SIGN_OFF = re.compile(
    r"(?:regards|thanks|thank you|cheers|sincerely|best|wishes|yours|grüße|grüßen|gruß"
    r"|cordialement|bien à vous"
    r"|saludos|un saludo|atentamente|atenciosamente|abraços|cumprimentos|saluti|cordiali saluti"
    r"|groeten|groet)"
    r"[,.!]?\s{0,3}\n\s{0,3}(?:-{1,2} ?)?(?=[^\W\d_])"
)
_NAME_BEFORE = re.compile(
    r"(?<!\w)(?P<v>[^\W\d_][\w'-]{1,30}(?: [^\W\d_][\w'-]{1,30})?) (?P<after>speaking"
    r"|here|is my (?:full )?name)\b"
)
_WORD = re.compile(r"[^\W\d_][\w'.-]{0,30}")
_TITLED = re.compile(r"[^\W\d_a-zß-ÿ][\w'-]{1,30}")
ENDINGS = ("ing", "ly", "tion", "n't", "ed")
"""Longer words that end so are no names unless the list says so."""

_MOST_WORDS = 4
ARTICLE_BEFORE = re.compile(
    r"\b(?:the|my|your|our|a|an|this|that|der|die|das|le|la|el) $", re.IGNORECASE
)
"""What before a name says that it is one of a thing: "the Robin router"."""

_NAME_CHARS = 3
"""Shorter parts of a name (initials, "Al", "Jo") are also words."""

PARTICLES = frozenset(
    "van von de der den da di del della la le du dos das el al bin ibn o mc st".split()
)


def plain(word: str) -> str:
    """A word in lower case without accents and without a possessive."""
    lower = word.lower().removesuffix("'s").strip("'.-")
    if lower.isascii():
        return lower
    decomposed = unicodedata.normalize("NFKD", lower)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def find_names(view: View) -> Iterator[Span]:
    """Names that a phrase introduces, and pairs of words that are names by themselves."""
    text, lower = view.text, view.lower
    yield from _strongly(view)
    for end in _weakly(view):
        yield from _taken(text, end, is_sure=False, rank=4)
    if not view.words.isdisjoint(_SELF_WORDS) or "this is" in lower:
        for match in _SELF.finditer(lower):
            yield from _self_named(text, match)
    if not view.words.isdisjoint(_TITLE_WORDS):
        yield from _titled(view)
    if " speaking" in lower or " is my " in lower or " here" in lower:
        yield from _named_before(text)
    if not view.words.isdisjoint(_PLAIN_FIRST) or not text.isascii():
        yield from _plain_names(text)


_PLAIN_FIRST = frozenset(w.partition("-")[0] for w in FIRST_NAMES)
_OPEN_WORDS = frozenset(
    "call speaking connected chatting talking issued registered addressed belongs made assigned"
    " sold behalf booked placed signed ordered holder accountholder name named husband wife spouse"
    " son daughter mother mum mom father dad friend colleague kid partner boyfriend girlfriend boss"
    " neighbour neighbor brother sister uncle aunt cousin grandmother grandfather flatmate"
    " roommate".split()
)
_WEAK_WORDS = frozenset("c soy sou sono aqui its".split())
_WEAK_PIECES = ("it's", "it is")
_SIGN_OFF_WORDS = frozenset(
    "regards thanks thank cheers sincerely best wishes yours grüße grüßen gruß cordialement bien"
    " saludos saludo atentamente atenciosamente abraços cumprimentos saluti groeten groet".split()
)
_SIGN_OFF_ENDS = frozenset(word[-2:] for word in (*_SIGN_OFF_WORDS, "you", "vous"))
_SIGN_OFF_CHARS = 8
"""An end of a word, a sign and three spaces."""

_SELF_WORDS = frozenset("am m im myself bin suis ben spricht".split())
_GREETING_WORDS = frozenset(
    "hi hello hey dear good hallo guten liebe lieber sehr bonjour bonsoir cher chère hola buenos"
    " buenas estimado estimada querido"
    " querida olá oi bom prezado prezada caro cara ciao buongiorno gentile beste geachte"
    " goedemorgen thanks thank thx thanx thnx tks ty cheers welcome sorry danke merci gracias"
    " obrigado obrigada grazie bedankt dank".split()
)
_TITLE_WORDS = frozenset(
    "mr mrs ms miss dr prof herr herrn frau mme mlle monsieur madame señor señora sr sra signor"
    " signora sig dhr mevr mevrouw".split()
)
_STRONG_WORDS = frozenset(
    "name named names heiße heisse appelle nom llamo nombre chamo nome chiamo naam heet".split()
)
"""Here and above: words of which one is in whatever the pattern matches."""


def _weakly(view: View) -> Iterator[int]:
    """Where phrases end after which a name may come."""
    words, lower = view.words, view.lower
    if not words.isdisjoint(_OPEN_WORDS):
        yield from (match.end() for match in _OPEN.finditer(lower))
    if not words.isdisjoint(_WEAK_WORDS) or has_any(lower, _WEAK_PIECES):
        yield from (match.end() for match in _WEAK.finditer(lower))
    if not words.isdisjoint(_GREETING_WORDS):
        yield from greeting_ends(lower)
    if not words.isdisjoint(_SIGN_OFF_WORDS) and _may_sign_off(lower):
        yield from (match.end() for match in _SIGN_OFF.finditer(lower))


@lru_cache(maxsize=16)
def greeting_ends(lower: str) -> tuple[int, ...]:
    """Where greetings and thanks end that a word follows, at the beginning of a sentence.

    Kept for a moment: two detectors ask for those of one text.
    """
    first = _FIRST_GREETING.match(lower)
    ends = [first.end()] if first else []
    ends += [match.end() for match in _LATER_GREETING.finditer(lower, ends[0] if ends else 0)]
    return tuple(ends)


def _may_sign_off(lower: str) -> bool:
    """Whether a line above another one ends like a word that signs off."""
    at = lower.find("\n")
    while at >= 0:
        end = lower[max(0, at - _SIGN_OFF_CHARS) : at].rstrip().rstrip(",.!")
        if end[-2:] in _SIGN_OFF_ENDS:
            return True
        at = lower.find("\n", at + 1)
    return False


def _strongly(view: View) -> Iterator[Span]:
    """What follows a phrase that only names follow."""
    if not view.words.isdisjoint(_STRONG_WORDS):
        for match in _STRONG.finditer(view.lower):
            yield from _taken(view.text, match.end(), is_sure=True, rank=3)


def _titled(view: View) -> Iterator[Span]:
    """A name with its title: "Mr. Toy"."""
    for match in _TITLE.finditer(view.lower):
        after = _TITLED.match(view.text, match.end())
        if after is not None and plain(after[0]) not in COMMON_WORDS:
            # A surname may end like a word of another kind: "Mr. Manning".
            yield Span(match.start(), after.end(), "PERSON", 4)
        for span in _taken(view.text, match.end(), is_sure=True, rank=3, most=3):
            yield Span(match.start(), span.end, "PERSON", 3)


def _taken(
    text: str, start: int, *, is_sure: bool, rank: int, most: int = _MOST_WORDS
) -> Iterator[Span]:
    """The name that begins at `start`: words up to one that is no name.

    Not sure means that the phrase before is also used without a name: then the words must look
    like names, by the list or by two capital letters.
    """
    words = _name_words(text, start, most)
    if not words:
        return
    plains = [plain(m[0]) for m in words]
    known = any(
        p in FIRST_NAMES and (p not in AMBIGUOUS or m[0][0].isupper())
        for p, m in zip(plains, words, strict=True)
    )
    paired = len(words) > 1 and (plains[0] in FIRST_NAMES or plains[-1] in SURNAMES)
    capitals = [m for m in words if m[0][0].isupper()]
    own = [m for m in words if plain(m[0]) not in PARTICLES or m[0][0].isupper()]
    titled = len(own) > 1 and len(capitals) == len(own)
    if is_sure or known or paired or titled:
        if (
            not is_sure
            and capitals
            and not words[-1][0][0].isupper()
            and plains[-1] not in SURNAMES
        ):
            words = _leading_capitals(words)
        end = words[-1].end()
        yield Span(words[0].start(), end - text[:end].endswith("."), "PERSON", rank)


def _self_named(text: str, phrase: re.Match[str]) -> Iterator[Span]:
    """One or two words after "this is" that end what is said and look like a name."""
    is_english = phrase[0].strip() in _ENGLISH_SELF
    words = _name_words(text, phrase.end(), _MOST_WORDS)
    if not words:
        return
    if is_english or words[0][0][0].isupper() or plain(words[0][0]) not in STATE_WORDS:
        yield from _taken(text, phrase.end(), is_sure=False, rank=4)
    end = words[-1].end()
    is_all = len(words) <= _SELF_MOST and _SELF_END.match(text[end : end + 16].lower())
    if is_all and all(_is_like_name(m[0], is_english=is_english) for m in words):
        yield Span(words[0].start(), end - text.endswith(".", 0, end), "PERSON", 4)


def _is_like_name(word: str, *, is_english: bool) -> bool:
    """Whether a word after "I am" may be a name: a listed one, or by its capital or spelling.

    In lower case it must be spelled so, and behind phrases of other languages be listed: "ich bin
    krank". With a capital it must be no word for a state: "Ich bin Rentner".
    """
    name = plain(word)
    if len(name) < _NAME_CHARS:
        return False
    is_titled = word[0].isupper() and not word.isupper()
    if name in FIRST_NAMES or name in SURNAMES:
        return is_titled or is_english or name not in STATE_WORDS
    if name in STATE_WORDS or name in NOT_NAMES or name.endswith(_NO_NAME_ENDINGS):
        return False
    if name.removesuffix("in").endswith(_ROLES):
        return False
    return is_titled or (is_english and name_likeness(name) >= _LIKELY)


def _leading_capitals(words: list[re.Match[str]]) -> list[re.Match[str]]:
    kept = []
    for match in words:
        if not match[0][0].isupper():
            break
        kept.append(match)
    return kept or words[:1]


def _name_words(text: str, start: int, most: int) -> list[re.Match[str]]:
    """Up to `most` words that may belong to a name, a comma between surname and given name."""
    words: list[re.Match[str]] = []
    at = start
    while len(words) < most:
        match = _WORD.match(text, at)
        if match is None:
            break
        word = plain(match[0])
        is_stop = word in COMMON_WORDS and not (word in FIRST_NAMES and match[0][0].isupper())
        is_listed = word in FIRST_NAMES or word in SURNAMES
        is_stop = is_stop or (
            len(word) > _NAME_CHARS + 1 and word.endswith(ENDINGS) and not is_listed
        )
        if is_stop and word not in PARTICLES:
            break
        words.append(match)
        at = match.end()
        if _ends_sentence(match[0]):
            break
        if text[at : at + 1] == " ":
            at += 1
        elif text[at : at + 2] == ", " and _is_inverted(words, text, at + 2):
            at += 2
        else:
            break
    while words and ((word := plain(words[-1][0])) in PARTICLES or word in COMMON_WORDS):
        words.pop()
    return words


def _is_inverted(words: list[re.Match[str]], text: str, at: int) -> bool:
    """Whether a comma stands between one surname and a given name: "Toy, Robin"."""
    after = _WORD.match(text, at)
    if len(words) != 1 or after is None:
        return False
    word = plain(after[0])
    if word in FIRST_NAMES:
        return True
    is_titled = after[0][0].isupper() and words[0][0][0].isupper()
    return is_titled and word not in COMMON_WORDS


def _ends_sentence(word: str) -> bool:
    """Whether a word ends with a full stop and is no initial."""
    return word.endswith(".") and len(word) > _NAME_CHARS - 1


def _plain_names(text: str) -> Iterator[Span]:
    """A given name with a capital, or a given name and a surname in any case."""
    matches = list(_WORD.finditer(text))
    for i, match in enumerate(matches):
        word = plain(match[0])
        if word not in FIRST_NAMES:
            continue
        after = matches[i + 1] if i + 1 < len(matches) else None
        is_next = after is not None and text[match.end() : after.start()] == " "
        is_titled = match[0][0].isupper() and not match[0].isupper()
        if after is not None and is_next and not _ends_sentence(match[0]):
            second = plain(after[0])
            is_pair = second in SURNAMES and (is_titled == after[0][0].isupper())
            is_sure_pair = second not in AMBIGUOUS or word not in AMBIGUOUS
            has_capitals = is_titled and after[0][0].isupper() and second not in COMMON_WORDS
            if (is_pair and is_sure_pair) or (has_capitals and word not in AMBIGUOUS):
                end = after.end() - (after[0].endswith("."))
                yield Span(match.start(), end, "PERSON", 4)
                continue
        is_thing = ARTICLE_BEFORE.search(text[max(0, match.start() - 6) : match.start()])
        is_part = text[match.end() : match.end() + 1] == "-"
        if is_titled and word not in AMBIGUOUS and not is_thing and not is_part:
            yield Span(match.start(), match.end() - match[0].endswith("."), "PERSON", 5)


def _named_before(text: str) -> Iterator[Span]:
    """A word before "speaking" or "is my name"."""
    for match in _NAME_BEFORE.finditer(text):
        words = [w for w in match["v"].split() if plain(w) not in COMMON_WORDS]
        is_called = match["after"] not in ("speaking", "here")
        titled = [w for w in words if not w.islower()]
        is_sure = is_called or (bool(titled) and (len(titled) > 1 or match["after"] != "here"))
        if words and is_sure:
            start = match.start("v") + match["v"].index(words[0])
            yield Span(start, match.end("v"), "PERSON", 4)
