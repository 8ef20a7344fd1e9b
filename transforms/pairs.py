"""(customer query, agent response) pairs of a conversation: what was asked, and what helped.

A conversation is cut into matters: one begins with what the customer needs (several messages are
one need), and ends when the customer confirms, thanks or opens another. The response is the last
answer of a matter, its neighbours joined where nobody spoke between: after a failed attempt it
is the one at which the asking stopped. What must not be learnt is kept as a negative of its
kind. Pure functions of the record; reads and writes no table.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deskwheel import ids
from deskwheel.records import Conversation, Example, Utterance
from transforms.acts import MIN_ANSWER_CHARS, SUBSTANCE, Act, agent_act, find_acts
from transforms.apology import has_needless_apology, is_empathetic, sentences, without_apology

VERSION = "pairs-2"

NegativeKind = Literal["needless_apology", "rude", "evasive", "unresolved"]

_DECORATION: frozenset[Act] = frozenset(("greeting", "hold", "backchannel"))
_FAREWELL: frozenset[Act] = frozenset(("closing", "offer_more"))
_EVASIVE: frozenset[Act] = frozenset(("defer", "refuse", "hand_over"))
_RUDE = re.compile(
    r"\b(?:(?:is|isn't|is not|it's) (?:really |that )?(?:not )?(?:hard|difficult|rocket science)|"
    r"just (?:read|look at|use) (?:the|it|your)|read the (?:page|manual|instructions|faq)|"
    r"(?:as|like) i (?:already )?(?:said|told you)|are you (?:even|stupid|blind|deaf|serious)|"
    r"stupid|idiot\w*|moron\w*|dumb|shut up|not my (?:problem|job|fault)|"
    r"(?:stop|quit) (?:wasting|bothering|asking)|wast(?:e|ing) (?:of )?my time|obviously you|"
    r"what(?:'s| is) wrong with you|calm down|whatever\W*$|how many times)\b",
    re.IGNORECASE,
)


@dataclass
class _Matter:
    """One need and its answer, as indices of turns."""

    asked: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    failed: list[list[int]] = field(default_factory=list)
    """Answers after which the customer went on asking."""
    evaded: list[int] = field(default_factory=list)
    is_over: bool = False


def mine_pairs(conversation: Conversation) -> list[Example]:
    """Examples of a conversation version: ideal pairs of a resolved one, negatives of any.

    An undecided conversation gives its pairs, too; the rule on the probability judges them.
    """
    said = [u for u in conversation.utterances if u.role in ("customer", "agent")]
    readings = (
        (matter, reading)
        for matter in _matters(said)
        for reading in _readings(conversation, said, matter)
    )
    return [
        _example(conversation, said, matter, reading, position=position)
        for position, (matter, reading) in enumerate(readings)
    ]


def content_hash(query: str, response: str) -> str:
    """SHA-256 of both texts without case, accents, punctuation and spacing."""
    return ids.digest(*(_normal(t) for t in (query, response)))


def _normal(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(re.findall(r"[\w<>]+", bare))


def _matters(said: Sequence[Utterance]) -> list[_Matter]:
    """The matters of a conversation in order; those without a need are left out."""
    matters = [_Matter()]
    for i, act in enumerate(find_acts(said)):
        matter = matters[-1]
        if said[i].role == "customer":
            if act == "need" and matter.is_over:
                matter = _Matter()
                matters.append(matter)
            _hear(matter, i, act)
        elif matter.asked:
            _answer(matter, i, act)
    return [m for m in matters if m.asked]


def _hear(matter: _Matter, i: int, act: Act) -> None:
    """Take a customer's turn into its matter."""
    if act == "need" and not matter.answered:
        matter.asked.append(i)
    elif act in ("confirm", "thanks", "closing"):
        matter.is_over = bool(matter.answered or matter.evaded)
    elif act == "complaint":
        matter.is_over = False
        if matter.answered:
            matter.failed.append(matter.answered)
            matter.answered = []
        if not matter.asked:
            matter.asked.append(i)


def _answer(matter: _Matter, i: int, act: Act) -> None:
    """Take an agent's turn into its matter."""
    if act in SUBSTANCE:
        is_next = bool(matter.answered) and matter.answered[-1] == i - 1
        matter.answered = [*matter.answered, i] if is_next else [i]
    elif act in _EVASIVE:
        matter.evaded.append(i)
    elif act in _FAREWELL and matter.answered:
        matter.is_over = True


@dataclass(frozen=True)
class _Reading:
    """One example that a matter gives."""

    response: str
    turns: Sequence[int]
    negative: NegativeKind | None = None


def _readings(
    conversation: Conversation, said: Sequence[Utterance], matter: _Matter
) -> Iterator[_Reading]:
    for turns in matter.failed:
        yield _Reading(_text(said, turns), turns, "unresolved")
    if matter.answered:
        whole = _text(said, matter.answered)
        query = _text(said, matter.asked)
        if conversation.resolution == "unresolved":
            yield _Reading(whole, matter.answered, "unresolved")
        elif _RUDE.search(whole):
            yield _Reading(whole, matter.answered, "rude")
        else:
            yield _Reading(_ideal(query, whole), matter.answered)
            if has_needless_apology(query, whole):
                yield _Reading(whole, matter.answered, "needless_apology")
    elif matter.evaded and not matter.failed:
        last = matter.evaded[-1:]
        yield _Reading(_text(said, last), last, "evasive")


def _text(said: Sequence[Utterance], turns: Sequence[int]) -> str:
    return "\n".join(said[i].text for i in turns)


def _ideal(query: str, response: str) -> str:
    """The answer itself: without greeting, hold phrase, farewell and needless apology."""
    bare = _undecorated(response)
    if has_needless_apology(query, bare):
        return without_apology(bare, min_chars=MIN_ANSWER_CHARS)
    return bare


def _undecorated(response: str) -> str:
    """The response without whole sentences at its ends that greet, put off or say goodbye."""
    parts = sentences(response)
    first, end = 0, len(parts)
    while first < end - 1 and agent_act(parts[first]) in _DECORATION:
        first += 1
    while end - 1 > first and agent_act(parts[end - 1]) in _FAREWELL:
        end -= 1
    bare = "".join(parts[first:end]).strip()
    return bare if len(bare) >= MIN_ANSWER_CHARS else response.strip()


def _example(
    conversation: Conversation,
    said: Sequence[Utterance],
    matter: _Matter,
    reading: _Reading,
    *,
    position: int,
) -> Example:
    query, answer = _text(said, matter.asked), said[reading.turns[-1]]
    spoken = {*matter.asked, *reading.turns}
    before = [u for i, u in enumerate(said[: reading.turns[0]]) if i not in spoken]
    key = (conversation.conversation_id, str(conversation.version), str(position))
    return Example(
        example_id=ids.record_id("ex", conversation.tenant, *key),
        tenant=conversation.tenant,
        conversation_id=conversation.conversation_id,
        conversation_version=conversation.version,
        position=position,
        channel=conversation.channel,
        kind="negative" if reading.negative else "ideal",
        negative_kind=reading.negative,
        query=query,
        response=reading.response,
        context="\n".join(f"{u.role}: {u.text}" for u in before),
        category=conversation.category,
        sentiment=conversation.sentiment,
        has_needless_apology=has_needless_apology(query, reading.response),
        is_empathetic=is_empathetic(reading.response),
        resolution_probability=conversation.resolution_probability,
        csat=conversation.csat,
        subject_key=conversation.subject_key,
        agent_key=conversation.agent_key,
        authorship=answer.authorship,
        turn_ids=[said[i].turn_id for i in (*matter.asked, *reading.turns)],
        redaction=conversation.redaction,
        sent_at=answer.sent_at,
        content_hash=content_hash(query, reading.response),
        ruleset_version=VERSION,
        code_version=conversation.code_version,
    )
