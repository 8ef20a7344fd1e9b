import pytest

from transforms.trim.attribution import is_attribution, is_bare_attribution, may_end_attribution

IN_A_PARAGRAPH = [
    "On 5/5/26 9:12 AM, Kim Toy wrote:",
    "On 2026/05/05 9:12, kim wrote:",
    "On Tue, May 05, 2026 at 09:12:33AM +0200, Kim Toy wrote:",
    "Le 05/05/2026 à 09:12, Georges du Toy a écrit :",
    "Il 05/05/2026 09:12, Kim Toy ha scritto:",
    "Em 05/05/2026 09:12, Kim Toy escreveu:",
    "El 05/05/2026 a las 09:12, Kim Toy escribió:",
    "Op 05-05-2026 om 09:12 schreef Kim Toy:",
    "Am Di, 05. Mai 2026, um 09:12 Uhr, schrieb Kim Toy:",
    "Den 2026-05-05 kl. 09:12, skrev Kim Toy:",
    "Dne 05. 05. 26 v 9:12 Kim Toy napsal(a):",
    "W dniu 05.05.2026 o 09:12, Kim Toy pisze:",
    "Kim Toy schrieb am Di., 5. Mai 2026 um 09:12 Uhr:",
    "toyshop schreef op 5 mei 2026 om 09:12:",
    "kim@example.com schrieb am 05.05.2026 um 09:12:",
    "Kim (Toys) kim@example.com schrieb am 05.05.2026 um 09:12:",
]
"""What programs write with a clock time or an address is known where no line end sets it off."""

BY_HAND = [
    "On 3 May 2026 at 10:00 your colleague Anna wrote:",
    "On 3 May 2026 at 10:00 I called, and Anna said:",
    "I wrote on 3 May 2026 at 10:00, your agent Anna answered:",
    "I wrote to support@example.com on 3 May 2026 at 10:00 and they said:",
    "Your colleague wrote on 3 May 2026 at 10:00:",
    "Am 03.05.2026 um 10:00 habe ich geschrieben:",
    "Ihr Kollege schrieb am 03.05.2026 um 10:00:",
    "Le 3 mai 2026 à 10:00, j'ai écrit :",
    "Il 3 maggio 2026 alle 10:00 ho scritto:",
    "Op 3 mei 2026 om 10:00 schreef ik:",
    "On Monday Anna wrote:",
    "The order of 3 May 2026, 10:00, contains:",
]


def says(text: str) -> bool:
    return may_end_attribution(text) and is_attribution(
        text, is_above_mark=False, is_paragraph=True
    )


@pytest.mark.parametrize("text", IN_A_PARAGRAPH)
def test_date_clock_and_name_make_an_attribution_wherever_it_stands(text: str) -> None:
    assert may_end_attribution(text)
    assert is_attribution(text, is_above_mark=False, is_paragraph=False)


@pytest.mark.parametrize("text", BY_HAND)
def test_who_describes_a_person_or_tells_of_himself_attributes_nothing(text: str) -> None:
    assert not says(text)


def test_a_date_without_clock_needs_a_paragraph_of_its_own() -> None:
    text = "On May 5, 2026 Kim Toy wrote:"
    assert is_attribution(text, is_above_mark=False, is_paragraph=True)
    assert not is_attribution(text, is_above_mark=False, is_paragraph=False)
    assert says("On May 5, 2026 you wrote:")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2026/5/5 Kim via Toys <kim@example.com>", True),
        ("5.5.2026 Kim (kim@example.com)", True),
        ("I paid on 2026/5/5 to <kim@example.com>", False),
        ("Kim Toy <kim@example.com>", False),
    ],
)
def test_date_and_address_above_a_mark_need_no_verb(text: str, is_one: bool) -> None:
    assert is_bare_attribution(text) is is_one
