"""How likely it is that a conversation solved the customer's problem, and why we think so.

Signs are read off the acts of the turns (`transforms.acts`), the stated status and the rating;
their log-odds add up (logistic regression) and were learned from labelled conversations by `python
-m transforms resolution fit`; they stand in `weights.json`. The middle is left undecided. A thank-
you alone is a weak sign: in the labelled stream that this was built on, "the last customer turn
thanks" finds 37 % of the resolved conversations and is wrong for 9 % of those it names. Reads and
writes no table.
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Literal

from deskwheel.records import Utterance
from transforms.acts.conversation import find_acts
from transforms.acts.kinds import SUBSTANCE, Act

RESOLVED_FROM = 0.65
"""Precision .98 at recall .97 in ten-fold cross-validation (`benchmarks.transforms_resolution`)."""
UNRESOLVED_TO = 0.35
CSAT_HIGH, CSAT_LOW = 4, 2
"""Points of five from which a rating counts as praise, and down to which as a complaint."""

SIGNS: tuple[str, ...] = (
    "status_solved",
    "status_unsolved",
    "csat_high",
    "csat_low",
    "customer_confirms",
    "customer_thanks",
    "customer_still_stuck",
    "customer_waits",
    "customer_unanswered",
    "agent_completes",
    "agent_answers",
    "agent_asks",
    "agent_refuses",
    "agent_refused",
    "agent_hands_over",
    "agent_defers",
    "agent_never_answers",
)
"""Every sign. Those of the agent say what their last turn of substance did."""

IN_FAVOUR = frozenset({"status_solved", "csat_high", "customer_confirms", "agent_completes"})
AGAINST = frozenset(
    {"status_unsolved", "csat_low", "customer_still_stuck", "customer_waits",
     "customer_unanswered", "agent_asks", "agent_refuses", "agent_refused", "agent_hands_over",
     "agent_defers", "agent_never_answers"}
)  # fmt: skip
"""Signs that may speak for a solution only, and those that may only speak against one."""

WEIGHTS_FILE = "weights.json"

_UNSOLVED = frozenset({"unsolved", "transferred", "abandoned", "escalated", "open"})
_QUIET: frozenset[Act] = frozenset(
    ("closing", "hold", "backchannel", "offer_more", "greeting", "none")
)
"""Acts after which the conversation stands where it stood before."""

_LAST_ACTS: Mapping[str, Act] = {
    "agent_completes": "complete",
    "agent_answers": "answer",
    "agent_asks": "ask",
    "agent_refuses": "refuse",
    "agent_hands_over": "hand_over",
    "agent_defers": "defer",
}

Resolution = Literal["resolved", "unresolved", "undecided"]


def find_signs(utterances: Sequence[Utterance], status: str | None, csat: int | None) -> list[str]:
    """Names of the signs that a conversation shows, in the order of `SIGNS`."""
    acts = find_acts(utterances)
    agent = [i for i, u in enumerate(utterances) if u.role == "agent" and acts[i] not in _QUIET]
    customer = [
        i
        for i, u in enumerate(utterances)
        if u.role == "customer" and acts[i] not in ("backchannel", "closing")
    ]
    last_agent: Act = acts[agent[-1]] if agent else "none"
    last_customer: Act = acts[customer[-1]] if customer else "none"
    has_last_word = bool(agent and customer and customer[-1] > agent[-1])
    has_answer = any(acts[i] in SUBSTANCE for i in agent)
    shown = {
        "status_solved": status == "solved",
        "status_unsolved": status in _UNSOLVED,
        "csat_high": csat is not None and csat >= CSAT_HIGH,
        "csat_low": csat is not None and csat <= CSAT_LOW,
        "customer_confirms": last_customer == "confirm",
        "customer_thanks": last_customer == "thanks",
        "customer_still_stuck": has_last_word and last_customer == "complaint",
        "customer_waits": has_last_word and last_customer == "wait",
        "customer_unanswered": has_last_word and last_customer in ("need", "reply"),
        "agent_refused": _was_refused(acts, agent) and last_customer != "confirm",
        "agent_never_answers": not has_answer and last_customer != "confirm",
        **{sign: last_agent == act for sign, act in _LAST_ACTS.items()},
    }
    return [name for name in SIGNS if shown[name]]


def _was_refused(acts: Sequence[Act], agent: Sequence[int]) -> bool:
    """Whether something was refused before the agent's last word, and nothing done after it."""
    refused = [i for i in agent[:-1] if acts[i] == "refuse"]
    return bool(refused) and not any(acts[i] == "complete" for i in agent if i > refused[-1])


def probability(signs: Sequence[str], weights: Mapping[str, float] | None = None) -> float:
    """Logistic function of the sum of the signs' log-odds, in (0, 1).

    Args:
        signs: as `find_signs` names them.
        weights: log-odds by sign with an `intercept`; those of the release by default.
    """
    weights = weights or learned_weights()
    total = weights["intercept"] + sum(weights[s] for s in signs)
    return 1.0 / (1.0 + math.exp(-total))


def evidence(signs: Sequence[str], weights: Mapping[str, float] | None = None) -> list[str]:
    """Each sign with the log-odds that it adds, as a conversation keeps them.

    The intercept is left out: it is the log-odds of the probability less the sum of these.

    >>> evidence(["csat_high"], {"intercept": 0.5, "csat_high": 0.794})
    ['csat_high:+0.79']
    """
    weights = weights or learned_weights()
    return [f"{name}:{weights[name]:+.2f}" for name in signs]


def decide(p: float) -> Resolution:
    """Resolved, unresolved, or undecided in between."""
    if p >= RESOLVED_FROM:
        return "resolved"
    return "unresolved" if p <= UNRESOLVED_TO else "undecided"


@cache
def learned_weights() -> Mapping[str, float]:
    """The log-odds that the release was fitted with."""
    text = resources.files("transforms.resolution").joinpath(WEIGHTS_FILE).read_text("utf-8")
    weights: dict[str, float] = json.loads(text)["weights"]
    return weights
