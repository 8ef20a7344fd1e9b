"""(customer query, agent response) pairs of a conversation: what was asked, and what helped.

A conversation is cut into matters: one begins with what the customer needs (several messages are
one need), and ends when the customer confirms, thanks or opens another. The response is the last
answer of a matter, its neighbours joined where nobody spoke between: after a failed attempt it
is the one at which the asking stopped. What must not be learnt is kept as a negative of its
kind. A draft that an agent changed makes a preference of what was sent over it. Pure functions of
the record; reads and writes no table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal

from deskwheel import ids
from deskwheel.ids import content_hash
from deskwheel.marks import Edit
from deskwheel.records import Authorship, Conversation, Example, Thumb, Utterance
from transforms.acts.agent import agent_act
from transforms.acts.apology import has_needless_apology, is_empathetic, sentences, without_apology
from transforms.acts.conversation import find_acts
from transforms.acts.kinds import MIN_ANSWER_CHARS, SUBSTANCE, Act
from transforms.acts.rudeness import is_rude
from transforms.clean.language import language_of
from transforms.pairs.hearing import asr_confidence, speaker_note
from transforms.pairs.matters import FAREWELL, Matter, find_matters
from transforms.pairs.needs import bare_need
from transforms.pairs.relevance import relevance

VERSION = "pairs-5"

NegativeKind = Literal["needless_apology", "rude", "evasive", "unresolved"]

_DECORATION: frozenset[Act] = frozenset(("greeting", "hold", "backchannel"))


def mine_pairs(conversation: Conversation) -> list[Example]:
    """Examples of a conversation version: ideal pairs of a resolved one, negatives of any.

    An undecided conversation gives its pairs, too; the rule on the probability judges them. Any
    gives its preferences, after the pairs in order of time. Noise gives nothing.
    """
    if conversation.noise:
        return []
    said = [u for u in conversation.utterances if u.role in ("customer", "agent")]
    matters = find_matters(said)
    readings = [r for matter in matters for r in _readings(conversation, said, matter)]
    for edit in conversation.edits or ():
        readings.extend(_preferences(conversation, said, matters, edit))
    return [
        _example(conversation, said, reading, position=position)
        for position, reading in enumerate(readings)
    ]


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
    complained: Sequence[int] = ()
    """What the customer said against earlier answers to the same need."""
    before: int = -1
    """How many turns came before the response, where `turns` does not say it."""


def _readings(
    conversation: Conversation, said: Sequence[Utterance], matter: Matter
) -> Iterator[_Reading]:
    asked, answered, complained = matter.asked, matter.answered, matter.complained
    for turns in matter.failed:
        yield _Reading(_text(said, turns), asked, turns, "unresolved", complained=complained)
    if answered:
        given = _Reading(_text(said, answered), asked, answered, complained=complained)
        if conversation.resolution == "unresolved":
            yield replace(given, negative="unresolved")
        elif is_rude(given.response):
            yield replace(given, negative="rude")
        else:
            yield replace(given, response=_ideal(said, given))
            if _is_needless(said, given):
                yield replace(given, negative="needless_apology")
    elif matter.evaded and not matter.failed:
        last = matter.evaded[-1:]
        yield _Reading(_text(said, last), asked, last, "evasive", complained=complained)


def _preferences(
    conversation: Conversation, said: Sequence[Utterance], matters: Sequence[Matter], edit: Edit
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
    if not response or is_rude(response) or any(i in f for i in sent for f in matter.failed):
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


def _ideal(said: Sequence[Utterance], reading: _Reading) -> str:
    """The answer itself: without greeting, hold phrase, farewell and needless apology."""
    bare = _undecorated(reading.response)
    if _is_needless(said, replace(reading, response=bare)):
        return without_apology(bare, min_chars=MIN_ANSWER_CHARS)
    return bare


def _is_needless(said: Sequence[Utterance], reading: _Reading) -> bool:
    """Whether the response apologises for nothing; who complained of an answer is owed it."""
    end = reading.turns[0] if reading.turns else len(said)
    is_owed = any(i < end for i in reading.complained)
    return not is_owed and _has_needless_apology(_text(said, reading.asked), reading.response)


@lru_cache(maxsize=16)
def _has_needless_apology(query: str, response: str) -> bool:
    """Kept for a moment: an answer that nothing is cut from is asked about three times."""
    return has_needless_apology(query, response)


def _undecorated(response: str) -> str:
    """The response without whole sentences at its ends that greet, put off or say goodbye."""
    parts = sentences(response)
    first, end = 0, len(parts)
    while first < end - 1 and agent_act(parts[first]) in _DECORATION:
        first += 1
    while end - 1 > first and agent_act(parts[end - 1]) in FAREWELL:
        end -= 1
    bare = "".join(parts[first:end]).strip()
    return bare if len(bare) >= MIN_ANSWER_CHARS else response.strip()


def _example(
    conversation: Conversation, said: Sequence[Utterance], reading: _Reading, *, position: int
) -> Example:
    asked = _text(said, reading.asked)
    rejected = reading.edit.draft if reading.edit else None
    query = bare_need(asked, f"{reading.response}\n{rejected or ''}")
    sent_at, authorship = _sent(said, reading)
    reply_ids = _reply_ids(said, reading)
    turns = [said[i] for i in (*reading.asked, *reading.turns)]
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
        has_needless_apology=_is_needless(said, reading),
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
        asr_confidence=asr_confidence(turns),
        speaker_note=speaker_note(turns),
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
