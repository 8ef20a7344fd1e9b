import pytest

from deskwheel.records import Role
from tests.transforms.resolution.test_estimate import said
from transforms.pairs.matters import Matter, find_matters

DIM = "How do I dim the lamp?"
TURN = "Turn the wheel on the cable to the left until it clicks."
RING = "The blue ring means that the lamp is looking for the app."
STEPS = "Open the app, choose the lamp and move the slider to the left."


def matters(*texts: str) -> list[Matter]:
    """The matters of a talk in which customer and agent take turns."""
    roles: tuple[Role, Role] = ("customer", "agent")
    return find_matters(said(*((roles[i % 2], text) for i, text in enumerate(texts))))


def asked_and_answered(*texts: str) -> list[tuple[list[int], list[int]]]:
    return [(m.asked, m.answered) for m in matters(*texts)]


@pytest.mark.parametrize(
    "question",
    [
        "And what does the blue ring mean?",
        "ok, and what does the blue ring mean",
        "Thanks! What does the blue ring mean?",
        "I'd like to know what the blue ring means",
        "Und was bedeutet der blaue Ring?",
        "Et que veut dire l'anneau bleu ?",
        "¿Y qué significa el anillo azul?",
    ],
)
def test_a_question_after_an_answer_begins_a_matter(question: str) -> None:
    assert asked_and_answered(DIM, TURN, question, RING, "thanks") == [([0], [1]), ([2], [3])]


def test_three_questions_are_three_matters() -> None:
    texts = (DIM, TURN, "What does the blue ring mean?", RING, "Can I use it outdoors?")
    found = asked_and_answered(*texts, "Yes, up to a drizzle, but not in heavy rain.", "thank you")
    assert found == [([0], [1]), ([2], [3]), ([4], [5])]


def test_the_same_question_again_takes_the_later_answer() -> None:
    assert asked_and_answered(DIM, TURN, "So how do I dim it?", STEPS) == [([0], [3])]


@pytest.mark.parametrize("question", ["Which one?", "Are you sure?", "And then?"])
def test_a_question_about_the_answer_makes_it_longer(question: str) -> None:
    assert asked_and_answered(DIM, TURN, question, STEPS) == [([0], [1, 3])]


def test_what_is_added_without_asking_takes_the_later_answer() -> None:
    assert asked_and_answered(DIM, TURN, "It's the small white one.", STEPS) == [([0], [3])]


def test_a_side_question_while_the_agent_waits_belongs_to_the_matter() -> None:
    found = asked_and_answered(
        "I would like to book a table for two.",
        "Does the booking on your screen look right?",
        "Which wines do you have?",
        "We have a red one from Baden and a white one from Alsace.",
        "Can you put a bottle of the red one on the table?",
        "Does the booking look right now?",
        "Yes, it does.",
        "Your table has been booked.",
    )
    assert found == [([0], [7])]


def test_an_answer_that_waits_for_a_word_is_not_the_last() -> None:
    found = asked_and_answered(
        "I would like to book a table for two.",
        "There is one at eight. Before I book it, please see that your details are right.",
        "Oh, which wines do you have?",
        "We have a red one from Baden and a white one from Alsace.",
    )
    assert found == [([0], [3])]


def test_agreeing_with_what_the_agent_waits_for_ends_nothing() -> None:
    found = asked_and_answered(
        "I would like to book a table for two.",
        "If the booking on the screen looks right, I can send it to the restaurant.",
        "That looks great, thanks.",
        "Your table has been booked.",
    )
    assert found == [([0], [3])]


def test_many_words_of_farewell_do_not_replace_the_answer() -> None:
    farewell = "Good to hear, and remember to wipe the shade with a dry cloth every spring."
    assert asked_and_answered(DIM, TURN, "That worked, thanks.", farewell) == [([0], [1])]


def test_a_thing_done_after_thanks_is_the_answer() -> None:
    found = asked_and_answered(
        "Please cancel my lesson.", "It is on Friday the third.", "Ok, thanks.",
        "I have cancelled it.",
    )  # fmt: skip
    assert found == [([0], [3])]


def test_sarcasm_makes_the_answer_a_failed_one() -> None:
    (matter,) = matters(DIM, TURN, "great, still bright", STEPS, "That worked!")
    assert (matter.failed, matter.answered, matter.is_over) == ([[1]], [3], True)
