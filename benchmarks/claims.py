"""Claims: a measured number with the limit it must keep and the peer it is compared with."""

import argparse
import json
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deskwheel.errors import DeskwheelError

LIMITS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One number of one benchmark."""

    id: str
    """`benchmark.what`, stable, so that results of two days can be compared."""
    value: float
    unit: str
    target: str
    """`>= 0.95`, `<= 0.5`, `== 0`; empty where the number is only reported."""
    peer: str
    """What the number is compared with, or what it was counted over."""

    @property
    def holds(self) -> bool | None:
        """Whether the value keeps its target; None without one."""
        if not self.target:
            return None
        relation, _, bound = self.target.partition(" ")
        return LIMITS[relation](self.value, float(bound))

    def to_dict(self) -> dict[str, object]:
        """The claim as it is written to a file."""
        return {**asdict(self), "holds": self.holds}


def claims_of(benchmark: str) -> Callable[[str, float, str, str, str], Claim]:
    """What makes a benchmark's claims out of what, value, unit, target and peer."""

    def claim(what: str, value: float, unit: str, target: str, peer: str) -> Claim:
        return Claim(id=f"{benchmark}.{what}", value=value, unit=unit, target=target, peer=peer)

    return claim


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Give a benchmark's command line the option that every one has."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the claims there")


def exit_status(main: Callable[[], int]) -> int:
    """What a benchmark's `main` returns, or 2 with one line that says why it could not run."""
    try:
        return main()
    except DeskwheelError as error:
        print(error, file=sys.stderr)
        return 2


def report(claims: Sequence[Claim], file: Path | None) -> int:
    """Print the claims, write them to a file if one is named, return 1 if one does not hold."""
    width = max((len(c.id) for c in claims), default=0)
    for claim in claims:
        verdict = {True: "holds", False: "BROKEN", None: ""}[claim.holds]
        print(
            f"{claim.id:<{width}}  {claim.value:>9.4g} {claim.unit:<7} {claim.target:<9}"
            f" {verdict:<6}  {claim.peer}"
        )
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        body = {"claims": [c.to_dict() for c in claims]}
        file.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(any(claim.holds is False for claim in claims))
