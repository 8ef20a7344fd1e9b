"""Scores 1 to 3: is every turn there once, is poison out, is noise out and nobody else."""

import re
from collections import Counter

from benchmarks.claims import Claim
from benchmarks.labelled import Gold, Tally, count, cut, share, words
from benchmarks.stream_quality.outcome import Outcome, Row
from deskwheel import reasons

_CALL_SHARE = 0.5
"""Share of a call turn's words that must be stored for it to count as arrived: words may be
mended or cut, but a turn that was lost leaves next to nothing."""

_MASK = re.compile(r"<[A-Z][A-Z0-9_]*(?::[^<>]*)?>")
_UNLABELLED = frozenset({"harper_valley"})
"""Sources of real calls whose personal data has no labels."""

_NOISE = re.compile(r"\[[^\[\]]*\]")
"""What recognisers write for sounds that are no words."""

_FILLERS = frozenset({"um", "uh", "er", "erm", "hmm", "mhm", "huh", "ah", "oh", "like"})
"""Words that cleaning may take away; a turn of nothing else cannot be lost on its own."""


def loss(outcome: Outcome) -> list[Claim]:
    """Whether each turn of a dialog stands once in the conversations.

    A chat message or mail is found by its id. The turns of a call are found by their words,
    because where one ends is the transcriber's choice.
    """
    lost: Counter[str] = Counter()
    twice = late = turns = 0
    for conversation in outcome.dialogs:
        for turn in conversation["turns"]:
            turns += 1
            why = _lost(outcome, conversation, turn)
            if why:
                lost[why] += 1
                late += any(
                    n in outcome.late and outcome.ids[n] in turn["message_ids"]
                    for n in conversation["event_lines"]
                )
            rows = outcome.said(conversation, turn)
            twice += any(outcome.copies_of[row["turn_id"]] > 1 for row in rows) or _is_again(rows)
    kept = sum(_is_accepted(outcome.rows(line)) for line in outcome.repeats)
    published = [line for line, place in enumerate(outcome.places) if place]
    missing = sum(not outcome.rows(line) for line in published)
    return [
        count("loss.turns", lost.total(), 0, f"{turns} turns of dialogs; why: {dict(lost)}"),
        count("loss.turns_twice", twice, 0, f"{turns} turns of dialogs"),
        count("loss.late_turns", late, 0, f"{len(outcome.late)} late events, lost among the above"),
        count("loss.repeats_kept", kept, 0, f"{len(outcome.repeats)} repeated events"),
        count("loss.events_without_row", missing, 0, f"{len(published)} published lines"),
        Claim(
            id="loss.lines_refused", value=len(outcome.refused), unit="count", target="",
            peer=f"lines that are no event, passed over: {dict(Counter(outcome.refused.values()))}",
        ),
    ]  # fmt: skip


def _lost(outcome: Outcome, conversation: Gold, turn: Gold) -> str:
    """Why a turn is not in the conversations; empty where it is."""
    rows = outcome.said(conversation, turn)
    if not rows:
        lines = [
            n
            for n in conversation["event_lines"]
            if not turn["message_ids"] or outcome.ids[n] in turn["message_ids"]
        ]
        found = {row["reason"] for n in lines for row in outcome.rows(n)} - {None}
        return "+".join(sorted(found)) or "NO_ROW"
    held = [row for row in rows if row["turn_id"] in outcome.home_of]
    if not held:
        return "IN_NO_CONVERSATION"
    if turn["message_ids"]:
        return ""
    spans = (*turn["pii"], *turn["not_pii"])
    stored = "\n".join(r["text"] for r in held)
    if conversation.get("source") in _UNLABELLED and _MASK.search(stored):
        # What a mask hides cannot be compared where nobody labelled what should be hidden.
        return ""
    wanted, there = words(cut(_NOISE.sub(" ", turn["text"]), spans)), words(stored)
    for filler in _FILLERS:
        wanted.pop(filler, None)
    enough = (wanted & there).total() >= _CALL_SHARE * wanted.total()
    return "" if enough else "WORDS_MISSING"


def _is_again(rows: list[Row]) -> bool:
    """Whether one utterance was accepted at two places."""
    return any(n > 1 for n in Counter((r["event_id"], r["position"]) for r in rows).values())


def _is_accepted(rows: list[Row]) -> bool:
    return any(row["verdict"] == "accepted" for row in rows)


def poison(outcome: Outcome) -> list[Claim]:
    """Whether broken events are dead letters (or mended as their label allows), and only they."""
    tally = Tally()
    for label in outcome.poison:
        line = label["line"]
        is_out = outcome.places[line] in outcome.letters or line in outcome.refused
        tally.add(label["kind"], is_hit=is_out or _is_mended(outcome, label))
    missed = sorted(k for k in tally.trials if tally.hits[k] < tally.trials[k])
    broken = {outcome.places[label["line"]] for label in outcome.poison}
    wrong = Counter(reason for place, reason in outcome.letters.items() if place not in broken)
    what = f"of broken events; missed {missed}"
    n = tally.trials.total()
    return [
        share("poison.recall", tally.hits.total(), n, what, ">= 1"),
        count(
            "poison.false_letters", wrong.total(), 0,
            f"{len(outcome.places) - len(broken)} healthy events {dict(wrong)}",
        ),
    ]  # fmt: skip


def _is_mended(outcome: Outcome, label: Gold) -> bool:
    """Whether an accepted broken event was made harmless in the way that its label allows."""
    rows = outcome.rows(label["line"])
    if not _is_accepted(rows):
        return False
    text = "\n".join(row["text"] or "" for row in rows)
    years = {row["sent_at"].year - row["ingested_at"].year for row in rows}
    return {
        "cleaned": "\x00" not in text,
        "truncated": len(text) < outcome.sizes[label["line"]],
        "clamped": all(-30 < years_off <= 1 for years_off in years),
        "empty": not text.strip(),
    }.get(label["expect"].partition("_or_")[2], False)


def noise(outcome: Outcome) -> list[Claim]:
    """Whether what machines and spammers send is kept out, and no person with it.

    Noise is out when no candidate example of any kind was mined from it; how much is stopped
    before it becomes a turn is reported beside. A dialog is dropped when none of its turns is in
    a conversation; one that has a labelled pair must not be named noise either.
    """
    out, early = Tally(), Tally()
    for conversation in outcome.noise:
        ours = outcome.ours(conversation)
        kind = conversation["noise_reason"]
        out.add(kind, is_hit=not outcome.mined(ours))
        early.add(kind, is_hit=not outcome.said(conversation))
    dropped: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for conversation in outcome.dialogs:
        ours = outcome.ours(conversation)
        if ours is None:
            dropped[_reason(outcome, conversation)] += 1
        elif conversation.get("pairs") and ours.get("noise"):
            named[ours["noise"]] += 1
    n = len(outcome.dialogs)
    return [
        *out.claims("noise.recall", "noise conversations without a candidate", ">= 0.98"),
        share("noise.stopped_at_intake", early.hits.total(), early.trials.total(), "noise"),
        share("noise.dialogs_dropped", dropped.total(), n, f"dialogs {dict(dropped)}", "<= 0.005"),
        count("noise.answered_dialogs_named", named.total(), 0, f"with pairs {dict(named)}"),
    ]  # fmt: skip


def _reason(outcome: Outcome, conversation: Gold) -> str:
    found = {row["reason"] for n in conversation["event_lines"] for row in outcome.rows(n)}
    return "+".join(sorted(found - {None, reasons.DUPLICATE_EVENT})) or "NO_CONVERSATION"
