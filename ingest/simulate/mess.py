"""Clean sentences into what people type and what a speech recogniser hears.

Pure functions of text, generator and rates. Product names and numbers stay whole, so that a
reader can still tell what is meant.
"""

import random
import re
from collections.abc import Callable, Collection

from ingest.simulate.chance import happens

SLANG = {
    "please": "pls",
    "thanks": "thx",
    "you": "u",
    "are": "r",
    "because": "cuz",
    "tomorrow": "tmrw",
    "really": "rly",
    "people": "ppl",
    "great": "gr8",
    "want": "wanna",
    "message": "msg",
    "though": "tho",
    "about": "abt",
    "know": "kno",
}
HOMOPHONES = {
    "their": "there",
    "there": "their",
    "to": "two",
    "your": "you're",
    "buy": "by",
    "hear": "here",
    "week": "weak",
    "mail": "male",
    "right": "write",
    "sent": "cent",
    "new": "knew",
}
FILLERS = ("uh", "um", "er", "you know", "like")
RESTARTS = ("no wait", "sorry", "I mean", "hold on", "let me say that again", "what I meant is")
ASIDES = ("[inaudible]", "[crosstalk]", "[noise]", "mhm", "okay so", "yeah", "right")

MIN_TYPO_CHARS = 4
"""Shorter words keep their letters: a typo in them makes another word."""
MIN_RESTART_WORDS = 5
"""Shorter passages are said in one go."""

EMOJI = ("🙂", "🙏", "😡", "👍")

_CORE = re.compile(r"^(\W*)([A-Za-z']+)(\W*)$")
_INNER_DOT = re.compile(r"(?<=[a-z0-9])\.(?=[a-z])")
_PUNCTUATION = re.compile(r"[^\w\s'%-]")


def typed(text: str, rng: random.Random, *, rate: float, keep: Collection[str] = ()) -> str:
    """Return the text as somebody types it in a hurry.

    Args:
        text: clean sentences.
        rng: decides.
        rate: 0 is clean; at 1 about 3 % of words have a typo and 6 % of what can be is slang.
        keep: words (lower case) that stay as they are.
    """
    words = [_typed_word(word, rng, rate, keep) for word in text.split(" ")]
    text = " ".join(words)
    if happens(rng, 0.15 * rate):
        text = text.lower()
    elif happens(rng, 0.01 * rate):
        text = text.upper()
    if happens(rng, 0.1 * rate):
        text = text.rstrip(".") + rng.choice(("!!", "...", "", "???"))
    if happens(rng, 0.05 * rate):
        text = f"{text} {rng.choice(EMOJI)}"
    return text


def heard(text: str, rng: random.Random, *, rate: float, is_formatted: bool) -> str:
    """Return the text as a speech recogniser writes it down.

    Fillers and doubled words for about 4 % of the words each, homophones for about 3 % of those
    that have one; without formatting there is no punctuation and no capital either.
    """
    said: list[str] = []
    for word in text.split():
        if happens(rng, 0.04 * rate):
            said.append(rng.choice(FILLERS))
        said.append(_swapped(word, HOMOPHONES, rng, 0.03 * rate))
        if happens(rng, 0.03 * rate):
            said.append(word)
    text = " ".join(said)
    if is_formatted:
        return text
    text = _INNER_DOT.sub(" dot ", text.replace("@", " at "))
    return _PUNCTUATION.sub("", text).lower()


def stumbled(text: str, rng: random.Random, *, rate: float) -> str:
    """Return the text as somebody says it who thinks while speaking, on a bad line.

    At a rate of 1 about every third passage is broken off and begun anew, every fifth begins
    with or is cut by something that is not meant for the other side.
    """
    words = text.split()
    if len(words) > MIN_RESTART_WORDS and happens(rng, 0.33 * rate):
        cut = rng.randint(2, min(6, len(words) - 2))
        again = rng.randint(0, cut - 1)
        words = [*words[:cut], f"{rng.choice(RESTARTS)},", *words[again:]]
    if happens(rng, 0.2 * rate):
        words.insert(rng.randint(0, len(words)), rng.choice(ASIDES))
    return " ".join(words)


def _typed_word(word: str, rng: random.Random, rate: float, keep: Collection[str]) -> str:
    core = _CORE.match(word)
    if core is None or core[2].lower() in keep:
        return word
    word = _swapped(word, SLANG, rng, 0.06 * rate)
    if len(core[2]) >= MIN_TYPO_CHARS and happens(rng, 0.03 * rate):
        return rng.choice(_TYPOS)(word, rng)
    return word


def _swapped(word: str, table: dict[str, str], rng: random.Random, share: float) -> str:
    core = _CORE.match(word)
    if core is None or core[2].lower() not in table or not happens(rng, share):
        return word
    return f"{core[1]}{table[core[2].lower()]}{core[3]}"


def _swap(word: str, rng: random.Random) -> str:
    i = rng.randrange(len(word) - 1)
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def _drop(word: str, rng: random.Random) -> str:
    i = rng.randrange(1, len(word))
    return word[:i] + word[i + 1 :]


def _double(word: str, rng: random.Random) -> str:
    i = rng.randrange(len(word))
    return word[:i] + word[i] + word[i:]


_TYPOS: tuple[Callable[[str, random.Random], str], ...] = (_swap, _drop, _double)
