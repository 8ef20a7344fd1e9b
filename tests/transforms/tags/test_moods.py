import json
from pathlib import Path

import pytest

from transforms.__main__ import main
from transforms.tags import mood_of
from transforms.tags.moods import mark_negations, mood

MOODS = Path(__file__).parent.parent / "moods.jsonl"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("not helpful at all", "negative"),
        ("It wasn't great.", "negative"),
        ("I'm not happy with it", "negative"),
        ("Not bad at all", "positive"),
        ("I couldn't be happier", "positive"),
        ("You were very helpful, thank you!", "positive"),
        ("Thanks for nothing", "negative"),
        ("Ich bin sehr enttäuscht.", "negative"),
        ("Muchas gracias", "positive"),
        ("Thanks in advance, where do I find the manual?", "neutral"),
        ("Do you repair broken umbrellas?", "neutral"),
        ("My kettle is broken.", "negative"),
        ("Is it below average?", "neutral"),
        ("", "neutral"),
    ],
)
def test_words_and_their_negation_make_the_mood(text: str, found: str) -> None:
    assert mood(text) == found


def test_a_negation_marks_what_it_denies() -> None:
    assert mark_negations("It was not very helpful.").split() == [
        "It",
        "was",
        "not",
        "notvery",
        "nothelpful",
        ".",
    ]


def test_a_word_that_no_list_has_is_judged_by_the_model_and_small_talk_is_neutral() -> None:
    assert mood("This is tragic.") == "neutral"
    assert mood_of(["This is tragic."]) == "negative"
    assert mood_of(["The code has six digits."]) == "neutral"
    assert mood_of([]) == "neutral"


def test_a_mood_tagger_is_trained_on_texts_that_the_words_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [
        ("That is awful", None),
        ("I love it", None),
        ("The blue one", None),
        ("Sigh", "negative"),
    ]
    file = tmp_path / "said.jsonl"
    file.write_text(
        "".join(json.dumps({"text": f"{t} {i}", "label": n}) + "\n" for t, n in said for i in "ab"),
    )
    out = tmp_path / "moods.npz"
    with_tag = ["--tag", "sentiment", "--json"]
    assert main(["tags", "evaluate", str(file), *with_tag]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert {row["label"]: row["count"] for row in scores["labels"]} == {
        "negative": 4, "neutral": 2, "positive": 2,
    }  # fmt: skip
    rows = "".join(
        json.dumps({"text": f"{w} thing number {c}"}) + "\n"
        for w in ("awful", "lovely", "blue")
        for c in (
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "apple",
            "pear",
        )
    )
    file.write_text(rows)
    assert main(["tags", "train", str(file), *with_tag, "--out", str(out)]) == 0
    assert out.exists()


def test_moods_of_every_round_and_kind_are_labelled() -> None:
    rows = [json.loads(line) for line in MOODS.read_text("utf-8").splitlines()]
    assert len(rows) >= 150
    kinds = {(row["round"], row["label"]) for row in rows}
    assert kinds == {(n, name) for n in (1, 2, 3) for name in ("negative", "neutral", "positive")}
