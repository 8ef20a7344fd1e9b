"""What an author said, out of what arrived: quotes, signatures and fillers go, words stay.

A cleaner takes text and gives text. `CLEANERS` lists them a channel in the order they run.
Training text is never spell-corrected; slang goes to a shadow column (`shadow`).
"""

import re
import unicodedata
from collections.abc import Callable

import ftfy

from transforms.disfluency import smooth
from transforms.trim import trim

Cleaner = Callable[[str], str]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_MOJIBAKE = re.compile(r"[ÃÂâ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ¡-¿]")

SLANG = {
    "u": "you", "ur": "your", "pls": "please", "plz": "please", "thx": "thanks", "ty": "thank you",
    "asap": "as soon as possible", "acct": "account", "pw": "password", "cuz": "because",
    "dont": "don't", "cant": "can't", "wont": "won't", "im": "I'm", "gonna": "going to",
    "wanna": "want to", "idk": "I don't know", "btw": "by the way", "tmrw": "tomorrow",
}  # fmt: skip


def fix_encoding(text: str) -> str:
    """Text with mojibake mended, and only where a sign of mojibake is there.

    Ungated, ftfy changes text that was right (curly quotes, fullwidth letters).
    """
    return ftfy.fix_encoding(text) if _MOJIBAKE.search(text) else text


def normalise_space(text: str) -> str:
    """NFC text without control characters, one space between words, at most one empty line."""
    text = _CONTROL.sub("", unicodedata.normalize("NFC", text).replace("\r\n", "\n"))
    lines = [re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def drop_fillers(text: str) -> str:
    """A transcript without hesitations and stuttered words; `verbatim` keeps them."""
    return smooth(text)[0]


CLEANERS: dict[str, tuple[Cleaner, ...]] = {
    "email": (fix_encoding, normalise_space),
    "chat": (fix_encoding, normalise_space),
    "call": (fix_encoding, normalise_space, drop_fillers),
}


def clean(channel: str, text: str, *, names: tuple[str, ...] = ()) -> str:
    """The author's words: of a mail what `transforms.trim` leaves, then every cleaner.

    Args:
        channel: Where the text comes from.
        text: What was said there.
        names: How its author may be called; such a name alone in a mail's last line goes too.
    """
    if channel == "email":
        text = trim(fix_encoding(text), names).text()
    for cleaner in CLEANERS[channel]:
        text = cleaner(text)
    return text


def verbatim(text: str) -> str:
    """A transcript as it was said: what `clean` makes of a call, with its disfluencies."""
    return normalise_space(fix_encoding(text))


def shadow(text: str) -> str | None:
    """The text with slang written out, for search and matching, or None where nothing differs."""
    mended = re.sub(r"[A-Za-z']+", lambda m: SLANG.get(m[0].lower(), m[0]), text)
    return mended if mended != text else None
