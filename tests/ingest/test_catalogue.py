import random
from itertools import combinations
from pathlib import Path

import pytest

from deskwheel.demo.catalogue import (
    Catalogue,
    draw_issue,
    facts_pages,
    is_helpful,
    load_catalogue,
)
from deskwheel.errors import ConfigError


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def test_company_has_eighty_questions_in_six_categories(catalogue: Catalogue) -> None:
    assert len(catalogue.questions) == 80
    assert {q.category for q in catalogue.questions} == {
        "RETURNS", "WARRANTY", "DELIVERY", "BILLING", "SETUP", "ACCOUNT",
    }  # fmt: skip


def test_every_answer_is_different_and_of_speaking_length(catalogue: Catalogue) -> None:
    answers = [a for q in catalogue.questions for a in q.answers]
    assert len(set(answers)) == len(answers) == 160
    assert all(20 <= len(a.split()) <= 50 for a in answers)


def test_no_ideal_answer_apologises_and_every_bad_one_does(catalogue: Catalogue) -> None:
    assert not [a for q in catalogue.questions for a in q.answers if "sorry" in a.lower()]
    assert all("apologize" in bad for bad in catalogue.bad_answers)


def test_every_question_can_be_asked_in_eight_ways(catalogue: Catalogue) -> None:
    assert all(len(set(q.queries)) >= 8 for q in catalogue.questions)


def test_question_with_a_subject_can_be_asked_vaguely_and_clarified(catalogue: Catalogue) -> None:
    for question in catalogue.questions:
        assert (
            bool(question.subject) == bool(question.vague_queries) == bool(question.clarification)
        )
        assert not [v for v in question.vague_queries if question.subject in v]


def test_same_seed_draws_the_same_issues(catalogue: Catalogue) -> None:
    first, second = random.Random(3), random.Random(3)
    assert [draw_issue(catalogue, first) for _ in range(50)] == [
        draw_issue(catalogue, second) for _ in range(50)
    ]


def test_drawn_issue_keeps_query_and_answer_of_one_question(catalogue: Catalogue) -> None:
    rng = random.Random(4)
    for _ in range(200):
        issue = draw_issue(catalogue, rng)
        question = next(
            q for q in catalogue.questions if (q.intent, q.subject) == (issue.intent, issue.subject)
        )
        assert issue.answer in question.answers
        assert any(query in issue.query for query in question.queries)


def test_queries_are_worded_in_many_ways(catalogue: Catalogue) -> None:
    rng = random.Random(5)
    queries = [draw_issue(catalogue, rng).query for _ in range(1000)]
    assert len(set(queries)) > 900


def test_ideal_answer_is_fully_helpful_and_bad_answer_is_not(catalogue: Catalogue) -> None:
    rng = random.Random(6)
    for _ in range(100):
        issue = draw_issue(catalogue, rng)
        assert is_helpful(issue.answer, issue.answer) == 1.0
        assert is_helpful(issue.answer, issue.bad_answer) < 0.2


def test_either_phrasing_is_more_helpful_than_any_other_intent(catalogue: Catalogue) -> None:
    for question in catalogue.questions:
        assert is_helpful(*question.answers[:2]) > 0.7
    for a, b in combinations(catalogue.questions, 2):
        if a.intent != b.intent:
            assert is_helpful(a.answers[0], b.answers[0]) < 0.7


def test_needless_apology_costs_its_penalty() -> None:
    answer = "Hold the button for ten seconds."
    assert is_helpful(answer, answer) == 1.0
    assert is_helpful(answer, f"Sorry! {answer}") == pytest.approx(8 / 9 - 0.35)


def test_apology_that_belongs_to_the_answer_costs_nothing() -> None:
    answer = "Sorry, hold the button."
    assert is_helpful(answer, answer) == 1.0


@pytest.mark.parametrize("reply", ["", "   ", "banana", "of the and"])
def test_reply_without_a_common_word_is_no_help(reply: str) -> None:
    assert is_helpful("Hold the button.", reply) == 0.0


def test_facts_name_every_subject(catalogue: Catalogue) -> None:
    text = "\n".join(facts_pages(catalogue))
    assert not [q.subject for q in catalogue.questions if q.subject not in text]


def test_company_file_with_an_unknown_fact_names_the_fact(tmp_path: Path) -> None:
    shipped = Path(load_catalogue.__code__.co_filename).with_name("company.toml")
    broken = shipped.read_text(encoding="utf-8").replace("{warranty_months}", "{warranty_years}")
    file = tmp_path / "company.toml"
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigError, match="warranty_years"):
        load_catalogue(file)


def test_missing_company_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_catalogue(tmp_path / "nowhere.toml")
