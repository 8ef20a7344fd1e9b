"""Category and sentiment of a conversation, from its words: first version by weighted keywords."""

import re
from collections.abc import Sequence
from typing import Literal

from deskwheel.records import Utterance

OTHER = "OTHER"

CATEGORIES: dict[str, re.Pattern[str]] = {
    name: re.compile(rf"\b(?:{words})", re.IGNORECASE)
    for name, words in {
        "RETURNS": r"return(?!ing customer)|refund|money back|send (?:it |this )?back|exchange",
        "WARRANTY": r"warrant|broken|defect|repair|replacement|stopped working|cracked",
        "DELIVERY": r"deliver|shipping|shipment|ship |parcel|package|tracking|courier|arrive",
        "BILLING": r"bill|invoice|payment|charge|price|cost|credit card|fee\b|pay ",
        "SETUP": r"set ?up|install|reset|pair|connect|wifi|wi-fi|configure|firmware|app\b",
        "ACCOUNT": r"account|password|log ?in|sign ?in|sign ?up|register|profile|e-?mail address",
        "PLAN": r"plan\b|subscri|upgrade|downgrade|cancel|membership|renew",
        "ORDER": r"order|purchase|buy|cart|book|reserv|menu|drink|pizza|coffee|ticket",
        "CONTACT": r"speak to|talk to|human|agent|phone number|customer service|contact",
        "FEEDBACK": r"review|feedback|complain|claim|rating",
    }.items()
}
"""Checked on the customer's words; the category with most hits wins, the first one on a tie."""

CATEGORY_NAMES: tuple[str, ...] = (*CATEGORIES, OTHER)

_NEGATIVE = re.compile(
    r"\b(angry|annoy\w*|awful|terrible|worst|useless|ridiculous|unacceptable|disappoint\w*|"
    r"frustrat\w*|still not|never again|hate|horrible|waste|fed up|complain\w*|wtf)\b",
    re.IGNORECASE,
)
_POSITIVE = re.compile(
    r"\b(thank\w*|thx|great|perfect|awesome|excellent|love|wonderful|appreciate\w*|brilliant|"
    r"amazing|helpful)\b",
    re.IGNORECASE,
)

Sentiment = Literal["negative", "neutral", "positive"]


def category(utterances: Sequence[Utterance]) -> str:
    """The category with most keyword hits in the customer's turns, `OTHER` without any."""
    text = "\n".join(u.text for u in utterances if u.role == "customer")
    hits = {name: len(pattern.findall(text)) for name, pattern in CATEGORIES.items()}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] else OTHER


def sentiment(utterances: Sequence[Utterance]) -> Sentiment:
    """The customer's mood at the end: their last three turns, negative words counting double."""
    last = [u.text for u in utterances if u.role == "customer"][-3:]
    text = "\n".join(last)
    score = len(_POSITIVE.findall(text)) - 2 * len(_NEGATIVE.findall(text))
    if score < 0:
        return "negative"
    return "positive" if score > 0 else "neutral"
