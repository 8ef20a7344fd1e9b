"""What was wrong with a labelled stream, one line each, for who mends the rules.

Only of a stream that rules may be written for: a list of phrases whose misses were read measures
nothing any more.
"""

from collections.abc import Iterator
from typing import Any

from benchmarks.labelled import Gold, masks
from benchmarks.stream_quality.outcome import Outcome
from benchmarks.stream_quality.pairs import pair_scores
from benchmarks.stream_quality.talks import NO_CATEGORY, OFF_TOPIC
from benchmarks.stream_quality.text import documents, is_masked, is_same

GOOD_F1 = 0.95
"""Of query and response; what is below is a miss."""

Miss = dict[str, Any]


def misses(found: Outcome) -> Iterator[Miss]:
    """Noise, mails, resolution, pairs, personal data and categories, in this order."""
    for kind, each in _KINDS.items():
        for miss in each(found):
            yield {"miss": kind, **miss}


def _noise(found: Outcome) -> Iterator[Miss]:
    for one in found.noise:
        if mined := found.mined(found.ours(one)):
            yield {"kind": one["noise_reason"], "query": mined[0]["query"]}


def _mails(found: Outcome) -> Iterator[Miss]:
    for one in (c for c in found.dialogs if c["channel"] == "email"):
        for turn in one["turns"]:
            rows = found.said(one, turn)
            stored = rows[0]["text"] if rows else ""
            if not is_same(turn["text"], stored):
                yield {"wanted": turn["text"], "stored": stored, "parts": turn.get("parts")}


def _resolution(found: Outcome) -> Iterator[Miss]:
    for one in found.dialogs:
        ours = found.ours(one)
        p = ours["resolution_probability"] if ours else 0.0
        is_hit = (p >= found.min_probability) == bool(one["resolved"])
        if ours and not is_hit and (one["decidable"] or not one["resolved"]):
            said = [f"{u['role']}: {u['text']}" for u in ours["utterances"]]
            yield {"kind": one["resolution_type"], "p": round(p, 3), "status": ours["status"],
                   "csat": ours["csat"], "evidence": ours["evidence"], "said": said}  # fmt: skip


def _pairs(found: Outcome) -> Iterator[Miss]:
    for one in (c for c in found.dialogs if c["pairs"] and c["train_ok"]):
        mined = [e for e in found.mined(found.ours(one)) if e["kind"] == "ideal"]
        for label, score in zip(one["pairs"], pair_scores(one, one["pairs"], mined), strict=True):
            if min(score) < GOOD_F1:
                got = [(row["query"], row["response"]) for row in mined]
                yield {"kind": one["resolution_type"], "f1": score, "query": label["query_masked"],
                       "response": label["response_masked"], "mined": got}  # fmt: skip


def _personal_data(found: Outcome) -> Iterator[Miss]:
    for doc in documents(found):
        for span in doc.pii:
            if not is_masked(span["value"], doc.stored):
                yield {"type": span["type"], "value": span["value"], "near": _near(doc.text, span)}
        there = masks(doc.text, doc.stored)
        for span in (s for s in doc.not_pii if s["type"] == "NOT_PII"):
            kinds = [m.types for m in there if m.covers(span["start"], span["end"])]
            if kinds:
                yield {"type": "NOT_PII", "value": span["value"], "as": kinds,
                       "near": _near(doc.text, span)}  # fmt: skip


def _near(text: str, span: Gold) -> str:
    return text[max(0, span["start"] - 60) : span["end"] + 30]


def _categories(found: Outcome) -> Iterator[Miss]:
    for one in found.dialogs:
        ours = found.ours(one)
        said = ours and (OFF_TOPIC if ours["category"] == NO_CATEGORY else ours["category"])
        if one["category"] and said and said != one["category"]:
            need = next((t["text"] for t in one["turns"] if t["role"] == "need"), "")
            yield {"wanted": one["category"], "said": said, "need": need}


_KINDS = {
    "noise": _noise, "mail": _mails, "resolution": _resolution, "pair": _pairs,
    "personal_data": _personal_data, "category": _categories,
}  # fmt: skip
