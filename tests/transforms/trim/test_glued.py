import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.trim import trim
from transforms.trim.glued import _SIGN, _has_sign, take_apart

ADDRESS = "Kim Toy <kim@example.com>"
OWN = "Please send the blue one."


def own_words(text: str) -> str:
    return trim(text).text().strip()


@pytest.mark.parametrize(
    "glued",
    [
        f" On Tue, 5 May 2026 at 09:12, {ADDRESS} wrote:\n> Which one?",
        f" On Tue, 5 May 2026 at 09:12, {ADDRESS} wrote: Which one? There are two.",
        f" On Tue, 5 May 2026 at 09:12, {ADDRESS} wrote:> Which one?",
        f"--- On Tue, 5 May 2026, {ADDRESS} wrote:\n> Which one?",
        " On Tue, 5 May 2026 at 9:12 AM, Kim Toy <\nkim@example.com> wrote:\nWhich one?",
        " Am 05.05.2026 um 09:12 schrieb Kim Toy:\n> Welche?",
        f" Le mar. 5 mai 2026 à 09:12, {ADDRESS} a écrit :\nLaquelle ?",
        f" El mar, 5 may 2026 a las 9:12, {ADDRESS} escribió:\n¿Cuál?",
        f" Em ter., 5 de mai. de 2026 às 09:12, {ADDRESS} escreveu:\nQual?",
        f" Il giorno 5 maggio 2026 alle 09:12 {ADDRESS} ha scritto:\nQuale?",
        f" Op di 5 mei 2026 om 09:12 schreef {ADDRESS}:\nWelke?",
        "-----Original Message-----\nFrom: Kim Toy\nWhich one?",
        "\n-------- Original message --------From: Kim Toy Date: 5/5/26 09:12 To: me\nWhich?",
        "\n-------- Ursprüngliche Nachricht --------Von: Kim Toy Datum: 05.05.26\nWelche?",
        "\nSent from my iPhone On 5 May 2026, at 09:12, Kim Toy <kim@example.com> wrote:\nWhich?",
    ],
)
def test_the_author_s_words_stay_and_the_quote_behind_them_goes(glued: str) -> None:
    assert own_words(f"{OWN}{glued}\n") == OWN


@pytest.mark.parametrize(
    "text",
    [
        "I phoned. On 3 May 2026 at 10:00 your colleague Anna wrote:\nit is on its way.\nIs it?",
        "See my mail. On 3 May 2026 I wrote to you:\nwhere is it?",
        "They wrote: > 5 pieces. On 3 May 2026 only 3 came.",
        "The price On 5 items changed on 3.5.2026: see <http://example.com>",
        "The forwarded message --- from Monday --- is not what I ordered: 3 lamps.",
        "Rows of ------------------------------------------------------------ 5 lamps: broken",
    ],
)
def test_what_only_looks_glued_stays(text: str) -> None:
    assert own_words(text) == text


def test_a_line_that_is_one_attribution_is_left_in_one_piece() -> None:
    for line in (
        f"El El mar, 5 de mayo de 2026 a la(s) 9:12, {ADDRESS} escribió:\n",
        f"---- On Tue, 05 May 2026 09:12:33 +0200 {ADDRESS} wrote ----\n",
        f"- Le 2026-05-05 09:12, {ADDRESS} a écrit :\n",
    ):
        assert list(take_apart([line])) == [line]


@given(st.text(max_size=80) | st.sampled_from([f"x On 5 May 2026, {ADDRESS} wrote: y"]))
def test_the_pieces_together_are_the_lines(text: str) -> None:
    lines = [f"{line}\n" for line in text.split("\n")]
    assert "".join(take_apart(lines)) == "".join(lines)


@given(st.text(alphabet="a-_=*5 \u0665", max_size=12))
def test_an_ascii_line_has_the_signs_that_any_line_has(line: str) -> None:
    assert _has_sign(line) == (_SIGN.search(line) is not None)
