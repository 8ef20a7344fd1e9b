"""What each turn does in its conversation: asks, answers, puts off, confirms, complains, and so on.

Reads and writes no table. Resolution (`transforms.resolution`) and pair mining
(`transforms.pairs`) stand on these acts. The patterns are in `transforms.agent_acts` and
`transforms.customer_acts`.
"""

from collections.abc import Sequence
from functools import lru_cache

from deskwheel.records import Role, Utterance
from transforms.act_kinds import Act
from transforms.agent_acts import agent_act
from transforms.customer_acts import customer_act


def find_acts(utterances: Sequence[Utterance]) -> Sequence[Act]:
    """The act of each turn, in order; `none` for turns of the system and of a bot."""
    return _acts(tuple((u.role, u.text) for u in utterances))


@lru_cache(maxsize=16)
def _acts(said: tuple[tuple[Role, str], ...]) -> tuple[Act, ...]:
    """Kept for a moment: resolution, tags and pairs read the same conversation."""
    acts: list[Act] = []
    before: Act = "none"
    is_first = True
    for role, text in said:
        act: Act = "none"
        if role == "agent":
            act = agent_act(text)
            # "Okay." or "one moment" between question and reply does not end the question.
            if act not in ("backchannel", "hold") or before == "none":
                before = act
        elif role == "customer":
            act = customer_act(text, before=before, is_first=is_first)
            is_first = is_first and act == "greeting"
        acts.append(act)
    return tuple(acts)
