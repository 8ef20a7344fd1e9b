"""How surely the turns of a pair were heard, and by whom they were said, for pairs of calls."""

from collections.abc import Sequence

from deskwheel.records import SpeakerNote, Utterance

_WORST_FIRST: tuple[SpeakerNote, ...] = ("one_speaker", "swapped")
"""Under one label nobody knows who speaks; exchanged speakers were set right."""


def asr_confidence(turns: Sequence[Utterance]) -> float | None:
    """The least confidence of a recogniser in any of the turns; None where none was stated."""
    return min((t.asr_confidence for t in turns if t.asr_confidence is not None), default=None)


def speaker_note(turns: Sequence[Utterance]) -> SpeakerNote | None:
    """The worst of what is known to be wrong with the speakers of the turns."""
    found = {turn.speaker_note for turn in turns}
    return next((note for note in _WORST_FIRST if note in found), None)
