"""The (customer query, agent response) pair of a conversation: what was asked, what helped.

The response is the last substantial agent turn: in conversations with a failed first attempt it
is the one after which the customer stopped asking. First version: at most one pair.
"""

import re
import unicodedata
from collections.abc import Sequence

from deskwheel import ids
from deskwheel.records import Conversation, Example, Utterance
from transforms.resolution import MIN_ANSWER_CHARS

VERSION = "pairs-1"

_GREETING_ONLY = re.compile(
    r"^\W*(hi+|hello|hey|good (morning|afternoon|evening)|is (any ?one|some ?one) there)"
    r"( there| all| team)?\W*$",
    re.IGNORECASE,
)
_CLOSING_LINE = re.compile(
    r"\b(anything else|have a (great|nice|good|lovely)|you['’]?re welcome|thank you for "
    r"(contacting|calling|chatting|reaching)|glad (i|we|that|to)|my pleasure|goodbye|bye)\b",
    re.IGNORECASE,
)
_GOODBYE_CHARS = 160
"""A longer turn says more than goodbye, whatever its last sentence is."""

_CLARIFIES = re.compile(r"\?\s*$")
_APOLOGY = re.compile(r"\b(sorry|apolog\w+|regret)\b", re.IGNORECASE)
_FAULT = re.compile(
    r"\b(damaged?|wrong|broken|late|delay\w*|lost|missing|mistake|overcharg\w+|double|twice|"
    r"outage|failed|defect\w*|never (arrived|came)|still (not|waiting))\b",
    re.IGNORECASE,
)


def mine_pairs(conversation: Conversation) -> list[Example]:
    """Candidate pairs of a conversation version; none from one that was not resolved."""
    if conversation.resolution == "unresolved":
        return []
    said = [u for u in conversation.utterances if u.role in ("customer", "agent")]
    answer = _answer(said)
    if answer is None:
        return []
    asked = [
        (i, u)
        for i, u in enumerate(said[:answer])
        if u.role == "customer" and not _GREETING_ONLY.match(u.text)
    ]
    if not asked:
        return []
    return [_example(conversation, said, [i for i, _ in asked], answer)]


def has_needless_apology(query: str, response: str) -> bool:
    """Whether the response apologises although the query reports no fault of the company."""
    return bool(_APOLOGY.search(response)) and not _FAULT.search(query)


def _answer(said: Sequence[Utterance]) -> int | None:
    """Index of the last agent turn that is long enough and neither asks back nor says goodbye."""
    for i in range(len(said) - 1, 0, -1):
        turn = said[i]
        if turn.role != "agent" or len(turn.text) < MIN_ANSWER_CHARS:
            continue
        if _CLARIFIES.search(turn.text) or _is_goodbye(turn.text):
            continue
        return i
    return None


def _is_goodbye(text: str) -> bool:
    return len(text) < _GOODBYE_CHARS and bool(_CLOSING_LINE.search(text))


def _example(
    conversation: Conversation, said: Sequence[Utterance], asked: Sequence[int], answer: int
) -> Example:
    query = "\n".join(said[i].text for i in asked)
    response = said[answer]
    context = [u for i, u in enumerate(said[:answer]) if i not in asked and u.role == "agent"]
    key = (conversation.conversation_id, str(conversation.version), "0")
    return Example(
        example_id=ids.record_id("ex", conversation.tenant, *key),
        tenant=conversation.tenant,
        conversation_id=conversation.conversation_id,
        conversation_version=conversation.version,
        position=0,
        channel=conversation.channel,
        kind="ideal",
        query=query,
        response=response.text,
        context="\n".join(f"{u.role}: {u.text}" for u in context),
        category=conversation.category,
        sentiment=conversation.sentiment,
        has_needless_apology=has_needless_apology(query, response.text),
        resolution_probability=conversation.resolution_probability,
        csat=conversation.csat,
        subject_key=conversation.subject_key,
        agent_key=conversation.agent_key,
        authorship=response.authorship,
        turn_ids=[*(said[i].turn_id for i in asked), response.turn_id],
        redaction=conversation.redaction,
        sent_at=response.sent_at,
        content_hash=content_hash(query, response.text),
        ruleset_version=VERSION,
        code_version=conversation.code_version,
    )


def content_hash(query: str, response: str) -> str:
    """SHA-256 of both texts without case, accents, punctuation and spacing."""
    return ids.digest(*(_normal(t) for t in (query, response)))


def _normal(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(re.findall(r"[\w<>]+", bare))
