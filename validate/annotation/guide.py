"""The questions of the annotation guide, their values, and what makes an answer wrong.

The words behind them are `docs/annotation-guide.md`, whose version this is; a test compares them.
Pure: reads and writes no table or topic.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from validate.patterns import personal_data

GUIDE_VERSION = "1.0"
"""Grows with each change that may change an answer; kept with every annotation."""

Level = Literal["nominal", "ordinal"]
Answer = str | int
Answers = Mapping[str, Answer | None]

OTHER = "OTHER"
CATEGORY = "category"
MAX_COMMENT_CHARS = 500


@dataclass(frozen=True)
class Question:
    """One question: its column in `annotations`, its words, and its values in their order."""

    name: str
    title: str
    rule: str
    """The decision rule in one sentence, shown beside the question."""
    values: tuple[Answer, ...]
    """Empty for the category, whose values are a setting."""
    level: Level = "nominal"
    labels: tuple[str, ...] = ()
    """What the values are called on a page; empty: the values themselves."""

    def label(self, value: Answer) -> str:
        """What a value is called on a page."""
        is_named = bool(self.labels) and value in self.values
        return self.labels[self.values.index(value)] if is_named else str(value)


_YES_NO = ("yes", "no")
_SCALE = (1, 2, 3, 4, 5)

QUESTIONS = (
    Question(
        "is_good_pair",
        "Good pair?",
        "Yes if a new agent should learn to answer this query with exactly this response.",
        _YES_NO,
        labels=("Yes", "No"),
    ),
    Question(
        "resolved",
        "Resolved?",
        "Yes only if something in the conversation shows that the problem is gone.",
        ("yes", "no", "cannot_tell"),
        labels=("Yes", "No", "Cannot tell"),
    ),
    Question(
        CATEGORY,
        "Category",
        "What the customer wants done first, not the words that they use.",
        (),
    ),
    Question(
        "sentiment",
        "Customer's mood",
        "How the customer sounds in the last messages that you see, not how you would feel.",
        ("negative", "neutral", "positive"),
        "ordinal",
        ("Negative", "Neutral", "Positive"),
    ),
    Question(
        "is_empathetic",
        "Empathy?",
        "Yes if the response names or answers the customer's feeling, beyond a set phrase.",
        _YES_NO,
        labels=("Yes", "No"),
    ),
    Question(
        "has_needless_apology",
        "Needless apology?",
        "Yes if it apologises and neither company nor agent did or caused anything wrong.",
        _YES_NO,
        labels=("Yes", "No"),
    ),
    Question(
        "accuracy", "Accuracy", "1: wrong. 3: right in the main. 5: right and complete.",
        _SCALE, "ordinal",
    ),
    Question(
        "helpfulness", "Helpfulness", "1: no step further. 3: half the way. 5: all that is needed.",
        _SCALE, "ordinal",
    ),
    Question(
        "tone", "Tone", "1: rude. 3: correct and cold. 5: friendly, clear, without filler.",
        _SCALE, "ordinal",
    ),
)  # fmt: skip
"""In the order in which they are asked."""

NAMES = tuple(q.name for q in QUESTIONS)
_MOST_SHOWN = 40
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def values_of(question: Question, categories: Sequence[str]) -> tuple[Answer, ...]:
    """The values that an answer to a question may have."""
    return question.values or (*categories, OTHER)


def read_answers(
    given: Mapping[str, object], categories: Sequence[str]
) -> tuple[dict[str, Answer], list[str]]:
    """The answers among `given` as they are stored, and what is wrong with the others.

    A scale's value may come as text. Questions that nobody answered are left out; other keys are
    ignored.
    """
    answers: dict[str, Answer] = {}
    problems = []
    for question in QUESTIONS:
        value = given.get(question.name)
        if value is None or value == "":
            continue
        known = {str(v): v for v in values_of(question, categories)}
        if isinstance(value, bool) or str(value) not in known:
            shown = repr(value)[:_MOST_SHOWN]
            problems.append(f"{question.name} is {shown}; give one of {', '.join(known)}")
        else:
            answers[question.name] = known[str(value)]
    return answers, problems


def missing(answers: Answers) -> list[str]:
    """Questions that have no answer; all must be answered, or the task skipped."""
    return [name for name in NAMES if answers.get(name) is None]


def holds_personal_data(text: str) -> bool:
    """Whether a text holds what looks like personal data, by the patterns of the gate."""
    return any(pattern.search(text) for pattern in _personal())


def comment_problem(comment: str) -> str | None:
    """Why a comment may not be stored, or None."""
    if len(comment) > MAX_COMMENT_CHARS:
        return f"comment has {len(comment)} characters; at most {MAX_COMMENT_CHARS}"
    if _UNSTORABLE.search(comment):
        return "comment holds characters that no table can store"
    if holds_personal_data(comment):
        return "comment holds what looks like personal data; describe it, do not copy it"
    return None


@cache
def _personal() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in personal_data())
