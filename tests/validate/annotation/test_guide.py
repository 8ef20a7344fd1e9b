import json
import re
from dataclasses import fields
from importlib import resources
from pathlib import Path

import pytest

from deskwheel.annotations import Annotation
from deskwheel.settings import Settings
from tests.validate.annotation.scene import ANSWERS, CATEGORIES
from transforms.tags.words import KEYWORDS
from validate.annotation.draw import DECIDED_FROM
from validate.annotation.guide import (
    GUIDE_VERSION,
    MAX_COMMENT_CHARS,
    NAMES,
    QUESTIONS,
    comment_problem,
    missing,
    read_answers,
)

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "annotation-guide.md"


def test_the_guide_has_the_version_that_is_stored() -> None:
    assert f"Version {GUIDE_VERSION}" in GUIDE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_guide_explains_every_question_with_examples(name: str) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    section = text.partition(f"(`{name}`)")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\| \d ", section, flags=re.M)) >= 3


def test_every_question_is_a_column() -> None:
    assert set(NAMES) <= {f.name for f in fields(Annotation)}


def test_categories_are_those_of_the_tagger() -> None:
    assert Settings().validate.annotation_categories == tuple(sorted(KEYWORDS))


def test_uncertain_examples_are_those_around_what_the_gate_asks_for() -> None:
    text = resources.files("validate").joinpath("suites", "examples.json").read_text("utf-8")
    (asked,) = (
        e["kwargs"]["min_value"]
        for e in json.loads(text)["expectations"]
        if e["meta"]["rule_id"] == "RESOLUTION_UNSURE"
    )
    assert asked == DECIDED_FROM


def test_answers_of_the_guide_are_taken_also_as_text() -> None:
    answers, problems = read_answers({k: str(v) for k, v in ANSWERS.items()}, CATEGORIES)
    assert (answers, problems) == (ANSWERS, [])


def test_the_category_may_always_be_other() -> None:
    assert read_answers({"category": "OTHER"}, CATEGORIES)[0] == {"category": "OTHER"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 0), ("accuracy", 6), ("accuracy", 2.5), ("accuracy", True), ("tone", [5]),
        ("resolved", "maybe"), ("category", "order"), ("is_good_pair", True), ("sentiment", {}),
    ],
)  # fmt: skip
def test_a_value_outside_the_guide_is_named(name: str, value: object) -> None:
    answers, problems = read_answers({**ANSWERS, name: value}, CATEGORIES)
    assert name not in answers
    assert [p.partition(" ")[0] for p in problems] == [name]


def test_questions_without_an_answer_are_missing() -> None:
    assert missing({}) == list(NAMES)
    assert missing({**ANSWERS, "tone": None}) == ["tone"]


@pytest.mark.parametrize(
    "comment",
    ["write to jane.roe@example.com", "card 4111 1111 1111 1111", "SSN 078-05-1120", "a\x00b",
     "\ud800", "x" * (MAX_COMMENT_CHARS + 1)],
)  # fmt: skip
def test_a_comment_with_personal_data_or_without_end_is_refused(comment: str) -> None:
    assert comment_problem(comment)


@pytest.mark.parametrize("comment", ["", "The agent answers another question.", "wrong <ORDER_1>"])
def test_a_plain_comment_is_taken(comment: str) -> None:
    assert comment_problem(comment) is None


def test_every_question_has_a_level_that_fits_its_values() -> None:
    assert {q.level for q in QUESTIONS if q.values and isinstance(q.values[0], int)} == {"ordinal"}
