import json
from pathlib import Path

import numpy as np
import pytest

from deskwheel.errors import SetupError
from tests.transforms.resolution.test_estimate import said
from transforms.__main__ import main
from transforms.tags import OTHER, category, need_of, sentiment
from transforms.tags.features import SIZE, features, words_of
from transforms.tags.labelled import evaluate, read_texts, split_off
from transforms.tags.linear import load, train
from transforms.tags.words import KEYWORDS, weak_category

TOYS = ["feed the cat", "the cat sleeps", "walk the dog", "the dog barks"] * 3
PETS = ["CAT", "CAT", "DOG", "DOG"] * 3


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I forgot my password and cannot sign in", "ACCOUNT"),
        ("what is the early termination fee", "CANCELLATION_FEE"),
        ("can I talk to a real person please", "CONTACT"),
        ("how long does the delivery take", "DELIVERY"),
        ("I would like to leave a review of your service", "FEEDBACK"),
        ("could you send me last month's invoice", "INVOICE"),
        ("how do I unsubscribe from the newsletter", "NEWSLETTER"),
        ("please cancel order 55501", "ORDER"),
        ("which credit cards do you accept as payment methods", "PAYMENT"),
        ("when will I get my money back, where is my refund", "REFUND"),
        ("I moved, change my delivery address", "SHIPPING_ADDRESS"),
        ("how long is the warranty of my kettle", "WARRANTY"),
    ],
)
def test_need_decides_the_category(text: str, name: str) -> None:
    assert category(said(("customer", text))) == name


def test_agents_words_and_empty_talk_decide_nothing() -> None:
    assert category(said(("customer", "12345"), ("agent", "A refund? A refund!"))) == OTHER
    assert category([]) == OTHER


def test_who_is_asked_for_does_not_change_the_category() -> None:
    plain, stated = "where is my refund", "where is my refund My account number is <ACCOUNT_1>."
    assert words_of(plain) == words_of(stated)
    assert category(said(("customer", stated))) == category(said(("customer", plain))) == "REFUND"


def test_need_is_what_was_asked_for_first() -> None:
    lines = said(
        ("customer", "Hello"),
        ("customer", "My kettle beeps."),
        ("agent", "Which one is it?"),
        ("customer", "The blue one."),
    )
    assert need_of(lines) == "My kettle beeps."


def test_what_is_asked_after_thanks_is_another_need() -> None:
    lines = said(
        ("customer", "My kettle beeps."),
        ("agent", "Hold the button for ten seconds until it blinks."),
        ("customer", "That worked, thanks."),
        ("customer", "One more thing: where is my invoice?"),
    )
    assert need_of(lines) == "My kettle beeps."


def test_words_that_name_somebody_s_data_are_no_part_of_the_need() -> None:
    need = "how do I return a lamp that is too bright"
    assert words_of(f"{need} my bank details: <IBAN_1>") == words_of(need)
    assert "lamp" in words_of("the lamp <PHONE_1>")


def test_features_are_the_same_on_every_machine() -> None:
    found = features("Feed the cat")
    assert features("feed THE cat 99 <PERSON_1>") == found
    assert max(found) < SIZE
    assert sum(v * v for v in found.values()) == pytest.approx(1)
    assert min(found) == 3284


def test_trained_tagger_knows_what_it_was_told_and_survives_its_file(tmp_path: Path) -> None:
    tagger = train(TOYS, PETS)
    tagger.save(tmp_path / "pets.npz")
    again = load(tmp_path / "pets.npz")
    for text, label in (("a cat", "CAT"), ("my dog barks", "DOG")):
        assert tagger.best(text)[0] == again.best(text)[0] == label
    assert sum(again.probabilities("a cat").values()) == pytest.approx(1)
    assert category(said(("customer", "my dog")), str(tmp_path / "pets.npz")) == "DOG"


def test_text_without_words_is_uniform() -> None:
    assert train(TOYS, PETS).probabilities("12 34") == {"CAT": 0.5, "DOG": 0.5}


def test_a_file_of_another_feature_space_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "odd.npz", labels=np.array(["a"]), weights=np.ones((1, 3)), bias=[0.0])
    with pytest.raises(SetupError, match=r"odd\.npz: no tag model"):
        load(tmp_path / "odd.npz")


def test_one_label_cannot_be_learnt() -> None:
    with pytest.raises(SetupError, match="two at least"):
        train(["a", "b"], ["X", "X"])


@pytest.mark.parametrize("name", sorted(KEYWORDS))
def test_every_keyword_category_can_be_named(name: str) -> None:
    words = {"CANCELLATION_FEE": "penalty", "SETUP": "wifi", "CONTACT": "human"}
    word = words.get(name, name.replace("_", " ").lower())
    assert weak_category(f"about the {word}") == name


@pytest.mark.parametrize("text", ["blue", "a refund of my invoice"])
def test_no_words_or_level_words_are_no_weak_label(text: str) -> None:
    assert weak_category(text) is None


def test_rows_without_a_label_are_labelled_by_their_words(tmp_path: Path) -> None:
    rows = [{"q": "a", "c": "X"}, {"q": "my invoice"}, {"q": "blue"}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert read_texts([tmp_path / "t.jsonl"], text="q", label="c") == (
        ["a", "my invoice"],
        ["X", "INVOICE"],
    )


def test_a_text_may_hold_what_python_takes_for_a_line_end(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"q": "a\u2028b\u0085c", "c": "X"}\n\n', encoding="utf-8")
    assert read_texts([tmp_path / "t.jsonl"], text="q", label="c") == (["a\u2028b\u0085c"], ["X"])


def test_row_without_a_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"x": 1}\n')
    with pytest.raises(SetupError, match=r"t\.jsonl:1"):
        read_texts([tmp_path / "t.jsonl"], text="q", label="c")


def test_texts_of_the_same_words_are_on_the_same_side() -> None:
    texts = [f"order {i}" for i in range(50)] + [f"word{chr(97 + i)}" for i in range(26)]
    seen, held_out = split_off(texts, share=0.5)
    assert sorted([*seen, *held_out]) == list(range(len(texts)))
    assert held_out
    sides = {i in held_out for i in range(50)}
    assert len(sides) == 1


def test_scores_by_hand() -> None:
    scores = evaluate(train(TOYS, PETS), ["cat", "cat", "dog", "cat"], ["CAT", "CAT", "DOG", "DOG"])
    assert scores.accuracy == 0.75
    assert (scores.majority_label, scores.majority_accuracy) == ("CAT", 0.5)
    cat, dog = scores.labels
    assert (cat.precision, cat.recall) == (pytest.approx(2 / 3), 1.0)
    assert (dog.precision, dog.recall) == (1.0, 0.5)
    assert scores.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)


def test_train_verb_writes_a_tagger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"text": f"{t} {chr(97 + i % 26)}{chr(97 + i // 26)}", "label": p}
        for i, (t, p) in enumerate(zip(TOYS * 10, PETS * 10, strict=True))
    ]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    arguments = ["tags", "train", str(tmp_path / "t.jsonl"), "--out", str(tmp_path / "o.npz")]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.9
    assert load(tmp_path / "o.npz").labels == ("CAT", "DOG")


@pytest.mark.parametrize(
    ("texts", "mood"),
    [
        (["Thank you, great."], "positive"),
        (["This is ridiculous."], "negative"),
        (["Thank you, but this is useless."], "negative"),
        (["My lamp is blue."], "neutral"),
        ([], "neutral"),
        (["awful", "a", "b", "thanks"], "positive"),
    ],
)
def test_the_last_words_set_the_mood(texts: list[str], mood: str) -> None:
    assert sentiment(said(*[("customer", t) for t in texts])) == mood
