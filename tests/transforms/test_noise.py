import pytest

from deskwheel.records import NoiseReason, Role
from tests.transforms.pairs.test_mine import talk
from tests.transforms.resolution.test_estimate import ANSWERED, ASKED, said
from transforms.noise import is_advertisement, noise_reason
from transforms.pairs.mine import mine_pairs

BOT: tuple[Role, str] = ("bot", "Hi, I am the virtual assistant.")
AD = "Congratulations!!! You won a prize, click here to claim it: https://win.example/a"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([BOT, BOT], "no_customer"),
        ([("agent", "Hello?"), ("system", "closed")], "no_customer"),
        ([("customer", "👍"), ANSWERED], "no_customer"),
        ([ASKED], "no_answer"),
        ([("agent", "How can I help?"), ASKED], "no_answer"),
        ([BOT, ASKED, BOT], "bot_only"),
        ([("customer", AD), ANSWERED], "advertisement"),
        ([("customer", "https://win.example/a"), ANSWERED], "advertisement"),
        ([ASKED, ("customer", "https://shop.example/lamp"), ANSWERED], None),
        ([BOT, ASKED, ANSWERED], None),
    ],
)
def test_a_conversation_says_why_it_teaches_nothing(
    lines: list[tuple[Role, str]], reason: NoiseReason | None
) -> None:
    assert noise_reason(said(*lines)) == reason


@pytest.mark.parametrize(
    "text",
    [
        "Gratis iPhone gewonnen! Hier klicken: http://win.example",
        "Best SEO rankings, 5000 followers guaranteed. Visit www.win.example",
        "Earn $5000 weekly from home, join now 👉 https://win.example",
        "¡Felicidades! Has ganado un premio, haz clic: http://win.example",
    ],
)
def test_what_sells_by_a_link_is_an_advertisement(text: str) -> None:
    assert is_advertisement(text)


@pytest.mark.parametrize(
    "text",
    [
        "My discount does not work on https://shop.example/lamp",
        "I won a gift card, is https://win.example from you? It says claim now!!!",
        "Free shipping is missing, discount is gone!!! https://shop.example/lamp",
        "Congratulations, you won a prize, click here",
        "Order 12 at https://shop.example/lamp",
    ],
)
def test_a_concern_with_a_link_is_none(text: str) -> None:
    assert not is_advertisement(text)


def test_an_answer_that_is_no_turn_counts() -> None:
    assert noise_reason(said(ASKED), is_answer_known=True) is None


def test_noise_gives_no_example() -> None:
    assert mine_pairs(talk(ASKED, ANSWERED, noise="advertisement")) == []
    assert mine_pairs(talk(ASKED, ANSWERED)) != []
