"""What two texts are compared by when what matters is whether they speak of one thing.

Pieces of four letters of every word that has at least four, so that inflected words meet, short
function words do not count, and a longer word, which is a rarer one, weighs more. Masks count only
where the caller says so. Pure.
Source: McNamee and Mayfield, "Character N-Gram Tokenization for European Language Text Retrieval",
2004; longer words are rarer, Zipf 1935.
"""

import re
from collections.abc import Collection

PIECE_CHARS = 4

MAX_CHARS = 4000
"""What is read of each text."""

_WORD = re.compile(r"<([A-Z][A-Z0-9]*(?:_LAST4)?)(?:_\d{1,7})?>|[^\W_]{4,}")


def pieces(text: str, masks: Collection[str] = ()) -> set[str]:
    """The pieces of a text, and the masks in it that have one of these names.

    >>> sorted(pieces("My lamps <ORDER_1>"))
    ['^lam', 'amps', 'lamp']
    """
    found: set[str] = set()
    for match in _WORD.finditer(text[:MAX_CHARS]):
        if match[1] is None:
            # The mark tells a word's beginning from its inside: "port" is not all in "support".
            word = f"^{match[0].casefold()}"
            found.update(word[i : i + PIECE_CHARS] for i in range(len(word) - PIECE_CHARS + 1))
        elif match[1] in masks:
            # As many as a word of average length has.
            found.update(f"{match[0]}{n}" for n in range(PIECE_CHARS))
    return found
