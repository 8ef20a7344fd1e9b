"""How traffic is mixed: the share of each channel, as `--channels` names it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from deskwheel.errors import ConfigError
from deskwheel.records import Channel

CHANNEL_WEIGHTS: Mapping[Channel, float] = MappingProxyType(
    {"chat": 0.5, "email": 0.3, "call": 0.2}
)
"""Of conversations, not of events: a chat has seven events, a thread of mails four, a call one."""


def parse_channels(text: str) -> dict[Channel, float]:
    """Return channel → weight out of `chat,email:2,call`; a channel without a weight has 1.

    Raises:
        ConfigError: a channel is unknown or named twice, or a weight is not above 0.

    >>> parse_channels("chat,email:2")
    {'chat': 1.0, 'email': 2.0}
    """
    known: dict[str, Channel] = {name: name for name in get_args(Channel)}
    found: dict[Channel, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition(":")
        if name not in known or known[name] in found:
            raise ConfigError(
                f"--channels {text}: {name!r} is unknown or named twice; choose from"
                f" {', '.join(known)}, each with a weight if you like, as chat,email:2"
            )
        found[known[name]] = _weight(weight, text) if weight else 1.0
    return found


def _weight(text: str, whole: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise ConfigError(f"--channels {whole}: the weight {text!r} is not a number above 0")
    return weight
