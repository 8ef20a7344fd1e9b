"""Scores 4 and 8: is a mail cut down to its author's words, and is personal data masked."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.claims import Claim
from benchmarks.labelled import (
    PLACEHOLDER,
    Gold,
    Mask,
    Tally,
    cut,
    is_leaked,
    masks,
    plain,
    readable_share,
    share,
    token_f1,
)
from benchmarks.stream_quality.outcome import UNTOUCHED, Outcome, Row

PATTERNS = frozenset({"EMAIL", "PHONE", "CARD", "SSN", "IBAN", "IP"})
"""Types that a pattern and a checksum can find."""

CONTEXTUAL = frozenset({"SSN_LAST4", "ACCOUNT", "PASSWORD", "DOB", "ADDRESS"})
"""Types that only the words around them give away."""

SLOTS = frozenset(
    {"ORDER", "TICKET", "INVOICE", "TRACKING", "CASE", "REFERENCE", "PRODUCT", "MODEL", "ID",
     "ORDER_ID", "TICKET_ID", "INVOICE_ID", "TRACKING_ID", "CASE_ID"}
)  # fmt: skip
"""Placeholders for business facts that a model should learn to copy; no claim of privacy."""

READABLE_SHARE = 0.5
"""A value of which this much can still be read in one piece is not masked."""

READABLE_NUMBER_SHARE = 0.6
"""The same for a number in digits: two phone numbers may share half of their digits."""

_GAP_CHARS = 80
"""A placeholder stands for no more text than this."""

_GLOBAL_CHARS = 10
"""Values this long are searched in every row of every table, shorter ones in their own."""

_SHORT_CHARS = 6
"""Values shorter than this occur within longer numbers by chance: they are looked for as words."""

_NO_TEXT = ("_id", "_ids", "_key", "_hash", "version")
"""Ends of the names of columns that hold no words."""


def trimming(outcome: Outcome) -> list[Claim]:
    """How close a stored mail is to what its author wrote.

    Labelled personal data is left out of both sides, so that masking it costs nothing here.
    """
    scores, exact, dirty = [], 0, 0
    for conversation in outcome.dialogs:
        for turn in conversation["turns"] if conversation["channel"] == "email" else ():
            rows = outcome.said(conversation, turn)
            stored = rows[0]["text"] if rows else ""
            scores.append(token_f1(*_without_spans(turn, stored)))
            exact += is_same(turn["text"], stored)
            unwanted = (plain(part) for part in turn["must_not_contain"])
            dirty += any(part and part in plain(stored) for part in unwanted)
    n = len(scores)
    mean = sum(scores) / max(n, 1)
    return [
        Claim(id="trimming.token_f1", value=mean, unit="F1", target="", peer=f"mean of {n} mails"),
        share("trimming.exact", exact, n, "mails with exactly the author's words"),
        share("trimming.foreign_text", dirty, n, "mails with quotes or a signature left"),
    ]


def _without_spans(turn: Gold, stored: str) -> tuple[str, str]:
    spans = [s for s in (*turn["pii"], *turn["not_pii"]) if s["type"] != "NOT_PII"]
    wanted = cut(turn["text"], spans)
    for span in spans:
        stored = re.sub(re.escape(span["value"]), " ", stored, flags=re.IGNORECASE)
    return wanted, PLACEHOLDER.sub(" ", stored)


def is_same(wanted: str, stored: str) -> bool:
    """Whether a stored text is the wanted one but for its placeholders.

    >>> is_same("Call 555-0100 now.", "Call <PHONE_1> now."), is_same("Call me.", "Call me. Kim")
    (True, False)
    """
    first, *rest = (plain(part) for part in PLACEHOLDER.split(stored)[::2])
    text = plain(wanted)
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    place = len(first)
    for i, part in enumerate(rest):
        is_last = i == len(rest) - 1
        if is_last and not text.endswith(part):
            return False
        start = len(text) - len(part) if is_last else text.find(part, place)
        if not place <= start <= place + _GAP_CHARS:
            return False
        place = start + len(part)
    return True


@dataclass(frozen=True, kw_only=True)
class Document:
    """A stretch of a conversation as it was said and as it is stored."""

    channel: str
    text: str
    stored: str
    pii: Sequence[Gold]
    not_pii: Sequence[Gold]


def documents(outcome: Outcome) -> Iterator[Document]:
    """Each chat message and mail, and each whole call, of dialogs with labelled personal data."""
    for conversation in outcome.dialogs:
        if conversation["source"] == UNTOUCHED:
            continue
        turns = conversation["turns"]
        is_call = conversation["channel"] == "call"
        for group in [turns] if is_call else ([turn] for turn in turns):
            rows = outcome.said(conversation, None if is_call else group[0])
            if rows:
                yield document(conversation["channel"], group, rows)


def document(channel: str, turns: Sequence[Gold], rows: Sequence[Row]) -> Document:
    """The turns one after the other, with the places of their spans in the whole."""
    text = ""
    pii: list[Gold] = []
    not_pii: list[Gold] = []
    for turn in turns:
        for spans, found in ((turn["pii"], pii), (turn["not_pii"], not_pii)):
            found += [
                {**s, "start": s["start"] + len(text), "end": s["end"] + len(text)} for s in spans
            ]
        text += f"{turn['text']}\n"
    stored = "\n".join(row["text"] for row in rows)
    return Document(channel=channel, text=text, stored=stored, pii=pii, not_pii=not_pii)


def personal_data(outcome: Outcome) -> list[Claim]:
    """Which labelled spans cannot be read any more, and what was masked that should not be."""
    by_type, by_channel = Tally(), Tally()
    groups = {"patterns": Tally(), "contextual": Tally(), "person": Tally()}
    precision = Tally()
    alike: Counter[str] = Counter()
    for doc in documents(outcome):
        found = masks(doc.text, doc.stored)
        for span in doc.pii:
            is_hit = is_masked(span["value"], doc.stored)
            by_type.add(f"{span['type']}.{doc.channel}", is_hit=is_hit)
            by_channel.add(doc.channel, is_hit=is_hit)
            groups[_group(span["type"])].add("", is_hit=is_hit)
        for mask in found:
            _judge(mask, doc, precision)
        alike.update(_look_alike(span, doc, found) for span in doc.not_pii)
    return [*_recall(by_type, by_channel, groups), *_false_alarms(precision, alike)]


def is_masked(value: str, stored: str) -> bool:
    """Whether too little of a value can be read to know it.

    >>> is_masked("Kim Lee", "I am <PERSON>."), is_masked("Kim Lee", "I am Kim <PERSON>.")
    (True, False)
    """
    digits = sum(c.isdigit() for c in value)
    is_number = digits > len(value) / 2
    return readable_share(value, stored) < (READABLE_NUMBER_SHARE if is_number else READABLE_SHARE)


def _group(kind: str) -> str:
    return "patterns" if kind in PATTERNS else "person" if kind == "PERSON" else "contextual"


def _judge(mask: Mask, doc: Document, precision: Tally) -> None:
    """Count a mask of a pattern type as right or wrong; the company's own data is neither."""
    kinds = set(mask.types) & PATTERNS
    if not kinds:
        return
    is_right = any(mask.covers(s["start"], s["end"]) for s in doc.pii)
    is_own = any(mask.covers(s["start"], s["end"]) for s in doc.not_pii if s["type"] == "BUSINESS")
    if is_right or not is_own:
        precision.add("/".join(sorted(kinds)), is_hit=is_right)


def _look_alike(span: Gold, doc: Document, found: Sequence[Mask]) -> str:
    """What became of a number that only looks like personal data."""
    if span["type"] != "NOT_PII":
        return "business"
    if readable_share(span["value"], doc.stored) == 1:
        return "kept"
    kinds = {k for m in found if m.covers(span["start"], span["end"]) for k in m.types}
    if kinds & SLOTS:
        return "slot"
    return "masked" if kinds else "mangled"


def _recall(by_type: Tally, by_channel: Tally, groups: dict[str, Tally]) -> Iterator[Claim]:
    targets = {"patterns": ">= 0.97", "contextual": ">= 0.8", "person": ">= 0.8"}
    for name, tally in groups.items():
        kinds = {"patterns": sorted(PATTERNS), "contextual": sorted(CONTEXTUAL)}.get(name, "")
        what = f"labelled spans {' '.join(kinds)}".strip()
        hits, trials = tally.hits.total(), tally.trials.total()
        yield share(f"pii.recall_{name}", hits, trials, what, targets[name])
    yield from by_channel.claims("pii.recall", "labelled spans")
    for name in sorted(by_type.trials):
        hits, trials = by_type.hits[name], by_type.trials[name]
        yield share(f"pii.recall.{name.lower()}", hits, trials, "labelled spans")


def _false_alarms(precision: Tally, alike: Counter[str]) -> Iterator[Claim]:
    wrong = {k: n - precision.hits[k] for k, n in precision.trials.items() if n > precision.hits[k]}
    hits, trials = precision.hits.total(), precision.trials.total()
    what = f"masks of these types in labelled text {f'wrong: {wrong}' if wrong else ''}"
    yield share("pii.precision_patterns", hits, trials, what.strip(), ">= 0.95")
    n = alike.total() - alike["business"]
    what = f"look-alikes (order, invoice, tracking, dates), {alike['mangled']} changed otherwise"
    yield share("pii.look_alikes_masked", alike["masked"], n, what, "<= 0.03")
    yield share("pii.look_alikes_as_slots", alike["slot"], n, "look-alikes as typed slots")


def leaks(outcome: Outcome) -> list[Claim]:
    """Labelled values that can be read in anything stored, of their conversation or of all.

    Every text of every table and version counts, also text that no label is about.
    """
    per_home: dict[str, list[str]] = defaultdict(list)
    for table in (outcome.turns, outcome.conversations, outcome.examples, outcome.validated):
        for row in table:
            per_home[row["conversation_id"] or ""] += _texts(row)
    homes = {name: "\n".join(texts) for name, texts in per_home.items()}
    whole = "\n".join(homes.values()).casefold()
    found: Counter[str] = Counter()
    trials = 0
    for conversation in outcome.dialogs:
        if conversation["source"] == UNTOUCHED:
            continue
        rows = outcome.said(conversation)
        names = {r["conversation_id"] for r in rows}
        names |= {outcome.home_of[r["turn_id"]] for r in rows if r["turn_id"] in outcome.home_of}
        near = "\n".join(homes.get(name, "") for name in sorted(names))
        for span in (s for turn in conversation["turns"] for s in turn["pii"]):
            trials += 1
            found[span["type"]] += _is_readable(span, near, whole)
    peer = f"of {trials} labelled values, anywhere in the tables: {dict(+found)}"
    return [Claim(id="pii.leaks", value=found.total(), unit="count", target="", peer=peer)]


def _is_readable(span: Gold, near: str, whole: str) -> bool:
    value = span["value"]
    if len(value) < _SHORT_CHARS:
        return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", near, re.IGNORECASE) is not None
    if is_leaked(value, near):
        return True
    return len(value) >= _GLOBAL_CHARS and span["type"] != "PERSON" and value.casefold() in whole


def _texts(row: Row) -> Iterator[str]:
    """Every text of a row that is neither an id nor a digest, those of its utterances included."""
    for name, value in row.items():
        if name.endswith(_NO_TEXT):
            continue
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for item in value:
                yield from _texts(item) if isinstance(item, dict) else [str(item)]
