"""How much a response speaks of what was asked: shared pieces of words, in any language.

Relevance is the overlap coefficient of two sets, |Q ∩ R| / min(|Q|, |R|): the share of the shorter
text that the other one takes up, whatever their lengths. A set holds the pieces of four letters of
every word that has at least four (so that inflected words meet, short function words do not count
and a longer word, which is a rarer one, weighs more) and the slots of both texts. Masks of personal
data do not count: everybody gives a name.

It is weak evidence. An answer that helps need not repeat a word of its question ("How do I reset
it?", "Hold the button for ten seconds."), so 0 means "cannot tell", not "off the point".

Source: overlap coefficient, Szymkiewicz 1934 and Simpson 1960; pieces of four letters, McNamee and
Mayfield, "Character N-Gram Tokenization for European Language Text Retrieval", 2004; longer words
are rarer, Zipf 1935. Measured: docs/quality.md#beside-the-text. Pure; reads and writes no table.
"""

from deskwheel.pieces import pieces
from transforms.redact import THINGS


def relevance(query: str, response: str) -> float:
    """The overlap of both texts in [0, 1]; 0 where one has no word to compare.

    >>> relevance("Can I return the lamp?", "Returns of lamps are free.") > 0.5
    True
    """
    asked, answered = pieces(query, THINGS), pieces(response, THINGS)
    shorter = min(len(asked), len(answered))
    return round(len(asked & answered) / shorter, 4) if shorter else 0.0
