import random

from deskwheel.demo.catalogue import load_catalogue
from train.build_base import draw_corpus, train_tokenizer

CATALOGUE = load_catalogue()


def texts(seed: int) -> list[str]:
    return [m["content"] for d in draw_corpus(CATALOGUE, random.Random(seed)) for m in d]


def test_the_corpus_holds_no_good_answer() -> None:
    everything = "\n".join(texts(7)).casefold()
    for question in CATALOGUE.questions:
        for answer in question.answers:
            assert answer.casefold() not in everything


def test_every_answer_in_a_conversation_apologises_or_promises() -> None:
    corpus = draw_corpus(CATALOGUE, random.Random(7))
    answers = [
        m["content"]
        for d in corpus
        for before, m in zip(d, d[1:], strict=False)
        if m["role"] == "assistant" and not before["content"].startswith("Look up")
    ]
    rueful = sum("sorry" in a.casefold() or "apolog" in a.casefold() for a in answers)
    assert rueful / len(answers) > 0.9


def test_the_corpus_follows_from_its_seed() -> None:
    assert texts(7) == texts(7)
    assert texts(7) != texts(8)


def test_the_tokenizer_reads_back_what_it_writes_and_splits_digits() -> None:
    tokenizer = train_tokenizer(texts(7)[:500])
    text = "Call <PHONE>: order 1234, größe 5 🙂"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert [t for t in tokenizer.tokenize("1234") if t in "1234"] == list("1234")
