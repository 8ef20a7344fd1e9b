"""Generation on the shipped demo base: the real model, so these tests take seconds."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.answering import Answerer, Job, LoadedVariant, fold
from deploy.application import Ask, Piece
from deskwheel.errors import AdapterError
from deskwheel.records import Variant
from deskwheel.settings import Settings
from tests.deploy.conftest import NOW
from train.files import base_location
from train.model import generate, load_base, load_tokenizer, save_adapter

pytestmark = pytest.mark.skipif(
    not Path(base_location("demo")).is_dir(), reason="the demo base is not built yet"
)

TEXTS = ["How do I cancel my order?", "Where is it?", "I want my money back for the blue shoes."]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of noise that drowns the base: whatever that says, this says something else."""
    peft = pytest.importorskip("peft")
    torch = pytest.importorskip("torch")
    torch.manual_seed(7)
    train = Settings().train
    config = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(load_base(train), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 3.0)
    directory = tmp_path_factory.mktemp("adapter")
    save_adapter(model, load_tokenizer(train), directory, base_model="demo")
    return directory


@pytest.fixture(scope="module", params=["merged", "shared"])
def answerer(request: pytest.FixtureRequest) -> Answerer:
    serve = replace(Settings().serve, max_new_tokens=16)
    if request.param == "shared":
        serve = replace(serve, merge_max_parameters=0)
    return Answerer(replace(Settings(), serve=serve))


def variant(kind: str, directory: Path | None = None, base: str = "demo") -> Variant:
    return Variant(
        name=f"toy-{kind}",
        pipeline="support",
        kind="adapter" if kind == "adapter" else "prompt",
        base_model=base,
        adapter_uri=None if directory is None else str(directory),
        run_id=None,
        role="challenger",
        share=0.5,
        since=NOW,
    )


def ask(voice: LoadedVariant, text: str, *, limit: int = 16, is_streamed: bool = False) -> Ask:
    prompt = voice.prompt([{"role": "user", "content": text}])
    return Ask(voice=voice, prompt=prompt, max_new_tokens=limit, is_streamed=is_streamed)


def answers(answerer: Answerer, asks: list[Ask]) -> list[list[Piece]]:
    pieces: list[list[Piece]] = [[] for _ in asks]
    answerer.generate([Job(ask=a, emit=p.append) for a, p in zip(asks, pieces, strict=True)])
    return pieces


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def test_a_mixed_batch_answers_each_as_its_own_variant_was_evaluated(
    answerer: Answerer, adapter: Path
) -> None:
    bot, tuned = answerer.load(variant("prompt")), answerer.load(variant("adapter", adapter))
    asks = [ask(v, t) for t in TEXTS for v in (bot, tuned)]
    served = [text_of(p) for p in answers(answerer, asks)]
    alone = [text_of(p) for a in asks for p in answers(answerer, [a])]
    assert served == alone
    train = Settings().train
    bare = load_base(train)
    prompts = [a.prompt.text for a in asks[::2]]
    assert served[::2] == generate(load_tokenizer(train), bare, prompts, max_new_tokens=16)
    assert all(a != b for a, b in zip(served[::2], served[1::2], strict=True))


def test_streamed_pieces_make_up_the_whole_answer(answerer: Answerer) -> None:
    bot = answerer.load(variant("prompt"))
    whole, streamed = answers(answerer, [ask(bot, TEXTS[0]), ask(bot, TEXTS[0], is_streamed=True)])
    assert len(whole) == 1
    assert len(streamed) > 3
    assert text_of(streamed) == text_of(whole)
    assert streamed[-1].tokens == whole[-1].tokens
    assert [p.finish_reason for p in streamed[:-1]] == [None] * (len(streamed) - 1)


def test_each_row_of_a_batch_keeps_its_own_limit(answerer: Answerer) -> None:
    bot = answerer.load(variant("prompt"))
    short, long = answers(answerer, [ask(bot, TEXTS[0], limit=3), ask(bot, TEXTS[0], limit=12)])
    assert (short[-1].tokens, short[-1].finish_reason) == (3, "length")
    assert long[-1].tokens > 3
    assert text_of(long).startswith(text_of(short))


def test_an_adapter_of_another_base_is_refused(answerer: Answerer, adapter: Path) -> None:
    with pytest.raises(AdapterError, match="made for base 'other'"):
        answerer.load(variant("adapter", adapter, base="other"))


@pytest.mark.parametrize("uri", [None, "/nowhere/at/all", "s3://bucket/adapter"])
def test_an_adapter_that_is_not_there_is_refused(answerer: Answerer, uri: str | None) -> None:
    with pytest.raises(AdapterError, match="toy-adapter"):
        answerer.load(replace(variant("adapter"), adapter_uri=uri))


def test_one_message_stays_as_it_is() -> None:
    assert fold([{"role": "user", "content": "hi"}]) == [{"role": "user", "content": "hi"}]


def test_a_conversation_is_folded_as_training_examples_are() -> None:
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "which?"},
        {"role": "user", "content": "two"},
    ]
    assert fold(messages) == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "agent: which?\none\ntwo"},
    ]
