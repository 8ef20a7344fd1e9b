"""The author's own words out of the body of a mail, and what was cut, so that it can be undone.

A mail is looked at line by line: quotes first, then signatures and disclaimers in what is left,
the greeting last. No step needs to know the mail's language. Every pattern is bounded and sees at
most `lines.LONGEST_LINE` characters, so the cost is linear in the length of the mail.
"""

from collections.abc import Collection
from dataclasses import dataclass

from transforms.trim.disclaimer import mark_disclaimers, mark_print_notes
from transforms.trim.glued import take_apart
from transforms.trim.greeting import mark_greeting
from transforms.trim.lines import Kind, Lines
from transforms.trim.quote import mark_quotes
from transforms.trim.signature import mark_signatures

MOST_LINES = 5_000
"""Lines of a mail that are looked at; whatever is below is cut as `excess`."""


@dataclass(frozen=True)
class Cut:
    """A stretch of the original text that is not the author's words to the reader."""

    kind: Kind
    start: int
    end: int
    """Offsets in characters of the original text; the end is exclusive and takes the line end."""


@dataclass(frozen=True)
class Trimmed:
    """A mail's body and the cuts in it; `text` and `cuts` together hold all of the original."""

    original: str
    cuts: tuple[Cut, ...]

    def text(self, keep: Collection[Kind] = ()) -> str:
        """The body without its cuts, but with those of the kinds to `keep`."""
        parts, at = [], 0
        for cut in self.cuts:
            if cut.kind not in keep:
                parts.append(self.original[at : cut.start])
                at = cut.end
        parts.append(self.original[at:])
        return "".join(parts)


def trim(text: str, names: tuple[str, ...] = ()) -> Trimmed:
    """The cuts that leave a mail's author's own words.

    Args:
        text: Body as plain text; `transforms.parse.html` makes one of HTML.
        names: How the author is called, where the envelope says so.
    """
    whole = [f"{line}\n" for line in text.split("\n")]
    raw = [*take_apart(whole[:MOST_LINES]), *whole[MOST_LINES:]]
    lines = Lines(raw[:MOST_LINES])
    mark_quotes(lines)
    mark_disclaimers(lines)
    mark_print_notes(lines)
    mark_signatures(lines, names)
    mark_greeting(lines)
    return Trimmed(text, tuple(_cuts(raw, lines.kinds)))


def _cuts(raw: list[str], kinds: list[Kind | None]) -> list[Cut]:
    """Neighbouring lines of one kind as one cut; the lines hold their line ends."""
    found: list[Cut] = []
    current: Kind | None = None
    start = at = 0
    for kind, line in zip(kinds, raw, strict=False):
        if kind != current:
            if current is not None:
                found.append(Cut(current, start, at))
            current, start = kind, at
        at += len(line)
    if current is not None:
        found.append(Cut(current, start, at))
    if len(raw) > len(kinds):
        found.append(Cut("excess", at, at + sum(map(len, raw[len(kinds) :]))))
    return found
