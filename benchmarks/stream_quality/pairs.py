"""Scores 7 and 10: are the mined pairs what was asked and what helped, and is none taken twice."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from scipy.optimize import linear_sum_assignment

from benchmarks.claims import Claim
from benchmarks.labelled import Gold, share, token_f1
from benchmarks.stream_quality.outcome import Outcome, Row


def pairs(outcome: Outcome) -> list[Claim]:
    """Token F1 of each labelled pair with the candidate mined for it, 0 where there is none.

    The response may also be one of the other answers that the label accepts. A placeholder is a
    word; whether a look-alike or the company's own number was masked makes no difference.
    """
    fit: list[tuple[float, float]] = []
    rest: list[tuple[float, float]] = []
    spurious = missing = 0
    for conversation in outcome.dialogs:
        mined = [e for e in outcome.mined(outcome.ours(conversation)) if e["kind"] == "ideal"]
        wanted = conversation["pairs"]
        if wanted is None:
            continue
        scores = pair_scores(conversation, wanted, mined)
        missing += sum(score == (0, 0) for score in scores)
        spurious += max(0, len(mined) - len(wanted))
        (fit if conversation["train_ok"] else rest).extend(scores)
    both = [*fit, *rest]
    return [
        _f1("pairs.f1", [(q + r) / 2 for q, r in fit], ">= 0.85", "mean of both; train_ok"),
        _f1("pairs.query_f1", [q for q, _ in fit], "", "train_ok"),
        _f1("pairs.response_f1", [r for _, r in fit], "", "train_ok"),
        _f1("pairs.f1_all", [(q + r) / 2 for q, r in both], "", "mean of both; all"),
        share("pairs.missing", missing, len(both), "labelled pairs without a candidate"),
        Claim(
            id="pairs.spurious", value=spurious, unit="count", target="",
            peer="candidates beyond the labelled pairs of their dialog, unresolved ones included",
        ),
    ]  # fmt: skip


def _f1(name: str, scores: Sequence[float], target: str, what: str) -> Claim:
    value = fmean(scores) if scores else 0.0
    peer = f"{what}, {len(scores)} labelled pairs"
    return Claim(id=name, value=value, unit="F1", target=target if scores else "", peer=peer)


def pair_scores(
    conversation: Gold, wanted: Sequence[Gold], mined: Sequence[Row]
) -> list[tuple[float, float]]:
    """(query F1, response F1) of each labelled pair under the best assignment of candidates.

    Cubic in the number of pairs. Source: Crouse, "On implementing 2D rectangular assignment
    algorithms", IEEE Transactions on Aerospace and Electronic Systems 52 (2016), as in SciPy.
    """
    scores = [(0.0, 0.0)] * len(wanted)
    if not wanted or not mined:
        return scores
    table = [[pair_score(conversation, label, row) for row in mined] for label in wanted]
    sums = [[sum(score) for score in row] for row in table]
    for i, j in zip(*linear_sum_assignment(sums, maximize=True), strict=True):
        scores[i] = table[i][j]
    return scores


def pair_score(conversation: Gold, label: Gold, row: Row) -> tuple[float, float]:
    """Token F1 of query and of the best accepted response."""
    queries = masked_ways(conversation, label["query_masked"])
    answers = [label["response_masked"], *label["response_any_of"]]
    responses = [way for answer in answers for way in masked_ways(conversation, answer)]
    return (
        max(token_f1(query, row["query"]) for query in queries),
        max(token_f1(response, row["response"]) for response in responses),
    )


def masked_ways(conversation: Gold, text: str) -> list[str]:
    """The text with its personal data masked, then the same with everything numbered masked."""
    turns = conversation["turns"]
    text = _masked(text, (s["value"] for turn in turns for s in turn["pii"]))
    own = _masked(text, (s["value"] for turn in turns for s in turn["not_pii"] if _is_own(s)))
    alike = _masked(text, (s["value"] for turn in turns for s in turn["not_pii"] if not _is_own(s)))
    every = _masked(own, (s["value"] for turn in turns for s in turn["not_pii"]))
    return list(dict.fromkeys((text, own, alike, every)))


def _is_own(span: Gold) -> bool:
    return bool(span["type"] == "BUSINESS")


def _masked(text: str, values: Iterable[str]) -> str:
    for value in sorted(set(values), key=lambda v: (-len(v), v)):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "<PII>", text, flags=re.IGNORECASE)
    return text


def near_duplicates(outcome: Outcome) -> list[Claim]:
    """Whether of several dialogs with the same issue and answer only one is taken.

    Looked at are dialogs with a candidate that passed every other rule: valid or duplicate. A
    group of n such dialogs should give n - 1 duplicates.
    """
    groups: dict[str, list[bool]] = defaultdict(list)
    alone: Counter[bool] = Counter()
    for conversation in outcome.dialogs:
        rows = [e for e in outcome.judged(outcome.ours(conversation)) if e["kind"] == "ideal"]
        verdicts = {row["verdict"] for row in rows} & {"valid", "duplicate"}
        if not verdicts:
            continue
        is_taken = "valid" in verdicts
        if conversation["duplicate_group"]:
            groups[conversation["duplicate_group"]].append(is_taken)
        else:
            alone[is_taken] += 1
    several = [group for group in groups.values() if len(group) > 1]
    wanted = sum(len(group) - 1 for group in several)
    excess = sum(max(0, sum(group) - 1) for group in several)
    n = alone.total()
    return [
        share("near_duplicates.found", wanted - excess, wanted, f"in {len(several)} groups"),
        share("near_duplicates.false", alone[False], n, "dialogs of no group called a duplicate"),
    ]
