"""What each turn does in its conversation: asks, answers, puts off, confirms, complains, and so on.

Reads and writes no table. Resolution (`transforms.resolution.estimate`) and pair mining
(`transforms.pairs.mine`) stand on these acts. The patterns are in `transforms.acts.agent` and
`transforms.acts.customer`; what the place of a turn says about it is here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from deskwheel.records import Role, Utterance
from transforms.acts.agent import agent_act
from transforms.acts.customer import customer_act
from transforms.acts.folded import any_of
from transforms.acts.kinds import SHORT_CHARS, SUBSTANCE, Act, normal

_OPENS: frozenset[Act] = frozenset(("ask", "answer", "offer_more", "closing"))
"""What a short turn of an agent cannot do before the customer has asked for anything."""

_WHO = any_of(
    r"\b(?:name|who|numbers?|no\.|digits|e-?mail|phone|mobile|address|date of birth|birthday|born|"
    r"birth|account|id|reference|post ?code|zip|password|ssn|social|security|verify|identify|"
    r"nummer|nom|num[eé]ro|adresse|nombre|n[uú]mero|correo|direcci[oó]n|nome|indirizzo|naam|adres|"
    r"geboortedatum|geburtsdatum)\b"
)
"""Words of a question for who somebody is; that one comes before the need."""


def find_acts(utterances: Sequence[Utterance]) -> Sequence[Act]:
    """The act of each turn, in order; `none` for turns of the system and of a bot."""
    return _acts(tuple((u.role, u.text) for u in utterances))


@dataclass
class _Place:
    """What came before a turn."""

    agent: Act = "none"
    """The agent's last act."""
    has_need: bool = False
    """The customer said something besides a greeting."""
    is_settled: bool = False
    """The customer was content with the last answer."""


@lru_cache(maxsize=16)
def _acts(said: tuple[tuple[Role, str], ...]) -> tuple[Act, ...]:
    """Kept for a moment: resolution, tags and pairs read the same conversation."""
    acts: list[Act] = []
    place = _Place()
    for role, text in said:
        act: Act = "none"
        if role == "agent":
            act = _of_agent(text, place)
        elif role == "customer":
            act = _of_customer(text, place)
        acts.append(act)
    return tuple(acts)


def _of_agent(text: str, place: _Place) -> Act:
    act: Act = agent_act(text)
    if not place.has_need and act in _OPENS and _is_opening(text):
        act = "greeting"
    # "Okay." or "one moment" between question and reply does not end the question.
    if act not in ("backchannel", "hold") or place.agent == "none":
        place.agent = act
    if act in SUBSTANCE:
        place.is_settled = False
    return act


def _is_opening(text: str) -> bool:
    """Whether a turn before any need asks for it, and not for who the customer is."""
    return len(text) <= SHORT_CHARS and not _WHO.search(normal(text))


def _of_customer(text: str, place: _Place) -> Act:
    act: Act = customer_act(
        text, before=place.agent, is_first=not place.has_need, is_settled=place.is_settled
    )
    place.has_need = place.has_need or act not in ("greeting", "reply", "backchannel")
    place.is_settled = place.is_settled or act in ("confirm", "thanks")
    return act
