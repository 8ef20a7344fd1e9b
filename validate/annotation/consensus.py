"""What annotators together say of an example, where they differ, and how well each answers gold.

Pure: reads and writes no table or topic.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deskwheel.annotations import Annotation
from validate.annotation.guide import QUESTIONS, Answer, Question, values_of

MIN_GOLD_ANSWERS = 20
"""Below, an annotator's share of right answers says little (two tasks with every question)."""

_MAJORITY_OF = 3
_Z = 1.96


@dataclass(frozen=True)
class Decided:
    """What is held to be true of one example."""

    example_id: str
    answers: Mapping[str, Answer]
    """Questions on which annotators agree, a majority does, or an adjudicator decided."""
    disputed: tuple[str, ...]
    """Questions on which annotators differ and nobody has decided."""
    annotators: tuple[str, ...]
    annotation_ids: tuple[str, ...]
    is_settled: bool
    """Adjudicated, or nothing disputed among three annotators or more: good as hidden gold."""


@dataclass(frozen=True)
class GoldScore:
    """How an annotator answers examples whose answers are known."""

    annotator_key: str
    examples: int
    answers: int
    accuracy: float | None
    low: float | None
    high: float | None
    """Wilson's 95 % interval. Source: Wilson, "Probable Inference" (1927)."""
    is_flagged: bool


def answers_of(annotation: Annotation) -> dict[str, Answer]:
    """The questions that an annotation answers, with their values."""
    found = {q.name: getattr(annotation, q.name) for q in QUESTIONS}
    return {name: value for name, value in found.items() if value is not None}


def opinions(annotations: Iterable[Annotation]) -> dict[str, list[Annotation]]:
    """Annotations by example that are somebody's own judgement of something unknown.

    Left out: skipped ones, hidden gold, and what adjudicators decided. Of an annotator who was
    asked in several plans the latest counts.
    """
    found: dict[str, dict[str, Annotation]] = defaultdict(dict)
    for a in sorted(annotations, key=lambda a: (a.at, a.annotation_id)):
        if not (a.is_skipped or a.is_gold or a.is_adjudicated):
            found[a.example_id][a.annotator_key] = a
    return {example: list(by.values()) for example, by in found.items()}


def decide(annotations: Sequence[Annotation]) -> dict[str, Decided]:
    """What is held to be true of each annotated example, in the order of their ids."""
    by_example = opinions(annotations)
    rulings: dict[str, dict[str, Answer]] = defaultdict(dict)
    ruled: dict[str, list[str]] = defaultdict(list)
    for a in sorted(annotations, key=lambda a: (a.at, a.annotation_id)):
        if a.is_adjudicated:
            rulings[a.example_id] |= answers_of(a)
            ruled[a.example_id].append(a.annotation_id)
    return {
        example: _decided(
            example, by_example.get(example, []), rulings[example], tuple(ruled[example])
        )
        for example in sorted(by_example.keys() | rulings.keys())
    }


def gold_scores(
    annotations: Iterable[Annotation], decided: Mapping[str, Decided], *, min_accuracy: float
) -> list[GoldScore]:
    """How each annotator answers hidden gold; a rating counts as right when one step off."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    examples: Counter[str] = Counter()
    for a in annotations:
        if not a.is_gold or a.is_skipped or a.example_id not in decided:
            continue
        truth = decided[a.example_id].answers
        given = answers_of(a)
        examples[a.annotator_key] += 1
        for question in QUESTIONS:
            if question.name in truth and question.name in given:
                total[a.annotator_key] += 1
                is_right = _is_close(question, given[question.name], truth[question.name])
                right[a.annotator_key] += is_right
    return [
        _gold_score(key, examples[key], right[key], total=total[key], min_accuracy=min_accuracy)
        for key in sorted(examples)
    ]


def units_of(
    annotations: Iterable[Annotation], question: Question, categories: Sequence[str]
) -> list[dict[str, int]]:
    """Annotator → number of the value, for each example; answers that are no value are left out."""
    places = {value: i for i, value in enumerate(values_of(question, categories))}
    return [
        {
            a.annotator_key: places[value]
            for a in said
            if (value := answers_of(a).get(question.name)) in places
        }
        for _, said in sorted(opinions(annotations).items())
    ]


def _decided(
    example: str, said: list[Annotation], ruling: Mapping[str, Answer], ruled: tuple[str, ...]
) -> Decided:
    answers: dict[str, Answer] = {}
    disputed = []
    for question in QUESTIONS:
        given = [v for a in said if (v := answers_of(a).get(question.name)) is not None]
        value = ruling.get(question.name, _common(given))
        if value is not None:
            answers[question.name] = value
        elif given:
            disputed.append(question.name)
    return Decided(
        example_id=example,
        answers=answers,
        disputed=tuple(disputed),
        annotators=tuple(sorted(a.annotator_key for a in said)),
        annotation_ids=(*sorted(a.annotation_id for a in said), *ruled),
        is_settled=bool(answers) and not disputed and (bool(ruled) or len(said) >= _MAJORITY_OF),
    )


def _common(given: Sequence[Answer]) -> Answer | None:
    """The value that more than half gave; of ratings the lower median, unless two are far apart."""
    if not given:
        return None
    numbers = sorted(value for value in given if isinstance(value, int))
    if numbers:
        is_close = numbers[-1] - numbers[0] <= 1
        is_common = is_close or len(numbers) >= _MAJORITY_OF
        return numbers[(len(numbers) - 1) // 2] if is_common else None
    value, count = Counter(given).most_common(1)[0]
    return value if 2 * count > len(given) else None


def _is_close(question: Question, given: Answer, truth: Answer) -> bool:
    if isinstance(given, int) and isinstance(truth, int):
        return abs(given - truth) <= 1
    return given == truth


def _gold_score(
    key: str, examples: int, right: int, *, total: int, min_accuracy: float
) -> GoldScore:
    if not total:
        return GoldScore(key, examples, 0, None, None, None, is_flagged=False)
    share = right / total
    middle = share + _Z**2 / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    scale = 1 + _Z**2 / total
    return GoldScore(
        key, examples, total, share, (middle - spread) / scale, (middle + spread) / scale,
        is_flagged=total >= MIN_GOLD_ANSWERS and share < min_accuracy,
    )  # fmt: skip
