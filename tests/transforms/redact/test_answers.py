import pytest

from transforms.redact import Context, asked_for, bare, find_spans, redact
from transforms.redact.spans import replace_spans


def answered(question: str, answer: str) -> str:
    spans = find_spans(answer, Context(asked=asked_for(question)))
    return bare(replace_spans(answer, spans, [f"<{s.type}>" for s in spans]))


@pytest.mark.parametrize(
    ("question", "answer", "masked"),
    [
        ("What is the CVV on the back?", "381", "<CARD>"),
        ("The security code, please", "it's 381", "it's <CARD>"),
        ("Wie lautet die Prüfziffer?", "381", "<CARD>"),
        ("Die letzten vier Ziffern Ihrer Karte?", "4417", "<CARD>"),
        ("Les 4 derniers chiffres de votre carte ?", "4417", "<CARD>"),
        ("¿Los últimos cuatro dígitos de la tarjeta?", "4417", "<CARD>"),
        ("Le ultime quattro cifre della carta?", "4417", "<CARD>"),
        ("Os últimos quatro dígitos do cartão?", "4417", "<CARD>"),
        ("De laatste vier cijfers van uw kaart?", "4417", "<CARD>"),
        ("Your phone number please?", "555 0144", "<PHONE>"),
        ("Your phone number please?", "06 11 27 38", "<PHONE>"),
        ("Ihre Telefonnummer?", "0171-22 33 44", "<PHONE>"),
        ("Your account number?", "12 34 56 78", "<ACCOUNT>"),
        ("What is your email?", "toy_88 at gmail", "<EMAIL>"),
        ("What is your email?", "toyah at examplemail", "<EMAIL>"),
        ("Quel est votre courriel ?", "toyah88", "<EMAIL>"),
        ("Which password did you try?", "gl0bus!x", "<PASSWORD>"),
        ("Which password did you try?", "sonnenblume", "<PASSWORD>"),
        ("Welches Passwort?", "Blume77", "<PASSWORD>"),
        ("Votre mot de passe ?", "fleur77", "<PASSWORD>"),
        ("¿Qué contraseña usó?", "flor77", "<PASSWORD>"),
        ("Your username?", "toyfan", "<USERNAME>"),
        ("Ihr Benutzername bitte?", "toyfan_77", "<USERNAME>"),
        ("Votre identifiant ?", "toyfan.77", "<USERNAME>"),
        ("May I have your full name?", "Mark Hope", "<PERSON>"),
    ],
)
def test_what_a_question_asks_for_is_masked(question: str, answer: str, masked: str) -> None:
    assert answered(question, answer) == masked


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Have you reset your password?", "yes"),
        ("Have you reset your password?", "twice already"),
        ("Can you see the login page?", "loading"),
        ("Haben Sie Ihr Passwort geändert?", "vergessen"),
        ("Which password did you try?", "the one in the mail"),
        ("What is your email?", "it is on file"),
        ("What is your email?", "the same"),
        ("Your username?", "I forgot it, where is it?"),
        ("May I have your full name?", "Of Course"),
        ("How many cards do you want?", "12"),
    ],
)
def test_an_answer_that_gives_nothing_stays(question: str, answer: str) -> None:
    assert answered(question, answer) == answer


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("pw tulip22", "pw <PASSWORD>"),
        ("my password tulip!22 fails", "my password <PASSWORD> fails"),
        ("mein Passwort Tulpe22 geht nicht", "mein Passwort <PASSWORD> geht nicht"),
        ("mi clave tulipan22", "mi clave <PASSWORD>"),
        ("mot de passe tulipe22", "mot de passe <PASSWORD>"),
        ("06 11 27 38", "<NUMBER>"),
        ("555 0144", "<NUMBER>"),
    ],
)
def test_a_secret_beside_its_word_and_groups_of_digits_are_masked(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    ["password reset", "the password manager", "a password of 8 characters", "wifi password wpa2",
     "password 2nd time wrong", "password v2.1", "38 40 42 44", "12 345 678", "12 05 2018",
     "2018 05 12", "38 40", "15052018 180"],
)  # fmt: skip
def test_words_and_dates_in_these_places_stay(text: str) -> None:
    assert redact(text) == (text, {})


@pytest.mark.parametrize(
    "text", ["let me see, yorrick vandaloo", "it should be yorrick vandaloo i think",
             "hang on yorrick vandaloo mate"],
)  # fmt: skip
def test_a_name_between_words_of_thinking_is_an_answer(text: str) -> None:
    found = find_spans(text, Context(asked=frozenset({"PERSON"})))
    assert [text[s.start : s.end] for s in found] == ["yorrick vandaloo"]


@pytest.mark.parametrize("text", ["Sorted, thanks!", "resolved, cheers"])
def test_success_is_no_name_even_where_one_was_asked_for(text: str) -> None:
    assert find_spans(text, Context(asked=frozenset({"PERSON"}))) == []


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("And you are?", "PERSON"), ("What should I call you?", "PERSON"),
        ("Day and year of birth please.", "DOB"), ("I just need your member ID.", "ACCOUNT"),
        ("What number can I ring you on?", "PHONE"), ("Where should we send it?", "ADDRESS"),
        ("Kindly share your mail id.", "EMAIL"),
    ],
)  # fmt: skip
def test_what_a_question_asks_for(question: str, kind: str) -> None:
    assert kind in asked_for(question)


def test_a_bare_number_before_i_is_an_answer() -> None:
    assert [s.type for s in find_spans("4821 i think", Context())] == ["NUMBER"]
