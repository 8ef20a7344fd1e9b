"""Scores 5, 6 and 9: are mails threaded, is resolution known, is the category right."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from benchmarks.claims import Claim
from benchmarks.labelled import Gold, Tally, share
from benchmarks.stream_quality.outcome import Outcome

NO_CATEGORY = "OTHER"
"""What the tagger says when nothing fits."""

BITEXT = frozenset(
    {"ACCOUNT", "CANCEL", "CANCELLATION_FEE", "CONTACT", "DELIVERY", "FEEDBACK", "INVOICE",
     "NEWSLETTER", "ORDER", "PAYMENT", "REFUND", "SHIPPING", "SHIPPING_ADDRESS", "SUBSCRIPTION"}
)  # fmt: skip
"""The labels' taxonomy; a folder need not hold all of it. Source: Bitext, "Customer Support LLM
Chatbot Training Dataset" (2024), categories."""

OFF_TOPIC = "OFF_TOPIC"
"""What the labels say of a dialog that is about nothing the company does."""


def threading(outcome: Outcome) -> list[Claim]:
    """Pairwise F1 over message ids: two messages belong together or not.

    Noise takes part: a machine's mail in a customer's thread is a false pair.
    """
    claims = []
    for channel, target in (("email", ">= 0.99"), ("chat", "")):
        wanted: dict[str, Hashable] = {}
        found: dict[str, Hashable] = {}
        for conversation in (c for c in outcome.gold if c["channel"] == channel):
            for line in conversation["event_lines"]:
                if line in outcome.repeats:
                    continue
                message = outcome.ids[line]
                rows = [r for r in outcome.rows(line) if r["verdict"] == "accepted" and r["text"]]
                if conversation["kind"] == "noise" and not rows:
                    continue
                if channel == "chat" and not rows:
                    continue  # the end of a chat, or a loss that is counted elsewhere
                wanted[message] = conversation["conversation_id"]
                if rows and (home := outcome.home_of.get(rows[0]["turn_id"])):
                    found[message] = home
        precision, recall, f1 = pairwise(wanted, found)
        peer = f"pairs of {len(wanted)} messages; precision {precision:.4f}, recall {recall:.4f}"
        claims.append(
            Claim(id=f"threading.{channel}_f1", value=f1, unit="F1", target=target, peer=peer)
        )
    return claims


def pairwise(
    wanted: Mapping[str, Hashable], found: Mapping[str, Hashable]
) -> tuple[float, float, float]:
    """Precision, recall and F1 of the pairs that two groupings put together.

    An item that `found` lacks is in no pair of it. Without any pair a figure is 1.
    """
    both = Counter((wanted[item], found[item]) for item in wanted if item in found)
    hits = _pairs(both.values())
    of_found = _pairs(Counter(found[item] for item in wanted if item in found).values())
    of_wanted = _pairs(Counter(wanted.values()).values())
    precision = hits / of_found if of_found else 1.0
    recall = hits / of_wanted if of_wanted else 1.0
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def _pairs(sizes: Iterable[int]) -> int:
    return sum(n * (n - 1) // 2 for n in sizes)


def resolution(outcome: Outcome) -> list[Claim]:
    """Whether what passes the gate as resolved was resolved, and how much of it passes.

    Passing means: the newest version's probability is at least the gate's threshold. Recall is
    over dialogs whose resolution the stream shows at all (`decidable`); noise that passes counts
    against precision.
    """
    passed = {
        c["conversation_id"]: ours is not None
        and ours["resolution_probability"] >= outcome.min_probability
        for c in outcome.gold
        for ours in [outcome.ours(c)]
    }
    admitted = {
        c["conversation_id"]: any(
            e["verdict"] == "valid" and e["kind"] == "ideal"
            for e in outcome.judged(outcome.ours(c))
        )
        for c in outcome.gold
    }
    says = {c["conversation_id"]: _says_solved(c) for c in outcome.gold}
    return [
        *_verdicts("resolution", outcome.gold, passed, (">= 0.95", ">= 0.85")),
        *_let_through(outcome.gold, passed),
        *_verdicts("gate", outcome.gold, admitted, ("", "")),
        *_verdicts("resolution.rule_source_says_solved", outcome.gold, says, ("", "")),
    ]


def _verdicts(
    name: str, gold: Sequence[Gold], passed: Mapping[str, bool], targets: tuple[str, str]
) -> list[Claim]:
    through = [c for c in gold if passed[c["conversation_id"]]]
    wanted = [c for c in gold if c["resolved"] and c["decidable"]]
    right = sum(c["resolved"] is True for c in through)
    found = sum(passed[c["conversation_id"]] for c in wanted)
    return [
        share(f"{name}.precision", right, len(through), "let through are resolved", targets[0]),
        share(f"{name}.recall", found, len(wanted), "resolved and decidable dialogs", targets[1]),
    ]


def _let_through(gold: Sequence[Gold], passed: Mapping[str, bool]) -> list[Claim]:
    tally = Tally()
    for conversation in gold:
        if not conversation["resolved"]:
            kind = conversation["resolution_type"]
            tally.add(kind, is_hit=passed[conversation["conversation_id"]])
    claims = tally.claims("resolution.let_through", "unresolved or noise let through")
    missed = Tally()
    for conversation in gold:
        if conversation["resolved"] and conversation["decidable"]:
            kind = conversation["resolution_type"]
            missed.add(kind, is_hit=passed[conversation["conversation_id"]])
    kinds = list(missed.claims("resolution.recall", "resolved and decidable dialogs"))[1:]
    return [*claims, *kinds]


def _says_solved(conversation: Gold) -> bool:
    """Whether the source itself calls it solved, in a closing event or a disposition."""
    status = (conversation["status_event"] or {}).get("resolution")
    return status == "solved" or conversation["disposition"] == "resolved"


def categories(outcome: Outcome) -> list[Claim]:
    """How many dialogs carry the right category.

    Where our categories bear the labels' names they are compared as they stand (`OTHER` is
    `OFF_TOPIC`). Where they are another taxonomy, each of ours is taken for the label it meets
    most often in this folder: an upper bound, and said so in the claim.
    """
    pairs = [
        (conversation["category"], ours["category"])
        for conversation in outcome.dialogs
        if conversation["category"] and (ours := outcome.ours(conversation))
    ]
    names = {wanted for wanted, _ in pairs} | BITEXT
    said = {found for _, found in pairs} - {NO_CATEGORY}
    n = len(pairs)
    exact = sum(wanted == (OFF_TOPIC if f == NO_CATEGORY else f) for wanted, f in pairs)
    common = Counter(wanted for wanted, _ in pairs).most_common(1)
    most = f"the most frequent label alone {common[0][1] / n:.3f}" if common else ""
    is_same_taxonomy = said <= names
    mapping = best_mapping(pairs)
    mapped = sum(mapping[found] == wanted for wanted, found in pairs)
    value, how = (exact, "by name") if is_same_taxonomy else (mapped, "each of ours as the label"
                  " it meets most often here, an upper bound")  # fmt: skip
    return [
        share("category.accuracy", value, n, f"dialogs, {how}; {most}", ">= 0.9"),
        share("category.exact_name", exact, n, "dialogs with the very name of the label"),
    ]


def best_mapping(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Category of ours → the label that it meets most often, the first by name on a tie.

    >>> best_mapping([("REFUND", "RETURNS"), ("REFUND", "RETURNS"), ("ORDER", "RETURNS")])
    {'RETURNS': 'REFUND'}
    """
    met: dict[str, Counter[str]] = defaultdict(Counter)
    for wanted, found in pairs:
        met[found][wanted] += 1
    return {
        found: min(labels, key=lambda name: (-labels[name], name)) for found, labels in met.items()
    }
