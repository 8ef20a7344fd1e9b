import pytest

from transforms.redact import Context, find_spans, redact


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("My address is 4978 Lakeview Terrace, Fresno, CA 93721.", "My address is <ADDRESS>."),
        ("868 birch lane, denver, co 80202", "<ADDRESS>"),
        ("send it to 7504 taylor drive brooklyn ny 11238", "send it to <ADDRESS>"),
        ("Ich wohne Hauptstraße 5, 10115 Berlin", "Ich wohne <ADDRESS>"),
        ("livrez au 12 rue de la Paix", "livrez au <ADDRESS>"),
        ("vivo en Calle Mayor 3", "vivo en <ADDRESS>"),
        ("PO Box 1234", "<ADDRESS>"),
        ("greensburg pa 15601", "<ADDRESS>"),
    ],
)
def test_addresses_of_several_countries_are_found(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "I need help with 5 items in this place",
        "change my delivery address\n\nThe order number is ORD-250107.",
        "wait 30 minutes by the road",
        "2 way radio",
        "I am on the way",
        "ship it to me, order 12345 came broken",
    ],
)
def test_numbers_near_street_words_stay(text: str) -> None:
    assert redact(text) == (text, {})


def test_an_address_ends_with_its_town_and_not_within_it() -> None:
    assert redact("I live at 80 Juniper Street, Northvale.")[0] == "I live at <ADDRESS>."


def test_a_sentence_about_delivery_is_no_address() -> None:
    text = "Delivery to Toytown takes five days with Toy Courier and is 6 dollars."
    assert redact(text, Context(role="agent")) == (text, {})


def test_a_british_address_goes_with_its_town_and_postcode_in_small_letters() -> None:
    text = "address 14b toy road, kettleham kt1 2rr"
    found = [(s.type, text[s.start : s.end]) for s in find_spans(text, Context())]
    assert found == [("ADDRESS", "14b toy road, kettleham kt1 2rr")]
