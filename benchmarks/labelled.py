"""What benchmarks over labelled streams share: gold files, measures of text, and tallies.

The format is that of `python -m ingest simulate --out` plus labels (docs/ingest.md):
`events.jsonl` and `gold/{conversations,duplicates,out_of_order,poison}.jsonl`, lines from 0.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim
from deskwheel.errors import SetupError

Gold = dict[str, Any]

PLACEHOLDER = re.compile(r"<([A-Z]+(?:_[A-Z][A-Z0-9]*)*)(?:_\d{1,6}|:[a-z.]{5,23})?>")
"""What stands in the place of masked text: `<PHONE>`, numbered `<PHONE_1>`, or in a turn
`<PHONE:abcde>`; group 1 is the type."""

_FEWEST_DIGITS = 4
"""Shorter runs of digits occur by chance."""

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(rf"{PLACEHOLDER.pattern}|[\w@.+/-]*\w|[^\w\s]")
"""Addresses and numbers are one word each, so that no dot of one is taken for a full stop."""

_MASK = "\x00"


def read_lines(file: Path, required: Iterable[str] = ()) -> list[Gold]:
    """The objects of a JSON Lines file; blank lines are passed over.

    Only a line feed ends a line: U+2028 and U+0085 may stand in a JSON text as they are.

    Raises:
        SetupError: the file cannot be read, or a line is no object with the required fields.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{file}: {error}; give a file of JSON Lines in UTF-8") from error
    lines = enumerate(text.split("\n"), start=1)
    return [_object(f"{file}:{n}", line, tuple(required)) for n, line in lines if line.strip()]


def _object(where: str, line: str, required: Sequence[str]) -> Gold:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise SetupError(f"{where}: not JSON ({error}); one object a line is wanted") from error
    return checked(where, row, required)


def checked(where: str, row: object, required: Iterable[str]) -> Gold:
    """The row, if it is an object with these fields.

    Raises:
        SetupError: it is not.
    """
    if not isinstance(row, dict):
        raise SetupError(f"{where}: {str(row)[:40]!r} is no JSON object; mend the label")
    missing = [name for name in required if name not in row]
    if missing:
        raise SetupError(f"{where}: without {', '.join(missing)}; add what the format asks for")
    return row


def plain(text: str) -> str:
    """A text without case and with single spaces."""
    return " ".join(text.casefold().split())


def cut(text: str, spans: Iterable[Gold], put: str = " ") -> str:
    """The text with its spans replaced."""
    for span in sorted(spans, key=lambda s: s["start"], reverse=True):
        text = text[: span["start"]] + put + text[span["end"] :]
    return text


def token_f1(wanted: str, found: str) -> float:
    """Overlap of two bags of words, in [0, 1]; a placeholder is a word, whatever its type.

    Source: Rajpurkar et al., "SQuAD" (2016), section 6.1; articles are kept.
    """
    left, right = words(wanted), words(found)
    common = (left & right).total()
    return 2 * common / (left.total() + right.total()) if common else float(left == right)


def words(text: str) -> Counter[str]:
    """The words of a text without case, each with its count; placeholders are all alike."""
    bare, masks = PLACEHOLDER.subn(" ", text)
    found = Counter(_WORD.findall(bare.casefold()))
    if masks:
        found[_MASK] = masks
    return found


def is_leaked(value: str, text: str) -> bool:
    """Whether a value can still be read in a text, written the same or as bare digits."""
    if plain(value) in plain(text):
        return True
    digits = re.sub(r"\D", "", value)
    return len(digits) >= _FEWEST_DIGITS and digits in re.sub(r"(?<=\d)[ .()/-]+(?=\d)", "", text)


def readable_share(value: str, text: str) -> float:
    """The share of a value that can be read in a text in one piece, in [0, 1].

    Only letters and digits count, case does not: a card number of which a third was masked, or a
    name of which the surname was left, is hardly masked.

    >>> readable_share("Kim Lee", "I am Kim <PERSON>."), readable_share("12-34", "1 2 <CARD>")
    (0.5, 0.5)
    """
    wanted, there = _folded(value), _folded(PLACEHOLDER.sub(" ", text))
    if not wanted:
        return 0.0
    if wanted in there:
        return 1.0
    matcher = SequenceMatcher(None, wanted, there, autojunk=False)
    return matcher.find_longest_match().size / len(wanted)


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


@dataclass(frozen=True, kw_only=True)
class Mask:
    """A stretch of a text that stands as placeholders in what was stored of it."""

    types: tuple[str, ...]
    start: int
    end: int
    """Place in the original text, in characters; `end` is exclusive."""

    def covers(self, start: int, end: int) -> bool:
        """Whether it shares a character with a span."""
        return self.start < end and start < self.end


def masks(original: str, stored: str) -> list[Mask]:
    """Which stretches of the original became which placeholders.

    Found by aligning the words of both, so the rest of the text may have been cut or cleaned.
    A placeholder for words that the original lacks is left out; neighbours that cannot be told
    apart are one mask with several types.
    """
    left = [(m[0].casefold(), m.span()) for m in _TOKEN.finditer(original)]
    right = [(m[0], m[1]) for m in _TOKEN.finditer(stored)]
    matcher = SequenceMatcher(
        None,
        [word for word, _ in left],
        [_MASK if kind else word.casefold() for word, kind in right],
        autojunk=False,
    )
    found = []
    for what, i, j, k, m in matcher.get_opcodes():
        types = tuple(kind for _, kind in right[k:m] if kind)
        if what == "replace" and types:
            found.append(Mask(types=types, start=left[i][1][0], end=left[j - 1][1][1]))
    return found


@dataclass
class Tally:
    """Hits among trials of several names."""

    hits: Counter[str] = field(default_factory=Counter)
    trials: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, *, is_hit: bool) -> None:
        """Count one trial."""
        self.trials[name] += 1
        self.hits[name] += is_hit

    def claims(self, prefix: str, what: str, target: str = "") -> Iterator[Claim]:
        """A claim over all names, with the target, then one a name without."""
        whole, all_hits = self.trials.total(), self.hits.total()
        if whole:
            yield share(prefix, all_hits, whole, what, target)
        for name in sorted(self.trials):
            yield share(f"{prefix}.{name.lower()}", self.hits[name], self.trials[name], what)


def share(name: str, hits: int, trials: int, what: str, target: str = "") -> Claim:
    """A share of trials; nothing tried is nothing claimed, whatever the target."""
    value = hits / trials if trials else 0.0
    peer = f"{hits} of {trials} {what}"
    return Claim(id=name, value=value, unit="share", target=target if trials else "", peer=peer)


def count(name: str, value: int, target: int, what: str) -> Claim:
    """A number that is promised."""
    peer = f"of {what}".strip()
    return Claim(id=name, value=value, unit="count", target=f"== {target}", peer=peer)
