"""Sampling plans: which examples are asked about, in which order, and whom. Pure and seeded.

Reads and writes no table or topic. Every order is a hash of seed and ids, so that a plan depends
neither on the order of rows nor on the machine.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from deskwheel.annotations import AnnotationPurpose, AnnotationStrategy
from deskwheel.errors import ConfigError
from deskwheel.ids import digest
from deskwheel.records import Split
from validate.annotation.guide import OTHER

SPLITS: Mapping[AnnotationPurpose, Split] = {"train": "train", "measure": "dev"}
"""What may be drawn for what. The test split, which holds the golden set, is for models alone:
nobody is asked about it, so that no label made here can know it."""

JUDGED = ("valid", "quarantined")
"""Verdicts that are drawn from: annotators check both sides of the gate."""


@dataclass(frozen=True)
class Candidate:
    """What of an example decides whether it is drawn."""

    example_id: str
    category: str
    resolution_probability: float


@dataclass(frozen=True)
class Asked:
    """One annotator is asked about one example."""

    annotator_key: str
    example_id: str
    position: int
    is_double: bool = False
    is_gold: bool = False


def rank(
    candidates: Iterable[Candidate],
    strategy: AnnotationStrategy,
    *,
    seed: int,
    threshold: float,
) -> list[str]:
    """Ids of the candidates, those to ask about first; every beginning of it is a sample.

    Args:
        candidates: in any order.
        strategy: `random`: all alike. `uncertain`: by turns the one whose resolution
            probability is nearest the threshold, and one whose category nobody could tell
            (`OTHER`). `category`: by turns one of each category, until it has no more.
            `disputed`: as random; the caller gives only those that annotators differ on.
        seed: another one gives another sample.
        threshold: resolution probability that `uncertain` looks around, `--near`.
    """
    shuffled = sorted(candidates, key=lambda c: digest("annotate", str(seed), c.example_id))
    if strategy == "category":
        groups: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in shuffled:
            groups[candidate.category].append(candidate)
        return _by_turns([groups[name] for name in sorted(groups)])
    if strategy == "uncertain":
        near = sorted(shuffled, key=lambda c: abs(c.resolution_probability - threshold))
        return _by_turns([near, [c for c in shuffled if c.category == OTHER]])
    return [candidate.example_id for candidate in shuffled]


def assign(
    examples: Sequence[str],
    annotators: Sequence[str],
    *,
    seed: int,
    double_share: float,
    gold: Sequence[str] = (),
    gold_share: float = 0.0,
    answered: Mapping[str, frozenset[str]] | None = None,
) -> list[Asked]:
    """Who is asked about what, ordered by annotator and place.

    Each example goes to one annotator in turn, a share of them to the next one as well. Each
    annotator also gets examples whose answers are known, at places that tell nothing.

    Args:
        examples: ids to ask about.
        annotators: keys, at least one.
        seed: decides which examples are doubled, and every order.
        double_share: of the examples; none with a single annotator.
        gold: ids whose answers are known; none of them is among `examples`.
        gold_share: of an annotator's other tasks, at least one where there is any gold.
        answered: example → annotators who have answered it already and are not asked again.

    Raises:
        ConfigError: no annotator is given.
    """
    if not annotators:
        raise ConfigError("a plan needs annotators; give --annotators rater-1,rater-2")
    done = answered or {}
    doubles = _first(examples, round(double_share * len(examples)), seed, "double")
    tasks: dict[str, list[tuple[str, bool, bool]]] = {key: [] for key in annotators}
    for turn, example in enumerate(examples):
        order = [annotators[(turn + k) % len(annotators)] for k in range(len(annotators))]
        free = [key for key in order if key not in done.get(example, frozenset())]
        is_double = example in doubles and len(free) > 1
        for key in free[: 1 + is_double]:
            tasks[key].append((example, is_double, False))
    for key, mine in tasks.items():
        known = [g for g in gold if key not in done.get(g, frozenset())]
        wanted = max(1, round(gold_share * len(mine))) if mine and gold_share else 0
        mine += [(example, False, True) for example in _first(known, wanted, seed, key)]
    return list(_placed(tasks, seed))


def _placed(tasks: Mapping[str, list[tuple[str, bool, bool]]], seed: int) -> Iterator[Asked]:
    for key, mine in tasks.items():
        ordered = sorted(mine, key=lambda task: digest("place", str(seed), key, task[0]))
        for position, (example, is_double, is_gold) in enumerate(ordered):
            yield Asked(key, example, position, is_double, is_gold)


def _first(ids: Iterable[str], count: int, seed: int, salt: str) -> set[str]:
    return set(sorted(ids, key=lambda i: digest(salt, str(seed), i))[:count])


def _by_turns(groups: Sequence[Sequence[Candidate]]) -> list[str]:
    """Ids of the groups by turns, each once, however many groups hold it."""
    turns = zip_longest(*groups)
    return list(dict.fromkeys(c.example_id for turn in turns for c in turn if c is not None))
