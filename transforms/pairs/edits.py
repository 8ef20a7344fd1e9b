"""Replies that were suggested and changed, and thumbs, out of the turns of one conversation.

An agent changes a suggestion before it is sent (an outcome of kind `edit` has both texts), or takes
back what a model has sent: a chat message that is edited or deleted. Pure; reads and writes no
table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deskwheel.ids import comparable
from deskwheel.marks import Edit
from deskwheel.records import Thumb, Utterance
from deskwheel.times import from_us
from transforms.stored import StoredTurn

REPLYING = ("agent", "bot")
"""Roles whose turns are replies."""

_THUMBS: dict[str, Thumb] = {"thumbs_up": "up", "thumbs_down": "down"}


@dataclass(frozen=True)
class Suggested:
    """A suggestion and what became of it, before the conversation is redacted as a whole."""

    sent_us: int
    draft: str
    final: str | None
    about: str | None
    """Turn that the event names; not every one is in the conversation."""

    def texts(self) -> list[str]:
        """What there is to redact, the draft first."""
        return [self.draft] if self.final is None else [self.draft, self.final]


def latest_edits(turns: Iterable[StoredTurn]) -> dict[str, StoredTurn]:
    """The last edit or deletion of each turn that has one; turns come in order of time."""
    return {t.replaces: t for t in turns if t.replaces}


def find_suggested(ordered: Sequence[StoredTurn]) -> list[Suggested]:
    """Drafts and what was sent instead, in order of time."""
    latest = latest_edits(ordered)
    found = []
    for turn in ordered:
        if turn.draft_text and turn.final_text:
            about = turn.about_turn_id
            found.append(Suggested(turn.sent_us, turn.draft_text, turn.final_text, about))
        edit = latest.get(turn.turn_id)
        if edit is not None and turn.text and is_corrected(turn, edit):
            found.append(Suggested(edit.sent_us, turn.text, edit.text or None, turn.turn_id))
    return sorted(found, key=lambda s: (s.sent_us, s.about or "", s.draft))


def is_corrected(turn: StoredTurn, edit: StoredTurn) -> bool:
    """Whether a person of the company changed or took back what a model had said."""
    return turn.authorship == "model" and edit.role == "agent" and edit.authorship == "human"


def find_edits(
    suggested: Sequence[Suggested],
    masked: Sequence[str],
    utterances: Sequence[Utterance],
    replaced: dict[str, str],
) -> list[Edit]:
    """Each suggestion that was changed, with its masked texts and the turn that was sent.

    Args:
        suggested: As `find_suggested` gives them.
        masked: Their texts after redaction, in the order of `Suggested.texts`.
        utterances: The conversation's.
        replaced: Ids of edits of messages and of the turns in whose place they stand.
    """
    texts = iter(masked)
    edits = []
    for one in suggested:
        draft = next(texts)
        final = None if one.final is None else next(texts)
        if final is None or comparable(draft) != comparable(final):
            at = from_us(one.sent_us)
            edit = Edit(at=at, draft=draft, final=final, turn_id=None)
            about = replaced.get(one.about or "", one.about)
            edits.append(replace(edit, turn_id=_sent(edit, about, utterances)))
    return edits


def _sent(edit: Edit, about: str | None, utterances: Sequence[Utterance]) -> str | None:
    """The reply that the event names, else the one that says what was sent, nearest in time."""
    replies = [u for u in utterances if u.role in REPLYING]
    if any(u.turn_id == about for u in replies):
        return about
    if edit.final is None:
        return None
    wanted = comparable(edit.final)
    same = [(abs(u.sent_at - edit.at), u.turn_id) for u in replies if comparable(u.text) == wanted]
    return min(same)[1] if same else None


def with_authorship(utterances: Iterable[Utterance], edits: Iterable[Edit]) -> list[Utterance]:
    """The utterances, those of agents that began as a suggestion as a model's, edited."""
    edited = {e.turn_id for e in edits if e.final is not None}
    return [
        replace(u, authorship="model_edited")
        if u.turn_id in edited and u.role == "agent" and u.authorship == "human"
        else u
        for u in utterances
    ]


def find_thumbs(
    ordered: Iterable[StoredTurn], utterances: Sequence[Utterance], replaced: dict[str, str]
) -> dict[str, Thumb]:
    """The last thumb on each turn. One that names no message is about the reply before it."""
    thumbs: dict[str, Thumb] = {}
    replies = [u for u in utterances if u.role in REPLYING]
    known = {u.turn_id for u in replies}
    for turn in ordered:
        thumb = _THUMBS.get(turn.outcome or "")
        if thumb is None:
            continue
        about = replaced.get(turn.about_turn_id or "", turn.about_turn_id)
        if about is None:
            at = from_us(turn.sent_us)
            about = next((u.turn_id for u in reversed(replies) if u.sent_at <= at), None)
        if about in known:
            thumbs[str(about)] = thumb
    return thumbs
