import time

import pytest

from transforms.acts.setbacks import is_setback


@pytest.mark.parametrize(
    "said",
    [
        "nothing happens when i press it",
        "the fault remains",
        "the warning keeps coming",
        "unfortunately the lamp is dark",
        "es leuchtet nicht",
        "rien ne bouge",
        "no enciende",
        "a luz n\u00e3o acende",
        "non si accende",
        "hij brandt niet",
        "why was my case closed",
        "it shows an error",
        "you got that wrong",
    ],
)
def test_a_denial_or_what_goes_on_is_a_setback(said: str) -> None:
    assert is_setback(said, is_content=False)


@pytest.mark.parametrize(
    "said",
    [
        "no problem at all",
        "nothing else, bye",
        "i couldn't be happier",
        "i didn't know that",
        "no, that's it",
        "kein problem",
        "can't complain",
        "where is the switch that is not in the picture?",
        "the lamp is bright",
    ],
)
def test_a_harmless_denial_is_none(said: str) -> None:
    assert not is_setback(said, is_content=False)


def test_beside_thanks_a_denial_has_to_turn_against_them() -> None:
    assert is_setback("thanks, but it won't switch on", is_content=True)
    assert is_setback("merci, mais rien ne change", is_content=True)
    assert not is_setback("thanks, i had never seen that switch", is_content=True)


def test_a_long_hostile_turn_costs_little() -> None:
    started = time.process_time()
    is_setback("problem keeps " * 20_000, is_content=False)
    assert time.process_time() - started < 2
