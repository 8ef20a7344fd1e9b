"""How well needless apologies are told from warranted ones and from what only looks like one.

`python -m benchmarks.needless_apology [FILE]` reads one case a line: `query`, `response`,
`is_needless`, and a `note` that names its class. Without FILE it reads the cases that were written
for it (tests/transforms/needless_apology.jsonl): all of them before any score was looked at. One
half, by hash, was open while the rules were written; the claims are on the other half. The
baseline calls every response needless that matches `sorry|apolog`.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import read_lines
from deskwheel.ids import unit_interval
from transforms.acts.apology import has_needless_apology

CASES = Path(__file__).parent.parent / "tests" / "transforms" / "needless_apology.jsonl"
DEVELOPMENT_SHARE = 0.5
_BASELINE = re.compile("sorry|apolog", re.IGNORECASE)

Detector = Callable[[str, str], bool]


@dataclass(frozen=True)
class Case:
    """One labelled answer to a customer."""

    query: str
    response: str
    is_needless: bool
    note: str

    @property
    def is_development(self) -> bool:
        """Whether the rules may have been written with this case in sight."""
        return unit_interval("needless_apology", self.query, self.response) < DEVELOPMENT_SHARE


@dataclass(frozen=True)
class Score:
    """Precision and recall of a detector on cases."""

    cases: int
    precision: float
    recall: float


def read_cases(file: Path) -> list[Case]:
    """The cases of a file of JSON lines."""
    rows = read_lines(file, ("query", "response", "is_needless"))
    return [Case(r["query"], r["response"], r["is_needless"], r.get("note", "")) for r in rows]


def score(cases: Sequence[Case], detect: Detector) -> Score:
    """How many of the cases a detector calls needless, rightly and of all that are."""
    called = [detect(c.query, c.response) for c in cases]
    hits = sum(found and c.is_needless for found, c in zip(called, cases, strict=True))
    needless = sum(c.is_needless for c in cases)
    return Score(
        len(cases),
        hits / sum(called) if any(called) else 0.0,
        hits / needless if needless else 0.0,
    )


def baseline(_query: str, response: str) -> bool:
    """What one regular expression says."""
    return bool(_BASELINE.search(response))


def by_note(cases: Sequence[Case], detect: Detector) -> dict[str, float]:
    """Class of cases → share that the detector judges rightly."""
    right: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        right[case.note].append(detect(case.query, case.response) is case.is_needless)
    return {note: sum(found) / len(found) for note, found in sorted(right.items())}


def claims_of(cases: Sequence[Case]) -> list[Claim]:
    """Claims on the held-out half, with the development half and the baseline beside them."""
    halves = {
        "held_out": [c for c in cases if not c.is_development],
        "development": [c for c in cases if c.is_development],
    }
    claims = []
    for name, half in halves.items():
        ours, simple = score(half, has_needless_apology), score(half, baseline)
        target = ">= 0.9" if name == "held_out" else ""
        for what in ("precision", "recall"):
            claims.append(
                Claim(
                    id=f"needless_apology.{name}_{what}",
                    value=getattr(ours, what),
                    unit="share",
                    target=target,
                    peer=f"sorry|apolog: {getattr(simple, what):.3f}; {ours.cases} cases",
                )
            )
    held_out = halves["held_out"]
    simple_by_note = by_note(held_out, baseline)
    for note, share in by_note(held_out, has_needless_apology).items():
        count = sum(c.note == note for c in held_out)
        claims.append(
            Claim(
                id=f"needless_apology.right.{re.sub(r'[^a-z]+', '_', note.lower())}",
                value=share,
                unit="share",
                target="",
                peer=f"sorry|apolog: {simple_by_note[note]:.3f}; {count} held-out cases",
            )
        )
    return claims


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the claims and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.needless_apology", description=__doc__
    )
    parser.add_argument("file", nargs="?", type=Path, default=CASES, help="labelled cases")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    return report(claims_of(read_cases(chosen.file)), chosen.json)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
