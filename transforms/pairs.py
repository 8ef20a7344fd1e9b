"""(customer query, agent response) pairs of a conversation: what was asked, and what helped.

A conversation is cut into matters: one begins with what the customer needs (several messages are
one need), and ends when the customer confirms, thanks or opens another. The response is the last
answer of a matter, its neighbours joined where nobody spoke between: after a failed attempt it
is the one at which the asking stopped. What must not be learnt is kept as a negative of its
kind. A draft that an agent changed makes a preference of what was sent over it. Pure functions of
the record; reads and writes no table.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal

from deskwheel import ids
from deskwheel.ids import content_hash
from deskwheel.marks import Edit
from deskwheel.records import Authorship, Conversation, Example, Thumb, Utterance
from transforms.acts import MIN_ANSWER_CHARS, SUBSTANCE, Act, agent_act, find_acts
from transforms.apology import has_needless_apology, is_empathetic, sentences, without_apology
from transforms.language import language_of
from transforms.relevance import relevance

VERSION = "pairs-3"

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

    An undecided conversation gives its pairs, too; the rule on the probability judges them. Any
    gives its preferences, after the pairs in order of time. Noise gives nothing.
    """
    if conversation.noise:
        return []
    said = [u for u in conversation.utterances if u.role in ("customer", "agent")]
    matters = _matters(said)
    readings = [r for matter in matters for r in _readings(conversation, said, matter)]
    for edit in conversation.edits or ():
        readings.extend(_preferences(conversation, said, matters, edit))
    return [
        _example(conversation, said, reading, position=position)
        for position, reading in enumerate(readings)
    ]


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
    asked: Sequence[int]
    turns: Sequence[int]
    """The response's; none where it is known only from an edit."""
    negative: NegativeKind | None = None
    edit: Edit | None = None
    """Makes it a preference over the edit's draft."""
    before: int = -1
    """How many turns came before the response, where `turns` does not say it."""


def _readings(
    conversation: Conversation, said: Sequence[Utterance], matter: _Matter
) -> Iterator[_Reading]:
    asked = matter.asked
    for turns in matter.failed:
        yield _Reading(_text(said, turns), asked, turns, "unresolved")
    if matter.answered:
        whole = _text(said, matter.answered)
        query = _text(said, asked)
        if conversation.resolution == "unresolved":
            yield _Reading(whole, asked, matter.answered, "unresolved")
        elif _RUDE.search(whole):
            yield _Reading(whole, asked, matter.answered, "rude")
        else:
            yield _Reading(_ideal(query, whole), asked, matter.answered)
            if _is_needless(query, whole):
                yield _Reading(whole, asked, matter.answered, "needless_apology")
    elif matter.evaded and not matter.failed:
        last = matter.evaded[-1:]
        yield _Reading(_text(said, last), asked, last, "evasive")


def _preferences(
    conversation: Conversation, said: Sequence[Utterance], matters: Sequence[_Matter], edit: Edit
) -> Iterator[_Reading]:
    """What the agent sent, over the draft, as an answer to the need that stood before it.

    None where nobody had asked yet, and where what was sent is rude or did not help either. A
    deleted draft gives one where the agent answered the same need afterwards.
    """
    before = _turns_before(conversation, said, edit)
    matter = next((m for m in reversed(matters) if m.asked[0] < before), None)
    if matter is None:
        return
    asked = [i for i in matter.asked if i < before]
    sent = [i for i in (before,) if i < len(said) and said[i].turn_id == edit.turn_id]
    response = edit.final
    if response is None and matter.answered and matter.answered[0] >= before:
        asked, sent = matter.asked, matter.answered
        response = _text(said, sent)
    if not response or _RUDE.search(response) or any(i in f for i in sent for f in matter.failed):
        return
    yield _Reading(response, asked, sent, edit=edit, before=before)


def _turns_before(conversation: Conversation, said: Sequence[Utterance], edit: Edit) -> int:
    """How many turns of customer and agent came before the reply that was edited."""
    before = 0
    for utterance in conversation.utterances:
        if utterance.turn_id == edit.turn_id:
            return before
        before += utterance.role in ("customer", "agent")
    return sum(u.sent_at <= edit.at for u in said)


def _text(said: Sequence[Utterance], turns: Sequence[int]) -> str:
    return "\n".join(said[i].text for i in turns)


def _ideal(query: str, response: str) -> str:
    """The answer itself: without greeting, hold phrase, farewell and needless apology."""
    bare = _undecorated(response)
    if _is_needless(query, bare):
        return without_apology(bare, min_chars=MIN_ANSWER_CHARS)
    return bare


@lru_cache(maxsize=16)
def _is_needless(query: str, response: str) -> bool:
    """Kept for a moment: an answer that nothing is cut from is asked about three times."""
    return has_needless_apology(query, response)


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
    conversation: Conversation, said: Sequence[Utterance], reading: _Reading, *, position: int
) -> Example:
    query = _text(said, reading.asked)
    sent_at, authorship = _sent(said, reading)
    reply_ids = _reply_ids(said, reading)
    rejected = reading.edit.draft if reading.edit else None
    key = (conversation.conversation_id, str(conversation.version), str(position))
    language = language_of(query)
    return Example(
        example_id=ids.record_id("ex", conversation.tenant, *key),
        tenant=conversation.tenant,
        conversation_id=conversation.conversation_id,
        conversation_version=conversation.version,
        position=position,
        channel=conversation.channel,
        kind="preference" if reading.edit else "negative" if reading.negative else "ideal",
        negative_kind=reading.negative,
        query=query,
        response=reading.response,
        context=_context(said, reading),
        category=conversation.category,
        sentiment=conversation.sentiment,
        has_needless_apology=_is_needless(query, reading.response),
        is_empathetic=is_empathetic(reading.response),
        resolution_probability=conversation.resolution_probability,
        csat=conversation.csat,
        subject_key=conversation.subject_key,
        agent_key=conversation.agent_key,
        authorship=authorship,
        turn_ids=[*(said[i].turn_id for i in reading.asked), *reply_ids],
        redaction=conversation.redaction,
        sent_at=sent_at,
        content_hash=content_hash(query, reading.response, rejected),
        ruleset_version=VERSION,
        code_version=conversation.code_version,
        rejected_response=rejected,
        thumb=_thumb(conversation, reply_ids),
        query_language=language,
        language=language_of(reading.response) or language,
        relevance=relevance(query, reading.response),
        is_answered=_is_answered(said, reading),
    )


def _sent(said: Sequence[Utterance], reading: _Reading) -> tuple[datetime, Authorship]:
    """When the response was sent, and who wrote it."""
    edit = reading.edit
    if edit is None or edit.final is None:
        answer = said[reading.turns[-1]]
        return answer.sent_at, answer.authorship
    return said[reading.turns[-1]].sent_at if reading.turns else edit.at, "model_edited"


def _context(said: Sequence[Utterance], reading: _Reading) -> str:
    """The turns before the response that the query does not hold, one a line with its role."""
    end = reading.turns[0] if reading.turns else reading.before
    return "\n".join(
        f"{u.role}: {u.text}" for i, u in enumerate(said[:end]) if i not in reading.asked
    )


def _reply_ids(said: Sequence[Utterance], reading: _Reading) -> list[str]:
    """The turns of the response; a model's that an agent edited is none of `said`."""
    found = [said[i].turn_id for i in reading.turns]
    if not found and reading.edit and reading.edit.turn_id:
        found.append(reading.edit.turn_id)
    return found


def _thumb(conversation: Conversation, reply_ids: Sequence[str]) -> Thumb | None:
    """The last thumb on the turns of the response."""
    given = conversation.thumbs or {}
    return next((given[name] for name in reversed(reply_ids) if name in given), None)


def _is_answered(said: Sequence[Utterance], reading: _Reading) -> bool:
    """Whether one of the response's messages does something for the query."""
    if reading.response == _text(said, reading.turns):
        acts = find_acts(said)
        return any(acts[i] in SUBSTANCE for i in reading.turns)
    return any(agent_act(part) in SUBSTANCE for part in reading.response.split("\n"))
