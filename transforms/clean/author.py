"""What an author said, out of what arrived: quotes, signatures and fillers go, words stay.

A cleaner takes text and gives text. `CLEANERS` lists them a channel in the order they run.
Training text is never spell-corrected; slang and spelling go to a shadow column (`shadow`).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ftfy

from deskwheel.marks import Disfluency
from transforms.clean.cuts import RawCut, split_body
from transforms.clean.disfluency import smooth
from transforms.clean.language import language_of
from transforms.clean.links import tidy_links
from transforms.clean.tokens import CONTROL, ORDERS, break_tokens, count_orders, moved
from transforms.redact.view import words_of
from transforms.trim.lines import close_gaps

Cleaner = Callable[[str], str]

_JOINED_SCRIPTS = r"\u0600-\u06ff\u0900-\u0dff"
_JOINED = rf"{_JOINED_SCRIPTS}\u2600-\u27bf\ufe0f\U0001f300-\U0001faff"
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
    rf"|(?<![{_JOINED_SCRIPTS}])\u200c|(?<![{_JOINED}])\u200d|\u200d(?![{_JOINED}])"
)
"""Characters that show nothing. The joiners stay where writing needs them: within an emoji of
several figures, and between letters of Arabic and Indic scripts."""
_MOJIBAKE = re.compile(r"[ÃÂâ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ¡-¿]|ð[\x9fŸ]")

SLANG = {
    "u": "you", "ur": "your", "pls": "please", "plz": "please", "thx": "thanks", "ty": "thank you",
    "asap": "as soon as possible", "acct": "account", "pw": "password", "cuz": "because",
    "dont": "don't", "cant": "can't", "wont": "won't", "im": "I'm", "gonna": "going to",
    "wanna": "want to", "idk": "I don't know", "btw": "by the way", "tmrw": "tomorrow",
}  # fmt: skip

MISSPELT = {
    "acces": "access", "acount": "account", "acomodate": "accommodate", "adress": "address",
    "addres": "address", "allready": "already", "alot": "a lot", "availible": "available",
    "becuase": "because", "becouse": "because", "begining": "beginning", "beleive": "believe",
    "buisness": "business", "calender": "calendar", "cancle": "cancel", "canceld": "cancelled",
    "comming": "coming", "confrim": "confirm", "custmer": "customer", "definately": "definitely",
    "delivary": "delivery", "delivry": "delivery", "diffrent": "different", "dissapointed":
    "disappointed", "emial": "email", "existance": "existence", "finaly": "finally",
    "guarentee": "guarantee", "happend": "happened", "immediatly": "immediately",
    "inconvinience": "inconvenience", "infomation": "information", "instal": "install",
    "invoce": "invoice", "lisence": "licence", "mesage": "message", "neccessary": "necessary",
    "occured": "occurred", "ordr": "order", "passwrod": "password",
    "payed": "paid", "paymet": "payment", "plese": "please", "pleae": "please",
    "probelm": "problem", "purchace": "purchase", "recieve": "receive", "recieved": "received",
    "reciept": "receipt", "refound": "refund", "reimbursment": "reimbursement",
    "seperate": "separate", "shiping": "shipping", "subscribtion": "subscription",
    "succesful": "successful", "teh": "the", "thier": "their", "tommorow": "tomorrow",
    "truely": "truly", "untill": "until", "usefull": "useful", "wich": "which", "wierd": "weird",
}  # fmt: skip
"""What service desks read most often; a spelling that is a word of its own is left out."""

_MENDED = SLANG | MISSPELT
_ALSO_FOREIGN = frozenset({"im", "dont", "ty", "instal", "calender", "adress"})
"""Words of German, French, Danish or Swedish, too."""
_MENDED_ANYWHERE = {word: said for word, said in _MENDED.items() if word not in _ALSO_FOREIGN}
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_SPACES = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What redaction sees of an utterance, and what cleaning took away or changed."""

    text: str
    cuts: tuple[RawCut, ...] | None = None
    """Of a mail."""
    disfluencies: tuple[Disfluency, ...] | None = None
    """Of a call."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """Changes of links (`transforms.clean.links`), and what is meant for a model
    (`transforms.clean.tokens`)."""


def fix_encoding(text: str) -> str:
    """Text with mojibake mended line by line, and only where a sign of mojibake is there.

    Ungated, ftfy changes text that was right (curly quotes, fullwidth letters); on a whole text, a
    line that is right keeps it from mending the one that is not.
    """
    if text.isascii() or not _MOJIBAKE.search(text):
        return text
    lines = text.split("\n")
    return "\n".join(ftfy.fix_encoding(x) if _MOJIBAKE.search(x) else x for x in lines)


def normalise_space(text: str) -> str:
    """NFC text without control characters, one space between words, at most one empty line."""
    if text.isascii() and text.isprintable():  # most lines: nothing to compose or take out
        return _SPACES.sub(" ", text).strip() if "  " in text else text.strip()
    text = _visible(text.replace("\r\n", "\n"))
    lines = [_SPACES.sub(" ", line).strip() for line in text.split("\n")]
    return close_gaps("\n".join(lines)).strip()


def _visible(text: str) -> str:
    return _CONTROL.sub("", unicodedata.normalize("NFC", text))


CLEANERS: dict[str, tuple[Cleaner, ...]] = {
    "email": (fix_encoding, normalise_space),
    "chat": (fix_encoding, normalise_space),
    "call": (fix_encoding, normalise_space),
}
"""Steps that lose nothing worth keeping. Of a mail they see a line at a time. What `clean_marked`
does after them leaves marks: cuts, fillers and links."""


def clean(channel: str, text: str, *, names: tuple[str, ...] = ()) -> str:
    """The author's words: what is left when every step has run.

    Args:
        channel: Where the text comes from.
        text: What was said there.
        names: How its author may be called; such a name alone in a mail's last line goes too.
    """
    return clean_marked(channel, text, names=names).text


def clean_marked(
    channel: str, text: str, *, names: tuple[str, ...] = (), language: str | None = None
) -> Cleaned:
    """What `clean` gives, with marks of what was taken away or changed.

    Args:
        channel: Where the text comes from.
        text: What was said there.
        names: As for `clean`.
        language: Of the call that the text is of, where it is known (`transforms.clean.language`).
    """
    if channel == "email":
        return _clean_mail(text, names)
    notes: Counter[str] = Counter()
    if channel == "call":
        # Fillers first: `<unk>` is a recogniser's mark here, and a token only where it stays.
        smoothed, marks = smooth(verbatim(text), language)
        said, places = _broken(smoothed, notes)
        return Cleaned(text=said, disfluencies=moved(marks, places), notes=_told(said, notes))
    tidied, done = tidy_links(_plain(channel, text))
    notes.update(done)
    said, _ = _broken(tidied, notes)
    return Cleaned(text=said, notes=_told(said, notes))


def _clean_mail(text: str, names: tuple[str, ...]) -> Cleaned:
    notes: Counter[str] = Counter()

    def tidy(line: str) -> str:
        if not line:
            return line
        tidied, done = tidy_links(_plain("email", line))
        if done:
            notes.update(done)
        return _broken(tidied, notes)[0]

    # The trimmer must read closings and dividers, so broken letters are mended before it.
    words, cuts = split_body(fix_encoding(text), tidy, names)
    return Cleaned(text=words, cuts=cuts, notes=_told(words, notes))


def _broken(text: str, notes: Counter[str]) -> tuple[str, tuple[int, ...]]:
    """The text without control tokens, which are counted, and where they were broken."""
    said, places = break_tokens(text)
    if places:
        notes[CONTROL] += len(places)
    return said, places


def _told(text: str, notes: Counter[str]) -> Counter[str]:
    """The notes, with the orders to a model that the text holds."""
    if orders := count_orders(text):
        notes[ORDERS] += orders
    return notes


def _plain(channel: str, text: str) -> str:
    for cleaner in CLEANERS[channel]:
        text = cleaner(text)
    return text


def verbatim(text: str) -> str:
    """A transcript as it was said: what `clean` makes of a call, with its disfluencies."""
    return _plain("call", text)


def shadow(text: str) -> str | None:
    """The text with slang written out and common misspellings mended, or None without any.

    For search and matching only: no later stage reads it. Only English is mended; a text that is
    too short to tell keeps what is also a word of another language (`im Laden`).
    """
    mended = _with(_MENDED, text)
    if mended == text:
        return None
    # Slang itself is taken for any language, so that the text is judged without it.
    language = language_of(mended)
    if language not in (None, "en"):
        return None
    if language is None:
        mended = _with(_MENDED_ANYWHERE, text)
    return mended if mended != text else None


def _with(table: Mapping[str, str], text: str) -> str:
    if words_of(text.lower()).isdisjoint(table):
        return text
    return _WORD.sub(lambda m: table.get(m[0].lower(), m[0]), text)
