"""What an author said, out of what arrived: quotes, signatures and fillers go, words stay.

A cleaner takes text and gives text. `CLEANERS` lists them a channel in the order they run.
Training text is never spell-corrected; slang goes to a shadow column (`shadow`).
"""

import re
import unicodedata
from collections.abc import Callable

import ftfy

Cleaner = Callable[[str], str]

_ATTRIBUTION = re.compile(
    r"^\s*(on .{6,160} wrote:|am .{6,160} schrieb.{0,60}:|le .{6,160} a écrit\s?:|"
    r"-{2,}\s*original message\s*-{2,}|-{2,}\s*forwarded message\s*-{2,}|_{10,}|"
    r"from: .{3,160})\s*$",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"^(--\s?|__+|sent from my .{2,40}|get outlook for .{2,20})$", re.IGNORECASE
)
_DISCLAIMER = re.compile(
    r"(this (e-?mail|message)( and any attachments?)? (is|are|may be|contains?)\b.{0,80}"
    r"(confidential|intended|privileged)|confidentiality notice|please consider the environment|"
    r"if you (are not|have received) .{0,60}(recipient|in error))",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"^(kind |best |warm |many |with )?(regards|wishes|thanks|thank you|cheers|sincerely|best|"
    r"yours (truly|sincerely|faithfully))(,? .{0,30})?[,.!]?$",
    re.IGNORECASE,
)
_SIGN_OFF_LINES = 8
"""A closing formula stands in the last lines; further up it is part of a sentence."""

_GREETING = re.compile(
    r"^(hi|hello|hey|dear|good (morning|afternoon|evening))( there| all| team)?"
    r"([ ,]+[\w.'-]+){0,4}[,.!:]*$",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"(?:(?<=\s)|^)(?:u+h+|u+m+|e+r+m*|hmm+|mhm|you know|i mean)(?:,)?(?=\s|$)[ ,]*", re.IGNORECASE
)
_REPEAT = re.compile(r"\b(\w{1,12})(?: \1\b)+", re.IGNORECASE)
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


def cut_quoted_reply(text: str) -> str:
    """A mail without the earlier mails it carries along: attribution lines and `>` quotes.

    Under an attribution whose quote is marked with `>`, unmarked lines are the author's own
    (answers below or between the quote); under one without marks the rest is the quote.
    """
    lines = text.split("\n")
    last_mark = max((i for i, line in enumerate(lines) if _is_marked(line)), default=-1)
    kept: list[str] = []
    rest_of_attribution = -1
    for i, line in enumerate(lines):
        is_split = line.startswith("On ") and _ATTRIBUTION.match(" ".join(lines[i : i + 2]))
        if _ATTRIBUTION.match(line) or is_split:
            if last_mark < i:
                break
            rest_of_attribution = i + 1 if is_split else -1
        elif i != rest_of_attribution and not _is_marked(line):
            kept.append(line)
    return "\n".join(kept)


def _is_marked(line: str) -> bool:
    return line.lstrip().startswith(">")


def cut_signature(text: str) -> str:
    """A mail without signature block, disclaimer and the closing formula above them."""
    lines = text.rstrip().split("\n")
    for i, line in enumerate(lines):
        if i and (_SIGNATURE.match(line.strip()) or _DISCLAIMER.search(line)):
            lines = lines[:i]
            break
    for i in range(max(1, len(lines) - _SIGN_OFF_LINES), len(lines)):
        if _SIGN_OFF.match(lines[i].strip()) and len(lines) - i < _SIGN_OFF_LINES:
            return "\n".join(lines[:i])
    return "\n".join(lines)


def cut_greeting(text: str) -> str:
    """A mail without the salutation in its first line."""
    first, _, rest = text.lstrip().partition("\n")
    return rest if rest.strip() and _GREETING.match(first.strip()) else text


def drop_fillers(text: str) -> str:
    """A transcript without hesitations and stuttered words."""
    return _REPEAT.sub(r"\1", _FILLER.sub("", text))


CLEANERS: dict[str, tuple[Cleaner, ...]] = {
    "email": (
        fix_encoding, cut_quoted_reply, normalise_space, cut_signature, cut_greeting,
        normalise_space,
    ),
    "chat": (fix_encoding, normalise_space),
    "call": (fix_encoding, drop_fillers, normalise_space),
}  # fmt: skip


def clean(channel: str, text: str) -> str:
    """The author's words, after every cleaner of the channel."""
    for cleaner in CLEANERS[channel]:
        text = cleaner(text)
    return text


def shadow(text: str) -> str | None:
    """The text with slang written out, for search and matching, or None where nothing differs."""
    mended = re.sub(r"[A-Za-z']+", lambda m: SLANG.get(m[0].lower(), m[0]), text)
    return mended if mended != text else None
