from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings, TrainSettings, TuneSettings
from tests.train.tune.toys import proposal
from train.tune.space import (
    parse_grid,
    propose_grid,
    propose_trials,
    recipe_digest,
    recipe_of,
    search_key,
    size_bucket,
)

TUNE = TuneSettings()


@given(seed=st.integers(0, 2**31 - 1), few=st.integers(1, 12), more=st.integers(12, 40))
def test_a_seed_fixes_the_trials_and_more_of_them_begin_with_the_fewer(
    seed: int, few: int, more: int
) -> None:
    assert propose_trials(TUNE, more, seed=seed)[:few] == propose_trials(TUNE, few, seed=seed)


@given(seed=st.integers(0, 2**31 - 1))
def test_trials_lie_within_the_ranges(seed: int) -> None:
    for found in propose_trials(TUNE, 50, seed=seed):
        assert found.epochs is not None
        assert TUNE.min_lr <= found.lr <= TUNE.max_lr
        assert TUNE.min_epochs <= found.epochs <= TUNE.max_epochs
        assert found.lora_r in {4, 8, 16, 32}
        assert found.global_batch in {2, 4, 8}


@given(seed=st.integers(0, 2**31 - 1))
def test_eight_trials_lie_on_both_sides_of_the_middle_and_try_most_ranks(seed: int) -> None:
    found = propose_trials(TUNE, 8, seed=seed)
    middle = (TUNE.min_lr * TUNE.max_lr) ** 0.5
    assert sum(p.lr < middle for p in found) in {3, 4, 5}
    assert len({p.lora_r for p in found}) >= 3
    assert len({p.lr for p in found}) == 8


def test_another_seed_proposes_other_trials() -> None:
    assert propose_trials(TUNE, 8, seed=1) != propose_trials(TUNE, 8, seed=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_lr": 1e-2, "max_lr": 1e-3}, "tune.min_lr=0.01 is above tune.max_lr=0.001"),
        ({"min_rank": 9, "max_rank": 15}, "no power of two from tune.min_rank=9"),
    ],
)
def test_an_empty_range_is_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        propose_trials(replace(TUNE, **changes), 1, seed=0)


def test_a_grid_is_all_combinations_of_what_it_names() -> None:
    grid = parse_grid(["lora_r=8,16", "lr=1e-4,1e-3"])
    found = propose_grid(TrainSettings(global_batch=6), grid)
    assert [(p.lr, p.lora_r) for p in found] == [(1e-4, 8), (1e-4, 16), (1e-3, 8), (1e-3, 16)]
    assert [p.number for p in found] == [1, 2, 3, 4]
    assert {(p.global_batch, p.epochs) for p in found} == {(6, None)}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("seed=1", "'seed' is none of lr, lora_r, epochs, global_batch"),
        ("lr=fast", "write lr=1e-4,1e-3"),
        ("lora_r=8.5", "invalid literal"),
        ("epochs=0", "above 0"),
        ("lr=nan", "above 0"),
    ],
)
def test_a_wrong_grid_is_refused(entry: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_grid([entry])


def test_epochs_become_steps_up_to_the_most() -> None:
    settings = Settings(tune=TuneSettings(max_steps=50, looks=8))
    short = recipe_of(proposal(1, epochs=2.0, global_batch=4), settings, sequences=60)
    assert (short["steps"], short["checkpoint_steps"]) == (30, 4)
    assert recipe_of(proposal(1, epochs=9.0), settings, sequences=60)["steps"] == 50
    assert recipe_of(proposal(1, epochs=0.5), settings, sequences=1)["steps"] == 1
    assert recipe_of(proposal(1, epochs=None), settings, sequences=60)["steps"] == 50


def test_the_scale_of_an_adapter_keeps_its_ratio_to_the_rank() -> None:
    settings = Settings(train=TrainSettings(lora_r=16, lora_alpha=32))
    assert recipe_of(proposal(1, lora_r=4), settings, sequences=60)["lora_alpha"] == 8


def test_a_bucket_is_the_power_of_two_that_is_reached() -> None:
    assert [size_bucket(n) for n in (0, 1, 2, 3, 1023, 1024, 1025)] == [1, 1, 2, 2, 512, 1024, 1024]


def test_a_search_is_known_by_base_amount_method_and_ranges() -> None:
    plain = Settings()
    key = search_key(plain, base="a", examples=1000)
    assert search_key(plain, base="a", examples=600) == key
    assert search_key(plain, base="a", examples=1024) != key
    assert search_key(plain, base="b", examples=1000) != key
    assert search_key(plain, base="a", examples=1000, grid=[proposal(1)]) != key
    for changed in (
        replace(plain, train=replace(plain.train, method="qlora")),
        replace(plain, train=replace(plain.train, max_length=512)),
        replace(plain, tune=replace(plain.tune, max_lr=0.5)),
    ):
        assert search_key(changed, base="a", examples=1000) != key
    same = replace(plain, tune=replace(plain.tune, trials=99, parallel=9))
    assert search_key(same, base="a", examples=1000) == key


def test_trials_compare_if_nothing_but_the_search_differs() -> None:
    plain = Settings()
    known = recipe_digest(plain, snapshot_id="s")

    def with_train(**changes: object) -> str:
        changed = replace(plain, train=replace(plain.train, **changes))
        return recipe_digest(changed, snapshot_id="s")

    assert with_train(lr=0.1, steps=3, runs_dir="elsewhere", global_batch=8) == known
    assert with_train(seed=8) != known
    assert with_train(precision="fp32") != known
    assert with_train(lora_alpha=64) != known
    assert recipe_digest(plain, snapshot_id="t") != known
