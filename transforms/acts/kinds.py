"""What a turn can do in its conversation, and how the patterns that find it read a text.

Pure; reads and writes no table. Patterns are of service talk in general (English first, the common
ones in German, French, Spanish, Portuguese, Italian and Dutch) and read recognised speech as well:
no capital, no punctuation, fillers inside.
"""

import re
from typing import Literal

from transforms.acts.folded import any_of, lowered
from transforms.acts.repeats import kept_for_short

AgentAct = Literal[
    "greeting", "hold", "ask", "hand_over", "defer", "refuse", "complete", "offer_more",
    "closing", "answer", "backchannel",
]  # fmt: skip
CustomerAct = Literal[
    "greeting", "need", "reply", "confirm", "thanks", "complaint", "wait", "closing", "backchannel"
]
Act = AgentAct | CustomerAct | Literal["none"]

SHORT_CHARS = 200
"""A longer turn answers, whatever polite phrase it begins or ends with."""

MIN_ANSWER_CHARS = 24
"""Shorter agent turns without a sign of their own say nothing ("Okay.", "Let me see")."""

MAX_MATCHED_CHARS = 4000
"""Acts show within the first and last sentences; a pasted log is not searched."""


_APOSTROPHE = re.compile("[\u2019\u2018\u02bc]")
_BARE_NEGATION = re.compile(
    r"\b(do|does|did|ca|wo|is|are|was|were|has|have|had|could|would|should)nt\b"
)
"""Speech recognisers and people in a hurry leave the apostrophe out."""

_FILLER = re.compile(
    r"\b(?:uh+|um+|er+m?|hmm+|mm+|i mean|you know|kind of|sort of|well|like|so)\b,?\s*",
)
_REPEATED = re.compile(r"\b(\w+)(?:\s+\1\b)+")

_HAILS = (
    r"(?:hi+|hiya|hello+|hullo|hallo+|hey+|heya|howdy|yo|ahoy|g'?day|namaste|knock(?: knock)?|"
    r"what'?s up|wh?assup|dear (?:sirs?|madam|agent|team|all|support)|good (?:morning|afternoon"
    r"|evening|day)|morning|"
    r"evening|afternoon|greetings|hallo|guten (?:tag|morgen|abend)|moin|bonjour|bonsoir|salut|hola|"
    r"buen[oa]s (?:d[ií]as|tardes|noches)|ol[áa]|bom dia|boa (?:tarde|noite)|ciao|buongiorno|"
    r"buonasera|salve|goede(?:morgen|middag|dag|navond))"
)
_BEGINS = r"(?:ok(?:ay)?|alright|oh|ah|um+|uh+)"
_HAILED = (
    r"(?:there|all|team|everyone|everybody|folks|guys|again|sirs?|madam|ma'am|dear|mate|support|"
    r"zusammen|to (?:you|all|everyone)(?: all)?|(?:is )?(?:any|some) ?(?:one|body)"
    r"(?: (?:there|here|around|home|free|available|online))?|(?:are )?you (?:there|around)|"
    r"how are you(?: (?:doing|today))*|(?:i )?hope (?:you(?:'re| are)?|all is|this finds you)"
    r"(?: \w+)? (?:well|fine|good)|i(?:'m| am|m)? (?:back|here)(?: again)?"
    r"(?: (?:on|in) (?:the|this) (?:chat|line))?|"
    r"is (?:this|that) (?:\w+ ){0,3}(?:support|services?|care|desk|team|line)|"
    r"(?:i have |i've got |i got )?(?:an? |one )?(?:quick |short |small )?"
    r"(?:question|query|issue|problem|request|concern)(?: for you)?|"
    r"(?:can|could|will) (?:you|(?:some|any) ?(?:one|body)) (?:(?:please|pls|plz) )?"
    r"(?:help|assist)(?: me)?(?: out)?(?: (?:please|pls|plz))?)"
)
GREETING = any_of(
    rf"^\W*(?:{_BEGINS}\W+)?(?:{_HAILS}\W+)+(?:{_HAILED}(?:\W+|$)){{0,3}}\W*$",
    rf"^\W*(?:{_BEGINS}\W+)?{_HAILS}(?:\W+{_HAILED}){{0,3}}\W*$",
    r"^\W*(?:is )?(?:any ?one|some ?one|anybody|somebody) there\W*$|"
    r"\bis (?:any ?one|some ?one|anybody|somebody) there\W*$",
)
CLOSING = any_of(
    r"\byou(?:'re| are)?(?: so| very| most)* welcome\b",
    # A wish for the day, not "we have a good one in stock".
    r"(?<!\bwe )(?<!\bthey )(?<!\bi )(?<!\balso )\bhave (?:a|an) (?:very )?(?:(?:great|good|nice|"
    r"lovely|wonderful|pleasant|fantastic|awesome|amazing|blessed|super|beautiful|safe) "
    r")?(?:(?:rest of )?(?:(?:your|the) )?(?:one|day|evening|weekend|night|afternoon|morning|"
    r"time|trip|stay|week|holiday|flight|journey)\b|(?:great|good|nice)\W*$)",
    r"\btake care\b",
    r"\b(?:good ?bye|bye(?:-| )?bye|bye|see you|farewell)\b",
    # Not "I'd be happy to help you with", which begins an answer.
    r"(?<!\bbe )(?<!\bmore than )\b(?:glad|happy|pleased) (?:i|we|to|that)\b.{0,30}"
    r"\b(?:help|assist|hear)",
    r"\bmy pleasure\b",
    r"\bno (?:problem|worries)\W*$",
    r"\bthank(?:s| you) for (?:contacting|calling|reaching|chatting|choosing|shopping|being)\b",
    r"\b(?:auf wiedersehen|sch(?:ö|oe)nen tag|bonne journ[ée]e|au revoir|buen d[ií]a|"
    r"que tenga|buona giornata|arrivederci|fijne dag|tot ziens|gern geschehen|de rien|de nada)\b",
)
ASSENT = re.compile(
    r"^\W*(?:(?:yes|yep|yeah|yup|sure|ok(?:ay)?|fine|right|correct|alright|no|nope|nah|mm ?hmm|"
    r"hm+|uh ?huh|oh|um+|please|it (?:is|does)|that(?:'s| is) (?:right|correct|fine|it)|"
    r"looks? (?:good|right|correct|fine)(?: to me)?|go ahead|sounds good|i see|i did|both|"
    r"not sure|good|great|ja|nein|oui|non|s[ií]|sim|nee)[\s,.!]*)+\W*$",
)


@kept_for_short
def normal(text: str) -> str:
    """The text as the patterns read it.

    In lower case, with one kind of apostrophe, without fillers and doubled words.
    """
    text = lowered(text)
    if len(text) > MAX_MATCHED_CHARS:
        text = f"{text[: MAX_MATCHED_CHARS // 2]}\n{text[-MAX_MATCHED_CHARS // 2 :]}"
    text = _APOSTROPHE.sub("'", text)
    text = _BARE_NEGATION.sub(r"\1n't", text)
    return _REPEATED.sub(r"\1", _FILLER.sub("", text)).strip()


POLITENESS: frozenset[Act] = frozenset(("greeting", "closing", "offer_more", "hold"))
"""Acts of an agent that say nothing about the matter."""

SUBSTANCE: frozenset[Act] = frozenset(("answer", "complete"))
"""Acts of an agent that can solve something."""
