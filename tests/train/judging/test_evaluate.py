import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from deskwheel.settings import GateSettings, Settings
from tests.train.rows import chat_rows, quick
from train.judging.evaluate import evaluate_models
from train.judging.metrics import HIGHER_IS_BETTER
from train.judging.scores import from_plain, to_plain
from train.model import attach, load_base, load_tokenizer, save_adapter

SETTINGS = Settings(gate=GateSettings(max_examples=3, max_new_tokens=8), train=quick())


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(quick())


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> list[Path]:
    folders = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
        folder = tmp_path_factory.mktemp("adapters") / str(seed)
        model = get_peft_model(load_base(quick()), config)
        save_adapter(model, tokenizer, folder, base_model="demo")
        folders.append(folder)
    return folders


def score(tokenizer: Any, challenger: Path, champion: Path | None) -> Any:
    model = attach(load_base(quick()), challenger, name="challenger", tokenizer=tokenizer)
    rows = chat_rows(8)
    return evaluate_models(model, tokenizer, rows, settings=SETTINGS, champion_dir=champion)


def test_three_models_are_scored_on_the_same_examples(tokenizer: Any, adapters: list[Path]) -> None:
    scored = score(tokenizer, adapters[0], adapters[1])
    ids = {name: [s.example_id for s in result.scores] for name, result in scored.items()}
    assert set(ids) == {"base", "champion", "challenger"}
    assert ids["base"] == ids["champion"] == ids["challenger"]
    assert len(ids["base"]) == 3
    for result in scored.values():
        assert set(result.scores[0].values) == set(HIGHER_IS_BETTER)
        assert result.summary["perplexity"] >= 1
    assert len({result.summary["nll"] for result in scored.values()}) == 3


def test_an_adapter_scores_the_same_as_champion_and_as_challenger(
    tokenizer: Any, adapters: list[Path]
) -> None:
    scored = score(tokenizer, adapters[0], adapters[0])
    assert scored["champion"].answers == scored["challenger"].answers


def test_without_a_champion_the_prompt_bot_is_scored(tokenizer: Any, adapters: list[Path]) -> None:
    scored = score(tokenizer, adapters[0], None)
    assert scored["champion"].summary["nll"] != scored["base"].summary["nll"]


def test_scores_survive_the_way_through_json(tokenizer: Any, adapters: list[Path]) -> None:
    scored = score(tokenizer, adapters[0], None)
    assert from_plain(json.loads(json.dumps(to_plain(scored)))) == scored
