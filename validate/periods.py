"""Lengths of time as an operator writes them: `90m`, `12h`, `7d`."""

import re
from datetime import timedelta

from deskwheel.errors import ConfigError

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_period(text: str) -> timedelta:
    """A length of time.

    Raises:
        ConfigError: it is none.

    >>> parse_period("36h") == parse_period("1.5d")
    True
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([mhd])", text.strip())
    if found is None:
        raise ConfigError(f"{text!r} is no length of time; write 90m, 12h or 7d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})
