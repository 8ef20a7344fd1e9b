"""Which line of a mail only greets."""

import re

from transforms.trim.lines import Lines
from transforms.trim.patterns import CAPITAL, union, whole_line

_GREETING = whole_line(
    rf"(?:{union('greeting')})(?:[ ,]{{1,3}}(?:there|all|team|everyone|together|zusammen|"
    r"[\w.'’()&/-]{1,25})){0,6}\s{0,2}[,.!:;、。，！：–—-]{0,3}"
)
_ADDRESSED = re.compile(
    rf"^{CAPITAL}(?:[ /]{{1,2}}(?:{CAPITAL}|(?:and|or|und|et|y|e|en))){{0,3}},$"
)
"""Nothing but names or titles before a comma: `Robin,`, `Herr Doktor,`."""
_CONJUNCT = re.compile(
    r"(?:ly|ever|over|less|also|first|well|so|yes|no|ok(?:ay)?|thanks?),$", re.IGNORECASE
)
"""Ends of words that begin a sentence before a comma: `Unfortunately,`."""
_LONGEST = 70


def mark_greeting(lines: Lines) -> None:
    """Mark a salutation in the author's first line, unless it is all there is."""
    own = [i for segment in lines.segments() for i in segment if lines.bare[i]]
    if not own[1:]:
        return
    bare = lines.bare[own[0]]
    if len(bare) > _LONGEST or bare.endswith("?"):
        return
    is_apart = not lines.bare[own[0] + 1]
    is_addressed = is_apart and _ADDRESSED.match(bare) and not _CONJUNCT.search(bare)
    if is_addressed or _GREETING.match(bare):
        lines.mark([own[0]], "greeting")
