import pytest

from transforms.acts.apology import (
    apologises,
    has_needless_apology,
    is_empathetic,
    sentences,
    without_apology,
)


@pytest.mark.parametrize(
    ("query", "response", "is_needless"),
    [
        ("How do I reset it?", "Sorry, hold the button.", True),
        ("How do I reset it?", "I'm so sorry to hear that! Hold the button.", True),
        ("Can I change my plan?", "Please accept our sincere apologies. Open Settings.", True),
        ("Wie ändere ich meine Adresse?", "Es tut mir leid. Öffnen Sie Ihr Konto.", True),
        ("I have a question about my plan.", "I apologize for the inconvenience. Open it.", True),
        ("Returns to Spain", "Sorry for the trouble! They are free.", True),
        ("I have a question about my cracked cup.", "We are sorry. A new one ships.", False),
        ("It arrived broken.", "We are sorry, a new one is on its way.", False),
        ("How do I reset it?", "Hold the button.", False),
        ("You charged me twice.", "Apologies, it is refunded.", False),
        ("I can't log in.", "Sorry about that. Reset your password.", False),
        ("How do I reset it?", "Sorry for the wait. Hold the button.", False),
        ("Where is the sorry state of my order listed?", "Under Orders.", False),
        ("Do you ship to Iceland?", "Sorry, we don't ship there.", False),
        ("Is it free?", "I'm sorry, could you repeat that?", False),
        ("I'm sorry, where is it?", "No need to apologize! It is upstairs.", False),
        ("What did you write?", 'It said: "We apologize for the noise." That is all.', False),
        ("Is Sorry! in stock?", "Yes, Sorry! is on shelf two.", False),
        ("Is that right?", "I am sorry, that was our mistake.", False),
        ("Avez-vous ce sac ?", "Désolé pour l'attente. Oui.", False),
        ("Avez-vous ce sac ?", "Veuillez nous excuser pour ce désagrément. Oui.", True),
    ],
)
def test_an_apology_without_a_fault_is_needless(
    query: str, response: str, is_needless: bool
) -> None:
    assert has_needless_apology(query, response) is is_needless


def test_only_the_apologising_sentence_goes() -> None:
    response = "I am so sorry to hear that. Hold the button for ten seconds. It will blink."
    kept = without_apology(response, min_chars=10)
    assert kept == "Hold the button for ten seconds. It will blink."


@pytest.mark.parametrize(
    ("response", "kept"),
    [
        ("Sorry, hold the button for ten seconds.", "Hold the button for ten seconds."),
        ("We apologize, but to mute it you press red.", "To mute it you press red."),
        ("Sorry, we don't ship to Iceland yet.", "Sorry, we don't ship to Iceland yet."),
        ("Open the list, tap the arrow and choose, so sorry, the friend.",
         "Open the list, tap the arrow and choose, so sorry, the friend."),
    ],
)  # fmt: skip
def test_the_answer_stays_that_shares_a_sentence_with_an_apology(response: str, kept: str) -> None:
    assert without_apology(response, min_chars=10) == kept


def test_a_response_of_nothing_but_an_apology_stays() -> None:
    assert without_apology("We are so sorry.", min_chars=10) == "We are so sorry."


def test_sentences_joined_are_the_text() -> None:
    text = "One.  Two!\nthree\n\n4 (five?) six"
    assert "".join(sentences(text)) == text
    assert len(sentences(text)) > 3


@pytest.mark.parametrize(
    ("text", "is_shown"),
    [
        ("I understand how frustrating this is.", True),
        ("That must be annoying.", True),
        ("I understand that you want to change your plan.", False),
        ("Open Settings.", False),
    ],
)
def test_empathy_names_a_feeling(text: str, is_shown: bool) -> None:
    assert is_empathetic(text) is is_shown


def test_typographic_apostrophes_are_read() -> None:
    assert apologises("I\u2019m sorry, that is our mistake.")
