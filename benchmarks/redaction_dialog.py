"""How much personal data both passes of redaction find in conversations, beside two libraries.

`python -m benchmarks.redaction_dialog CONVERSATIONS.jsonl` reads one conversation a line, in one of
two formats: customers' turns with slots (`turns[] = {text, slots[] = {start, end, pii?}}`), or the
labels of a stream (`turns[] = {sender, text, pii[], not_pii[]}`; docs/ingest.md). Each turn
goes through pass 1, the conversation through pass 2, as in the streaming job. `--half` takes one
half by the hash of `conversation_id`.

In the first format only the customers' words are there: what was asked must be told from the
answers. Person names are split: `PERSON` follows a phrase that introduces it in the same turn,
`PERSON_BARE` stands alone. SSN (of which mostly four digits are given), ACCOUNT, CARD, PHONE and
POSTCODE make up the context-dependent digits: they have no form of their own there. A slot without
`pii` that holds three digits is a look-alike; ids of things among them may become slots
(`<ORDER_1>`), which is no personal mask and no damage.
"""

import argparse
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import checked, read_lines
from benchmarks.redaction import (
    OURS,
    SPOILED,
    Labelled,
    Range,
    Score,
    claims,
    in_half,
    labelled_ranges,
    peer_scores,
    print_table,
)
from transforms.redact import PERSONAL, Context, Spoken, Tagger, find_spans
from transforms.redact.conversation import find_pieces
from transforms.redact.spans import replace_spans

DIGITS = ("SSN", "ACCOUNT", "CARD", "PHONE", "POSTCODE")
_INTRODUCED = re.compile(
    r"\b(?:name(?:'?s| is| as|:)?|i am|i'?m|this is|it'?s|call me|myself)\W{1,3}$", re.IGNORECASE
)
_TAGGER = Tagger(b"benchmark-only", "c-1")
_MOST_PEER_TURNS = 20_000
_MOST_LOOSE_DIGITS = 2


@dataclass(frozen=True)
class Turn:
    """One labelled turn."""

    role: str
    row: Labelled


def read_conversations(file: Path, half: str) -> list[list[Turn]]:
    """The conversations of a file in either format."""
    found = []
    for row in read_lines(file, ["conversation_id", "turns"]):
        is_labelled = row.get("kind", "dialog") == "dialog" and row.get("source") != "harper_valley"
        if is_labelled and in_half(row["conversation_id"], half):
            where = f"{file}, {row['conversation_id']}"
            found.append([_turn(where, checked(where, t, ["text"])) for t in row["turns"]])
    return found


def _turn(where: str, turn: dict[str, Any]) -> Turn:
    text = turn["text"] or ""
    if "pii" in turn or "not_pii" in turn:
        personal = labelled_ranges(where, text, turn.get("pii"))
        others = labelled_ranges(where, text, turn.get("not_pii"))
        alike = [span for span in others if span[2] == "NOT_PII"]
        return Turn(turn.get("sender", "customer"), Labelled(text, personal, alike))
    slots = [s for s in turn.get("slots") or [] if "start" in s]
    named = [{**s, "type": _kind(text, s) if s.get("pii") else s.get("label", "")} for s in slots]
    personal = labelled_ranges(where, text, [s for s in named if s.get("pii")])
    others = labelled_ranges(where, text, [s for s in named if not s.get("pii")])
    alike = [
        s for s in others if sum(c.isdecimal() for c in text[s[0] : s[1]]) > _MOST_LOOSE_DIGITS
    ]
    return Turn(turn.get("sender", "customer"), Labelled(text, personal, alike))


def _digits(value: str) -> int:
    return sum(c.isdecimal() for c in value)


def _kind(text: str, slot: dict[str, Any]) -> str:
    kind: str = slot["pii"]
    if kind in ("PERSON", "USERNAME") and not _INTRODUCED.search(text[: slot["start"]]):
        return f"{kind}_BARE"
    return kind


def own_masks(turns: Sequence[Turn]) -> list[list[Range]]:
    """What both passes mask in each turn, in places of the original text, without ids of things."""
    first: list[list[Range]] = []
    spoken = []
    asked: frozenset[str] = frozenset()
    for turn in turns:
        context = Context(role=turn.role, asked=asked, company_domains=("acme.example",))
        spans = [s for s in find_spans(turn.row.text, context) if s.type in PERSONAL]
        masks = [_TAGGER.mask(s.type, turn.row.text[s.start : s.end]) for s in spans]
        spoken.append(Spoken(turn.role, replace_spans(turn.row.text, spans, masks)))
        first.append([(s.start, s.end, m) for s, m in zip(spans, masks, strict=True)])
    context = Context(company_domains=("acme.example",))
    pieces, _ = find_pieces(spoken, _TAGGER, context)
    return [
        [_original(p.start, p.end, p.type, masks) for p in found if p.type in PERSONAL]
        for found, masks in zip(pieces, first, strict=True)
    ]


def _original(start: int, end: int, kind: str, masks: Sequence[Range]) -> Range:
    """A range of the masked text in places of the text before."""
    shift = 0
    for before, after, mask in masks:
        at = before + shift
        if start == at and end == at + len(mask):
            return before, after, kind
        if at >= end:
            break
        shift += len(mask) - (after - before)
    return start - shift, end - shift, kind


def score(conversations: Sequence[Sequence[Turn]]) -> dict[str, Score]:
    """Our score over whole conversations, and the peers' over their turns."""
    ours = Score()
    for turns in conversations:
        began = time.process_time()
        masks = own_masks(turns)
        ours.seconds += time.process_time() - began
        for turn, found in zip(turns, masks, strict=True):
            ours.add(turn.row, found)
    rows = [turn.row for turns in conversations for turn in turns]
    holding = [row for row in rows if row.personal or row.look_alikes][:_MOST_PEER_TURNS]
    return {OURS: ours, **peer_scores(holding)}


def dialog_claims(scores: dict[str, Score], *, has_questions: bool) -> Iterator[Claim]:
    """The context-dependent digits as a whole, introduced persons, then all types."""
    ours = scores[OURS]
    digits = ours.recall(DIGITS)
    rivals = "; ".join(f"{n} {s.recall(DIGITS) or 0:.3f}" for n, s in scores.items() if n != OURS)
    if digits is not None:
        yield Claim(id="redaction_dialog.recall.digits", value=digits, unit="share",
                    target=">= 0.8", peer=rivals)  # fmt: skip
    # Without the agent's questions, a number that nobody calls anything cannot be told apart.
    spoiled = f"<= {SPOILED}" if has_questions else ""
    yield from claims("redaction_dialog", scores, {"PERSON": ">= 0.8"}, spoiled)


def main(argv: Sequence[str] | None = None) -> int:
    """Score the conversations of a file, print the table and the claims."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.redaction_dialog", description=__doc__
    )
    parser.add_argument("conversations", type=Path, metavar="CONVERSATIONS.jsonl")
    parser.add_argument("--half", choices=("all", "dev", "test"), default="all")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    conversations = read_conversations(arguments.conversations, arguments.half)
    has_questions = any(turn.role == "agent" for turns in conversations for turn in turns)
    scores = score(conversations)
    print_table(f"{arguments.conversations.name}, half: {arguments.half}", scores)
    print()
    for kind, n in scores[OURS].look_alikes.most_common():
        print(f"look-alikes {kind:<30}{scores[OURS].spoiled[kind]:>6} of {n} masked")
    return report(list(dialog_claims(scores, has_questions=has_questions)), arguments.json)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
