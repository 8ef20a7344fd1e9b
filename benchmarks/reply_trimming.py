"""How exactly a mail is cut down to its reply, beside four libraries, on labelled bodies.

`python -m benchmarks.reply_trimming CASES.jsonl` reads one case a line: `id`, `input` (the body),
`expected_reply` (text or null), and where there are any `source`, `languages` and `checks`
(`{reply, field, op, value}`; those on the body of reply 0 are counted). A match is exact after
white space is normalised. The labels keep salutations, so ours are kept here too; a library with
two ways to answer is judged by the better one.

Sources differ in whether a closing formula, the name below it and quotes between answers belong to
a reply. A case may list in `also_right` what a trimmer of the other opinion would leave: the column
`either` counts a match with any of them, for every trimmer alike; all else goes by the label.
"""

import argparse
import operator
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import read_lines, token_f1
from deskwheel.errors import SetupError
from transforms.trim import trim
from transforms.trim.lines import Kind

Case = dict[str, Any]
OURS = "deskwheel"
OURS_SIGNED = "deskwheel, signature kept"
OPERATIONS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "contains": lambda wanted, found: wanted in found,
    "not_contains": lambda wanted, found: wanted not in found,
}
"""What an assertion wants of a reply."""

_REPEATS = 3
"""A mail's time is the fastest of so many, ours and the peers'."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How one trimmer did on some cases."""

    exact: int
    either: int
    cases: int
    token_f1: float
    ms_per_mail: float
    checks_held: int
    checks: int


def own_answers(
    texts: Sequence[str], *, keep: Sequence[Kind] = ("greeting",)
) -> list[tuple[str, float]]:
    """Our reply to each text, kinds to `keep` left in it, and the seconds it took."""
    answers = []
    for text in texts:
        seconds = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            reply = trim(text).text(keep=keep)
            seconds.append(time.perf_counter() - began)
        answers.append((reply, min(seconds)))
    return answers


def all_answers(texts: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
    """Name of a trimmer → its replies and seconds; the peers only where they are installed."""
    found = {
        OURS: own_answers(texts),
        OURS_SIGNED: own_answers(texts, keep=("greeting", "signature")),
    }
    if not peers.are_installed():
        print(peers.MISSING)
        return found
    rows = peers.ask("mail_trimming", [{"text": text} for text in texts])
    for name in rows[0] if rows else ():
        found[name] = [(row[name][0], row[name][1]) for row in rows]
    return found


def spaced(text: str) -> str:
    """A text whose white space is normalised."""
    return " ".join(text.replace("\ufeff", "").split())


def score(cases: Sequence[Case], answers: Sequence[tuple[str, float]]) -> Score:
    """What a trimmer's answers are worth."""
    labelled = [
        (case["expected_reply"], reply, case.get("also_right") or ())
        for case, (reply, _) in zip(cases, answers, strict=True)
        if case.get("expected_reply") is not None
    ]
    checks = [
        holds(check, reply)
        for case, (reply, _) in zip(cases, answers, strict=True)
        for check in case.get("checks") or ()
        if _is_ours(check)
    ]
    return Score(
        exact=sum(spaced(wanted) == spaced(found) for wanted, found, _ in labelled),
        either=sum(
            spaced(found) in {spaced(text) for text in (wanted, *others)}
            for wanted, found, others in labelled
        ),
        cases=len(labelled),
        token_f1=sum(token_f1(*pair[:2]) for pair in labelled) / max(1, len(labelled)),
        ms_per_mail=1000 * sum(s for _, s in answers) / max(1, len(answers)),
        checks_held=sum(checks),
        checks=len(checks),
    )


def holds(check: Mapping[str, Any], reply: str) -> bool:
    """Whether a reply is as one assertion of the source's own tests wants it."""
    return OPERATIONS[check["op"]](spaced(check["value"]), spaced(reply))


def read_cases(file: Path) -> list[Case]:
    """The labelled bodies of a file; checks of a kind that is not known are left out and told.

    Raises:
        SetupError: the file cannot be read, or a line is no case.
    """
    cases = []
    unknown: Counter[str] = Counter()
    for number, row in enumerate(read_lines(file, ("input",)), start=1):
        if not isinstance(row["input"], str):
            raise SetupError(f"{file}: case {number}: input is no text; give the mail's body")
        checks = [check for check in row.get("checks") or () if _is_ours(check)]
        unknown.update(str(c.get("op")) for c in checks if c.get("op") not in OPERATIONS)
        known = [c for c in checks if c.get("op") in OPERATIONS and isinstance(c.get("value"), str)]
        cases.append({"id": str(number), **row, "checks": known})
    if unknown:
        print(f"checks not counted, because their op is unknown: {dict(unknown)}")
    return cases


def _is_ours(check: object) -> bool:
    return (
        isinstance(check, dict) and check.get("reply") == 0 and check.get("field") == "body"
    )  # fmt: skip


def groups(cases: Sequence[Case]) -> dict[str, list[int]]:
    """Places of the labelled cases by source and by stated language."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, case in enumerate(cases):
        if case.get("expected_reply") is None:
            continue
        found[f"source {case.get('source') or 'unnamed'}"].append(place)
        for language in case.get("languages") or ():
            found[f"language {language}"].append(place)
    return dict(found)


def table(scores: Mapping[str, Score]) -> Iterator[str]:
    """The lines of the table, the best first."""
    yield (
        f"{'trimmer':<30} {'exact':>9} {'either':>6} {'token F1':>9} {'ms/mail':>8} {'checks':>8}"
    )
    for name, s in sorted(scores.items(), key=lambda item: -item[1].exact):
        yield (
            f"{name:<30} {s.exact:>4}/{s.cases:<4} {s.either:>6} {s.token_f1:>9.3f}"
            f" {s.ms_per_mail:>8.3f}"
            f" {s.checks_held:>4}/{s.checks}"
        )


def by_group(
    cases: Sequence[Case], answers: Mapping[str, Sequence[tuple[str, float]]]
) -> Iterator[str]:
    """Exact matches of each trimmer by source and language."""
    for group, places in sorted(groups(cases).items()):
        some = [cases[i] for i in places]
        exact = Counter(
            {name: score(some, [found[i] for i in places]).exact for name, found in answers.items()}
        )
        row = ", ".join(f"{name} {n}" for name, n in exact.most_common())
        yield f"{group} ({len(places)}): {row}"


def claims(scores: Mapping[str, Score]) -> Iterator[Claim]:
    """Our own figures, and the distance to the best library."""
    ours = scores[OURS]
    share = ours.exact / max(1, ours.cases)
    over = f"{ours.exact} of {ours.cases} labelled bodies"
    yield _claim("exact", share, "share", peer=over)
    yield _claim("token_f1", ours.token_f1, "F1", peer=over)
    yield _claim("ms_per_mail", ours.ms_per_mail, "ms", peer="mean over all bodies, one core")
    others = {name: s for name, s in scores.items() if name not in {OURS, OURS_SIGNED}}
    if others:
        best = max(others, key=lambda name: (others[name].exact, others[name].token_f1))
        lead = 100 * (share - others[best].exact / max(1, others[best].cases))
        peer = f"the best of {len(others)} ways to ask four libraries: {best} {others[best].exact}"
        yield _claim("lead", lead, "points", target=">= 10", peer=peer)
    for name, other in others.items():
        slug = name.replace(", ", "_").replace(" ", "_").replace("-", "_")
        peer = f"token F1 {other.token_f1:.3f}, {other.ms_per_mail:.2f} ms a mail"
        yield _claim(f"exact.{slug}", other.exact / max(1, other.cases), "share", peer=peer)


def _claim(name: str, value: float, unit: str, *, peer: str, target: str = "") -> Claim:
    return Claim(id=f"reply_trimming.{name}", value=value, unit=unit, target=target, peer=peer)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reply_trimming", description=__doc__
    )
    parser.add_argument("cases", type=Path, help="labelled bodies, one JSON object a line")
    parser.add_argument("--misses", action="store_true", help="print where ours differs")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    cases = read_cases(arguments.cases)
    answers = all_answers([case["input"] for case in cases])
    if arguments.misses:
        print("\n".join(misses(cases, answers[OURS])))
    scores = {name: score(cases, found) for name, found in answers.items()}
    print("\n".join([*table(scores), "", *by_group(cases, answers), ""]))
    return report(list(claims(scores)), arguments.json)


def misses(cases: Sequence[Case], answers: Sequence[tuple[str, float]]) -> Iterator[str]:
    """Each labelled case of which ours meets neither label, wanted beside found."""
    for case, (reply, _) in zip(cases, answers, strict=True):
        wanted = case.get("expected_reply")
        right = {spaced(text) for text in (wanted or "", *(case.get("also_right") or ()))}
        if wanted is not None and spaced(reply) not in right:
            yield f"{case['id']}\n  wanted {spaced(wanted)[-200:]!r}"
            yield f"  found  {spaced(reply)[-200:]!r}"


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
