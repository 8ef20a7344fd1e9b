"""Which line of a mail only greets."""

from transforms.trim.lines import Lines
from transforms.trim.patterns import union, whole_line

_GREETING = whole_line(
    rf"(?:{union('greeting')})(?:[ ,]{{1,3}}(?:there|all|team|everyone|together|zusammen|"
    r"[\w.'’()&/-]{1,25})){0,6}\s{0,2}[,.!:;、。，！：–—-]{0,3}"
)
_LONGEST = 70


def mark_greeting(lines: Lines) -> None:
    """Mark a salutation in the author's first line, unless it is all there is."""
    own = [i for segment in lines.segments() for i in segment if lines.bare[i]]
    if not own[1:]:
        return
    bare = lines.bare[own[0]]
    if len(bare) <= _LONGEST and not bare.endswith("?") and _GREETING.match(bare):
        lines.mark([own[0]], "greeting")
