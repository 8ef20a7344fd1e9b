"""How well the probability that a conversation was resolved predicts what people labelled.

`python -m benchmarks.transforms_resolution LABELLED.jsonl` reads what `benchmarks.label_files`
writes (`turns`, `status`, `csat`, `resolved`, `is_decidable`). Each conversation is judged by
weights that were fitted without its tenth of the file; the weights of the release are judged
beside them, which says something only on conversations that they were not fitted on. The trivial
rules are: always yes; the stated status is solved; the customer's last turn thanks.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import read_lines
from transforms.resolution.estimate import decide, probability
from transforms.resolution.fit import Labelled, Quality, cross_validated, quality, read_labelled

_THANKS = re.compile(r"\b(?:thank|thx|cheers|appreciate)", re.IGNORECASE)


def rules_say(file: Path) -> dict[str, list[bool]]:
    """What each trivial rule says of each conversation."""
    rows = read_lines(file, ("turns",))
    last = [
        next((t["text"] for t in reversed(row["turns"]) if t["sender"] == "customer"), "")
        for row in rows
    ]
    return {
        "always yes": [True for _ in rows],
        "status says solved": [row.get("status") == "solved" for row in rows],
        "last customer turn thanks": [bool(_THANKS.search(text)) for text in last],
    }


def claims_of(labelled: Sequence[Labelled], said: Mapping[str, Sequence[bool]]) -> list[Claim]:
    """Precision and recall at the gate, Brier score and calibration, beside the rules."""
    ps = cross_validated(labelled)
    ours = quality(ps, labelled)
    shipped = quality([probability(row.signs) for row in labelled], labelled)
    rules = {
        rule: quality([float(yes) for yes in answers], labelled) for rule, answers in said.items()
    }
    claims = []
    for what, target in (("precision", ">= 0.95"), ("recall", ">= 0.85")):
        peer = ", ".join(f"{rule} {getattr(found, what):.3f}" for rule, found in rules.items())
        claims.append(_claim(f"cross_validated_{what}", getattr(ours, what), target, peer))
        claims.append(_claim(f"shipped_{what}", getattr(shipped, what), "", peer))
    share = sum(decide(p) == "undecided" for p in ps) / len(ps)
    base = f"always the base rate: {ours.brier_base_rate:.4f}"
    claims.append(_claim("undecided_share", share, "", f"{len(ps)} conversations"))
    claims.append(
        _claim("cross_validated_brier", ours.brier, f"<= {ours.brier_base_rate:.4f}", base)
    )
    claims.append(_claim("shipped_brier", shipped.brier, "", base))
    claims.append(
        _claim("calibration_error", calibration_error(ours), "", "0 for perfect; by ten ranges")
    )
    return claims


def calibration_error(found: Quality) -> float:
    """Mean distance of predicted and true share, weighted by the ranges' conversations.

    Source: Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
    Binning", AAAI 2015.
    """
    rows = found.reliability
    return sum(r.count * abs(r.mean_p - r.share_resolved) for r in rows) / found.conversations


def print_reliability(found: Quality) -> None:
    """The reliability table: what was predicted, and how much of it was true."""
    print("predicted   conversations  mean p  resolved")
    for row in found.reliability:
        print(f"{row.range:<11} {row.count:>13}  {row.mean_p:>6.3f}  {row.share_resolved:>8.3f}")


def _claim(name: str, value: float, target: str, peer: str) -> Claim:
    return Claim(
        id=f"transforms_resolution.{name}", value=value, unit="share", target=target, peer=peer
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print table and claims, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transforms_resolution", description=__doc__
    )
    parser.add_argument("file", type=Path, help="labelled conversations")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    labelled = read_labelled(chosen.file)
    print_reliability(quality(cross_validated(labelled), labelled))
    return report(claims_of(labelled, rules_say(chosen.file)), chosen.json)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
