"""How good one answer is, as numbers out of texts.

Pure; reads and writes nothing. Each metric has its source and says which direction is better.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

_WORD = re.compile(r"\w+")
_APOLOGY = re.compile(r"\b(?:apolog\w*|sorry|regret(?:s|ted)?|forgive)\b", re.IGNORECASE)

HIGHER_IS_BETTER: Mapping[str, bool] = {
    "rouge_l": True,
    "token_f1": True,
    "needless_apology": False,
    "nll": False,
}
"""Every metric of an evaluation, by name. `nll` is nats a token: 0.02 of it is 2 % of perplexity,
so one absolute margin suits all of them."""


def words(text: str) -> list[str]:
    """The words of a text: runs of Unicode letters, digits and underscores, case folded.

    rouge-score drops every non-ASCII letter; this keeps them.

    >>> words("Für 3 Tage!")
    ['für', '3', 'tage']
    """
    return [word.casefold() for word in _WORD.findall(text)]


def rouge_l(reference: str, answer: str) -> float:
    """ROUGE-L F1 in [0, 1]: harmonic mean of the common subsequence's share of either text.

    Quadratic in the number of words. Two empty texts score 0.
    Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries" (2004), with beta = 1.
    """
    wanted, said = words(reference), words(answer)
    return _f1(_common_subsequence(wanted, said), len(wanted), len(said))


def token_f1(reference: str, answer: str) -> float:
    """Word overlap F1 in [0, 1], order ignored.

    Source: Rajpurkar et al., "SQuAD" (2016), section 6.1; articles are kept here.
    """
    wanted, said = Counter(words(reference)), Counter(words(answer))
    return _f1((wanted & said).total(), wanted.total(), said.total())


def has_needless_apology(reference: str, answer: str) -> bool:
    """Whether the answer apologises although the ideal agent did not."""
    return bool(_APOLOGY.search(answer)) and not _APOLOGY.search(reference)


def perplexity(nll_sums: Sequence[float], tokens: Sequence[int]) -> float:
    """Exponential of the mean negative log-likelihood a token, over all answers together.

    Args:
        nll_sums: per answer, summed over its tokens, in nats.
        tokens: per answer.

    Source: Jelinek et al., "Perplexity: a measure of the difficulty of speech recognition
    tasks" (1977).
    """
    total = sum(tokens)
    if total == 0:
        return math.nan
    try:
        return math.exp(math.fsum(nll_sums) / total)
    except OverflowError:
        return math.inf


def _f1(common: int, wanted: int, said: int) -> float:
    return 2 * common / (wanted + said) if common else 0.0


def _common_subsequence(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence, one row of the table at a time."""
    row = [0] * (len(right) + 1)
    for word in left:
        diagonal = 0
        for column, other in enumerate(right, start=1):
            above = row[column]
            row[column] = diagonal + 1 if word == other else max(above, row[column - 1])
            diagonal = above
    return row[-1]
