"""What people say without meaning it: fillers, noises, repetitions and false starts of speech.

They go from the text that is trained on and stay as marks beside it, so that a later filter may put
them back (`restore`) or weigh them. A mark never holds words of its own: a filler is of a closed
list, a repetition is of the words before it and a false start of the word after it, as they stand
in the redacted text. So no mark tells what redaction took away.

What is a filler in one language is a word of another: `um` and `er` go only from what may be
English. And what is said twice may be meant twice (`no no`, `vous vous`, `had had`).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from deskwheel.marks import Disfluency, DisfluencyKind
from transforms.clean.language import language_of
from transforms.redact.placeholders import masks
from transforms.redact.spoken import NUMBER_WORDS

_ANYWHERE = r"u+h+m*|e+r+m+|a+h+m+|h+m+|mhm|ä+h+m*|eu+h+|eh+m+"
_FILLERS = re.compile(_ANYWHERE)
_ENGLISH_FILLERS = re.compile(rf"{_ANYWHERE}|u+m+|e+r+")
"""The last two are words of German, Dutch, Portuguese, Danish and others: `er kommt um drei`."""
_AMBIGUOUS = re.compile(r"(?<!\w)(?:u+m+|e+r+)(?!\w)", re.IGNORECASE)
_FILLER_WORD = re.compile(rf"(?<!\w)(?:{_ENGLISH_FILLERS.pattern})(?!\w)", re.IGNORECASE)
_TAGS = re.compile(
    r"[\[<(](?:noise|laughter|laughs|cough|breath|unk|unintelligible|inaudible|crosstalk|silence|"
    r"pause|sniff|sigh|background[ _]noise|spoken[ _]noise)[\])>]",
    re.IGNORECASE,
)
"""Marks of recognisers and transcribers for what is no word."""

_BEFORE_MEANT = frozenset(
    {"do", "did", "does", "don't", "if", "as", "what", "let", "how", "would", "should", "that",
     "when", "which", "know", "see", "might", "may", "can", "will", "to", "because"}
)  # fmt: skip
_AFTER_MEANT = frozenset(
    {"what", "where", "how", "if", "when", "why", "who", "which", "about", "anything", "any",
     "is", "was", "it", "by", "business", "someone", "your", "his", "her", "of"}
)  # fmt: skip
"""Neighbours with which "you know" and "I mean" are meant."""

_MEANT_TWICE = frozenset(
    "had that very really so no yes yeah ok okay bye many much far never please wait hello hi there"
    " now die der das den sie ihr nein ja sehr doch nous vous tout non oui très si no muy mucho"
    " muito não sim poco piano molto tanto sempre ben bene dat dat heel nee goed".split()
)
"""Words that grammar, emphasis or farewell puts twice: `I had had it`, `die, die es wissen`, `vous
vous trompez`."""

_PHRASES = {("you", "know"), ("i", "mean")}
_LANGUAGE_CHARS = 120
"""What the language is told from: enough to be sure, and a third of the cost of more."""

_LONGEST_REPEATED = 12
_LOOK_AHEAD = 3
_FRAGMENT = re.compile(r"([^\W\d_]{1,12})-+,?")
_SENTENCE_END = (".", "!", "?")
_EDGES = ",.;:!?…\"'()"


@dataclass(frozen=True, slots=True)
class _Word:
    raw: str
    bare: str
    gap: str
    """White space before it."""
    is_capitals: bool
    """Set apart by capitals from a text that has small letters: `the ER doctor`."""


def smooth(text: str, language: str | None = None) -> tuple[str, tuple[Disfluency, ...]]:
    """The text without disfluencies, and what went, by its place in the text that is left.

    What holds nothing else stays as it is: that somebody only hummed was said, too.

    Args:
        text: What somebody said.
        language: BCP 47 code of the talk's language; None, if it is not known, may be English.

    >>> smooth("um i wan- i want the the blue one")[0]
    'i want the blue one'
    >>> smooth("er hat um drei angerufen", "de")[0]
    'er hat um drei angerufen'
    """
    words = list(_words(text))
    fillers = _ENGLISH_FILLERS if language in (None, "en") else _FILLERS
    kept: list[_Word] = []
    marks: list[Disfluency] = []
    at = i = 0
    while i < len(words):
        found = _disfluency(words, i, kept, fillers)
        if found is None:
            kept.append(words[i])
            at += len(words[i].raw) + (len(words[i].gap) if len(kept) > 1 else 0)
            i += 1
            continue
        kind, taken, size = found
        said = " ".join(w.raw for w in words[i : i + taken]) if kind in ("filler", "noise") else ""
        marks.append(Disfluency(kind=kind, at=at, text=said, size=size))
        i += taken
    if not kept:
        return text, ()
    return "".join((w.gap if n else "") + w.raw for n, w in enumerate(kept)), tuple(marks)


def spoken_language(texts: Sequence[str]) -> str | None:
    """The language of a talk, where `smooth` must know it: where a word may be a filler in English.

    Fillers themselves say nothing of it and are left out.

    >>> spoken_language(["um the the card", "uh"]), spoken_language(["the card"])
    ('en', None)
    """
    if not any(_AMBIGUOUS.search(text) for text in texts):
        return None
    said: list[str] = []
    for text in texts:
        said.append(_FILLER_WORD.sub("", text[:_LANGUAGE_CHARS]))
        if sum(map(len, said)) >= _LANGUAGE_CHARS:
            break
    return language_of(" ".join(said)[:_LANGUAGE_CHARS])


def restore(text: str, marks: Sequence[Disfluency]) -> str:
    """The text as it was said, out of the smooth one and its marks, but for punctuation.

    >>> restore(*smooth("um i wan- i want the the blue one"))
    'um i wan- i want the the blue one'
    """
    # From the end: what a false start began to say may itself be a repetition that went.
    after, position = "", len(text)
    for mark in reversed(marks):
        after = _joined(text[mark.at : position], after)
        after = _joined(_said(text[: mark.at], mark, after), after)
        position = mark.at
    return _joined(text[:position], after)


def settle(marks: Sequence[Disfluency], smooth_text: str, masked: str) -> tuple[Disfluency, ...]:
    """The marks by their places in the redacted text; those inside a mask stand at its start."""
    if not marks or smooth_text == masked:
        return tuple(marks)
    pieces = list(_literals(smooth_text, masked))
    starts = [start for start, _, _ in pieces]
    places = []
    for mark in marks:
        n = bisect_right(starts, mark.at) - 1
        start, masked_start, length = pieces[n] if n >= 0 else (0, 0, 0)
        places.append(masked_start + min(mark.at - start, length))
    return tuple(replace(mark, at=at) for mark, at in zip(marks, places, strict=True))


def _words(text: str) -> Iterator[_Word]:
    end = 0
    has_small = not text.isupper()
    for match in re.finditer(r"\S+", text):
        raw = match[0]
        bare = raw.strip(_EDGES)
        is_capitals = has_small and len(bare) > 1 and bare.isupper()
        yield _Word(raw, bare.lower(), text[end : match.start()], is_capitals)
        end = match.end()


def _disfluency(
    words: Sequence[_Word], i: int, kept: Sequence[_Word], fillers: re.Pattern[str]
) -> tuple[DisfluencyKind, int, int] | None:
    """Kind, number of words that go, and size of the disfluency that begins at a word."""
    word = words[i]
    if _TAGS.fullmatch(word.raw.rstrip(".,")):
        return "noise", 1, 0
    if not word.is_capitals and fillers.fullmatch(word.bare):
        return "filler", 1, 0
    if _is_phrase(words, i, kept):
        return "filler", 2, 0
    fragment = _FRAGMENT.fullmatch(word.raw)
    if fragment and _is_taken_up(fragment[1].lower(), words[i + 1 : i + 1 + _LOOK_AHEAD]):
        return "false_start", 1, len(fragment[1])
    if repeated := _repeated(words, i, kept):
        return "repetition", repeated, repeated
    return None


def _is_phrase(words: Sequence[_Word], i: int, kept: Sequence[_Word]) -> bool:
    pair = tuple(w.bare for w in words[i : i + 2])
    if pair not in _PHRASES:
        return False
    before = kept[-1].bare if kept else ""
    after = words[i + 2].bare if i + 2 < len(words) else ""
    return before not in _BEFORE_MEANT and after not in _AFTER_MEANT


def _is_taken_up(fragment: str, following: Sequence[_Word]) -> bool:
    """Whether the next longer word begins like the fragment."""
    longer = (w.bare for w in following if len(w.bare) > len(fragment))
    return next(longer, "").startswith(fragment)


def _repeated(words: Sequence[_Word], i: int, kept: Sequence[_Word]) -> int:
    """How many words, one or two, say again what was said just before."""
    for count in (1, 2):
        now, before = words[i : i + count], kept[-count:]
        if len(now) < count or len(before) < count or before[-1].raw.endswith(_SENTENCE_END):
            continue
        is_again = all(
            a.bare == b.bare and _may_repeat(a.bare) for a, b in zip(now, before, strict=True)
        )
        if is_again and not all(word.bare in _MEANT_TWICE for word in now):
            return count
    return 0


def _may_repeat(word: str) -> bool:
    """Whether a word said twice is a stutter; digits said twice are two digits."""
    is_word = word.replace("'", "").isalpha() and len(word) <= _LONGEST_REPEATED
    return is_word and word not in NUMBER_WORDS


def _joined(left: str, right: str) -> str:
    is_apart = not left or not right or left[-1].isspace() or right[0].isspace()
    return left + right if is_apart else f"{left} {right}"


def _said(before: str, mark: Disfluency, after: str) -> str:
    if mark.kind == "repetition":
        return " ".join(before.split()[-mark.size :])
    if mark.kind == "false_start":
        following = (w.strip(_EDGES) for w in after.split()[:_LOOK_AHEAD])
        word = next((w for w in following if len(w) > mark.size), "")
        return ("" if word.startswith("<") else word[: mark.size]) + "-"
    return mark.text


def _literals(smooth_text: str, masked: str) -> Iterator[tuple[int, int, int]]:
    """Stretches that both texts share: start in the smooth one, start in the masked one, length."""
    at = start = 0
    for mask in masks(masked):
        literal = masked[start : mask.start()]
        found = smooth_text.find(literal, at)
        if found < 0:
            return
        yield found, start, len(literal)
        at, start = found + len(literal) + 1, mask.end()
    rest = masked[start:]
    if smooth_text.endswith(rest):
        yield len(smooth_text) - len(rest), start, len(rest)
