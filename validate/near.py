"""Signatures of examples, by which near-copies are found without reading a text twice.

MinHash over the words and word pairs of query and response, after case, accents, digits and
placeholders' numbers are folded, so that one answer given to two customers with two order numbers
is one text. Of the query alone the signature keeps the words themselves: the same answer to
another question is no copy.

Ours and in numpy because signatures are stored: those of a library may change with its release.
Pure functions; reads and writes no table.

Source: Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, chapter 3 (banding); Li and König 2010, "b-Bit Minwise Hashing"
(16 bits of a minimum tell two sets apart as well as all of them do).
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PERMUTATIONS = 128
BANDS, ROWS = 21, 6
"""A pair meets in a band with probability 1 - (1 - j^6)^21: 0.998 at Jaccard 0.8, 0.28 at 0.5."""
NEAR_JACCARD = 0.8
"""Source: Lee et al. 2022, "Deduplicating Training Data Makes Language Models Better"."""
ESTIMATED_FROM = 0.73
"""Two standard errors, √(0.8 · 0.2 / 128) = 0.035 each, below 0.8: pairs at 0.8 are not lost to
the estimate."""
SAME_QUESTION_FROM = 0.7
"""Least share of the shorter query's words in the longer one. Measured on a public set of 3,604
pairs: 0.05 % of the pairs of queries with different intents reach it; customers who ask once more
and add an account number or their name reach 1 (docs/quality.md)."""

Matrix = npt.NDArray[np.uint16]
Keys = npt.NDArray[np.int64]

_FORMAT = 1
_HEAD = 3
_QUERY_WORDS = 32
"""Hashes kept of a query. Below this the share of common words is exact, else an estimate."""
_CHUNK = 512
_CACHED_WORDS = 200_000
_WIDE = 2.0**32
_TOKEN = re.compile(
    r"<[A-Za-z][A-Za-z0-9_]*>"
    # No spaces part the words of these scripts (Thai to Khmer, kana, Han): each character counts.
    r"|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
    r"|[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"
)
_GAPS = str.maketrans({c: " " for c in map(chr, range(128)) if not (c.isalnum() or c == "_")})
_NUMBER_OF_MASK = re.compile(r"_\d+>$")
_DIGITS = re.compile(r"\d+")

_MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_3 = np.uint64(0xBF58476D1CE4E5B9)
"""Odd 64-bit constants with bits in no order. Source: Steele, Lea and Flood 2014, "Fast Splittable
Pseudorandom Number Generators", and xxHash."""


class _Words(dict[str, int]):
    """Word as written → 64-bit hash of the folded word; forgets everything when it is full."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _CACHED_WORDS:
            self.clear()
        raw = hashlib.blake2b(fold_word(word).encode("utf-8", "surrogatepass"), digest_size=8)
        found = self[word] = int.from_bytes(raw.digest(), "little")
        return found


_WORDS = _Words()


def _coefficients() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Multipliers (odd) and addends of the permutations, out of SHA-256: the same for ever."""
    raw = b"".join(hashlib.sha256(f"near-{_FORMAT}-{i}".encode()).digest() for i in range(32))
    numbers = np.frombuffer(raw, "<u4")
    return numbers[:PERMUTATIONS] | np.uint32(1), numbers[PERMUTATIONS : 2 * PERMUTATIONS]


_MULTIPLIERS, _ADDENDS = _coefficients()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, read."""

    minima: Matrix
    """`uint16[PERMUTATIONS]`."""
    query_words: int
    """Different words of the query."""
    query: frozenset[int]
    """Hashes of them: all, or the smallest 32."""


def fold_word(word: str) -> str:
    """A word without what tells one customer from another.

    >>> [fold_word(w) for w in ("Café", "INV20394", "<PHONE_2>")]
    ['cafe', 'inv0', '<PHONE>']
    """
    if word.startswith("<"):
        return _NUMBER_OF_MASK.sub(">", word)
    plain = unicodedata.normalize("NFKD", word.casefold())
    if not plain.isascii():
        plain = "".join(c for c in plain if not unicodedata.combining(c))
    return _DIGITS.sub("0", plain)


def split_words(text: str) -> list[str]:
    """The words of a text as they are written, in order; a mask is a word.

    >>> split_words("My number is <PHONE_2>, isn't it?")
    ['My', 'number', 'is', '<PHONE_2>', 'isn', 't', 'it']
    """
    if text.isascii() and "<" not in text:
        return text.translate(_GAPS).split()  # A quarter of the time, and most texts.
    return _TOKEN.findall(text)


def fold_words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return [fold_word(w) for w in split_words(text)]


def shingles(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """What signatures are made of: words and pairs of neighbours; texts follow each other."""
    words = [w for text in texts for w in fold_words(text)]
    return {(w,) for w in words} | set(zip(words, words[1:], strict=False))


def sign(examples: Sequence[Sequence[str | None]]) -> list[bytes | None]:
    """The signature of each example, in order; None where a text is missing or has no word.

    Args:
        examples: the texts of each: query, response and, of a preference, what was rejected.
    """
    found: list[bytes | None] = []
    for start in range(0, len(examples), _CHUNK):
        found += _signed(examples[start : start + _CHUNK])
    return found


def _signed(examples: Sequence[Sequence[str | None]]) -> list[bytes | None]:
    word = _WORDS.__getitem__
    flat: list[int] = []
    starts, whole, heads = [], [], []
    for number, texts in enumerate(examples):
        if None in texts:
            continue
        query = list(map(word, split_words(texts[0] or "")))
        rest = list(map(word, split_words("\n".join(t or "" for t in texts[1:]))))
        if not query or not rest:
            continue
        whole.append(number)
        starts.append(len(flat))
        heads.append(_head(query))
        flat += query
        flat += rest
    signed: list[bytes | None] = [None] * len(examples)
    if whole:
        minima = _minima(np.array(flat, np.uint64), np.array(starts))
        for number, (size, words), row in zip(whole, heads, minima, strict=True):
            signed[number] = size + row.tobytes() + words
    return signed


def _head(query: list[int]) -> tuple[bytes, bytes]:
    """Format and number of different words, and the smallest hashes of them."""
    words = sorted({w >> 32 for w in query})
    size = bytes([_FORMAT]) + min(len(words), 0xFFFF).to_bytes(2, "little")
    return size, np.array(words[:_QUERY_WORDS], "<u4").tobytes()


def _minima(words: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64]) -> Matrix:
    """`uint16[examples, PERMUTATIONS]` out of all words, one example after the other."""
    pairs = words[:-1] * _MIX_1 + words[1:] * _MIX_2
    pairs ^= pairs >> np.uint64(29)
    hashes = np.empty(2 * len(words), np.uint32)
    hashes[::2] = words >> np.uint64(32)
    hashes[1:-1:2] = (pairs * _MIX_3) >> np.uint64(32)
    ends = np.append(starts[1:], len(words)) * 2 - 1
    hashes[ends] = hashes[ends - 1]  # No pair reaches from one example into the next.
    found = np.empty((PERMUTATIONS, len(starts)), np.uint16)
    values = np.empty_like(hashes)
    for row, multiplier, addend in zip(found, _MULTIPLIERS, _ADDENDS, strict=True):
        np.multiply(hashes, multiplier, out=values)
        values += addend
        row[:] = np.minimum.reduceat(values, starts * 2)
    return np.ascontiguousarray(found.T, "<u2")


def minima(signatures: Sequence[bytes]) -> Matrix:
    """`uint16[signatures, PERMUTATIONS]`."""
    end = _HEAD + 2 * PERMUTATIONS
    raw = b"".join(s[_HEAD:end] for s in signatures)
    return np.frombuffer(raw, "<u2").reshape(len(signatures), PERMUTATIONS)


def read_signature(raw: bytes) -> Signature:
    """A stored signature's parts."""
    return Signature(
        minima=minima([raw])[0],
        query_words=int.from_bytes(raw[1:_HEAD], "little"),
        query=frozenset(np.frombuffer(raw[_HEAD + 2 * PERMUTATIONS :], "<u4").tolist()),
    )


def band_keys(found: Matrix, scopes: Sequence[str]) -> Keys:
    """`int64[examples, BANDS]`: near-copies of one scope have at least one in common."""
    seeds = [hashlib.blake2b(s.encode(), digest_size=8).digest() for s in scopes]
    keys = np.repeat(np.frombuffer(b"".join(seeds), "<u8")[:, None], BANDS, axis=1)
    keys = keys + np.arange(BANDS, dtype=np.uint64) * _MIX_2
    rows = found[:, : BANDS * ROWS].reshape(len(found), BANDS, ROWS).astype(np.uint64)
    for number in range(ROWS):
        keys = (keys ^ rows[:, :, number]) * _MIX_1
        keys ^= keys >> np.uint64(29)
    return keys.view(np.int64)


def estimated_jaccard(left: Matrix, right: Matrix) -> npt.NDArray[np.float64]:
    """The Jaccard index of pairs of rows; standard error √(j (1 - j) / 128)."""
    return np.asarray((left == right).mean(axis=-1, dtype=np.float64))


def is_same_question(left: bytes, right: bytes) -> bool:
    """Whether nearly all words of the shorter query are in the longer one."""
    return common_share(read_signature(left), read_signature(right)) >= SAME_QUESTION_FROM


def common_share(left: Signature, right: Signature) -> float:
    """Share of the shorter query's words that the longer one has.

    Exact up to 32 words; beyond, the Jaccard index is estimated from the smallest hashes of the
    union and turned into the share. Source: Broder 1997, section 4; Beyer et al. 2007, "On
    Synopses for Distinct-Value Estimation".
    """
    both = left.query & right.query
    sizes = left.query_words, right.query_words
    if max(sizes) <= _QUERY_WORDS:
        return len(both) / min(sizes)
    smallest = sorted(left.query | right.query)[:_QUERY_WORDS]
    jaccard = len(both.intersection(smallest)) / len(smallest)
    return min(1.0, jaccard / (1 + jaccard) * sum(sizes) / min(sizes))


def meeting_probability(jaccard: float) -> float:
    """Probability that two texts with this Jaccard index share a band: the S-curve.

    Source: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.2.

    >>> round(meeting_probability(0.8), 3)
    0.998
    """
    return float(1 - (1 - jaccard**ROWS) ** BANDS)
