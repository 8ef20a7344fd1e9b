import random

import pytest

from ingest.simulate.mess import heard, stumbled, typed

TEXT = "Please tell me how to reset the Ember kettle because I really want to know your answer."


def test_rate_of_zero_changes_nothing() -> None:
    assert typed(TEXT, random.Random(1), rate=0) == TEXT
    assert heard(TEXT, random.Random(1), rate=0, is_formatted=True) == TEXT


@pytest.mark.parametrize("seed", range(40))
def test_kept_words_survive_the_worst_typing(seed: int) -> None:
    messy = typed(TEXT, random.Random(seed), rate=10, keep={"ember", "kettle"})
    assert "ember kettle" in messy.lower()


def test_typing_brings_typos_and_slang() -> None:
    messy = [typed(TEXT, random.Random(seed), rate=2) for seed in range(200)]
    assert len(set(messy)) > 100
    assert any("pls" in m.lower() for m in messy)
    assert any("cuz" in m.lower() for m in messy)


def test_raw_recogniser_writes_no_capitals_and_no_full_stops() -> None:
    said = heard("Mail me at Ada.B@example.com.", random.Random(1), rate=0, is_formatted=False)
    assert said == "mail me at ada.b at example dot com".replace("ada.b", "adab")


def test_recogniser_hears_fillers() -> None:
    said = " ".join(
        heard(TEXT, random.Random(seed), rate=1, is_formatted=True) for seed in range(50)
    )
    assert " uh " in said
    assert " um " in said


def test_a_stumbling_speaker_says_more_and_loses_no_end() -> None:
    said = [stumbled(TEXT, random.Random(seed), rate=1) for seed in range(200)]
    assert stumbled(TEXT, random.Random(1), rate=0) == TEXT
    assert all(s.endswith("answer.") or s.split()[-2] == "answer." for s in said if s != TEXT)
    assert any("no wait," in s for s in said)
    assert any("[inaudible]" in s for s in said)
    assert 0.2 < sum(s != TEXT for s in said) / len(said) < 0.8


def test_few_words_are_said_in_one_go() -> None:
    said = {stumbled("yes it is", random.Random(seed), rate=3) for seed in range(100)}
    assert not any("," in s for s in said)
