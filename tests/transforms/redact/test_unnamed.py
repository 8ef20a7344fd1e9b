"""Names that nobody introduces: alone in a message, before a number, by capital and place."""

import pytest

from transforms.redact import Context, redact
from transforms.redact.likeness import name_likeness


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("harthika", "<PERSON>"),
        ("kavita ramanan", "<PERSON>"),
        ("robin 2541", "<PERSON> <NUMBER>"),
        ("hai charlie", "hai <PERSON>"),
        ("Thanks, Xiomara!", "Thanks, <PERSON>!"),
        ("Hi Zbyszko,\nit broke", "Hi <PERSON>,\nit broke"),
        ("my daughter Oksana waits", "my daughter <PERSON> waits"),
        ("I spoke to Hendrika Johnson today", "I spoke to <PERSON> today"),
        ("It was Hernandez who called", "It was <PERSON> who called"),
        ("Mr. Manning called", "<PERSON> called"),
        ("signed Keira E. Forster here", "signed <PERSON> here"),
    ],
)
def test_a_name_is_found_by_its_place(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


def test_the_line_above_an_address_is_a_name() -> None:
    text = "Send it to\n\nZbyszko Querty\nToy Road 12\n94107 Toytown"
    assert "Zbyszko" not in redact(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "mozzarella", "toyota", "california", "refund", "crv", "corolla 2015", "kij 561253765",
        "Thanks, Amazon!", "Hi Everyone,", "Toy, Hernandez and Brown", "the Johnson router",
        "Johnson Controls", "Vitamin C Serum", "Galaxy Tab", "Model Querty",
        "Toy Trading Ltd\nMain hall\nred", "ok thanks",
    ],
)  # fmt: skip
def test_things_and_firms_in_the_same_places_stay(text: str) -> None:
    assert "PERSON" not in redact(text)[1]


def test_an_agent_s_message_of_one_word_is_no_name() -> None:
    assert redact("harthika", Context(role="agent"))[0] == "harthika"


def test_names_are_more_like_names_than_words_are() -> None:
    assert name_likeness("karthiga") > 0.25 > name_likeness("shipment")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://shop.example/o/12?email=robin%40mail.example&size=2.",
         "https://shop.example/o/12?email=<EMAIL>&size=2."),
        ("https://u:secret@shop.example/x", "https://<PASSWORD>@shop.example/x"),
        ("https://shop.example/reset?token=abc123&lang=de", "https://shop.example/reset?token="
         "<PASSWORD>&lang=de"),
        ("https://shop.example/u/robin%40mail.example/x?uid=77", "https://shop.example/u/<EMAIL>/x"
         "?uid=<ACCOUNT>"),
        ("https://shop.example/lamp?size=2&color=red", "https://shop.example/lamp?size=2&color=red"),
        ("https://shop.example/?email=help@acme.example", "https://shop.example/?email="
         "help@acme.example"),
    ],
)  # fmt: skip
def test_a_link_loses_who_somebody_is_and_keeps_the_rest(text: str, masked: str) -> None:
    assert redact(text, Context(company_domains=("acme.example",)))[0] == masked
