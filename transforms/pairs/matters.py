"""The matters of a conversation: one need each, what answered it, and what did not.

A matter begins with what the customer needs (several messages are one need). It is over when the
customer confirms, thanks or says goodbye after an answer, and what is needed then is the next. A
question that comes after an answer and is not the old one again begins a matter of its own, so that
no answer stands beside another's question. What the customer asks back while a question of the
agent is open, and what they add without asking, belongs to the matter that is going on.
Pure; reads and writes no table.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from deskwheel.pieces import pieces
from deskwheel.records import Utterance
from transforms.acts.conversation import find_acts
from transforms.acts.folded import any_of
from transforms.acts.kinds import SUBSTANCE, Act, normal
from transforms.redact import THINGS

EVASIVE: frozenset[Act] = frozenset(("defer", "refuse", "hand_over"))
FAREWELL: frozenset[Act] = frozenset(("closing", "offer_more"))

OLD_SHARE = 0.7
"""A question with so much of its words in the need is the same question once more."""

_ASKS = any_of(
    r"\?",
    r"^\W*(?:(?:ok(?:ay)?|and|but|so|then|thanks?|thank you|great|perfect|good|got it|yes|yeah|"
    r"no|oh|also|now|hm+|um+|uh+|very much|a lot|please|sorry)\b\W*)*(?:how|what|what's|where|"
    r"where's|when|which|who|whose|why|can|could|may|do|does|did|is there|are there|is it|is "
    r"that|is this|is the|will|would|should)\b",
    r"\bto know (?:if|whether|how|what|when|where|which|who|why)\b|\bi wonder\b",
)
_IS_PENDING = any_of(
    r"\b(?:if|once|when|after|before|as soon as) (?:that|this|it|everything|all|you|i|we)\b.{0,80}"
    r"\b(?:i|we)(?:'ll| will| can)\b|\bbefore (?:i|we) (?:send|place|order|submit|process|book)\b",
    r"\b(?:correct|right|accurate|okay|complete)\b[^.?!]{0,40}\?",
    r"\b(?:check|look|review|verify|confirm|make sure|see|let (?:me|us) "
    r"know)\b[^.?!]{0,60}\b(?:your (?:order|booking|details|request)|(?:is|are|got|have) (?:\w+ "
    r"){0,3}(?:right|correct|accurate))\b",
)
"""The agent waits for a word of the customer before the need is met."""

_SMALL_WORDS = frozenset(
    "aber about again agora ahora ainda algo all alors also anche ancora and another any are"
    " around auch auf aus aussi avec avez back been bei being both but can cela cette che chi"
    " com combien come comment como con cosa could cual cuando cuál cuándo cuánto cómo dann dans"
    " das dass dat dei del dem den denn der des devo deze did die dies diese dieser dit doch"
    " does doing donc donde done dopo dos dove down dónde each een ein eine einen einer ela ele"
    " else encore entonces então est esta este esto even ever every exactly faire fare faut fois"
    " for from für genau get give gli going gonna got habe haben hace hacer had has hat have"
    " having hay heeft hello her here het hier him his hmm hoe hoeveel how ich ihr ihre into"
    " isso ist its just kan kann know kunnen können lang lange las les let like long los maar"
    " made mag mais make man many may mean mes met meu mijn mine mio mis mit moet molto more"
    " most much muito muss must muy nach need next nicht niet noch nodig nog non nos not now nur"
    " não oder okay once onde one only ook other otra otro oui our out over par para pas per"
    " pero però please pode por porque posso pour pourquoi puede puedo qual quale quand quando"
    " quanto que quel quelle quelles quels questa questo qui qué really said same sans sein ses"
    " shall she should sich sie sim sin sind sobre soll some son sono sont soy still such suis"
    " suo sur sure sus take también também tell temps tengo tenho than thank thanks that the"
    " their them then there these they thing things think this those through tiempo tiene time"
    " todo too tout très two uma una und under une until upon used van very via viel viele von"
    " vos votre vous waar waarom wann wanneer want wants warum was wat wel welke well wenn wer"
    " werden were what when where which while who whom whose why wie will wir wird with without"
    " wollen worden would yep yes you your yours zijn être".split()
)
"""Words that say nothing of what a question is about, in seven languages."""

_WORD = re.compile(r"<[A-Z][A-Z0-9_]*>|[^\W_]{3,}")
_SHORT_CHARS = 3
"""Of a word that `pieces` leaves out and that may say something all the same ("VAT")."""


@dataclass
class Matter:
    """One need and its answer, as indices of turns."""

    asked: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    failed: list[list[int]] = field(default_factory=list)
    """Answers after which the customer went on asking."""
    complained: list[int] = field(default_factory=list)
    """What the customer said against an answer."""
    evaded: list[int] = field(default_factory=list)
    is_over: bool = False
    is_asked_back: bool = False
    """The customer answered a question of the agent with one, so it is open."""
    goes_on: bool = False
    """The customer asked on about the answer ("which one?"): the next one belongs to it."""


def find_matters(said: Sequence[Utterance]) -> list[Matter]:
    """The matters of what customer and agent said, in order; those without a need are left out."""
    matters = [Matter()]
    is_pending = False
    for i, act in enumerate(find_acts(said)):
        matter = matters[-1]
        if said[i].role == "customer":
            if act == "need" and (matter.is_over or _is_next(said, matter, i)):
                matter = Matter()
                matters.append(matter)
            if not is_pending or act not in ("confirm", "thanks"):
                _hear(matter, i, act, said[i].text)
        elif matter.asked:
            _answer(matter, i, act)
            is_pending = bool(_IS_PENDING.search(normal(said[i].text)))
    return [m for m in matters if m.asked]


def _is_next(said: Sequence[Utterance], matter: Matter, i: int) -> bool:
    """Whether a need after an answer is a question of its own."""
    if not matter.answered or matter.is_asked_back or not _asks(said[i].text):
        return False
    if _IS_PENDING.search(normal(said[matter.answered[-1]].text)):
        return False
    own = _pieces(said[i].text)
    old = _pieces("\n".join(said[n].text for n in matter.asked))
    return len(own & old) < OLD_SHARE * len(own)


def _asks(text: str) -> bool:
    return bool(_ASKS.search(normal(text)))


def _pieces(text: str) -> set[str]:
    """Pieces of the words that say what a text is about; a word of three letters is one."""
    words = [w for w in _WORD.findall(text) if w.casefold() not in _SMALL_WORDS]
    short = {w.casefold() for w in words if len(w) == _SHORT_CHARS}
    return pieces(" ".join(words), THINGS) | short


def _hear(matter: Matter, i: int, act: Act, text: str) -> None:
    """Take a customer's turn into its matter."""
    if act == "need" and not matter.answered:
        matter.asked.append(i)
    elif act in ("confirm", "thanks", "closing"):
        matter.is_over = bool(matter.answered or matter.evaded)
    elif act == "complaint":
        matter.is_over = False
        matter.complained.append(i)
        if matter.answered:
            matter.failed.append(matter.answered)
            matter.answered = []
        if not matter.asked:
            matter.asked.append(i)
    if act in ("reply", "need"):
        asks = _asks(text)
        matter.is_asked_back = asks and (act == "reply" or matter.is_asked_back)
        matter.goes_on = asks and act == "need" and not _pieces(text)


def _answer(matter: Matter, i: int, act: Act) -> None:
    """Take an agent's turn into its matter."""
    if act in SUBSTANCE:
        # What is said after thanks is a farewell of many words, unless it reports a thing done.
        if matter.is_over and matter.answered and act == "answer":
            return
        is_next = bool(matter.answered) and matter.answered[-1] == i - 1
        matter.answered = [*matter.answered, i] if is_next or matter.goes_on else [i]
    elif act in EVASIVE:
        matter.evaded.append(i)
    elif act in FAREWELL and matter.answered:
        matter.is_over = True
