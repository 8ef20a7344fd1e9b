import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.toys import chat, turns
from transforms.clean.links import tidy_links, without_links

SHOP = "https://shop.example/lamp"


@pytest.mark.parametrize(
    ("before", "after", "done"),
    [
        (f"{SHOP}?utm_source=a&size=2&UTM_Medium=b#top", f"{SHOP}?size=2#top", (2, 0)),
        (f"({SHOP}?fbclid=x).", f"({SHOP}).", (1, 0)),
        (f"{SHOP}?gclid=1&amp;page=2", f"{SHOP}?page=2", (1, 0)),
        (f"{SHOP}?_hsenc=1&mc_eid=2&mkt_tok=3&_ga=4", SHOP, (4, 0)),
        (f"{SHOP}?size=2&color=red", f"{SHOP}?size=2&color=red", (0, 0)),
        ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fshop.example%2Flamp"
         "%3Futm_source%3Dx&data=05%7C01&reserved=0", SHOP, (1, 1)),
        ("https://urldefense.proofpoint.com/v2/url?u=https-3A__shop.example_lamp&d=DwMF", SHOP,
         (0, 1)),
        ("https://urldefense.com/v3/__https://shop.example/a*b__;Iw!!x!y$",
         "https://shop.example/a#b", (0, 1)),
        ("https://urldefense.com/v3/__https:/shop.example/lamp__;!!x", SHOP, (0, 1)),
        ("https://click.mail.example/r?url=https%3A%2F%2Fshop.example%2Flamp", SHOP, (0, 1)),
        ("https://www.google.com/url?q=https://shop.example/lamp&sa=D", SHOP, (0, 1)),
        ("https://secure-web.cisco.com/1abc/https%3A%2F%2Fshop.example%2Flamp", SHOP, (0, 1)),
        ("https://click.mail.example/?qs=1234", "https://click.mail.example/?qs=1234", (0, 0)),
        ("https://login.shop.example/?redirect=https://shop.example/me",
         "https://login.shop.example/?redirect=https://shop.example/me", (0, 0)),
        ("https://click.mail.example/r?url=javascript%3Aalert", "https://click.mail.example/r?url="
         "javascript%3Aalert", (0, 0)),
        ("https://click.mail.example/r?url=https%3A%2F%2Fa.example%0Ab", "https://click.mail.example"
         "/r?url=https%3A%2F%2Fa.example%0Ab", (0, 0)),
        ("no link at all", "no link at all", (0, 0)),
    ],
)  # fmt: skip
def test_a_link_keeps_where_it_leads(before: str, after: str, done: tuple[int, int]) -> None:
    text, counts = tidy_links(before)
    assert text == after
    assert (counts.get("link_parameter", 0), counts.get("link_unwrapped", 0)) == done


@given(st.text(alphabet="abc:/?&=#%utm_. -\n()", max_size=80))
def test_nothing_but_links_is_touched_and_no_line_is_added(text: str) -> None:
    tidied, _ = tidy_links(text)
    assert tidied.count("\n") == text.count("\n")
    assert without_links(tidied) == without_links(text)
    assert tidy_links(tidied)[0] == tidied


def test_the_turn_counts_what_was_done_to_its_links() -> None:
    (row,) = turns(chat(text=f"see {SHOP}?utm_source=mail"))
    assert (row.text, row.notes) == (f"see {SHOP}", {"link_parameter": 1})
