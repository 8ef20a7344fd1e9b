"""Numbers of the verb `trigger` that can be worked with. Pure."""

import argparse
from collections.abc import Mapping

from deskwheel.errors import ConfigError

_HOURS_A_DAY = 24

RANGES: Mapping[str, tuple[float, float]] = {
    "limit": (1, 100_000),
    "days": (0.01, 3650),
    "per_day": (0, 10_000_000),
    "weekend": (0, 100),
    "growth": (-0.99, 3),
    "corrected": (0, 1),
    "seed": (0, 2**63 - 1),
    "step_h": (0.01, 720),
    "run_h": (0, 100_000),
}
"""Argument → least and greatest value. A step of 36 s over ten years is 9 million looks, and
traffic that grows fourfold a year stays within 64-bit counts."""


def check_ranges(arguments: argparse.Namespace) -> None:
    """Return if each number that was given is one that can be worked with.

    Raises:
        ConfigError: one lies outside its range, or the time made up is shorter than a step.
    """
    for name, (least, most) in RANGES.items():
        value = getattr(arguments, name, None)
        # A value that is no number is in no range.
        if value is not None and not least <= value <= most:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigError(
                f"trigger {arguments.action}: {flag} {value:g} is not from {least:g} to {most:,g};"
                " choose a value between"
            )
    if arguments.simulate and arguments.days * _HOURS_A_DAY < arguments.step_h:
        raise ConfigError(
            f"trigger {arguments.action}: --days {arguments.days:g} is shorter than one step of"
            f" --step-h {arguments.step_h:g} hours; lengthen the one or shorten the other"
        )
