"""How much personal data redaction finds in single texts, beside Presidio's patterns and scrubadub.

`python -m benchmarks.redaction TEXTS.jsonl` reads one text a line: `id`, `text`, `spans` (each
`{type, start, end}`, offsets in characters, end exclusive) and `template_id`, by whose hash
`--half` takes one half. Names of types are those of Presidio.

Such sets hold few types and hardly any number that is not personal. So a second table is made of
sentences of our own, drawn with a fixed seed: every type with a form, in the ways people write it,
and look-alikes (orders, invoices, dates, prices, model numbers). A labelled span counts as found
when four fifths of its letters and digits are masked, whatever the mask is called; a mask is right
when half of it is labelled.
"""

import argparse
import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import checked, read_lines
from benchmarks.redaction_texts import HOSTILE, draw_texts, hostile_text
from deskwheel.errors import SetupError
from transforms.redact import PERSONAL, Context, find_spans

OURS = "deskwheel"
Range = tuple[int, int, str]
TYPES = {
    "CREDIT_CARD": "CARD", "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "US_SSN": "SSN",
    "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP", "STREET_ADDRESS": "ADDRESS", "ZIP_CODE": "POSTCODE",
    "US_DRIVER_LICENSE": "LICENSE", "US_PASSPORT": "PASSPORT", "US_BANK_NUMBER": "ACCOUNT",
    "US_ITIN": "SSN", "UK_NHS": "ACCOUNT", "PERSON": "PERSON", "GPE": "PLACE", "LOCATION": "PLACE",
    "email": "EMAIL", "phone": "PHONE", "credit_card": "CARD", "social_security_number": "SSN",
    "ssn": "SSN", "date_of_birth": "DOB", "postalcode": "POSTCODE", "credential": "PASSWORD",
    "twitter": "USERNAME",
    "drivers_licence": "LICENSE", "national_insurance_number": "SSN", "name": "PERSON",
}  # fmt: skip
"""Names of the labelled sets and of the peers → ours; other kinds are left out on both sides."""

FORMED = ("EMAIL", "PHONE", "CARD", "SSN", "IBAN", "IP", "DOB")
RECALL, PRECISION, SPOILED = 0.97, 0.95, 0.03
MESSAGE_CHARS = range(100, 141)
MESSAGE_US = 250
HOSTILE_CHARS = 200_000
_FOUND_SHARE, _RIGHT_SHARE = 0.8, 0.5
_REPEATS = 3


@dataclass(frozen=True)
class Labelled:
    """A text and where its personal data and its look-alikes are."""

    text: str
    personal: Sequence[Range]
    look_alikes: Sequence[Range] = ()
    is_introduced: bool = False


@dataclass
class Score:
    """Counts of one redactor over labelled texts."""

    found: Counter[str] = field(default_factory=Counter)
    labelled: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    spoiled: Counter[str] = field(default_factory=Counter)
    look_alikes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    texts: int = 0
    message_seconds: float = 0.0
    messages: int = 0
    """Texts of about 120 characters, the length of a chat message, and their time; ours only."""

    def add(self, row: Labelled, masks: Sequence[Range]) -> None:
        """Count one text with the masks that a redactor would put."""
        self.texts += 1
        covered = cover(len(row.text), masks)
        gold = cover(len(row.text), row.personal)
        for start, end, kind in row.personal:
            self.labelled[kind] += 1
            self.found[kind] += masked_share(row.text, start, end, covered) >= _FOUND_SHARE
        for start, end, kind in masks:
            self.masked[kind] += 1
            self.right[kind] += masked_share(row.text, start, end, gold) >= _RIGHT_SHARE
        for start, end, kind in row.look_alikes:
            self.look_alikes[kind] += 1
            self.spoiled[kind] += masked_share(row.text, start, end, covered) >= _RIGHT_SHARE

    def recall(self, kinds: Iterable[str] | None = None) -> float | None:
        """Share of labelled spans found, of some types or of all; None without any."""
        return _ratio(self.found, self.labelled, kinds)

    def precision(self, kinds: Iterable[str] | None = None) -> float | None:
        """Share of masks of some types that are labelled as personal."""
        return _ratio(self.right, self.masked, kinds)

    def spoiled_share(self) -> float | None:
        """Share of look-alikes that were masked."""
        return _ratio(self.spoiled, self.look_alikes, None)


def _ratio(part: Counter[str], whole: Counter[str], kinds: Iterable[str] | None) -> float | None:
    names = list(whole) if kinds is None else list(kinds)
    n = sum(whole[name] for name in names)
    return sum(part[name] for name in names) / n if n else None


def cover(length: int, ranges: Iterable[Range]) -> bytearray:
    """A byte a character: whether it is in one of the ranges."""
    covered = bytearray(length)
    for start, end, _ in ranges:
        covered[start:end] = b"\x01" * (end - start)
    return covered


def masked_share(text: str, start: int, end: int, covered: bytearray) -> float:
    """Share of the letters and digits of a range that are covered."""
    places = [i for i in range(start, end) if text[i].isalnum()] or list(range(start, end))
    return sum(covered[i] for i in places) / max(len(places), 1)


def own_masks(text: str) -> list[Range]:
    """What redaction masks in a text without a conversation; ids of things stay."""
    # With a recogniser of its own no text's spans are kept, so that the second look costs as much.
    context = Context(company_domains=("acme.example",), recognise=lambda _: ())
    return [(s.start, s.end, s.type) for s in find_spans(text, context) if s.type in PERSONAL]


def score_all(rows: Sequence[Labelled]) -> dict[str, Score]:
    """The score of our redactor and, where they are installed, of its peers."""
    scores = {OURS: _score_own(rows, own_masks)}
    scores |= peer_scores(rows)
    return scores


def _score_own(rows: Sequence[Labelled], find: Callable[[str], list[Range]]) -> Score:
    score = Score()
    for row in rows:
        score.add(row, find(row.text))
    for row in rows:
        times = []
        for _ in range(_REPEATS):
            began = time.process_time()
            find(row.text)
            times.append(time.process_time() - began)
        score.seconds += min(times)
        if len(row.text) in MESSAGE_CHARS:
            score.messages += 1
            score.message_seconds += min(times)
    return score


def peer_scores(rows: Sequence[Labelled]) -> dict[str, Score]:
    """Scores of the peers, each in its own environment."""
    if not peers.are_installed():
        print(peers.MISSING)
        return {}
    scores: dict[str, Score] = {}
    answers = peers.ask("redactors", [{"text": row.text} for row in rows])
    for row, answer in zip(rows, answers, strict=True):
        for name, (found, seconds) in answer.items():
            score = scores.setdefault(name, Score())
            masks = [(start, end, TYPES[kind]) for start, end, kind in found if kind in TYPES]
            score.add(row, masks)
            score.seconds += seconds
    return scores


def print_table(title: str, scores: Mapping[str, Score]) -> None:
    """One table: recall and precision of each redactor a type, then look-alikes and speed."""
    labelled = scores[OURS].labelled
    kinds = sorted({*labelled, *scores[OURS].masked}, key=lambda k: (-labelled[k], k))
    print(f"\n{title}")
    print(f"{'':<14}{'n':>6}" + "".join(f"{name:>22}" for name in scores))
    print(f"{'':<20}" + "".join(f"{'recall  precision':>22}" for _ in scores))
    for kind in kinds:
        cells = (
            f"{_cell(s.recall([kind]))}  {_cell(s.precision([kind])):>9}" for s in scores.values()
        )
        print(f"{kind:<14}{scores[OURS].labelled[kind]:>6}" + "".join(f"{c:>22}" for c in cells))
    cells = (f"{_cell(s.recall())}  {_cell(s.precision()):>9}" for s in scores.values())
    print(f"{'all':<14}{scores[OURS].labelled.total():>6}" + "".join(f"{c:>22}" for c in cells))
    alike = scores[OURS].look_alikes.total()
    if alike:
        cells = (_cell(s.spoiled_share()) for s in scores.values())
        print(f"{'look-alikes':<14}{alike:>6}" + "".join(f"{c:>22}" for c in cells))
    cells = (f"{1e6 * s.seconds / max(s.texts, 1):.0f} us" for s in scores.values())
    print(f"{'a text':<14}{scores[OURS].texts:>6}" + "".join(f"{c:>22}" for c in cells))


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def claims(
    prefix: str, scores: Mapping[str, Score], targets: Mapping[str, str], spoiled: str = ""
) -> Iterator[Claim]:
    """Recall a type, precision a type and look-alikes, each beside the best peer."""
    ours = scores[OURS]
    others = {name: s for name, s in scores.items() if name != OURS}
    for kind in sorted(ours.labelled):
        found, n = ours.found[kind], ours.labelled[kind]
        rivals = "; ".join(f"{name} {_cell(s.recall([kind]))}" for name, s in others.items())
        yield _share(f"{prefix}.recall.{kind.lower()}", found / n, targets.get(kind, ""),
                     f"{found} of {n}; {rivals or 'no peers installed'}")  # fmt: skip
        if ours.masked[kind]:
            right, masked = ours.right[kind], ours.masked[kind]
            yield _share(
                f"{prefix}.precision.{kind.lower()}",
                right / masked,
                "",
                f"{right} of {masked} masks",
            )
    if (share := ours.spoiled_share()) is not None:
        rivals = "; ".join(f"{name} {_cell(s.spoiled_share())}" for name, s in others.items())
        of = f"{ours.spoiled.total()} of {ours.look_alikes.total()}; {rivals}"
        yield _share(f"{prefix}.look_alikes_masked", share, spoiled, of)
    if ours.messages:
        each_us = 1e6 * ours.message_seconds / ours.messages
        of = f"{ours.messages} texts of 100 to 140 characters, processor time"
        target = f"<= {MESSAGE_US}"
        name = f"{prefix}.us_per_message"
        yield Claim(id=name, value=each_us, unit="us", target=target, peer=of)
    each = {who: 1e6 * s.seconds / max(s.texts, 1) for who, s in scores.items()}
    rivals = "; ".join(f"{who} {value:.0f} us" for who, value in each.items() if who != OURS)
    yield Claim(id=f"{prefix}.us_per_text", value=each[OURS], unit="us", target="", peer=rivals)


def _share(name: str, value: float, target: str, peer: str) -> Claim:
    return Claim(id=name, value=value, unit="share", target=target, peer=peer)


def total_claims(prefix: str, score: Score, kinds: Sequence[str]) -> Iterator[Claim]:
    """Recall and precision over the types with a form, which have targets."""
    recall, precision = score.recall(kinds), score.precision(kinds)
    of = f"types {', '.join(kinds)}"
    if recall is not None:
        yield _share(f"{prefix}.recall", recall, f">= {RECALL}", of)
    if precision is not None:
        yield _share(f"{prefix}.precision", precision, f">= {PRECISION}", of)


def hostile_claims() -> Iterator[Claim]:
    """Seconds for a megabyte of the slowest hostile text, and how they grow with its length."""
    seconds = {piece: _seconds(hostile_text(piece, HOSTILE_CHARS)) for piece in HOSTILE}
    slowest = max(seconds, key=lambda piece: seconds[piece])
    quarter = _seconds(hostile_text(slowest, HOSTILE_CHARS // 4))
    of = f"slowest of {len(HOSTILE)} hostile texts: {slowest!r} repeated"
    a_megabyte = seconds[slowest] * 1_000_000 / HOSTILE_CHARS
    yield Claim(id="redaction.hostile_s_per_mb", value=a_megabyte, unit="s", target="", peer=of)
    yield Claim(
        id="redaction.hostile_growth",
        value=seconds[slowest] / quarter / 4,
        unit="ratio",
        target="<= 2",
        peer="time of four times the text, by four times the time; 1 is linear, 4 quadratic",
    )


def _seconds(text: str) -> float:
    began = time.process_time()
    own_masks(text)
    return time.process_time() - began


def in_half(key: object, half: str) -> bool:
    """Whether a record is in the half `dev`, `test` or `all`, by the hash of its key."""
    is_dev = hashlib.sha256(str(key).encode()).digest()[0] < 128
    return half == "all" or is_dev == (half == "dev")


def read_texts(file: Path, half: str) -> list[Labelled]:
    """The labelled texts of a file, types in our words; without template and id, by line."""
    rows = []
    for n, row in enumerate(read_lines(file, ["text"])):
        if in_half(row.get("template_id", row.get("id", n)), half):
            spans = labelled_ranges(f"{file}, text {n + 1}", row["text"], row.get("spans"))
            kinds = [(start, end, TYPES.get(kind, kind)) for start, end, kind in spans]
            rows.append(Labelled(row["text"], [s for s in kinds if s[2] in PERSONAL]))
    return rows


def labelled_ranges(where: str, text: str, spans: Any) -> list[Range]:
    """The ranges of labels; none where there are no labels.

    Raises:
        SetupError: a label has no type, or lies outside its text.
    """
    found = []
    for span in spans or []:
        checked(where, span, ["start", "end", "type"])
        start, end, kind = span["start"], span["end"], span["type"]
        if not 0 <= start < end <= len(text):
            raise SetupError(
                f"{where}: {kind} from {start} to {end} of {len(text)} characters; offsets count"
                " characters, the end exclusive"
            )
        found.append((start, end, kind))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Score the texts of a file and the drawn ones, print two tables and the claims."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redaction", description=__doc__)
    parser.add_argument("texts", type=Path, metavar="TEXTS.jsonl")
    parser.add_argument("--half", choices=("all", "dev", "test"), default="all", help="by template")
    parser.add_argument("--seed", type=int, default=2027, help="of the drawn texts")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    labelled = score_all(read_texts(arguments.texts, arguments.half))
    print_table(f"{arguments.texts.name}, half: {arguments.half}", labelled)
    drawn = score_all([Labelled(*row) for row in draw_texts(random.Random(arguments.seed))])
    print_table(f"drawn texts, seed {arguments.seed}", drawn)
    print()
    kinds = [k for k in FORMED if labelled[OURS].labelled[k]]
    return report(
        [
            *total_claims("redaction.formed", labelled[OURS], kinds),
            *claims("redaction", labelled, {}),
            *total_claims("redaction.drawn.formed", drawn[OURS], FORMED),
            *claims("redaction.drawn", drawn, {}, f"<= {SPOILED}"),
            *hostile_claims(),
        ],
        arguments.json,
    )


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
