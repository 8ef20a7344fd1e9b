"""What words alone say: keyword categories, the weak labels a tagger is bootstrapped from.

Pure; reads and writes no table.
"""

import re

KEYWORDS: dict[str, tuple[str, ...]] = {
    "ACCOUNT": (
        r"accounts?", r"passwords?", r"log(?:ging)? ?(?:in|on)", r"sign(?:ing)? ?(?:in|up)",
        r"regist\w+", r"profile", r"username", r"access key",
    ),
    "CANCELLATION_FEE": (
        r"(?:cancel\w*|withdraw\w*|early|exit|terminat\w*) (?:\w+ )?(?:fees?|charges?)",
        r"penalt\w+",
    ),
    "CONTACT": (
        r"(?:speak|talk) (?:to|with)", r"human", r"real person", r"phone number of", r"live chat",
        r"call (?:you|cent(?:er|re))", r"customer (?:service|care|support)", r"get in touch",
    ),
    "DELIVERY": (
        r"deliver\w*", r"shipping (?:options?|methods?|costs?|time)", r"shipments?", r"courier",
    ),
    "FEEDBACK": (
        r"reviews?", r"feedback", r"complain\w*", r"opinions?", r"claims?", r"reclamation",
        r"comments?",
    ),
    "INVOICE": (r"invoices?", r"bills?\b", r"receipts?"),
    "NEWSLETTER": (r"newsletters?", r"mailing list", r"(?:un)?subscri\w+"),
    "ORDER": (
        r"orders?", r"purchases?", r"buy", r"bought", r"cart", r"menu", r"items?\b", r"articles?",
    ),
    "PAYMENT": (
        r"pay(?:ing|ments?)?", r"credit cards?", r"paypal", r"visa", r"charged", r"declined",
    ),
    "REFUND": (
        r"refunds?", r"money back", r"rebates?", r"reimburs\w+", r"return\w*", r"compensat\w+",
    ),
    "SETUP": (
        r"(?:set ?up|reset) (?:my|the|a|an) (?:device|router|app|kettle|lamp)", r"install\w*",
        r"pair(?:ing)?", r"wi-?fi", r"firmware", r"bluetooth",
    ),
    "SHIPPING_ADDRESS": (r"(?:shipping|delivery|postal) address", r"address(?:es)?\b"),
    "WARRANTY": (
        r"warrant\w+", r"guarantee", r"broken", r"defect\w*", r"repair\w*", r"replacement",
        r"cracked",
    ),
}  # fmt: skip
"""Category → its words, as patterns. The names are those of the public Bitext set, and two more
that sellers of devices need."""

_WORDS = {
    name: re.compile(rf"\b(?:{'|'.join(words)})", re.IGNORECASE) for name, words in KEYWORDS.items()
}


def weak_category(text: str) -> str | None:
    """The category whose words occur most; None without any, or where two are level."""
    hits = {name: len(pattern.findall(text)) for name, pattern in _WORDS.items()}
    most = max(hits.values())
    best = [name for name, count in hits.items() if count == most]
    return best[0] if most and len(best) == 1 else None
