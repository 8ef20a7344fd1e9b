"""A mail as lines: what the parts of the trimmer look at and mark."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["greeting", "quote", "signature", "disclaimer", "excess"]

LONGEST_LINE = 400
"""Characters of a line that any pattern sees: attributions, labels and closings are shorter."""

_EDGE = (
    " \n\t\r\f\v\xa0\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060"
    "\u2066\u2067\u2068\u2069\ufeff"
)
"""White space, and the marks without width that mail programs put around names and quotes."""

_UNSEEN = dict.fromkeys(map(ord, _EDGE[_EDGE.index("\u200b") :]))
"""The marks without width; they stand between digits and in names, too."""

_MARK = (">", "&gt;", "›")
_RULE = re.compile(r"^[-_=~#*+—–─━ᐧ\s]{2,200}$")


def close_gaps(text: str) -> str:
    """The text with no more than one empty line between two others."""
    while "\n\n\n" in text:  # which most texts have not: a tenth of what a pattern costs
        text = text.replace("\n\n\n", "\n\n")
    return text


@dataclass
class Lines:
    """The lines of a mail and what each of them is; None is the author's own."""

    raw: list[str]
    """As they came, with or without line ends."""
    bare: list[str] = field(init=False)
    """Without white space at both ends and marks without width, cut to what patterns look at."""
    kinds: list[Kind | None] = field(init=False)

    def __post_init__(self) -> None:
        """Start with everything being the author's own."""
        texts = [line.strip(_EDGE)[:LONGEST_LINE] for line in self.raw]
        self.bare = [t if t.isascii() else t.translate(_UNSEEN) for t in texts]
        self.kinds = [None] * len(self.raw)

    def mark(self, places: Iterable[int], kind: Kind) -> None:
        """Say what some lines are; what was said before holds."""
        for i in places:
            if self.kinds[i] is None:
                self.kinds[i] = kind

    def next_filled(self, start: int) -> int:
        """Index of the first line from `start` on that is not empty, or the number of lines."""
        return next((i for i in range(start, len(self.bare)) if self.bare[i]), len(self.bare))

    def segments(self) -> Iterator[list[int]]:
        """Runs of the author's lines between quotes, from first to last filled line."""
        filled = [
            i for i, (kind, bare) in enumerate(zip(self.kinds, self.bare, strict=True))
            if kind is None and bare
        ]  # fmt: skip
        first = 0
        for n, i in enumerate(filled):
            below = filled[n + 1] if n + 1 < len(filled) else None
            if below is None or (below > i + 1 and any(self.kinds[i + 1 : below])):
                yield list(range(filled[first], i + 1))
                first = n + 1


def is_marked(bare: str) -> bool:
    """Whether a line carries a mail program's sign for quoted text."""
    # The end of an attribution whose address was wrapped stands alone as `>:`.
    return bare.startswith(_MARK) and bare != ">:"


def is_rule(bare: str) -> bool:
    """Whether a line is drawn, not written: dashes, underscores and the like."""
    return bool(bare) and _RULE.match(bare) is not None
