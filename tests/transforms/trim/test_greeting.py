import pytest

from tests.transforms.trim.told import cut_text
from transforms.trim import trim


@pytest.mark.parametrize(
    "line",
    [
        "Dear Robin Toy,", "Hi there!", "Hello", "Good morning,", "Sehr geehrte Damen und Herren,",
        "Guten Tag Herr Toy,", "Bonjour,", "Madame, Monsieur,", "Hola Robin:", "Buenos días,",
        "Olá,", "Bom dia,", "Buongiorno,", "Gentile Robin Toy,", "Beste Robin,", "Goedemorgen,",
        "Hej Robin,", "Dzień dobry,", "Здравствуйте!", "您好，", "안녕하세요.",
        "To whom it may concern:",
    ],
)  # fmt: skip
def test_a_salutation_goes(line: str) -> None:
    found = trim(f"{line}\n\nit works.")
    assert found.text().strip() == "it works."
    assert cut_text(found, "greeting").strip() == line


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Hello, it works since Monday and I am glad.\nBye",
        "Dear me, the lamp is broken again and nobody answers.\nPlease help.",
        "Hi, is anybody there?\nPlease answer.",
        "It works.\nHello again",
    ],
)
def test_a_first_line_that_says_something_stays(text: str) -> None:
    assert trim(text).text() == text


@pytest.mark.parametrize("line", ["Robin,", "Honoured Captain/Pilot,", "Ahoj Toy,", "Sirs,"])
def test_names_alone_before_a_comma_are_a_salutation(line: str) -> None:
    assert trim(f"{line}\n\nit works.").text().strip() == "it works."


@pytest.mark.parametrize("text", ["Sadly,\n\nit broke.", "Robin,\nMia and I wait.\nPlease come."])
def test_an_adverb_or_a_list_of_names_is_no_salutation(text: str) -> None:
    assert trim(text).text() == text
