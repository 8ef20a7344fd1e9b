"""The emoji of a text, whole: with skin tone, joined figures, flags and keycaps as one.

They stay in the text, because a model should read and answer them; this is the attribute beside it.
"""

import re

MOST = 20
"""A message of hundreds of emoji is a wall; the first ones tell its mood."""

_PICTURE = (
    "[\u231a-\u23ff\u2600-\u27bf\u2b05-\u2b55\U0001f004\U0001f0cf\U0001f18e-\U0001f19a"
    "\U0001f300-\U0001faff]"
)
_DRESS = "[\ufe0f\U0001f3fb-\U0001f3ff]{0,2}"
_EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3"
    f"|{_PICTURE}{_DRESS}(?:\u200d{_PICTURE}{_DRESS}){{0,6}}"
)
"""Source: Unicode Technical Standard 51, ED-17 (emoji sequences), in its common ranges."""

PLEASED = frozenset("😀😃😄😁😆😊🙂😉😍🥰😘😎🤩🥳🤗👍👌🙏👏🎉❤💕💖💙💚💛💜🧡😻✅💯🌟⭐😇🙌💪")
DISPLEASED = frozenset("😠😡🤬😤😞😟😢😭😩😫😣😖😒🙁☹😕👎💔🤮🤢😑🙄😾😿🖕💩😰😨😱😓😥")
"""By the mood in which people mostly write them. Source: Kralj Novak et al., "Sentiment of Emojis",
PLoS ONE 10(12), 2015: those far from neutral."""


def find_emoji(text: str) -> tuple[str, ...]:
    """The first emoji of a text in their order, each as it stands there.

    >>> find_emoji("Broken again 😡😡 👍🏽")
    ('😡', '😡', '👍🏽')
    """
    if text.isascii():
        return ()
    return tuple(m[0] for _, m in zip(range(MOST), _EMOJI.finditer(text), strict=False))


def emoji_mood(text: str) -> int:
    """Kinds of pleased emoji in a text less kinds of displeased ones."""
    kinds = {found[0] for found in find_emoji(text)}
    return len(kinds & PLEASED) - len(kinds & DISPLEASED)
