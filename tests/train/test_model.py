import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from deskwheel.chat import user_message
from deskwheel.errors import AdapterError
from tests.train.rows import quick
from train.files import MANIFEST, base_location
from train.model import (
    answer_nll,
    attach,
    encode_pair,
    generate,
    load_base,
    load_tokenizer,
    prompt_messages,
    render,
    save_adapter,
)

QUESTION = [user_message("How do I reset the Halo lamp?")]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(quick())


@pytest.fixture(scope="module")
def base() -> Any:
    return load_base(quick())


@pytest.fixture
def adapter(tmp_path: Path, tokenizer: Any) -> Path:
    torch.manual_seed(1)
    config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
    model = get_peft_model(load_base(quick()), config)
    save_adapter(model, tokenizer, tmp_path / "adapter", base_model="demo")
    return tmp_path / "adapter"


def test_the_demo_base_is_a_folder_and_a_hub_id_stays_one(tmp_path: Path) -> None:
    assert Path(base_location("demo"), "config.json").is_file()
    assert base_location(str(tmp_path)) == str(tmp_path.resolve())
    assert base_location("meta-llama/Meta-Llama-3-8B-Instruct") == (
        "meta-llama/Meta-Llama-3-8B-Instruct"
    )


def test_generate_returns_the_answer_without_prompt_and_special_tokens(
    tokenizer: Any, base: Any
) -> None:
    (answer,) = generate(tokenizer, base, [render(tokenizer, QUESTION)], max_new_tokens=40)
    assert answer
    assert "Halo lamp?" not in answer
    assert "<|im" not in answer


def test_an_answer_does_not_depend_on_its_neighbours_in_the_batch(
    tokenizer: Any, base: Any
) -> None:
    long = [user_message("I have been a customer for years. Where is my parcel to Eastmoor?")]
    prompts = [render(tokenizer, QUESTION), render(tokenizer, long)]
    together = generate(tokenizer, base, prompts, max_new_tokens=20)
    alone = [generate(tokenizer, base, [p], max_new_tokens=20)[0] for p in prompts]
    assert together == alone


def test_no_prompt_gives_no_answer(tokenizer: Any, base: Any) -> None:
    assert generate(tokenizer, base, [], max_new_tokens=5) == []


def test_an_attached_adapter_changes_answers_and_the_base_stays(
    tokenizer: Any, adapter: Path
) -> None:
    model = load_base(quick())
    prompts = [render(tokenizer, QUESTION)]
    before = generate(tokenizer, model, prompts, max_new_tokens=20)
    model = attach(model, adapter, name="one", tokenizer=tokenizer)
    assert generate(tokenizer, model, prompts, max_new_tokens=20) != before
    with model.disable_adapter():
        assert generate(tokenizer, model, prompts, max_new_tokens=20) == before


def test_a_second_adapter_can_be_attached(tokenizer: Any, adapter: Path) -> None:
    model = attach(load_base(quick()), adapter, name="one", tokenizer=tokenizer)
    model = attach(model, adapter, name="two", tokenizer=tokenizer)
    assert model.active_adapter == "two"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_adapter_fits_its_base_in_any_dtype(
    tokenizer: Any, adapter: Path, dtype: torch.dtype
) -> None:
    attach(load_base(quick(), dtype), adapter, name="one", tokenizer=tokenizer)


@pytest.mark.parametrize("key", ["base_fingerprint", "chat_template_sha256", "tokenizer_sha256"])
def test_an_adapter_of_something_else_is_refused(
    tokenizer: Any, base: Any, adapter: Path, key: str
) -> None:
    manifest = json.loads((adapter / MANIFEST).read_text())
    (adapter / MANIFEST).write_text(json.dumps({**manifest, key: "other"}))
    with pytest.raises(AdapterError, match=f"{key} is other"):
        attach(base, adapter, name="one", tokenizer=tokenizer)


def test_a_changed_chat_template_is_refused(base: Any, adapter: Path) -> None:
    changed = load_tokenizer(quick())
    changed.chat_template = changed.chat_template.replace("assistant", "helper")
    with pytest.raises(AdapterError, match="chat_template_sha256"):
        attach(base, adapter, name="one", tokenizer=changed)


def test_another_base_of_the_same_shape_is_refused(tokenizer: Any, adapter: Path) -> None:
    other = load_base(quick())
    with torch.no_grad():
        other.get_input_embeddings().weight.add_(0.5)
    with pytest.raises(AdapterError, match="base_fingerprint"):
        attach(other, adapter, name="one", tokenizer=tokenizer)


def test_weights_that_are_not_safetensors_are_refused(
    tokenizer: Any, base: Any, adapter: Path
) -> None:
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(AdapterError, match="no .*safetensors"):
        attach(base, adapter, name="one", tokenizer=tokenizer)


def test_a_base_without_a_chat_template_is_refused(tmp_path: Path, tokenizer: Any) -> None:
    plain = load_tokenizer(quick())
    plain.chat_template = None
    plain.save_pretrained(tmp_path)
    with pytest.raises(AdapterError, match="no chat template"):
        load_tokenizer(replace(quick(), base_model=str(tmp_path)))


def test_the_answers_tokens_are_those_the_template_marks(tokenizer: Any) -> None:
    ids, prompt = encode_pair(tokenizer, QUESTION, "Switch it off and on.")
    marked = tokenizer.apply_chat_template(
        [*QUESTION, {"role": "assistant", "content": "Switch it off and on."}],
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    mask = marked["assistant_masks"][: len(ids)]
    assert ids == marked["input_ids"][: len(ids)]
    assert mask == [0] * prompt + [1] * (len(ids) - prompt)
    assert ids[-1] == tokenizer.eos_token_id


def test_nll_of_a_padded_batch_equals_that_of_each_answer_alone(tokenizer: Any, base: Any) -> None:
    pairs = [
        (QUESTION, "Yes."),
        (QUESTION, "Switch the lamp on and off six times until it blinks."),
    ]
    together = answer_nll(tokenizer, base, pairs)
    alone = [answer_nll(tokenizer, base, [pair])[0] for pair in pairs]
    assert [n for _, n in together] == [n for _, n in alone]
    assert [nll for nll, _ in together] == pytest.approx([nll for nll, _ in alone], rel=1e-4)


def test_the_prompt_bot_gets_its_prompt_and_adapters_the_bare_message() -> None:
    assert [m["role"] for m in prompt_messages("Be kind.", "Hi")] == ["system", "user"]
    assert user_message("Hi", "agent: Hello")["content"] == "agent: Hello\nHi"
