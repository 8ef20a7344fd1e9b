import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import DeskwheelError
from deskwheel.settings import TrainSettings
from tests.train.bases.toys import PLAN, save_base, toy_texts
from tests.train.rows import quick
from train.bases.child import Order, measure, read_order
from train.bases.tune import recipe_for, tune

TEXTS = toy_texts(train=10)


def order(base: Path) -> Order:
    return Order(
        train=quick(base_model=str(base), engine="fast"),
        is_local=True,
        plan=PLAN,
        rows={"train": list(TEXTS.train), "dev": list(TEXTS.dev), "test": list(TEXTS.test)},
        tags=TEXTS.tags,
    )


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = {"doing": [], "tuned": []}

    def say(message: dict[str, Any]) -> None:
        if "doing" in message:
            found["doing"].append(message["doing"])
        elif message["part"] == "tuned":
            found["tuned"].append(message["value"])
        else:
            found[message["part"]] = message["value"]

    measure(order(save_base(tmp_path_factory.mktemp("toy"))), say)
    return found


def test_a_candidate_is_described_before_it_is_loaded(said: dict[str, Any]) -> None:
    facts = said["facts"]
    assert facts["context_tokens"] == 256
    assert facts["has_chat_template"]
    assert facts["stored_dtype"] == "float32"
    assert 0 < facts["tokens_per_1000_characters"] <= 1000
    assert said["tag_rates"] == {"category SETUP": facts["tokens_per_1000_characters"]}
    assert said["doing"][0] == "tokenizer"


def test_a_candidate_is_measured_untuned(said: dict[str, Any]) -> None:
    assert said["model"]["parameters"] > 1000
    assert len(said["zero_shot"]) == len(said["few_shot"]["nll"]) == len(TEXTS.test)
    assert said["few_shot"]["shots"] == PLAN.shots
    assert set(said["scores"]) == {"rouge_l", "token_f1"}
    assert 0 < said["speed"]["token_s"]["p50"] <= said["speed"]["token_s"]["p95"]
    assert said["speed"]["peak_bytes"] > 10**7


def test_a_candidate_is_tuned_at_each_size(said: dict[str, Any]) -> None:
    assert [p["examples"] for p in said["tuned"]] == list(PLAN.sizes)
    assert all(len(p["nll"]) == len(TEXTS.test) for p in said["tuned"])
    assert all(1 <= p["step"] <= PLAN.steps for p in said["tuned"])
    assert "fine-tune on 10 examples, 2 steps" in said["doing"]


def test_tuning_teaches_what_the_examples_say(tmp_path: Path) -> None:
    settings = replace(quick(base_model="demo", engine="fast"), lr=5e-3)
    rows = list(TEXTS.train)
    nll = [
        sum(tune(rows, recipe_for("llama", settings, steps=n), dev=(), test=TEXTS.test)["nll"])
        for n in (1, 12)
    ]
    assert nll[1] < 0.7 * nll[0]


def test_the_best_step_on_dev_is_measured() -> None:
    settings = replace(quick(base_model="demo", engine="fast"), lr=5e-3)
    recipe = recipe_for("llama", settings, steps=6)
    point = tune(TEXTS.train, recipe, dev=TEXTS.dev, test=TEXTS.test)
    assert point["step"] in (2, 4, 6)


def test_an_engine_that_does_not_know_a_base_gives_way() -> None:
    settings = TrainSettings(engine="fast", base_sha256="0" * 64)
    assert recipe_for("llama", settings, steps=9).engine == "fast"
    other = recipe_for("qwen2", settings, steps=9)
    assert (other.engine, other.steps, other.checkpoint_steps, other.base_sha256) == (
        "sft", 9, 3, "",
    )  # fmt: skip


def test_a_candidate_without_a_template_keeps_its_facts(tmp_path: Path) -> None:
    folder = save_base(tmp_path / "toy")
    (folder / "chat_template.jinja").unlink()
    parts: list[str] = []
    with pytest.raises(DeskwheelError, match="no chat template"):
        measure(order(folder), lambda message: parts.append(message.get("part", "")))
    assert "facts" in parts


def test_an_order_is_read_as_it_was_written(tmp_path: Path) -> None:
    wanted = order(tmp_path)
    rows = {split: [asdict(row) for row in members] for split, members in wanted.rows.items()}
    body = {**vars(wanted), "train": asdict(wanted.train), "plan": asdict(PLAN), "rows": rows}
    (tmp_path / "order.json").write_text(json.dumps(body))
    assert read_order(tmp_path / "order.json") == wanted
