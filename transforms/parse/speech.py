"""The segments of a call as turns: who really spoke, what a machine said, who spoke over whom.

Labels of speakers come from recognisers that tell voices apart and sometimes name them wrongly.
What an agent alone says ("how may I help you") shows which label is the agent's: labels that are
exchanged are put right, a call with one label for both is noted. Nothing here raises.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from deskwheel.records import Role, SpeakerNote

OVERLAP_S = 0.3
"""Speakers overlap by this much at every change of turn; more is cross-talk.
Source: Heldner and Edlund (2010), "Pauses, gaps and overlaps in conversations": most overlaps at
changes of speaker are shorter."""

_MATCHED_CHARS = 400
_LONG_TURN = 4
"""Segments from which a call with one label only is taken for two people under one label."""

_HOLD = re.compile(
    r"^\W*(?:(?:on[ -]?)?hold(?:[ _]music)?|music(?: playing)?|ring(?:ing|s|back)?|beep|dial tone|"
    r"musik|wartemusik|musique|m[uú]sica|musica|♪[^\w]*)\W*$",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"^\s*[\[(<♪*].*[\])>♪*]\s*$")
_QUEUE = re.compile(
    r"\b(?:all (?:of )?our (?:agents|representatives|operators|lines|specialists)|"
    r"your call is (?:very )?important to us|(?:stay|remain) on the line|estimated wait|"
    r"(?:you are|you're) (?:caller )?number \w+ in|calls? (?:is|are|will be) answered in the order|"
    r"alle (?:unsere )?(?:leitungen|mitarbeiter)|tous nos (?:conseillers|agents)|"
    r"todos nuestros agentes|todos os nossos atendentes|tutti i nostri operatori|"
    r"al onze medewerkers)\b",
    re.IGNORECASE,
)
_MENU = re.compile(
    r"\b(?:(?:call|conversation) (?:may|will|is being|might) (?:be )?(?:recorded|monitored)|"
    r"press (?:\d|one|two|three|zero|star|pound)|para español|oprima|marque (?:el )?\w+|"
    r"dr(?:ü|ue)cken sie|appuyez sur|tapez \w+|prema (?:o )?\w+|premere|toets een|"
    r"(?:gespr(?:ä|ae)ch|anruf) (?:wird|kann) .{0,30}aufgezeichnet|"
    r"menu options|office hours are|listen carefully)\b",
    re.IGNORECASE,
)
_VOICEMAIL = re.compile(
    r"\b(?:leave (?:a|your) (?:\w+ )?message|after the (?:tone|beep)|(?:reached|this is) the "
    r"(?:voice ?mail|mailbox)|voice ?mail (?:of|box)|mailbox is full|not available to take your "
    r"call|nachricht nach dem|laissez (?:un|votre) message|deje (?:un|su) mensaje|"
    r"deixe (?:uma|sua) mensagem|lasciate un messaggio|bericht (?:achter|inspreken))\b",
    re.IGNORECASE,
)
_AGENT_ONLY = re.compile(
    r"\b(?:how (?:can|may|could) i (?:help|assist)|what can i (?:do|help|get).{0,12} for you|"
    r"thank(?:s| you) for (?:calling|contacting|reaching|holding|choosing)|"
    r"(?:is there )?anything else i (?:can|may)|(?:can|may|could) i (?:have|get|please have) your "
    r"(?:\w+ ){0,3}(?:number|name|account|email|order|address|date)|"
    r"let me (?:check|pull up|look (?:up|into|at)) (?:that|your|this)|"
    r"(?:have|has) been (?:processed|refunded|cancell?ed|credited)|i(?:'d| would) be happy to help|"
    r"wie kann ich (?:ihnen )?helfen|comment puis-je vous aider|en qu[ée] (?:le )?puedo ayudar|"
    r"como posso ajudar|come posso aiutar|waarmee kan ik)\b",
    re.IGNORECASE,
)
"""Phrases of service that callers do not use."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech as the transcript has it."""

    speaker: Role
    start_s: float
    end_s: float
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """Segments of one speaker in a row."""

    speaker: Role
    start_s: float
    text: str
    confidence: float | None
    """Mean of its segments', each by its number of words."""
    has_cross_talk: bool
    note: SpeakerNote | None


def spoken_turns(segments: Sequence[Segment]) -> list[SpokenTurn]:
    """The turns of a call whose segments are in order of their start."""
    named = _machines(segments)
    note = label_flaw(named)
    if note == "swapped":
        named = [replace(s, speaker=_OTHER.get(s.speaker, s.speaker)) for s in named]
    overlaps = _overlaps(named)
    turns = []
    for speaker, group in groupby(zip(named, overlaps, strict=True), key=lambda p: p[0].speaker):
        pairs = list(group)
        said = [s for s, _ in pairs]
        turns.append(
            SpokenTurn(
                speaker=speaker,
                start_s=said[0].start_s,
                text=" ".join(s.text for s in said),
                confidence=_confidence(said),
                has_cross_talk=any(is_over for _, is_over in pairs),
                note=note if speaker in _OTHER else None,
            )
        )
    return turns


def is_voicemail(segments: Sequence[Segment], disposition: str | None) -> bool:
    """Whether the caller talked to a recorder: no agent said anything after the caller did."""
    named = _machines(segments)
    heard = [s.speaker for s in named if s.speaker in _OTHER and re.search(r"\w", s.text)]
    first = heard.index("customer") if "customer" in heard else len(heard)
    if "agent" in heard[first:]:
        return False
    is_announced = any(_VOICEMAIL.search(s.text[:_MATCHED_CHARS]) for s in named)
    return disposition == "voicemail" or (is_announced and "agent" not in heard)


def label_flaw(segments: Sequence[Segment]) -> Literal["swapped", "one_speaker"] | None:
    """What is wrong with the labels of agent and customer, if anything shows it."""
    phrases: dict[Role, int] = {"agent": 0, "customer": 0}
    spoken: dict[Role, int] = {"agent": 0, "customer": 0}
    for segment in segments:
        if segment.speaker in spoken and segment.text.strip():
            spoken[segment.speaker] += 1
            phrases[segment.speaker] += bool(_AGENT_ONLY.search(segment.text[:_MATCHED_CHARS]))
    if all(spoken.values()):
        return "swapped" if phrases["customer"] and not phrases["agent"] else None
    is_one = sum(spoken.values()) >= _LONG_TURN and any(phrases.values())
    return "one_speaker" if is_one else None


_OTHER: dict[Role, Role] = {"agent": "customer", "customer": "agent"}


def _machines(segments: Iterable[Segment]) -> list[Segment]:
    """The segments with announcements given to a bot and passages on hold to the system."""
    found: list[Segment] = []
    has_caller = False
    for segment in segments:
        speaker = _machine(segment, has_caller=has_caller) or segment.speaker
        found.append(replace(segment, speaker=speaker) if speaker != segment.speaker else segment)
        has_caller = has_caller or (speaker == "customer" and bool(segment.text.strip()))
    return found


def _machine(segment: Segment, *, has_caller: bool) -> Role | None:
    text = segment.text[:_MATCHED_CHARS]
    if _HOLD.match(text) and (_TAGGED.match(text) or "♪" in text):
        return "system"
    if segment.speaker not in _OTHER:
        return None
    # An agent may read out a menu's words later on; before the caller speaks a machine does.
    is_menu = not has_caller and _MENU.search(text) and not _AGENT_ONLY.search(text)
    is_recorder = not has_caller and _VOICEMAIL.search(text)
    return "bot" if is_menu or is_recorder or _QUEUE.search(text) else None


def _overlaps(segments: Sequence[Segment]) -> list[bool]:
    """For each segment whether another speaker's overlaps it by more than turns do.

    One pass: of those before, only the one that ends last can reach furthest into a segment.
    """
    found = [False] * len(segments)
    last: dict[Role, int] = {}
    for i, segment in enumerate(segments):
        for speaker, j in last.items():
            overlap = min(segments[j].end_s, segment.end_s) - segment.start_s
            if speaker != segment.speaker and overlap > OVERLAP_S:
                found[i] = found[j] = True
        known = last.get(segment.speaker)
        if known is None or segments[known].end_s <= segment.end_s:
            last[segment.speaker] = i
    return found


def _confidence(segments: Sequence[Segment]) -> float | None:
    weights = [(s.confidence, len(s.text.split())) for s in segments if s.confidence is not None]
    total = sum(words for _, words in weights)
    if not total:
        return None
    return round(sum(c * words for c, words in weights) / total, 4)
